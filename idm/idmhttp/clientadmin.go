package idmhttp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/idmapi"
)

type sender func(ctx context.Context) (*http.Response, error)

// get reads; it may be repeated.
func (c *Client) get(ctx context.Context, what string, out any, send sender) error {
	return wrap(what, c.call(ctx, c.slow, true, maxLongList, out, send))
}

// put writes what may be written twice.
func (c *Client) put(ctx context.Context, what string, out any, send sender) error {
	return wrap(what, c.call(ctx, c.slow, true, maxAnswer, out, send))
}

// post writes once.
func (c *Client) post(ctx context.Context, what string, out any, send sender) error {
	return wrap(what, c.call(ctx, c.slow, false, maxAnswer, out, send))
}

// wrap says what was being done, except for what the caller is meant to see as it is.
func wrap(what string, err error) error {
	if err == nil || slices.ContainsFunc(known, func(k error) bool { return errors.Is(err, k) }) {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// pathID reports whether id can be a segment of a path. The service knows no id that can't.
func pathID(id string) bool { return id != "" && id != "." && id != ".." }

func badID(path string) error { return problem.Invalid(idm.ErrInvalid, path, "is not an id") }

// Ready reports whether the service can answer now.
func (c *Client) Ready(ctx context.Context) error {
	return c.get(ctx, "idm", nil, func(ctx context.Context) (*http.Response, error) { return c.api.GetReady(ctx) })
}

// Login checks a password and starts a session.
func (c *Client) Login(ctx context.Context, email, password string) (*idm.Session, *idm.User, error) {
	var out idmapi.LoginAnswer
	err := c.post(ctx, "login", &out, func(ctx context.Context) (*http.Response, error) {
		return c.api.Login(ctx, idmapi.LoginRequest{Email: email, Password: password})
	})
	if err != nil {
		return nil, nil, err
	}
	return fromAPISession(&out.Session), fromAPIUser(&out.User), nil
}

// CreateSession starts a session.
func (c *Client) CreateSession(ctx context.Context, userID string) (*idm.Session, error) {
	if !pathID(userID) {
		return nil, idm.ErrNotFound
	}
	var out idmapi.Session
	err := c.post(ctx, "create session", &out, func(ctx context.Context) (*http.Response, error) { return c.api.CreateSession(ctx, userID) })
	if err != nil {
		return nil, err
	}
	return fromAPISession(&out), nil
}

// ClientToken starts a session for an API key.
func (c *Client) ClientToken(ctx context.Context, clientID, key string) (*idm.Session, error) {
	var out idmapi.Session
	err := c.post(ctx, "client token", &out, func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateClientToken(ctx, idmapi.ClientTokenRequest{ClientID: clientID, Key: key})
	})
	if err != nil {
		return nil, err
	}
	return fromAPISession(&out), nil
}

// EndSession revokes a token.
func (c *Client) EndSession(ctx context.Context, token string) error {
	return c.put(ctx, "end session", nil, func(ctx context.Context) (*http.Response, error) {
		return c.api.RevokeWithFormdataBody(ctx, idmapi.TokenForm{Token: token})
	})
}

// EndSessions revokes all sessions of a user.
func (c *Client) EndSessions(ctx context.Context, userID string) error {
	if !pathID(userID) {
		return nil
	}
	return c.put(ctx, "end sessions", nil, func(ctx context.Context) (*http.Response, error) { return c.api.EndSessions(ctx, userID) })
}

// CreateUser adds a user.
func (c *Client) CreateUser(ctx context.Context, u idm.User, password string) (*idm.User, error) {
	var out idmapi.User
	err := c.post(ctx, "create user", &out, func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateUser(ctx, idmapi.NewUser{
			Email: u.Email, Password: password, Name: &u.Name, Surname: &u.Surname, Operator: &u.Operator, Disabled: &u.Disabled,
		})
	})
	if err != nil {
		return nil, err
	}
	return fromAPIUser(&out), nil
}

// GetUser returns a user.
func (c *Client) GetUser(ctx context.Context, id string) (*idm.User, error) {
	if !pathID(id) {
		return nil, idm.ErrNotFound
	}
	var out idmapi.User
	if err := c.get(ctx, "get user", &out, func(ctx context.Context) (*http.Response, error) { return c.api.GetUser(ctx, id) }); err != nil {
		return nil, err
	}
	return fromAPIUser(&out), nil
}

// GetUserByEmail returns the user with an address.
func (c *Client) GetUserByEmail(ctx context.Context, email string) (*idm.User, error) {
	users, err := c.listUsers(ctx, &idmapi.ListUsersParams{Email: &email})
	if err != nil {
		return nil, err
	}
	if len(users) != 1 {
		return nil, idm.ErrNotFound
	}
	return users[0], nil
}

func (c *Client) listUsers(ctx context.Context, params *idmapi.ListUsersParams) ([]*idm.User, error) {
	var out idmapi.UserList
	if err := c.get(ctx, "list users", &out, func(ctx context.Context) (*http.Response, error) { return c.api.ListUsers(ctx, params) }); err != nil {
		return nil, err
	}
	users := make([]*idm.User, len(out.Users))
	for i := range out.Users {
		users[i] = fromAPIUser(&out.Users[i])
	}
	return users, nil
}

// ListUsers returns users by Number.
func (c *Client) ListUsers(ctx context.Context, ids []string) ([]*idm.User, error) {
	if ids == nil {
		return c.listUsers(ctx, nil)
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var users []*idm.User
	for some := range slices.Chunk(slices.Compact(ids), 100) { // as many as a URL takes with ease
		found, err := c.listUsers(ctx, &idmapi.ListUsersParams{ID: some})
		if err != nil {
			return nil, err
		}
		users = append(users, found...)
	}
	slices.SortFunc(users, func(a, b *idm.User) int { return cmp.Compare(a.Number, b.Number) })
	return users, nil
}

// UpdateUser changes a user. change may run more than once.
func (c *Client) UpdateUser(ctx context.Context, id string, change func(*idm.User) error) (*idm.User, error) {
	ctx, cancel := context.WithTimeout(ctx, c.slow)
	defer cancel()
	for {
		u, err := c.GetUser(ctx, id)
		if err != nil {
			return nil, err
		}
		params := &idmapi.PutUserParams{IfMatch: new(etag(u))}
		if err := change(u); err != nil {
			return nil, err
		}
		var out idmapi.User
		err = c.post(ctx, "update user", &out, func(ctx context.Context) (*http.Response, error) {
			return c.api.PutUser(ctx, id, params, idmapi.UserData{
				Email: u.Email, Name: &u.Name, Surname: &u.Surname, Operator: &u.Operator, Disabled: &u.Disabled,
			})
		})
		if err == nil {
			return fromAPIUser(&out), nil
		}
		if !errors.Is(err, errChanged) {
			return nil, err
		}
		select { // whoever changed it may be about to do so again
		case <-ctx.Done():
			return nil, fmt.Errorf("update user: %w", ctx.Err())
		case <-time.After(rand.N(10 * time.Millisecond)):
		}
	}
}

// SetPassword replaces a password.
func (c *Client) SetPassword(ctx context.Context, userID, password string) error {
	if !pathID(userID) {
		return idm.ErrNotFound
	}
	return c.put(ctx, "set password", nil, func(ctx context.Context) (*http.Response, error) {
		return c.api.SetPassword(ctx, userID, idmapi.PasswordData{Password: password})
	})
}

// PutOrganization creates or replaces.
func (c *Client) PutOrganization(ctx context.Context, o idm.Organization) error {
	if !pathID(o.ID) {
		return badID("id")
	}
	return c.put(ctx, "put organization", nil, func(ctx context.Context) (*http.Response, error) {
		return c.api.PutOrganization(ctx, o.ID, idmapi.OrganizationData{TenantID: &o.TenantID, Frozen: &o.Frozen})
	})
}

// GetOrganization returns an organization.
func (c *Client) GetOrganization(ctx context.Context, id string) (*idm.Organization, error) {
	if !pathID(id) {
		return nil, idm.ErrNotFound
	}
	var out idmapi.Organization
	if err := c.get(ctx, "get organization", &out, func(ctx context.Context) (*http.Response, error) { return c.api.GetOrganization(ctx, id) }); err != nil {
		return nil, err
	}
	return &idm.Organization{ID: out.ID, TenantID: out.TenantID, Frozen: out.Frozen}, nil
}

// PutMembership gives a user a role.
func (c *Client) PutMembership(ctx context.Context, userID, organizationID string, role idm.Role) (*idm.Membership, error) {
	if !pathID(userID) || !pathID(organizationID) {
		return nil, idm.ErrNotFound
	}
	var out idmapi.Membership
	if err := c.put(ctx, "put membership", &out, func(ctx context.Context) (*http.Response, error) {
		return c.api.PutMembership(ctx, organizationID, userID, idmapi.MembershipData{Role: string(role)})
	}); err != nil {
		return nil, err
	}
	return fromAPIMembership(&out), nil
}

// DeleteMembership takes a user out of an organization.
func (c *Client) DeleteMembership(ctx context.Context, userID, organizationID string) error {
	if !pathID(userID) || !pathID(organizationID) {
		return nil
	}
	return c.put(ctx, "delete membership", nil, func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteMembership(ctx, organizationID, userID)
	})
}

// ListMemberships lists by user, by organization, or by both.
func (c *Client) ListMemberships(ctx context.Context, userID, organizationID string) ([]*idm.Membership, error) {
	var out idmapi.MembershipList
	params := &idmapi.ListMembershipsParams{UserID: optional(userID), OrganizationID: optional(organizationID)}
	if err := c.get(ctx, "list memberships", &out, func(ctx context.Context) (*http.Response, error) { return c.api.ListMemberships(ctx, params) }); err != nil {
		return nil, err
	}
	ms := make([]*idm.Membership, len(out.Memberships))
	for i := range out.Memberships {
		ms[i] = fromAPIMembership(&out.Memberships[i])
	}
	return ms, nil
}

// PutClient creates or replaces a client. It is sent once only when the key is to be made up: a key that got lost could not be asked for
// again.
func (c *Client) PutClient(ctx context.Context, cl idm.Client, key string) (string, error) {
	if !pathID(cl.ID) {
		return "", badID("id")
	}
	send := c.put
	if key == "" {
		send = c.post
	}
	var out idmapi.ClientKey
	err := send(ctx, "put client", &out, func(ctx context.Context) (*http.Response, error) {
		return c.api.PutClient(ctx, cl.ID, idmapi.ClientData{
			Kind: string(cl.Kind), Name: &cl.Name, RedirectUris: cl.RedirectURIs, Key: optional(key),
		})
	})
	return value(out.Key), err
}

// GetClient returns a client.
func (c *Client) GetClient(ctx context.Context, id string) (*idm.Client, error) {
	if !pathID(id) {
		return nil, idm.ErrNotFound
	}
	var out idmapi.APIClient
	if err := c.get(ctx, "get client", &out, func(ctx context.Context) (*http.Response, error) { return c.api.GetClient(ctx, id) }); err != nil {
		return nil, err
	}
	return fromAPIClient(&out), nil
}

// DeleteClient deletes a client.
func (c *Client) DeleteClient(ctx context.Context, id string) error {
	if !pathID(id) {
		return nil
	}
	return c.put(ctx, "delete client", nil, func(ctx context.Context) (*http.Response, error) { return c.api.DeleteClient(ctx, id) })
}

// PutGroup adds a group.
func (c *Client) PutGroup(ctx context.Context, g idm.Group) error {
	if !pathID(g.ID) {
		return badID("id")
	}
	return c.put(ctx, "put group", nil, func(ctx context.Context) (*http.Response, error) {
		return c.api.PutGroup(ctx, g.ID, idmapi.GroupData{ClientID: g.ClientID, OrganizationID: g.OrganizationID})
	})
}

// GetGroup returns a group.
func (c *Client) GetGroup(ctx context.Context, id string) (*idm.Group, error) {
	if !pathID(id) {
		return nil, idm.ErrNotFound
	}
	var out idmapi.Group
	if err := c.get(ctx, "get group", &out, func(ctx context.Context) (*http.Response, error) { return c.api.GetGroup(ctx, id) }); err != nil {
		return nil, err
	}
	return fromAPIGroup(&out), nil
}

// ListGroups lists by client, by organization, or by both.
func (c *Client) ListGroups(ctx context.Context, clientID, organizationID string) ([]*idm.Group, error) {
	var out idmapi.GroupList
	params := &idmapi.ListGroupsParams{ClientID: optional(clientID), OrganizationID: optional(organizationID)}
	if err := c.get(ctx, "list groups", &out, func(ctx context.Context) (*http.Response, error) { return c.api.ListGroups(ctx, params) }); err != nil {
		return nil, err
	}
	gs := make([]*idm.Group, len(out.Groups))
	for i := range out.Groups {
		gs[i] = fromAPIGroup(&out.Groups[i])
	}
	return gs, nil
}

// DeleteGroup ends an app's access through a group.
func (c *Client) DeleteGroup(ctx context.Context, id string) error {
	if !pathID(id) {
		return nil
	}
	return c.put(ctx, "delete group", nil, func(ctx context.Context) (*http.Response, error) { return c.api.DeleteGroup(ctx, id) })
}
