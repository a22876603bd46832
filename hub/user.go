package hub

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"

	"github.com/ensemble-platform/ensemble/authz"
)

// Login checks a password and starts a session.
func (e *Engine) Login(ctx context.Context, email, password string) (*Session, error) {
	s, err := e.identity.Login(ctx, email, password)
	if err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	return s, nil
}

// Logout ends the session that ctx carries.
func (e *Engine) Logout(ctx context.Context) error {
	c := authz.CredentialFrom(ctx)
	if c.Kind != authz.Session {
		return nil
	}
	if err := e.identity.EndSession(ctx, c.Secret); err != nil {
		return fmt.Errorf("logout: %w", err)
	}
	return nil
}

// CurrentUser is the user whose session ctx carries. A program's key is nobody's session.
func (e *Engine) CurrentUser(ctx context.Context) (*User, error) {
	d, err := e.caller(ctx)
	if err != nil {
		return nil, fmt.Errorf("current user: %w", err)
	}
	if d.Principal.Type != authz.User {
		return nil, fmt.Errorf("current user: %w", authz.Decision{Reason: "the credential is a " + d.Principal.Type + "'s, not a user's"}.Err())
	}
	u, err := e.identity.GetUser(ctx, d.Principal.ID)
	if err != nil {
		return nil, fmt.Errorf("current user: %w", err)
	}
	return u, nil
}

// CreateUser adds a user.
func (e *Engine) CreateUser(ctx context.Context, u User, password string) (*User, error) {
	d, err := e.caller(ctx)
	if err != nil {
		return nil, fmt.Errorf("create user: %w", err)
	}
	if !d.Allowed && d.Principal.Type != authz.Tenant {
		return nil, fmt.Errorf("create user: %w", denied(d, "only tenants and the platform create users"))
	}
	if u.Operator && !d.Allowed {
		return nil, fmt.Errorf("create user: %w", denied(d, "only the platform makes operators"))
	}
	var r refused
	addr, err := mail.ParseAddress(u.Email)
	r.check(err == nil && addr.Address == u.Email && len(u.Email) <= 254, "email", "must be an e-mail address")
	r.check(isText(u.Name, 255), "name", "must be text of at most 255 bytes")
	r.check(isText(u.Surname, 255), "surname", "must be text of at most 255 bytes")
	r.check(password != "", "password", "can't be blank")
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("create user: %w", err)
	}
	created, err := e.identity.CreateUser(ctx, u, password)
	if err != nil {
		return nil, fmt.Errorf("create user: %w", err)
	}
	return created, nil
}

// GetUser returns a user that the caller may know.
func (e *Engine) GetUser(ctx context.Context, id string) (*User, error) {
	us, err := e.ListUsers(ctx, UserFilter{IDs: []string{id}})
	if err != nil {
		return nil, err
	}
	if len(us) == 0 {
		return nil, fmt.Errorf("user %s: %w", id, ErrNotFound)
	}
	return us[0], nil
}

// ListUsers lists the users that the caller may know: all for the platform, else himself and those in organizations
// that he can see. A tenant also knows those who are in no organization yet.
func (e *Engine) ListUsers(ctx context.Context, f UserFilter) ([]*User, error) {
	d, err := e.caller(ctx)
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	var us []*User
	switch {
	case f.Email != "":
		u, err := e.identity.GetUserByEmail(ctx, f.Email)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("users: %w", err)
		}
		if err == nil && (len(f.IDs) == 0 || slices.Contains(f.IDs, u.ID) || slices.Contains(f.IDs, fmt.Sprint(u.Number))) {
			us = append(us, u)
		}
	case len(f.IDs) > 0:
		for _, id := range f.IDs {
			u, err := e.identity.GetUser(ctx, id)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return nil, fmt.Errorf("users: %w", err)
			}
			if err == nil && !slices.ContainsFunc(us, func(x *User) bool { return x.ID == u.ID }) {
				us = append(us, u)
			}
		}
	case d.Allowed || d.Principal.Type == authz.Tenant:
		if us, err = e.identity.ListUsers(ctx, nil); err != nil {
			return nil, fmt.Errorf("users: %w", err)
		}
	default:
		if us, err = e.acquaintances(ctx, d); err != nil {
			return nil, fmt.Errorf("users: %w", err)
		}
	}
	if !d.Allowed {
		if us, err = e.known(ctx, d, us); err != nil {
			return nil, fmt.Errorf("users: %w", err)
		}
	}
	return sorted(us, func(u *User) int64 { return u.Number }), nil
}

// acquaintances are the users in the organizations that the caller can see, and himself.
func (e *Engine) acquaintances(ctx context.Context, d authz.Decision) ([]*User, error) {
	ids := []string{d.Principal.ID}
	os, err := e.visible(ctx, d)
	if err != nil {
		return nil, err
	}
	for _, o := range os {
		ms, err := e.identity.ListMemberships(ctx, o.ID, "")
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			ids = append(ids, m.UserID)
		}
	}
	slices.Sort(ids)
	return e.identity.ListUsers(ctx, slices.Compact(ids))
}

// known keeps the users that the caller may know.
func (e *Engine) known(ctx context.Context, d authz.Decision, us []*User) ([]*User, error) {
	var out []*User
	for _, u := range us {
		if u.ID == d.Principal.ID {
			out = append(out, u)
			continue
		}
		ms, err := e.identity.ListMemberships(ctx, "", u.ID)
		if err != nil {
			return nil, err
		}
		if len(ms) == 0 && d.Principal.Type == authz.Tenant {
			out = append(out, u)
			continue
		}
		ids := make([]string, len(ms))
		for i, m := range ms {
			ids[i] = m.OrganizationID
		}
		shared, err := e.filter(ctx, authz.Read, authz.Organization, ids)
		if err != nil {
			return nil, err
		}
		if len(shared) > 0 {
			out = append(out, u)
		}
	}
	return out, nil
}

func (e *Engine) filter(ctx context.Context, action authz.Action, typ string, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return e.authorizer.Filter(ctx, authz.Request{
		Credential: authz.CredentialFrom(ctx), Action: action, Resource: authz.Resource{Type: typ},
	}, ids)
}

// denied is a denial that the hub itself decides, to somebody who is authenticated.
func denied(d authz.Decision, reason string) error {
	return authz.Decision{Authenticated: true, Principal: d.Principal, Role: d.Role, Reason: reason}.Err()
}
