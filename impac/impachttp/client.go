package impachttp

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
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/openapi/impacapi"
)

// maxAnswer bounds what a Client reads of one answer.
const maxAnswer = 64 << 20

// ClientOption changes how a [Client] calls.
type ClientOption func(*Client)

// WithCredential is the client's own credential. It goes with calls whose context carries a Trusted credential, which has no form on the
// wire: what this process does for the platform. An anonymous call stays anonymous.
func WithCredential(c authz.Credential) ClientOption { return func(cl *Client) { cl.credential = c } }

// WithRetries is how often a call that may be repeated is tried again when there is no connection or the answer is 503. The
// default is 2; what creates something is never repeated.
func WithRetries(n int) ClientOption { return func(cl *Client) { cl.retries = uint64(max(n, 0)) } }

// Client is an impac.Service that another process serves with [NewHandler]. It is safe for concurrent use.
type Client struct {
	base       string
	http       *http.Client
	credential authz.Credential
	retries    uint64
}

var _ impac.Service = (*Client)(nil)

// NewClient calls the service at baseURL, such as "https://impac.example.com". A nil hc is a client of its own with a timeout of
// a minute.
func NewClient(baseURL string, hc *http.Client, opts ...ClientOption) *Client {
	if hc == nil {
		hc = &http.Client{Timeout: time.Minute}
	}
	c := &Client{base: strings.TrimRight(baseURL, "/") + "/", http: hc, retries: 2}
	for _, o := range opts {
		o(c)
	}
	return c
}

// Templates lists the widgets that there are.
func (c *Client) Templates(ctx context.Context) ([]impac.Template, error) {
	var list impacapi.TemplateList
	if err := c.do(ctx, true, &list, func() (*http.Request, error) { return impacapi.NewListTemplatesRequest(c.base) }); err != nil {
		return nil, err
	}
	out := make([]impac.Template, len(list.Widgets))
	for i, t := range list.Widgets {
		out[i] = impac.Template{Endpoint: t.Endpoint, Name: t.Name, Desc: t.Desc, Icon: t.Icon, Width: t.Width, Metadata: orEmpty(t.Metadata)}
	}
	return out, nil
}

// Show computes a widget.
func (c *Client) Show(ctx context.Context, endpoint string, params map[string]any) (*impac.WidgetData, error) {
	parts := strings.Split(endpoint, "/")
	for _, p := range parts {
		if p == "" || p == "." || p == ".." {
			parts = nil
		}
	}
	query, err := encodeNested("metadata", params)
	if err != nil {
		return nil, err
	}
	var data impacapi.WidgetData
	err = c.do(ctx, true, &data, func() (*http.Request, error) {
		var req *http.Request
		var err error
		switch len(parts) {
		case 2:
			req, err = impacapi.NewShowWidgetRequest(c.base, parts[0], parts[1])
		case 3:
			req, err = impacapi.NewShowGroupedWidgetRequest(c.base, parts[0], parts[1], parts[2])
		default:
			return nil, fmt.Errorf("widget %.100q: %w", endpoint, impac.ErrNotFound)
		}
		if err != nil {
			return nil, err
		}
		req.URL.RawQuery = query
		return req, nil
	})
	if err != nil {
		return nil, err
	}
	return &impac.WidgetData{Name: data.Name, Content: orEmpty(data.Content)}, nil
}

// Query runs one aggregate query.
func (c *Client) Query(ctx context.Context, q impac.Query) (*impac.Frame, error) {
	var f impacapi.Frame
	if err := c.do(ctx, true, &f, func() (*http.Request, error) { return impacapi.NewRunQueryRequest(c.base, toAPIQuery(q)) }); err != nil {
		return nil, err
	}
	return fromAPIFrame(f)
}

// ListDashboards lists the caller's, by ID.
func (c *Client) ListDashboards(ctx context.Context) ([]*impac.Dashboard, error) {
	var list []impacapi.Dashboard
	if err := c.do(ctx, true, &list, func() (*http.Request, error) { return impacapi.NewListDashboardsRequest(c.base) }); err != nil {
		return nil, err
	}
	var out []*impac.Dashboard
	for _, d := range list {
		out = append(out, fromAPIDashboard(d))
	}
	return out, nil
}

// CreateDashboard adds a dashboard of the caller's.
func (c *Client) CreateDashboard(ctx context.Context, d impac.Dashboard) (*impac.Dashboard, error) {
	var body impacapi.DashboardBody
	var err error
	in := &body.Dashboard
	in.Name, in.Currency = some(d.Name), some(d.Currency)
	if in.Metadata, err = toRawMetadata(d.Metadata); err != nil {
		return nil, err
	}
	for _, uid := range d.OrganizationIDs {
		b, err := json.Marshal(uid)
		if err != nil {
			return nil, err
		}
		in.OrganizationIds = append(in.OrganizationIds, b)
	}
	return c.dashboard(ctx, false, func() (*http.Request, error) { return impacapi.NewCreateDashboardRequest(c.base, body) })
}

// UpdateDashboard changes a dashboard.
func (c *Client) UpdateDashboard(ctx context.Context, id int64, p impac.DashboardPatch) (*impac.Dashboard, error) {
	var body impacapi.DashboardBody
	var err error
	in := &body.Dashboard
	in.Name, in.Currency, in.WidgetsOrder = p.Name, p.Currency, p.WidgetsOrder
	if in.Metadata, err = toRawMetadata(p.Metadata); err != nil {
		return nil, err
	}
	return c.dashboard(ctx, true, func() (*http.Request, error) { return impacapi.NewUpdateDashboardRequest(c.base, id, body) })
}

func (c *Client) dashboard(ctx context.Context, repeatable bool, build func() (*http.Request, error)) (*impac.Dashboard, error) {
	var d impacapi.Dashboard
	if err := c.do(ctx, repeatable, &d, build); err != nil {
		return nil, err
	}
	return fromAPIDashboard(d), nil
}

// DeleteDashboard drops a dashboard and its widgets.
func (c *Client) DeleteDashboard(ctx context.Context, id int64) error {
	return c.do(ctx, false, nil, func() (*http.Request, error) { return impacapi.NewDeleteDashboardRequest(c.base, id) })
}

// CreateWidget puts a widget on a dashboard.
func (c *Client) CreateWidget(ctx context.Context, dashboardID int64, w impac.Widget) (*impac.Widget, error) {
	md, err := toRawMetadata(w.Metadata)
	if err != nil {
		return nil, err
	}
	body := impacapi.NewWidget{Endpoint: some(w.Endpoint), Name: some(w.Name), Width: some(w.Width), Metadata: md}
	return c.widget(ctx, false, func() (*http.Request, error) { return impacapi.NewCreateWidgetRequest(c.base, dashboardID, body) })
}

// UpdateWidget changes a widget.
func (c *Client) UpdateWidget(ctx context.Context, id int64, p impac.WidgetPatch) (*impac.Widget, error) {
	var body impacapi.WidgetBody
	var err error
	body.Widget.Name, body.Widget.Width = p.Name, p.Width
	if body.Widget.Metadata, err = toRawMetadata(p.Metadata); err != nil {
		return nil, err
	}
	return c.widget(ctx, true, func() (*http.Request, error) { return impacapi.NewUpdateWidgetRequest(c.base, id, body) })
}

func (c *Client) widget(ctx context.Context, repeatable bool, build func() (*http.Request, error)) (*impac.Widget, error) {
	var w impacapi.Widget
	if err := c.do(ctx, repeatable, &w, build); err != nil {
		return nil, err
	}
	return fromAPIWidget(w), nil
}

// DeleteWidget takes a widget off its dashboard.
func (c *Client) DeleteWidget(ctx context.Context, id int64) error {
	return c.do(ctx, false, nil, func() (*http.Request, error) { return impacapi.NewDeleteWidgetRequest(c.base, id) })
}

// Ready asks whether the service can answer.
func (c *Client) Ready(ctx context.Context) error {
	return c.do(ctx, true, nil, func() (*http.Request, error) { return impacapi.NewGetReadyRequest(c.base) })
}

// do sends what build makes and decodes the answer. Answers with an error status become errors.
func (c *Client) do(ctx context.Context, repeatable bool, into any, build func() (*http.Request, error)) error {
	attempt := func() error {
		req, err := build()
		if err != nil {
			return backoff.Permanent(err)
		}
		body, err := c.once(ctx, req)
		if err == nil && into != nil {
			if err = decode(body, into); err != nil {
				err = fmt.Errorf("the answer is not what impac answers: %w", err)
			}
		}
		if _, again := errors.AsType[*retryable](err); again && repeatable && ctx.Err() == nil {
			return err
		}
		return permanent(err)
	}
	policy := backoff.NewExponentialBackOff(backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(time.Second))
	err := backoff.Retry(attempt, backoff.WithContext(backoff.WithMaxRetries(policy, c.retries), ctx))
	if r, ok := errors.AsType[*retryable](err); ok {
		return r.err
	}
	return err
}

func permanent(err error) error {
	if err == nil {
		return nil
	}
	return backoff.Permanent(err)
}

// retryable is a failure that another attempt may not meet: no connection, or a server that is not ready.
type retryable struct{ err error }

func (e *retryable) Error() string { return e.err.Error() }
func (e *retryable) Unwrap() error { return e.err }

func (c *Client) once(ctx context.Context, req *http.Request) ([]byte, error) {
	req = req.WithContext(ctx)
	req.Header.Set("Accept", "application/json")
	authz.SetRequest(req, authz.Outgoing(ctx, c.credential))
	if rid := httpx.RequestIDFrom(ctx); rid != "" {
		req.Header.Set(httpx.RequestIDHeader, rid)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &retryable{err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, &retryable{fmt.Errorf("read the answer: %w", err)}
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("the answer to %s %s is larger than %d bytes", req.Method, req.URL.Path, maxAnswer)
	case resp.StatusCode == http.StatusServiceUnavailable:
		return nil, &retryable{fromBody(resp.StatusCode, body)}
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, fromBody(resp.StatusCode, body)
	}
	return body, nil
}
