//nolint:bodyclose // the function answer closes every body
package hubhttp

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
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/hubapi"
)

// maxAnswer bounds what a Client reads of one answer.
const maxAnswer = 64 << 20

// known are the errors that an answer may stand for.
var known = []error{
	hub.ErrNotFound, hub.ErrConflict, hub.ErrInvalid, hub.ErrCredentials, hub.ErrTooManyAttempts, hub.ErrLastOwner, hub.ErrNotRunning,
}

// ClientOption configures a Client.
type ClientOption func(*Client)

// WithCredential sets the client's own credential. It goes with calls whose context carries a Trusted credential, which itself has no
// form on the wire: work that this process does for the platform. An anonymous call stays anonymous.
func WithCredential(c authz.Credential) ClientOption { return func(cl *Client) { cl.own = c } }

// WithRetries sets how often a call that may be repeated is tried again when there is no connection or the answer is 503. The default is 2.
func WithRetries(n int) ClientOption { return func(cl *Client) { cl.retries = uint64(max(n, 0)) } }

// Client is a hub.Service that is served elsewhere. Calls carry the credential that their context carries. It is safe for
// concurrent use.
type Client struct {
	api     *hubapi.Client
	http    *http.Client
	own     authz.Credential
	retries uint64
}

var _ hub.Service = (*Client)(nil)

// NewClient calls the hub at baseURL, such as "https://hub.example.com". A nil hc is a client of its own with a timeout of 30 s.
func NewClient(baseURL string, hc *http.Client, opts ...ClientOption) *Client {
	if hc == nil {
		hc = &http.Client{Timeout: 30 * time.Second}
	}
	c := &Client{http: hc, retries: 2}
	for _, o := range opts {
		o(c)
	}
	c.api = &hubapi.Client{Server: strings.TrimRight(baseURL, "/") + "/", Client: c, RequestEditors: []hubapi.RequestEditorFn{c.edit}}
	return c
}

func (c *Client) edit(ctx context.Context, r *http.Request) error {
	authz.SetRequest(r, authz.Outgoing(ctx, c.own))
	if rid := httpx.RequestIDFrom(ctx); rid != "" {
		r.Header.Set(httpx.RequestIDHeader, rid)
	}
	r.Header.Set("Accept", "application/json")
	return nil
}

// Do sends a request for the generated client, again if that can help.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	var resp *http.Response
	attempt := func() error {
		if r.GetBody != nil {
			body, err := r.GetBody()
			if err != nil {
				return backoff.Permanent(err)
			}
			r.Body = body
		}
		var err error
		resp, err = c.http.Do(r) //nolint:bodyclose // whoever reads it closes it
		repeatable := r.Method != http.MethodPost && r.Context().Err() == nil
		switch {
		case err != nil && !repeatable:
			return backoff.Permanent(err)
		case err != nil:
			return err
		case resp.StatusCode == http.StatusServiceUnavailable && repeatable:
			return errUnavailable
		}
		return nil
	}
	policy := backoff.NewExponentialBackOff(backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(time.Second))
	var drop backoff.Notify = func(err error, _ time.Duration) {
		if errors.Is(err, errUnavailable) { // another answer will be read
			_ = resp.Body.Close()
		}
	}
	err := backoff.RetryNotify(attempt, backoff.WithContext(backoff.WithMaxRetries(policy, c.retries), r.Context()), drop)
	if errors.Is(err, errUnavailable) && r.Context().Err() == nil {
		return resp, nil
	}
	return resp, err
}

var errUnavailable = errors.New("the hub is unavailable")

// answer reads an answer into a T, or makes the error of it.
func answer[T any](resp *http.Response, err error) (v T, _ error) {
	if err != nil {
		return v, fmt.Errorf("hub: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return v, problem.Decode(resp, known...)
	}
	if resp.StatusCode == http.StatusNoContent {
		return v, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return v, fmt.Errorf("hub: read the answer: %w", err)
	case len(body) > maxAnswer:
		return v, fmt.Errorf("hub: the answer is larger than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return v, fmt.Errorf("hub: the answer is not what a hub answers: %w", err)
	}
	return v, nil
}

// segment refuses what can't be a segment of a path. It names nothing that could be there.
func segment(ids ...string) error {
	for _, id := range ids {
		if id == "" || id == "." || id == ".." {
			return fmt.Errorf("%q: %w", id, hub.ErrNotFound)
		}
	}
	return nil
}

// Ready reports whether the hub answers and is ready.
func (c *Client) Ready(ctx context.Context) error {
	_, err := answer[struct{}](c.api.GetReady(ctx))
	return err
}

// Login checks a password and starts a session.
func (c *Client) Login(ctx context.Context, email, password string) (*hub.Session, error) {
	s, err := answer[hubapi.Session](c.api.CreateSession(ctx, hubapi.Login{Email: email, Password: password}))
	if err != nil {
		return nil, err
	}
	return &hub.Session{Token: s.Token, User: fromAPIUser(s.User), ExpiresAt: s.ExpiresAt}, nil
}

// Logout ends the session that ctx carries.
func (c *Client) Logout(ctx context.Context) error {
	_, err := answer[struct{}](c.api.DeleteCurrentSession(ctx))
	return err
}

// Caller tells who stands behind the credential that ctx carries.
func (c *Client) Caller(ctx context.Context) (authz.Principal, error) {
	p, err := answer[hubapi.Principal](c.api.GetCaller(ctx))
	return authz.Principal{Type: string(p.Type), ID: p.ID, Name: p.Name}, err
}

// CurrentUser is the user whose session ctx carries.
func (c *Client) CurrentUser(ctx context.Context) (*hub.User, error) {
	return one(fromAPIUser)(answer[hubapi.User](c.api.GetCurrentUser(ctx)))
}

// CreateUser adds a user.
func (c *Client) CreateUser(ctx context.Context, u hub.User, password string) (*hub.User, error) {
	return one(fromAPIUser)(answer[hubapi.User](c.api.CreateUser(ctx, hubapi.NewUser{
		Email: u.Email, Name: u.Name, Surname: u.Surname, Operator: u.Operator, Password: password,
	})))
}

// GetUser returns a user that the caller may know.
func (c *Client) GetUser(ctx context.Context, id string) (*hub.User, error) {
	if id == "current" { // which is another path
		return nil, fmt.Errorf("user %s: %w", id, hub.ErrNotFound)
	}
	if err := segment(id); err != nil {
		return nil, err
	}
	return one(fromAPIUser)(answer[hubapi.User](c.api.GetUser(ctx, id)))
}

// ListUsers lists those that the caller may know.
func (c *Client) ListUsers(ctx context.Context, f hub.UserFilter) ([]*hub.User, error) {
	l, err := answer[hubapi.UserList](c.api.ListUsers(ctx, &hubapi.ListUsersParams{ID: f.IDs, Email: given(f.Email)}))
	return many(l.Users, fromAPIUser, err)
}

// CreateOrganization adds an organization.
func (c *Client) CreateOrganization(ctx context.Context, o hub.Organization) (*hub.Organization, error) {
	return one(fromAPIOrganization)(answer[hubapi.Organization](c.api.CreateOrganization(ctx, hubapi.NewOrganization{
		Name: o.Name, Currency: o.Currency, FinancialYearEndMonth: o.FinancialYearEndMonth,
	})))
}

// GetOrganization returns an organization that the caller may read.
func (c *Client) GetOrganization(ctx context.Context, id string) (*hub.Organization, error) {
	if err := segment(id); err != nil {
		return nil, err
	}
	return one(fromAPIOrganization)(answer[hubapi.Organization](c.api.GetOrganization(ctx, id)))
}

// ListOrganizations lists those that the caller can see.
func (c *Client) ListOrganizations(ctx context.Context) ([]*hub.Organization, error) {
	l, err := answer[hubapi.OrganizationList](c.api.ListOrganizations(ctx))
	return many(l.Organizations, fromAPIOrganization, err)
}

// PutMember gives a user a role.
func (c *Client) PutMember(ctx context.Context, organizationID, userID, role string) (*hub.Member, error) {
	if err := segment(organizationID, userID); err != nil {
		return nil, err
	}
	return one(fromAPIMember)(answer[hubapi.Member](c.api.PutMember(ctx, organizationID, userID, hubapi.MemberRole{Role: role})))
}

// DeleteMember takes a user out of an organization.
func (c *Client) DeleteMember(ctx context.Context, organizationID, userID string) error {
	if err := segment(organizationID, userID); err != nil {
		return err
	}
	_, err := answer[struct{}](c.api.DeleteMember(ctx, organizationID, userID))
	return err
}

// ListMembers lists an organization's members.
func (c *Client) ListMembers(ctx context.Context, organizationID string) ([]*hub.Member, error) {
	if err := segment(organizationID); err != nil {
		return nil, err
	}
	l, err := answer[hubapi.MemberList](c.api.ListMembers(ctx, organizationID))
	return many(l.Members, fromAPIMember, err)
}

// FindMembers lists memberships of the organizations that the caller can see.
func (c *Client) FindMembers(ctx context.Context, f hub.MemberFilter) ([]*hub.Member, error) {
	l, err := answer[hubapi.MemberList](c.api.FindMembers(ctx, &hubapi.FindMembersParams{
		Organization: given(f.OrganizationID), User: given(f.UserID), Number: given(f.Number),
	}))
	return many(l.Members, fromAPIMember, err)
}

// PutApp creates or replaces a marketplace entry.
func (c *Client) PutApp(ctx context.Context, a hub.App) (*hub.App, string, error) {
	nid := a.NID
	if segment(nid) != nil {
		nid = "-" // which the hub refuses, after it judged the caller and the rest
	}
	w, err := answer[hubapi.AppWithKey](c.api.PutApp(ctx, nid, toAPINewApp(a)))
	if err != nil {
		return nil, "", err
	}
	return fromAPIApp(w.App), w.Key, nil
}

// ListApps lists the marketplace.
func (c *Client) ListApps(ctx context.Context) ([]*hub.App, error) {
	l, err := answer[hubapi.AppList](c.api.ListApps(ctx))
	return many(l.Apps, fromAPIApp, err)
}

// GetApp returns an app, active or not.
func (c *Client) GetApp(ctx context.Context, id string) (*hub.App, error) {
	if err := segment(id); err != nil {
		return nil, err
	}
	return one(fromAPIApp)(answer[hubapi.App](c.api.GetApp(ctx, id)))
}

// AddApp orders an app for an organization.
func (c *Client) AddApp(ctx context.Context, organizationID, nid string) (*hub.AppInstance, error) {
	if err := segment(organizationID); err != nil {
		return nil, err
	}
	return one(fromAPIInstance)(answer[hubapi.AppInstance](c.api.AddApp(ctx, organizationID, hubapi.AppOrder{Nid: nid})))
}

// GetAppInstance returns an instance of an organization that the caller may read.
func (c *Client) GetAppInstance(ctx context.Context, id string) (*hub.AppInstance, error) {
	if err := segment(id); err != nil {
		return nil, err
	}
	return one(fromAPIInstance)(answer[hubapi.AppInstance](c.api.GetAppInstance(ctx, id)))
}

// ListAppInstances lists those that the caller may enter.
func (c *Client) ListAppInstances(ctx context.Context, organizationID string) ([]*hub.AppInstance, error) {
	if err := segment(organizationID); err != nil {
		return nil, err
	}
	l, err := answer[hubapi.AppInstanceList](c.api.ListAppInstances(ctx, organizationID))
	return many(l.AppInstances, fromAPIInstance, err)
}

// RemoveApp ends an instance.
func (c *Client) RemoveApp(ctx context.Context, id string) (*hub.AppInstance, error) {
	if err := segment(id); err != nil {
		return nil, err
	}
	return one(fromAPIInstance)(answer[hubapi.AppInstance](c.api.RemoveApp(ctx, id)))
}

// LaunchURL is where a user's browser enters the app.
func (c *Client) LaunchURL(ctx context.Context, instanceID string) (string, error) {
	if err := segment(instanceID); err != nil {
		return "", err
	}
	l, err := answer[hubapi.Launch](c.api.GetLaunchURL(ctx, instanceID))
	return l.URL, err
}

// given is a pointer to v, or nil for the zero value.
func given[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func one[T, U any](convert func(T) *U) func(T, error) (*U, error) {
	return func(v T, err error) (*U, error) {
		if err != nil {
			return nil, err
		}
		return convert(v), nil
	}
}

func many[T, U any](in []T, convert func(T) *U, err error) ([]*U, error) {
	if err != nil {
		return nil, err
	}
	return all(in, convert), nil
}
