package idmhttp

import (
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
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/idmapi"
)

// Client is an idm.Service that is served elsewhere.
//
// UpdateUser reads, changes and writes, and begins again when somebody else wrote in between: its change may run more than once.
// Of times, Introspect knows whole seconds only.
type Client struct {
	api        *idmapi.Client
	credential authz.Credential
	timeout    time.Duration
	slow       time.Duration
}

var _ idm.Service = (*Client)(nil)

// A ClientOption changes a Client from its defaults.
type ClientOption func(*Client)

// WithCredential is whom the client calls as: a service. Without it, it forwards the credential that a call's context carries, and
// what the http.Client adds.
func WithCredential(c authz.Credential) ClientOption { return func(cl *Client) { cl.credential = c } }

// WithTimeout bounds how long a decision may take, retries included. Default: 2 seconds.
func WithTimeout(d time.Duration) ClientOption { return func(cl *Client) { cl.timeout = d } }

// WithAdminTimeout bounds all other calls. Default: 15 seconds.
func WithAdminTimeout(d time.Duration) ClientOption { return func(cl *Client) { cl.slow = d } }

// NewClient calls the service at baseURL. hc may carry an OAuth 2.0 transport; nil means a client of its own. Redirects are
// not followed. It panics when baseURL is not an absolute http or https address.
func NewClient(baseURL string, hc *http.Client, opts ...ClientOption) *Client {
	if !strings.HasPrefix(baseURL, "http://") && !strings.HasPrefix(baseURL, "https://") {
		panic(fmt.Sprintf("idmhttp: %q is not an http or https address", baseURL))
	}
	c := &Client{timeout: 2 * time.Second, slow: 15 * time.Second}
	for _, o := range opts {
		o(c)
	}
	var own http.Client
	if hc != nil {
		own = *hc
	} else {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.Proxy = nil // libraries don't read the environment
		t.MaxIdleConnsPerHost = 64
		own.Transport = t
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	api, err := idmapi.NewClient(strings.TrimRight(baseURL, "/"), idmapi.WithHTTPClient(&own), idmapi.WithRequestEditorFn(c.edit))
	if err != nil {
		panic(fmt.Sprintf("idmhttp: %v", err))
	}
	c.api = api
	return c
}

// edit says who calls, and for which request.
func (c *Client) edit(ctx context.Context, r *http.Request) error {
	credential := c.credential
	if credential.IsZero() {
		credential = authz.CredentialFrom(ctx)
	}
	authz.SetRequest(r, credential)
	if rid := httpx.RequestIDFrom(ctx); rid != "" {
		r.Header.Set(httpx.RequestIDHeader, rid)
	}
	return nil
}

// What an answer may have at most.
const (
	maxAnswer   = 1 << 20
	maxLongList = 256 << 20
)

// call sends a request until it is answered, and decodes the answer into out unless that is nil. With again it repeats a few times when
// the connection fails or the service is unavailable for a moment.
func (c *Client) call(ctx context.Context, timeout time.Duration, again bool, limit int64, out any, send func(ctx context.Context) (*http.Response, error)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tries := uint64(0)
	if again {
		tries = 2
	}
	pause := backoff.NewExponentialBackOff(backoff.WithInitialInterval(20*time.Millisecond), backoff.WithMaxInterval(200*time.Millisecond))
	return backoff.Retry(func() error {
		resp, err := send(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return backoff.Permanent(err)
			}
			return err
		}
		defer func() {
			_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
			_ = resp.Body.Close()
		}()
		switch {
		case resp.StatusCode == http.StatusServiceUnavailable:
			return wireError(resp)
		case resp.StatusCode < 200 || resp.StatusCode > 299:
			return backoff.Permanent(wireError(resp))
		case out == nil:
			return nil
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
		if err != nil {
			return err
		}
		if int64(len(body)) > limit {
			return backoff.Permanent(fmt.Errorf("idm answered more than %d bytes", limit))
		}
		if err := json.Unmarshal(body, out); err != nil {
			return backoff.Permanent(fmt.Errorf("idm answered nonsense: %w", err))
		}
		return nil
	}, backoff.WithContext(backoff.WithMaxRetries(pause, tries), ctx))
}

// known are the errors that come back as what they were.
var known = []error{
	idm.ErrNotFound, idm.ErrConflict, idm.ErrInvalid, idm.ErrCredentials, idm.ErrTooManyAttempts, idm.ErrLastOwner, errChanged, errNotReady,
}

// wireError reads an error answer. That the service refuses this process is not to be mistaken for a denial of whoever it works
// for.
func wireError(resp *http.Response) error {
	err := problem.Decode(resp, known...)
	if errors.Is(err, authz.ErrUnauthenticated) || errors.Is(err, authz.ErrDenied) {
		return &unavailableError{fmt.Errorf("idm refuses this service's own credential (HTTP %d)", resp.StatusCode)}
	}
	return err
}

// unavailableError is an authz.ErrUnavailable with a cause for logs.
type unavailableError struct{ cause error }

func (e *unavailableError) Error() string { return authz.ErrUnavailable.Error() }

func (e *unavailableError) Unwrap() []error {
	if _, ok := errors.AsType[*problem.Remote](e.cause); ok {
		return []error{authz.ErrUnavailable} // an error of the other process must not pass for one of this
	}
	return []error{authz.ErrUnavailable, e.cause}
}

// ask makes a decision call: whatever goes wrong is authz.ErrUnavailable.
func (c *Client) ask(ctx context.Context, out any, send func(ctx context.Context) (*http.Response, error)) error {
	err := c.call(ctx, c.timeout, true, maxAnswer, out, send)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return &unavailableError{err}
	}
	return nil
}

// subject is the AuthZEN subject of a credential. ok is false when the service needn't be asked: why is what it would say.
func subject(c authz.Credential) (s idmapi.Subject, why string, ok bool) {
	switch c.Kind {
	case "":
		return s, "a credential is needed", false
	case authz.Session:
		return idmapi.Subject{Type: subjectSession, ID: c.Secret}, "", true
	case authz.APIKey:
		if strings.Contains(c.ID, ":") {
			return s, "the id or the key is wrong", false
		}
		return idmapi.Subject{Type: subjectKey, ID: c.ID + ":" + c.Secret}, "", true
	case authz.Trusted:
		return idmapi.Subject{Type: trustedType(c.ID), ID: c.ID}, "", true
	}
	return s, "this kind of credential is not known", false
}

// Authorize decides one request.
func (c *Client) Authorize(ctx context.Context, req authz.Request) (authz.Decision, error) {
	s, why, ok := subject(req.Credential)
	if !ok {
		return authz.Decision{Reason: why}, nil
	}
	body := idmapi.EvaluationRequest{
		Subject: s, Action: idmapi.Action{Name: string(req.Action)}, Resource: idmapi.Resource{Type: req.Resource.Type, ID: req.Resource.ID},
	}
	var answer struct {
		Decision *bool              `json:"decision"`
		Context  *evaluationContext `json:"context"`
	}
	if err := c.ask(ctx, &answer, func(ctx context.Context) (*http.Response, error) {
		return c.api.Evaluate(ctx, nil, body)
	}); err != nil {
		return authz.Decision{}, err
	}
	if answer.Decision == nil || answer.Context == nil {
		return authz.Decision{}, &unavailableError{errors.New("idm's answer holds no decision")}
	}
	d := evaluation{*answer.Decision, *answer.Context}.decision()
	if d.Allowed && (!d.Authenticated || d.Principal.ID == "") {
		return authz.Decision{}, &unavailableError{errors.New("idm allows it to nobody")}
	}
	return d, nil
}

// Filter decides many, a few thousand at a time.
func (c *Client) Filter(ctx context.Context, req authz.Request, ids []string) ([]string, error) {
	s, _, ok := subject(req.Credential)
	if !ok || len(ids) == 0 {
		return nil, nil
	}
	var out []string
	for len(ids) > 0 {
		some := ids[:min(len(ids), maxIDs)]
		ids = ids[len(some):]
		body := idmapi.FilterRequest{Subject: s, Action: idmapi.Action{Name: string(req.Action)}, Ids: some}
		body.Resource.Type = req.Resource.Type
		var answer struct {
			IDs *[]string `json:"ids"`
		}
		if err := c.ask(ctx, &answer, func(ctx context.Context) (*http.Response, error) { return c.api.Filter(ctx, body) }); err != nil {
			return nil, err
		}
		if answer.IDs == nil || !within(*answer.IDs, some) {
			return nil, &unavailableError{errors.New("idm's answer is no part of the question")}
		}
		out = append(out, *answer.IDs...)
	}
	return out, nil
}

// within reports whether some is what is left of all when things are taken out.
func within(some, all []string) bool {
	for _, s := range all {
		if len(some) > 0 && some[0] == s {
			some = some[1:]
		}
	}
	return len(some) == 0
}

// Introspect says what a token stands for.
func (c *Client) Introspect(ctx context.Context, token string) (*idm.TokenInfo, error) {
	var answer struct {
		Active *bool `json:"active"`
		idmapi.Introspection
	}
	err := c.ask(ctx, &answer, func(ctx context.Context) (*http.Response, error) {
		return c.api.IntrospectWithFormdataBody(ctx, idmapi.TokenForm{Token: token})
	})
	if err != nil {
		return nil, err
	}
	if answer.Active == nil {
		return nil, &unavailableError{errors.New("idm's answer does not say whether the token is active")}
	}
	answer.Introspection.Active = *answer.Active
	return fromAPIIntrospection(&answer.Introspection), nil
}
