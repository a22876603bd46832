package nexhttp

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
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/openapi/nexapi"
)

// maxAnswer bounds what a Client reads of one answer.
const maxAnswer = 64 << 20

// ClientOption changes how a [Client] calls.
type ClientOption func(*Client)

// WithCredential is the client's own credential. It goes with calls whose context carries a Trusted credential, which has no form on the
// wire: what this process does for the platform. An anonymous call stays anonymous.
func WithCredential(c authz.Credential) ClientOption {
	return func(cl *Client) { cl.credential = c }
}

// WithRetries is how often a call that may be repeated is tried again when there is no connection or the answer is 503: twice
// unless given. Only a restart, and the creation of an app without a uid, are never repeated.
func WithRetries(n int) ClientOption {
	return func(cl *Client) { cl.retries = uint64(max(n, 0)) }
}

// Client is a nex.Service that another process serves with [NewHandler]. It is safe for concurrent use.
type Client struct {
	http       *http.Client
	credential authz.Credential
	retries    uint64
	api        *nexapi.Client
	bad        error // from the base URL
}

var _ nex.Service = (*Client)(nil)

// NewClient calls the service at baseURL, such as "https://nex.example.com". A nil hc is a client of its own with a timeout of a
// minute.
func NewClient(baseURL string, hc *http.Client, opts ...ClientOption) *Client {
	if hc == nil {
		hc = &http.Client{Timeout: time.Minute}
	}
	c := &Client{http: hc, retries: 2}
	for _, o := range opts {
		o(c)
	}
	c.api, c.bad = nexapi.NewClient(strings.TrimRight(baseURL, "/"), nexapi.WithHTTPClient(c))
	return c
}

type onceKey struct{}

// Do sends a request of the generated client, with the credential, and again if that may help and can't hurt.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	cred := authz.CredentialFrom(ctx)
	if cred.Kind == authz.Trusted {
		cred = c.credential
	}
	authz.SetRequest(req, cred)
	req.Header.Set("Accept", "application/json")
	if rid := httpx.RequestIDFrom(ctx); rid != "" {
		req.Header.Set(httpx.RequestIDHeader, rid)
	}
	if ctx.Value(onceKey{}) != nil {
		return c.http.Do(req)
	}
	var resp *http.Response
	tries := uint64(0)
	attempt := func() (err error) {
		if tries++; tries > 1 && req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return backoff.Permanent(err)
			}
		}
		resp, err = c.http.Do(req)
		switch {
		case err != nil && ctx.Err() != nil:
			return backoff.Permanent(err)
		case err != nil:
			return err
		case resp.StatusCode == http.StatusServiceUnavailable && tries <= c.retries:
			_ = resp.Body.Close()
			return errors.New(resp.Status)
		}
		return nil
	}
	policy := backoff.NewExponentialBackOff(backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(time.Second))
	if err := backoff.Retry(attempt, backoff.WithContext(backoff.WithMaxRetries(policy, c.retries), ctx)); err != nil {
		return nil, err
	}
	return resp, nil
}

// read takes an answer in: into out, or as the error that it stands for.
func read(resp *http.Response, err error, out any) error {
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return problem.Decode(resp, nex.ErrNotFound, nex.ErrConflict, nex.ErrInvalid, nex.ErrBusy)
	}
	if out == nil {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("read nex's answer: %w", err)
	case len(body) > maxAnswer:
		return fmt.Errorf("nex's answer is larger than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("read nex's answer: %w", err)
	}
	return nil
}

// app reads an answer that is an app.
func app(resp *http.Response, err error) (*nex.App, error) {
	var a nexapi.App
	if err := read(resp, err, &a); err != nil {
		return nil, err
	}
	return fromAPIApp(&a), nil
}

// named makes an error of a uid that no app can have and no path can carry.
func named(uid string) error {
	if uid == "" || uid == "." || uid == ".." {
		return fmt.Errorf("app %q: %w", uid, nex.ErrNotFound)
	}
	return nil
}

// PutTemplate creates or replaces a template.
func (c *Client) PutTemplate(ctx context.Context, t nex.Template) error {
	if c.bad != nil {
		return c.bad
	}
	if t.Name == "" || t.Name == "." || t.Name == ".." {
		return problem.Invalid(nex.ErrInvalid, "name", "must be a DNS label")
	}
	body := nexapi.TemplateBody{
		Version: optional(t.Version), Command: t.Command, Env: t.Env, HealthPath: optional(t.HealthPath), StopGrace: optional(t.StopGrace.Seconds()),
	}
	if body.Command == nil {
		body.Command = []string{}
	}
	resp, err := c.api.PutTemplate(ctx, t.Name, body)
	return read(resp, err, nil)
}

// ListTemplates lists the templates by name.
func (c *Client) ListTemplates(ctx context.Context) ([]*nex.Template, error) {
	if c.bad != nil {
		return nil, c.bad
	}
	var list nexapi.TemplateList
	resp, err := c.api.ListTemplates(ctx)
	if err := read(resp, err, &list); err != nil {
		return nil, err
	}
	out := make([]*nex.Template, len(list.Templates))
	for i, t := range list.Templates {
		out[i] = &nex.Template{Name: t.Name, Version: t.Version, Command: t.Command, HealthPath: t.HealthPath, StopGrace: duration(t.StopGrace)}
		if len(t.Env) > 0 {
			out[i].Env = t.Env
		}
	}
	return out, nil
}

// CreateApp stores an app and starts it.
func (c *Client) CreateApp(ctx context.Context, spec nex.AppSpec) (*nex.App, error) {
	if c.bad != nil {
		return nil, c.bad
	}
	if spec.UID == "" {
		ctx = context.WithValue(ctx, onceKey{}, true)
	}
	return app(c.api.CreateApp(ctx, nexapi.AppSpec{
		UID: optional(spec.UID), Name: optional(spec.Name), Organization: spec.Organization, Template: spec.Template, Env: spec.Env,
	}))
}

// GetApp returns an app.
func (c *Client) GetApp(ctx context.Context, uid string) (*nex.App, error) {
	if err := errors.Join(c.bad, named(uid)); err != nil {
		return nil, err
	}
	return app(c.api.GetApp(ctx, uid))
}

// ListApps lists apps by uid.
func (c *Client) ListApps(ctx context.Context, organization string) ([]*nex.App, error) {
	if c.bad != nil {
		return nil, c.bad
	}
	var list nexapi.AppList
	resp, err := c.api.ListApps(ctx, &nexapi.ListAppsParams{Organization: optional(organization)})
	if err := read(resp, err, &list); err != nil {
		return nil, err
	}
	out := make([]*nex.App, len(list.Apps))
	for i := range list.Apps {
		out[i] = fromAPIApp(&list.Apps[i])
	}
	return out, nil
}

// StartApp starts a stopped app.
func (c *Client) StartApp(ctx context.Context, uid string) (*nex.App, error) {
	if err := errors.Join(c.bad, named(uid)); err != nil {
		return nil, err
	}
	return app(c.api.StartApp(ctx, uid))
}

// StopApp stops an app.
func (c *Client) StopApp(ctx context.Context, uid string) (*nex.App, error) {
	if err := errors.Join(c.bad, named(uid)); err != nil {
		return nil, err
	}
	return app(c.api.StopApp(ctx, uid))
}

// RestartApp stops and starts.
func (c *Client) RestartApp(ctx context.Context, uid string) (*nex.App, error) {
	if err := errors.Join(c.bad, named(uid)); err != nil {
		return nil, err
	}
	return app(c.api.RestartApp(context.WithValue(ctx, onceKey{}, true), uid))
}

// TerminateApp removes the app for good.
func (c *Client) TerminateApp(ctx context.Context, uid string) (*nex.App, error) {
	if err := errors.Join(c.bad, named(uid)); err != nil {
		return nil, err
	}
	return app(c.api.TerminateApp(ctx, uid))
}

// Logs returns the last lines.
func (c *Client) Logs(ctx context.Context, uid string, tail int) ([]nex.LogLine, error) {
	if err := errors.Join(c.bad, named(uid)); err != nil {
		return nil, err
	}
	var logs nexapi.Logs
	resp, err := c.api.GetLogs(ctx, uid, &nexapi.GetLogsParams{Tail: optional(tail)})
	if err := read(resp, err, &logs); err != nil {
		return nil, err
	}
	out := make([]nex.LogLine, len(logs.Lines))
	for i, l := range logs.Lines {
		out[i] = nex.LogLine{At: l.At.UTC(), Stream: string(l.Stream), Text: l.Text}
	}
	return out, nil
}

// Ready reports whether the service answers and says that it can.
func (c *Client) Ready(ctx context.Context) error {
	if c.bad != nil {
		return c.bad
	}
	resp, err := c.api.GetReady(ctx)
	return read(resp, err, nil)
}
