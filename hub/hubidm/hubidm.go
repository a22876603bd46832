// Package hubidm lets the hub keep users, memberships and access in an idm.
//
//	engine := hub.New(store, service, hubidm.New(service))
package hubidm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/idm"
)

// Identity is a hub.Identity over an idm.Service.
type Identity struct {
	idm idm.Service

	mu      sync.Mutex
	numbers map[int64]string // users by Number, which never changes
}

var _ hub.Identity = (*Identity)(nil)

// New returns an Identity over s.
func New(s idm.Service) hub.Identity {
	return &Identity{idm: s, numbers: map[int64]string{}}
}

// service is the context of calls that the hub makes for the platform, after it judged the caller.
func service(ctx context.Context) context.Context {
	return authz.WithCredential(ctx, authz.OnBehalfOf("svc-hub"))
}

// Login checks a password.
func (i *Identity) Login(ctx context.Context, email, password string) (*hub.Session, error) {
	s, u, err := i.idm.Login(ctx, email, password)
	if err != nil {
		return nil, translate(err)
	}
	return &hub.Session{Token: s.Token, User: fromIDMUser(u), ExpiresAt: s.ExpiresAt}, nil
}

// EndSession ends a session.
func (i *Identity) EndSession(ctx context.Context, token string) error {
	return translate(i.idm.EndSession(service(ctx), token))
}

// CreateUser adds a user.
func (i *Identity) CreateUser(ctx context.Context, u hub.User, password string) (*hub.User, error) {
	created, err := i.idm.CreateUser(service(ctx), idm.User{Email: u.Email, Name: u.Name, Surname: u.Surname, Operator: u.Operator}, password)
	if err != nil {
		return nil, translate(err)
	}
	return fromIDMUser(created), nil
}

// GetUser returns a user by ID or Number.
func (i *Identity) GetUser(ctx context.Context, id string) (*hub.User, error) {
	if n, err := strconv.ParseInt(id, 10, 64); err == nil {
		if id, err = i.byNumber(ctx, n); err != nil {
			return nil, err
		}
	}
	u, err := i.idm.GetUser(service(ctx), id)
	if err != nil {
		return nil, translate(err)
	}
	return fromIDMUser(u), nil
}

// maxNumbers bounds the memory for numbers.
const maxNumbers = 100_000

// byNumber finds out which user has a number. The idm has no such question, so it is asked for all users when a number is new.
func (i *Identity) byNumber(ctx context.Context, n int64) (string, error) {
	i.mu.Lock()
	id, ok := i.numbers[n]
	i.mu.Unlock()
	if ok {
		return id, nil
	}
	us, err := i.idm.ListUsers(service(ctx), nil)
	if err != nil {
		return "", translate(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.numbers)+len(us) > maxNumbers {
		clear(i.numbers)
	}
	for _, u := range us {
		if u.Number == n {
			id = u.ID
		}
		if len(i.numbers) < maxNumbers {
			i.numbers[u.Number] = u.ID
		}
	}
	if id == "" {
		return "", fmt.Errorf("user %d: %w", n, hub.ErrNotFound)
	}
	return id, nil
}

// GetUserByEmail returns a user by address.
func (i *Identity) GetUserByEmail(ctx context.Context, email string) (*hub.User, error) {
	u, err := i.idm.GetUserByEmail(service(ctx), email)
	if err != nil {
		return nil, translate(err)
	}
	return fromIDMUser(u), nil
}

// ListUsers lists users by Number.
func (i *Identity) ListUsers(ctx context.Context, ids []string) ([]*hub.User, error) {
	us, err := i.idm.ListUsers(service(ctx), ids)
	if err != nil {
		return nil, translate(err)
	}
	out := make([]*hub.User, len(us))
	for n, u := range us {
		out[n] = fromIDMUser(u)
	}
	return out, nil
}

// PutOrganization makes an organization known.
func (i *Identity) PutOrganization(ctx context.Context, id, tenantID string) error {
	o, err := i.idm.GetOrganization(service(ctx), id)
	switch {
	case errors.Is(err, idm.ErrNotFound):
		o = &idm.Organization{ID: id}
	case err != nil:
		return translate(err)
	}
	o.TenantID = tenantID // a frozen one stays frozen
	return translate(i.idm.PutOrganization(service(ctx), *o))
}

// PutMembership gives a user a role.
func (i *Identity) PutMembership(ctx context.Context, organizationID, userID, role string) (*hub.Membership, error) {
	m, err := i.idm.PutMembership(service(ctx), userID, organizationID, idm.Role(role))
	if err != nil {
		return nil, translate(err)
	}
	return fromIDMMembership(m), nil
}

// DeleteMembership takes a user out of an organization.
func (i *Identity) DeleteMembership(ctx context.Context, organizationID, userID string) error {
	return translate(i.idm.DeleteMembership(service(ctx), userID, organizationID))
}

// ListMemberships lists memberships.
func (i *Identity) ListMemberships(ctx context.Context, organizationID, userID string) ([]*hub.Membership, error) {
	ms, err := i.idm.ListMemberships(service(ctx), userID, organizationID)
	if err != nil {
		return nil, translate(err)
	}
	out := make([]*hub.Membership, len(ms))
	for n, m := range ms {
		out[n] = fromIDMMembership(m)
	}
	return out, nil
}

// PutClient creates or replaces an app's client.
func (i *Identity) PutClient(ctx context.Context, c hub.Client) error {
	_, err := i.idm.PutClient(service(ctx), idm.Client{ID: c.ID, Kind: idm.AppClient, Name: c.Name, RedirectURIs: c.RedirectURIs}, c.Key)
	return translate(err)
}

// DeleteClient deletes an app's client.
func (i *Identity) DeleteClient(ctx context.Context, id string) error {
	return translate(i.idm.DeleteClient(service(ctx), id))
}

// PutGroup lets a client into an organization.
func (i *Identity) PutGroup(ctx context.Context, g hub.Group) error {
	return translate(i.idm.PutGroup(service(ctx), idm.Group{ID: g.ID, ClientID: g.ClientID, OrganizationID: g.OrganizationID}))
}

// DeleteGroup ends that for good.
func (i *Identity) DeleteGroup(ctx context.Context, id string) error {
	return translate(i.idm.DeleteGroup(service(ctx), id))
}

// Ready reports whether the idm answers.
func (i *Identity) Ready(ctx context.Context) error { return i.idm.Ready(ctx) }

func fromIDMUser(u *idm.User) *hub.User {
	return &hub.User{
		Number: u.Number, ID: u.ID, Email: u.Email, Name: u.Name, Surname: u.Surname, Operator: u.Operator,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

func fromIDMMembership(m *idm.Membership) *hub.Membership {
	return &hub.Membership{Number: m.Number, OrganizationID: m.OrganizationID, UserID: m.UserID, Role: string(m.Role)}
}

// translated is an error of the idm that matches the hub's own.
type translated struct {
	is, cause error
}

func (t *translated) Error() string   { return t.cause.Error() }
func (t *translated) Unwrap() []error { return []error{t.is, t.cause} }

// translate turns the idm's errors into the hub's.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if v, ok := errors.AsType[*idm.ValidationError](err); ok && errors.Is(err, idm.ErrInvalid) {
		return &hub.ValidationError{Sentinel: hub.ErrInvalid, Fields: v.Fields}
	}
	for _, pair := range [...][2]error{
		{idm.ErrNotFound, hub.ErrNotFound},
		{idm.ErrConflict, hub.ErrConflict},
		{idm.ErrInvalid, hub.ErrInvalid},
		{idm.ErrCredentials, hub.ErrCredentials},
		{idm.ErrLastOwner, hub.ErrLastOwner},
		{idm.ErrTooManyAttempts, hub.ErrTooManyAttempts},
	} {
		if errors.Is(err, pair[0]) {
			return &translated{is: pair[1], cause: err}
		}
	}
	if errors.Is(err, authz.ErrUnauthenticated) || errors.Is(err, authz.ErrDenied) {
		return fmt.Errorf("the idm refuses the hub itself: %v", err) //nolint:errorlint // it is not the caller who was refused
	}
	return err
}
