package connechttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/openapi/connecapi"
)

// maxAnswer bounds what a Client reads of one answer.
const maxAnswer = 256 << 20

// ClientOption changes how a [Client] calls.
type ClientOption func(*Client)

// WithCredential is the client's own credential. It goes with calls whose context carries a Trusted credential, which has no form on the
// wire: what this process does for the platform. An anonymous call stays anonymous.
func WithCredential(c authz.Credential) ClientOption {
	return func(cl *Client) { cl.credential = c }
}

// WithRetries is how often a call that may be repeated is tried again when there is no connection or the answer is 503. The
// default is 2; creates and batches are never repeated.
func WithRetries(n int) ClientOption {
	return func(cl *Client) { cl.retries = uint64(max(n, 0)) }
}

// Client is a connec.Service that another process serves with [NewHandler]. It is safe for concurrent use.
type Client struct {
	base       string
	http       *http.Client
	credential authz.Credential
	retries    uint64
}

var _ connec.Service = (*Client)(nil)

// NewClient calls the service at baseURL, such as "https://connec.example.com". A nil hc is a client of its own with a timeout of
// a minute.
func NewClient(baseURL string, hc *http.Client, opts ...ClientOption) *Client {
	if hc == nil {
		hc = &http.Client{Timeout: time.Minute, Transport: newTransport()}
	}
	c := &Client{base: strings.TrimRight(baseURL, "/") + "/", http: hc, retries: 2}
	for _, o := range opts {
		o(c)
	}
	return c
}

// newTransport keeps enough connections for a server that makes each of its requests a call.
func newTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport // the program has put its own there
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 64
	return t
}

// result is an answer with a good status.
type result struct {
	status int
	body   []byte
}

// do sends what build makes and reads the answer. Answers with an error status become errors.
func (c *Client) do(ctx context.Context, build func() (*http.Request, error)) (*result, error) {
	var res *result
	attempt := func() error {
		req, err := build()
		if err != nil {
			return backoff.Permanent(err)
		}
		idempotent := req.Method != http.MethodPost
		res, err = c.once(ctx, req)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || !idempotent:
			return backoff.Permanent(err)
		case isTransport(err), res != nil && res.status == http.StatusServiceUnavailable:
			return err
		default:
			return backoff.Permanent(err)
		}
	}
	policy := backoff.NewExponentialBackOff(backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(time.Second))
	if err := backoff.Retry(attempt, backoff.WithContext(backoff.WithMaxRetries(policy, c.retries), ctx)); err != nil {
		return nil, err
	}
	return res, nil
}

// transportError is a request that got no answer.
type transportError struct{ err error }

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

func isTransport(err error) bool {
	_, ok := errors.AsType[*transportError](err)
	return ok
}

// once returns a result even with an error, if there was an answer.
func (c *Client) once(ctx context.Context, req *http.Request) (*result, error) {
	req = req.WithContext(ctx)
	req.Header.Set("Accept", mediaJSON)
	authz.SetRequest(req, authz.Outgoing(ctx, c.credential))
	if rid := httpx.RequestIDFrom(ctx); rid != "" {
		req.Header.Set(httpx.RequestIDHeader, rid)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &transportError{err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, &transportError{fmt.Errorf("read the answer: %w", err)}
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("the answer to %s %s is larger than %d bytes", req.Method, req.URL.Path, maxAnswer)
	}
	res := &result{status: resp.StatusCode, body: body}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return res, fromErrors(resp.StatusCode, body)
	}
	return res, nil
}

// decode reads an answer with exact numbers.
func decode(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("the answer is not what connec answers: %w", err)
	}
	return nil
}

// headers are a read's options as the API's headers.
func headers(o connec.ReadOptions) (externalIDs, countryFormat, versions *string) {
	versions = new("true")
	if o.ExternalIDs {
		externalIDs = new("true")
	}
	if o.CountryAlpha2 {
		countryFormat = new("alpha2")
	}
	return externalIDs, countryFormat, versions
}

// Create adds a record, or updates the one that opts find.
func (c *Client) Create(ctx context.Context, group, collection string, attrs map[string]any, opts connec.WriteOptions) (*connec.Resource, connec.Outcome, error) {
	if err := checkPath(group, collection, ""); err != nil {
		return nil, 0, err
	}
	body, err := encodeWrite(collection, attrs, opts)
	if err != nil {
		return nil, 0, err
	}
	p := &connecapi.CreateRecordParams{}
	p.ExternalIDs, p.CountryFormat, p.Versions = headers(opts.ReadOptions)
	res, err := c.do(ctx, func() (*http.Request, error) {
		return connecapi.NewCreateRecordRequest(c.base, group, collection, p, body)
	})
	if err != nil {
		return nil, 0, err
	}
	r, err := decodeEnvelope(res.body, opts.ReadOptions)
	if err != nil {
		return nil, 0, err
	}
	if res.status == http.StatusCreated {
		return r, connec.Created, nil
	}
	return r, connec.Matched, nil
}

// Update merges attributes into a record.
func (c *Client) Update(ctx context.Context, group, collection, id string, attrs map[string]any, opts connec.WriteOptions) (*connec.Resource, error) {
	if err := checkPath(group, collection, id); err != nil {
		return nil, err
	}
	body, err := encodeWrite(collection, attrs, opts)
	if err != nil {
		return nil, err
	}
	xids, country, versions := headers(opts.ReadOptions)
	res, err := c.do(ctx, func() (*http.Request, error) {
		if id == "" {
			return connecapi.NewUpdateSingletonRequest(c.base, group, collection,
				&connecapi.UpdateSingletonParams{ExternalIDs: xids, CountryFormat: country, Versions: versions}, body)
		}
		return connecapi.NewUpdateRecordRequest(c.base, group, collection, id,
			&connecapi.UpdateRecordParams{ExternalIDs: xids, CountryFormat: country, Versions: versions}, body)
	})
	if err != nil {
		return nil, err
	}
	return decodeEnvelope(res.body, opts.ReadOptions)
}

// Get returns a record.
func (c *Client) Get(ctx context.Context, group, collection, id string, opts connec.ReadOptions) (*connec.Resource, error) {
	if err := checkPath(group, collection, id); err != nil {
		return nil, err
	}
	xids, country, versions := headers(opts)
	res, err := c.do(ctx, func() (*http.Request, error) {
		if id == "" {
			return connecapi.NewListRecordsRequest(c.base, group, collection,
				&connecapi.ListRecordsParams{ExternalIDs: xids, CountryFormat: country, Versions: versions})
		}
		return connecapi.NewGetRecordRequest(c.base, group, collection, id,
			&connecapi.GetRecordParams{ExternalIDs: xids, CountryFormat: country, Versions: versions})
	})
	if err != nil {
		return nil, err
	}
	if id == "" {
		if _, list, err := splitEnvelope(res.body); err == nil && len(list) > 0 && list[0] == '[' {
			return nil, connec.ErrNotFound // a record without an id, of a collection that has many
		}
	}
	return decodeEnvelope(res.body, opts)
}

// List returns a page of records.
func (c *Client) List(ctx context.Context, group, collection string, q connec.Query) (*connec.Page, error) {
	if err := checkPath(group, collection, ""); err != nil {
		return nil, err
	}
	p := &connecapi.ListRecordsParams{Filter: some(q.Filter), OrderBy: some(q.OrderBy), Top: some(q.Top), Skip: some(q.Skip), As: new(asList)}
	p.ExternalIDs, p.CountryFormat, p.Versions = headers(q.ReadOptions)
	res, err := c.do(ctx, func() (*http.Request, error) {
		return connecapi.NewListRecordsRequest(c.base, group, collection, p)
	})
	if err != nil {
		return nil, err
	}
	return decodePage(res.body, q.ReadOptions)
}

// Ready asks whether the service can answer.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.do(ctx, func() (*http.Request, error) { return connecapi.NewGetReadyRequest(c.base) })
	return err
}

// checkPath refuses what would not arrive as it is, because a URL or the handler's tolerance gives it another meaning. There is
// nothing by such names.
func checkPath(group, collection, id string) error {
	switch {
	case odd(group):
		return fmt.Errorf("group %q: %w", group, authz.ErrDenied)
	case odd(collection):
		return fmt.Errorf("%w: there is no collection %q", connec.ErrUnknownCollection, collection)
	case id != "" && odd(id), id == "example":
		return fmt.Errorf("%s/%s: %w", collection, id, connec.ErrNotFound)
	}
	return nil
}

func odd(s string) bool { return s == "" || s == "." || s == ".." || strings.HasSuffix(s, ".json") }

// some is nil for the zero value, which the service has a default for.
func some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
