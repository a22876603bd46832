package hubtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
)

// Operator is the credential of a service that Identity knows from the start.
var Operator = authz.Key("svc-test", "key-of-the-test-service")

// Identity is a hub.Identity in memory and the authz.Authorizer that goes with it. Its rules are the platform's, without teams.
type Identity struct {
	// Fail, when it is set, is asked before each change with the method's name; its error is the answer.
	Fail func(method string) error

	mu          sync.Mutex
	users       []*hub.User
	passwords   map[string]string
	sessions    map[string]string // token → user or service
	tenants     map[string]string // organization → tenant
	memberships []*hub.Membership
	clients     map[string]hub.Client
	programs    map[string]string // id → key of tenants and services
	groups      map[string]hub.Group
	dead        map[string]bool
	next        int64
}

var (
	_ hub.Identity     = (*Identity)(nil)
	_ authz.Authorizer = (*Identity)(nil)
)

// NewIdentity returns an Identity that knows only [Operator].
func NewIdentity() *Identity {
	return &Identity{
		passwords: map[string]string{}, sessions: map[string]string{}, tenants: map[string]string{}, clients: map[string]hub.Client{},
		programs: map[string]string{Operator.ID: Operator.Secret}, groups: map[string]hub.Group{}, dead: map[string]bool{},
	}
}

func (i *Identity) fail(method string) error {
	if i.Fail == nil {
		return nil
	}
	return i.Fail(method)
}

// AddTenant makes a tenant known and returns its credential.
func (i *Identity) AddTenant(id string) authz.Credential {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.programs[id] = "key-of-" + id
	return authz.Key(id, i.programs[id])
}

// Login checks a password.
func (i *Identity) Login(_ context.Context, email, password string) (*hub.Session, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, u := range i.users {
		if strings.EqualFold(u.Email, email) && i.passwords[u.ID] == password {
			i.next++
			token := "ses-" + strconv.FormatInt(i.next, 10)
			i.sessions[token] = u.ID
			return &hub.Session{Token: token, User: new(*u), ExpiresAt: time.Now().UTC().Add(time.Hour).Truncate(time.Microsecond)}, nil
		}
	}
	return nil, hub.ErrCredentials
}

// EndSession ends a session.
func (i *Identity) EndSession(_ context.Context, token string) error {
	if err := i.fail("EndSession"); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.sessions, token)
	return nil
}

// CreateUser adds a user.
func (i *Identity) CreateUser(_ context.Context, u hub.User, password string) (*hub.User, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if slices.ContainsFunc(i.users, func(x *hub.User) bool { return strings.EqualFold(x.Email, u.Email) }) {
		return nil, fmt.Errorf("user %s: %w", u.Email, hub.ErrConflict)
	}
	u.Number = int64(len(i.users) + 1)
	u.ID = "usr-" + strconv.FormatInt(u.Number, 36) + "x"
	u.CreatedAt = time.Now().UTC().Truncate(time.Microsecond)
	u.UpdatedAt = u.CreatedAt
	i.users, i.passwords[u.ID] = append(i.users, &u), password
	return new(u), nil
}

// GetUser returns a user by ID or Number.
func (i *Identity) GetUser(_ context.Context, id string) (*hub.User, error) {
	return i.findUser(id, func(u *hub.User) bool { return u.ID == id || strconv.FormatInt(u.Number, 10) == id })
}

// GetUserByEmail returns a user by address.
func (i *Identity) GetUserByEmail(_ context.Context, email string) (*hub.User, error) {
	return i.findUser(email, func(u *hub.User) bool { return strings.EqualFold(u.Email, email) })
}

func (i *Identity) findUser(name string, is func(*hub.User) bool) (*hub.User, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if n := slices.IndexFunc(i.users, is); n >= 0 {
		return new(*i.users[n]), nil
	}
	return nil, fmt.Errorf("user %s: %w", name, hub.ErrNotFound)
}

// ListUsers lists users by Number.
func (i *Identity) ListUsers(_ context.Context, ids []string) ([]*hub.User, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []*hub.User
	for _, u := range i.users {
		if ids == nil || slices.Contains(ids, u.ID) {
			out = append(out, new(*u))
		}
	}
	return out, nil
}

// PutOrganization makes an organization known.
func (i *Identity) PutOrganization(_ context.Context, id, tenantID string) error {
	if err := i.fail("PutOrganization"); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tenants[id] = tenantID
	return nil
}

// PutMembership gives a user a role.
func (i *Identity) PutMembership(_ context.Context, organizationID, userID, role string) (*hub.Membership, error) {
	if err := i.fail("PutMembership"); err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, m := range i.memberships {
		if m.OrganizationID == organizationID && m.UserID == userID {
			if role != hub.RoleSuperAdmin && i.lastOwner(m) {
				return nil, hub.ErrLastOwner
			}
			m.Role = role
			return new(*m), nil
		}
	}
	i.next++
	m := &hub.Membership{Number: i.next, OrganizationID: organizationID, UserID: userID, Role: role}
	i.memberships = append(i.memberships, m)
	return new(*m), nil
}

func (i *Identity) lastOwner(m *hub.Membership) bool {
	return m.Role == hub.RoleSuperAdmin && !slices.ContainsFunc(i.memberships, func(x *hub.Membership) bool {
		return x != m && x.OrganizationID == m.OrganizationID && x.Role == hub.RoleSuperAdmin
	})
}

// DeleteMembership takes a user out of an organization.
func (i *Identity) DeleteMembership(_ context.Context, organizationID, userID string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n, m := range i.memberships {
		if m.OrganizationID == organizationID && m.UserID == userID {
			if i.lastOwner(m) {
				return hub.ErrLastOwner
			}
			i.memberships = slices.Delete(i.memberships, n, n+1)
			return nil
		}
	}
	return nil
}

// ListMemberships lists memberships by Number.
func (i *Identity) ListMemberships(_ context.Context, organizationID, userID string) ([]*hub.Membership, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []*hub.Membership
	for _, m := range i.memberships {
		if (organizationID == "" || m.OrganizationID == organizationID) && (userID == "" || m.UserID == userID) {
			out = append(out, new(*m))
		}
	}
	return out, nil
}

// PutClient creates or replaces a client.
func (i *Identity) PutClient(_ context.Context, c hub.Client) error {
	if err := i.fail("PutClient"); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	c.RedirectURIs = slices.Clone(c.RedirectURIs)
	i.clients[c.ID] = c
	return nil
}

// DeleteClient deletes a client.
func (i *Identity) DeleteClient(_ context.Context, id string) error {
	if err := i.fail("DeleteClient"); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.clients, id)
	return nil
}

// PutGroup adds a group.
func (i *Identity) PutGroup(_ context.Context, g hub.Group) error {
	if err := i.fail("PutGroup"); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if old, ok := i.groups[g.ID]; i.dead[g.ID] || ok && old != g {
		return fmt.Errorf("group %s: %w", g.ID, hub.ErrConflict)
	}
	i.groups[g.ID] = g
	return nil
}

// DeleteGroup ends a group for good.
func (i *Identity) DeleteGroup(_ context.Context, id string) error {
	if err := i.fail("DeleteGroup"); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, ok := i.groups[id]; ok {
		delete(i.groups, id)
		i.dead[id] = true
	}
	return nil
}

// Ready reports that it is.
func (i *Identity) Ready(context.Context) error { return nil }

// Clients are the app clients by id.
func (i *Identity) Clients() map[string]hub.Client {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.clients)
}

// Groups are the living groups by id.
func (i *Identity) Groups() map[string]hub.Group {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.groups)
}

// Authorize judges by the platform's rules.
func (i *Identity) Authorize(ctx context.Context, req authz.Request) (authz.Decision, error) {
	if err := ctx.Err(); err != nil {
		return authz.Decision{}, fmt.Errorf("%w: %w", authz.ErrUnavailable, err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.decide(req), nil
}

// Filter agrees with Authorize.
func (i *Identity) Filter(ctx context.Context, req authz.Request, ids []string) ([]string, error) {
	return authz.Func(i.Authorize).Filter(ctx, req, ids)
}

func (i *Identity) decide(req authz.Request) authz.Decision {
	d := authz.Decision{Reason: "the credential is unknown"}
	id := ""
	switch c := req.Credential; c.Kind {
	case authz.Session:
		id = i.sessions[c.Secret]
	case authz.APIKey:
		if key, ok := i.programs[c.ID]; ok && key == c.Secret || i.clients[c.ID].Key == c.Secret && c.Secret != "" {
			id = c.ID
		}
	case authz.Trusted:
		id = c.ID
	}
	kinds := map[string]string{"usr-": authz.User, "svc-": authz.Service, "tnt-": authz.Tenant, "app-": authz.App}
	if len(id) < 4 || kinds[id[:4]] == "" {
		return d
	}
	d.Authenticated, d.Principal = true, authz.Principal{Type: kinds[id[:4]], ID: id}
	d.Reason = "there is no such thing, or it is not yours"
	org, group := req.Resource.ID, ""
	switch req.Resource.Type {
	case authz.AppInstance:
		group = org
		org = i.groups[group].OrganizationID
	case authz.Platform:
		org = ""
	}
	tenant, known := i.tenants[org]
	switch d.Principal.Type {
	case authz.Service:
		d.Allowed = known || req.Resource.Type != authz.Organization
	case authz.Tenant:
		d.Allowed = known && tenant == id
	case authz.App:
		d.Allowed = group != "" && i.groups[group].ClientID == id && req.Action == authz.Read
	case authz.User:
		if req.Resource.Type == authz.Platform {
			d.Allowed = slices.ContainsFunc(i.users, func(u *hub.User) bool { return u.ID == id && u.Operator })
			break
		}
		for _, m := range i.memberships {
			if m.OrganizationID == org && m.UserID == id {
				d.Role = m.Role
			}
		}
		switch {
		case !known:
		case req.Action == authz.Read, req.Action == authz.Access:
			d.Allowed = d.Role != ""
		case req.Action == authz.Update, req.Action == authz.Destroy, req.Action == authz.ManageBilling:
			d.Allowed = d.Role == hub.RoleSuperAdmin
		default:
			d.Allowed = d.Role == hub.RoleSuperAdmin || d.Role == hub.RoleAdmin
		}
	}
	if d.Allowed {
		d.Reason, d.Organization, d.Group = "", org, group
	}
	return d
}
