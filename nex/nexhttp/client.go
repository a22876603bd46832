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
	base       string
	http       *http.Client
	credential authz.Credential
	retries    uint64
}

var _ nex.Service = (*Client)(nil)

// NewClient calls the service at baseURL, such as "https://nex.example.com". A nil hc is a client of its own with a timeout of a
// minute.
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

// request makes one attempt's request with the generated code.
type request func(base string) (*http.Request, error)

// errAgain is a failure that another attempt may mend.
type errAgain struct{ error }

func (e errAgain) Unwrap() error { return e.error }

// call sends a request, again where that may help, and reads the answer into out, or as the error that it stands for.
func (c *Client) call(ctx context.Context, build request, out any) error {
	attempt := func() error {
		err := c.once(ctx, build, out)
		if _, again := errors.AsType[errAgain](err); again && ctx.Err() == nil {
			return err
		}
		return permanent(err)
	}
	policy := backoff.NewExponentialBackOff(backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(time.Second))
	return backoff.Retry(attempt, backoff.WithContext(backoff.WithMaxRetries(policy, c.retries), ctx))
}

func permanent(err error) error {
	if err == nil {
		return nil
	}
	return backoff.Permanent(err)
}

// once is call without a second attempt.
func (c *Client) once(ctx context.Context, build request, out any) error {
	req, err := build(c.base)
	if err != nil {
		return err
	}
	req = req.WithContext(ctx)
	authz.SetRequest(req, authz.Outgoing(ctx, c.credential))
	req.Header.Set("Accept", "application/json")
	if rid := httpx.RequestIDFrom(ctx); rid != "" {
		req.Header.Set(httpx.RequestIDHeader, rid)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return errAgain{err}
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		err := problem.Decode(resp, nex.ErrNotFound, nex.ErrConflict, nex.ErrInvalid, nex.ErrBusy)
		if resp.StatusCode == http.StatusServiceUnavailable {
			return errAgain{err}
		}
		return err
	}
	if out == nil {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return errAgain{fmt.Errorf("read nex's answer: %w", err)}
	case len(body) > maxAnswer:
		return fmt.Errorf("nex's answer is larger than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("read nex's answer: %w", err)
	}
	return nil
}

// app makes a call whose answer is an app.
func (c *Client) app(ctx context.Context, send func(context.Context, request, any) error, build request) (*nex.App, error) {
	var a nexapi.App
	if err := send(ctx, build, &a); err != nil {
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
	if t.Name == "" || t.Name == "." || t.Name == ".." {
		return problem.Invalid(nex.ErrInvalid, "name", "must be a DNS label")
	}
	body := nexapi.TemplateBody{
		Version: optional(t.Version), Command: t.Command, Env: t.Env, HealthPath: optional(t.HealthPath), StopGrace: optional(t.StopGrace.Seconds()),
	}
	if body.Command == nil {
		body.Command = []string{}
	}
	return c.call(ctx, func(base string) (*http.Request, error) { return nexapi.NewPutTemplateRequest(base, t.Name, body) }, nil)
}

// ListTemplates lists the templates by name.
func (c *Client) ListTemplates(ctx context.Context) ([]*nex.Template, error) {
	var list nexapi.TemplateList
	if err := c.call(ctx, nexapi.NewListTemplatesRequest, &list); err != nil {
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
	send := c.call
	if spec.UID == "" {
		send = c.once
	}
	body := nexapi.AppSpec{
		UID: optional(spec.UID), Name: optional(spec.Name), Organization: spec.Organization, Template: spec.Template, Env: spec.Env,
	}
	return c.app(ctx, send, func(base string) (*http.Request, error) { return nexapi.NewCreateAppRequest(base, body) })
}

// GetApp returns an app.
func (c *Client) GetApp(ctx context.Context, uid string) (*nex.App, error) {
	if err := named(uid); err != nil {
		return nil, err
	}
	return c.app(ctx, c.call, func(base string) (*http.Request, error) { return nexapi.NewGetAppRequest(base, uid) })
}

// ListApps lists apps by uid.
func (c *Client) ListApps(ctx context.Context, organization string) ([]*nex.App, error) {
	var list nexapi.AppList
	err := c.call(ctx, func(base string) (*http.Request, error) {
		return nexapi.NewListAppsRequest(base, &nexapi.ListAppsParams{Organization: optional(organization)})
	}, &list)
	if err != nil {
		return nil, err
	}
	out := make([]*nex.App, len(list.Apps))
	for i := range list.Apps {
		out[i] = fromAPIApp(&list.Apps[i])
	}
	return out, nil
}

// ConfigureApp replaces an app's own environment.
func (c *Client) ConfigureApp(ctx context.Context, uid string, env map[string]string) (*nex.App, error) {
	if err := named(uid); err != nil {
		return nil, err
	}
	if env == nil {
		env = map[string]string{}
	}
	return c.app(ctx, c.call, func(base string) (*http.Request, error) {
		return nexapi.NewConfigureAppRequest(base, uid, nexapi.AppEnv{Env: env})
	})
}

// StartApp starts a stopped app.
func (c *Client) StartApp(ctx context.Context, uid string) (*nex.App, error) {
	if err := named(uid); err != nil {
		return nil, err
	}
	return c.app(ctx, c.call, func(base string) (*http.Request, error) { return nexapi.NewStartAppRequest(base, uid) })
}

// StopApp stops an app.
func (c *Client) StopApp(ctx context.Context, uid string) (*nex.App, error) {
	if err := named(uid); err != nil {
		return nil, err
	}
	return c.app(ctx, c.call, func(base string) (*http.Request, error) { return nexapi.NewStopAppRequest(base, uid) })
}

// RestartApp stops and starts.
func (c *Client) RestartApp(ctx context.Context, uid string) (*nex.App, error) {
	if err := named(uid); err != nil {
		return nil, err
	}
	return c.app(ctx, c.once, func(base string) (*http.Request, error) { return nexapi.NewRestartAppRequest(base, uid) })
}

// TerminateApp removes the app for good.
func (c *Client) TerminateApp(ctx context.Context, uid string) (*nex.App, error) {
	if err := named(uid); err != nil {
		return nil, err
	}
	return c.app(ctx, c.call, func(base string) (*http.Request, error) { return nexapi.NewTerminateAppRequest(base, uid) })
}

// Logs returns the last lines.
func (c *Client) Logs(ctx context.Context, uid string, tail int) ([]nex.LogLine, error) {
	if err := named(uid); err != nil {
		return nil, err
	}
	var logs nexapi.Logs
	err := c.call(ctx, func(base string) (*http.Request, error) {
		return nexapi.NewGetLogsRequest(base, uid, &nexapi.GetLogsParams{Tail: optional(tail)})
	}, &logs)
	if err != nil {
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
	return c.call(ctx, nexapi.NewGetReadyRequest, nil)
}
