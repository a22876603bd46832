package idm

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/internal/id"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// CreateUser adds a user. A password has 8 to 128 characters and is none that everybody tries first.
func (e *Engine) CreateUser(ctx context.Context, u User, password string) (*User, error) {
	u.Email = strings.TrimSpace(u.Email)
	if err := errors.Join(checkUser(&u), checkPassword(password, u.Email)); err != nil {
		return nil, joinInvalid(err)
	}
	hash, err := e.hasher.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	u.ID = id.New("usr")
	u.CreatedAt = e.stamp()
	u.UpdatedAt = u.CreatedAt
	if err := e.store.CreateUser(ctx, &u, hash); err != nil {
		return nil, err
	}
	return &u, nil
}

// joinInvalid makes one ValidationError of several that were joined.
func joinInvalid(err error) error {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // what errors.Join made
	if !ok {
		return err
	}
	all := &ValidationError{Sentinel: ErrInvalid}
	for _, one := range joined.Unwrap() {
		v, ok := errors.AsType[*problem.ValidationError](one)
		if !ok {
			return err
		}
		all.Fields = append(all.Fields, v.Fields...)
	}
	return all
}

// GetUser returns a user.
func (e *Engine) GetUser(ctx context.Context, id string) (*User, error) {
	return e.store.GetUser(ctx, id)
}

// GetUserByEmail returns the user with an address, in whatever case.
func (e *Engine) GetUserByEmail(ctx context.Context, email string) (*User, error) {
	u, _, err := e.store.FindUser(ctx, email)
	return u, err
}

// ListUsers returns those users that exist among ids, or all when ids is nil, by Number.
func (e *Engine) ListUsers(ctx context.Context, ids []string) ([]*User, error) {
	if ids != nil && len(ids) == 0 {
		return nil, nil
	}
	return e.store.ListUsers(ctx, ids)
}

// UpdateUser changes a user under a lock. UpdatedAt grows with every change, so that it can stand for a version.
func (e *Engine) UpdateUser(ctx context.Context, id string, change func(*User) error) (*User, error) {
	defer func() {
		e.users.drop(id)
		e.dropSessions(id)
	}()
	return e.store.UpdateUser(ctx, id, func(u *User) error {
		was := *u
		if err := change(u); err != nil {
			return err
		}
		u.ID, u.Number, u.CreatedAt = was.ID, was.Number, was.CreatedAt
		u.Email = strings.TrimSpace(u.Email)
		u.UpdatedAt = e.stamp()
		if !u.UpdatedAt.After(was.UpdatedAt) {
			u.UpdatedAt = was.UpdatedAt.Add(time.Microsecond)
		}
		return checkUser(u)
	})
}

// SetPassword replaces a password and ends the user's sessions.
func (e *Engine) SetPassword(ctx context.Context, userID, password string) error {
	u, err := e.store.GetUser(ctx, userID)
	if err != nil {
		return err
	}
	if err := checkPassword(password, u.Email); err != nil {
		return err
	}
	hash, err := e.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	defer e.dropSessions(userID)
	return e.store.SetPasswordHash(ctx, userID, hash)
}
