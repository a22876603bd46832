// Package idmmem keeps idm's facts in memory: for tests, examples and programs that start afresh each time.
//
//	svc := idm.New(idmmem.New())
package idmmem

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/idm"
)

// Store is an idm.Store in memory.
type Store struct {
	mu            sync.Mutex
	users         map[string]*user
	emails        map[string]string // EmailKey → user id
	organizations map[string]idm.Organization
	memberships   map[membershipKey]idm.Membership
	clients       map[string]*client
	groups        map[string]idm.Group
	deletedGroups map[string]bool
	sessions      map[idm.TokenHash]idm.SessionRecord
	lastUser      int64
	lastMember    int64
}

type user struct {
	idm.User
	passwordHash string
}

type client struct {
	idm.Client
	keyHash string
}

type membershipKey struct{ user, organization string }

var _ idm.Store = (*Store)(nil)

// New makes an empty Store.
func New() *Store {
	return &Store{
		users: make(map[string]*user), emails: make(map[string]string),
		organizations: make(map[string]idm.Organization), memberships: make(map[membershipKey]idm.Membership),
		clients: make(map[string]*client), groups: make(map[string]idm.Group), deletedGroups: make(map[string]bool),
		sessions: make(map[idm.TokenHash]idm.SessionRecord),
	}
}

// lock takes the store for one call, unless ctx is over already.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	return s.mu.Unlock, nil
}

// Ready is always nil, but for a context that is over.
func (s *Store) Ready(ctx context.Context) error { return ctx.Err() }

// CreateUser is documented at idm.Store, as are all methods.
func (s *Store) CreateUser(ctx context.Context, u *idm.User, passwordHash string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	key := idm.EmailKey(u.Email)
	if _, taken := s.emails[key]; taken || s.users[u.ID] != nil {
		return idm.ErrConflict
	}
	s.lastUser++
	u.Number = s.lastUser
	s.users[u.ID] = &user{*u, passwordHash}
	s.emails[key] = u.ID
	return nil
}

// GetUser returns a user.
func (s *Store) GetUser(ctx context.Context, id string) (*idm.User, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	u := s.users[id]
	if u == nil {
		return nil, idm.ErrNotFound
	}
	return new(u.User), nil
}

// FindUser finds by address.
func (s *Store) FindUser(ctx context.Context, email string) (*idm.User, string, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, "", err
	}
	defer unlock()
	u := s.users[s.emails[idm.EmailKey(email)]]
	if u == nil {
		return nil, "", idm.ErrNotFound
	}
	return new(u.User), u.passwordHash, nil
}

// ListUsers returns users by Number.
func (s *Store) ListUsers(ctx context.Context, ids []string) ([]*idm.User, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	found := s.users
	if ids != nil {
		found = make(map[string]*user)
		for _, id := range ids {
			if u := s.users[id]; u != nil {
				found[id] = u
			}
		}
	}
	var out []*idm.User
	for _, u := range found {
		out = append(out, new(u.User))
	}
	slices.SortFunc(out, func(a, b *idm.User) int { return cmp.Compare(a.Number, b.Number) })
	return out, nil
}

// UpdateUser changes a user. change must not call the Store.
func (s *Store) UpdateUser(ctx context.Context, id string, change func(*idm.User) error) (*idm.User, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	u := s.users[id]
	if u == nil {
		return nil, idm.ErrNotFound
	}
	c := u.User
	if err := change(&c); err != nil {
		return nil, err
	}
	from, to := idm.EmailKey(u.Email), idm.EmailKey(c.Email)
	if owner, taken := s.emails[to]; taken && owner != id {
		return nil, idm.ErrConflict
	}
	delete(s.emails, from)
	s.emails[to] = id
	u.Email, u.Name, u.Surname, u.Operator, u.Disabled, u.UpdatedAt = c.Email, c.Name, c.Surname, c.Operator, c.Disabled, c.UpdatedAt
	if u.Disabled {
		s.endSessions(id)
	}
	return new(u.User), nil
}

// SetPasswordHash replaces a password hash and deletes the user's sessions.
func (s *Store) SetPasswordHash(ctx context.Context, userID, hash string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	u := s.users[userID]
	if u == nil {
		return idm.ErrNotFound
	}
	u.passwordHash = hash
	s.endSessions(userID)
	return nil
}

// UpgradePasswordHash replaces a hash if it is still from.
func (s *Store) UpgradePasswordHash(ctx context.Context, userID, from, to string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if u := s.users[userID]; u != nil && u.passwordHash == from {
		u.passwordHash = to
	}
	return nil
}

func (s *Store) endSessions(subject string) {
	maps.DeleteFunc(s.sessions, func(_ idm.TokenHash, r idm.SessionRecord) bool { return r.Subject == subject })
}

// CreateSession adds a session.
func (s *Store) CreateSession(ctx context.Context, r idm.SessionRecord, proof string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	var hash string
	if u := s.users[r.Subject]; u != nil && !u.Disabled {
		hash = u.passwordHash
	} else if c := s.clients[r.Subject]; c != nil {
		hash = c.keyHash
	} else {
		return idm.ErrCredentials
	}
	if proof != "" && proof != hash {
		return idm.ErrCredentials
	}
	if _, taken := s.sessions[r.Hash]; taken {
		return idm.ErrConflict
	}
	s.sessions[r.Hash] = r
	return nil
}

// GetSession returns a session.
func (s *Store) GetSession(ctx context.Context, hash idm.TokenHash) (*idm.SessionRecord, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	r, ok := s.sessions[hash]
	if !ok {
		return nil, idm.ErrNotFound
	}
	return &r, nil
}

// TouchSession puts the idle expiry off.
func (s *Store) TouchSession(ctx context.Context, hash idm.TokenHash, idleExpiresAt time.Time) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if r, ok := s.sessions[hash]; ok && idleExpiresAt.After(r.IdleExpiresAt) {
		r.IdleExpiresAt = idleExpiresAt
		s.sessions[hash] = r
	}
	return nil
}

// DeleteSession ends a session.
func (s *Store) DeleteSession(ctx context.Context, hash idm.TokenHash) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	delete(s.sessions, hash)
	return nil
}

// DeleteSessions ends all sessions of a subject.
func (s *Store) DeleteSessions(ctx context.Context, subject string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	s.endSessions(subject)
	return nil
}

// DeleteExpiredSessions deletes what has ended before now.
func (s *Store) DeleteExpiredSessions(ctx context.Context, now time.Time) (int, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	before := len(s.sessions)
	maps.DeleteFunc(s.sessions, func(_ idm.TokenHash, r idm.SessionRecord) bool {
		return r.ExpiresAt.Before(now) || r.IdleExpiresAt.Before(now)
	})
	return before - len(s.sessions), nil
}
