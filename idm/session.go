package idm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/id"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

func (s *session) live(now time.Time) bool {
	return now.Before(s.record.ExpiresAt) && now.UnixMicro() < s.idle.Load()
}

// use puts the idle expiry of a user's session off. The store hears of it once in an eighth of the idle time.
func (e *Engine) use(ctx context.Context, now time.Time, s *session) {
	old := s.idle.Load()
	end := now.Add(e.sessionIdle)
	if end.After(s.record.ExpiresAt) {
		end = s.record.ExpiresAt
	}
	if end.UnixMicro()-old < (e.sessionIdle/8).Microseconds() || !s.idle.CompareAndSwap(old, end.UnixMicro()) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := e.store.TouchSession(ctx, s.record.Hash, end.UTC().Truncate(time.Microsecond)); err != nil {
		s.idle.CompareAndSwap(end.UnixMicro(), old) // try again at the next use
		e.log.WarnContext(ctx, "note a session's use", slog.Any("error", err))
	}
}

// Login checks a password and starts a session. Besides ErrCredentials it answers ErrTooManyAttempts; see WithLoginBackoff.
func (e *Engine) Login(ctx context.Context, email, password string) (*Session, *User, error) {
	account := EmailKey(email)
	if len(email) > maxEmail || len(password) > 4*maxPassword {
		return nil, nil, ErrCredentials
	}
	if !e.logins.begin(account, e.now()) {
		return nil, nil, ErrTooManyAttempts
	}
	u, hash, err := e.store.FindUser(ctx, email)
	if errors.Is(err, ErrNotFound) {
		hash = e.hasher.nobody
	} else if err != nil {
		return nil, nil, fmt.Errorf("login: %w", err)
	}
	ok, stale, err := e.hasher.verify(ctx, password, hash)
	if err != nil {
		return nil, nil, fmt.Errorf("login: %w", err)
	}
	if !ok || u == nil || u.Disabled {
		return nil, nil, ErrCredentials
	}
	s, err := e.startSession(ctx, userToken, u.ID, hash)
	if err != nil {
		return nil, nil, err
	}
	e.logins.succeeded(account)
	if stale {
		e.upgrade(ctx, u.ID, hash, password)
	}
	return s, u, nil
}

func (e *Engine) upgrade(ctx context.Context, userID, old, password string) {
	hash, err := e.hasher.hash(ctx, password)
	if err == nil {
		err = e.store.UpgradePasswordHash(ctx, userID, old, hash)
	}
	if err != nil {
		e.log.WarnContext(ctx, "raise a password hash's cost", slog.String("user", userID), slog.Any("error", err))
	}
}

// CreateSession starts a session for a user who proved otherwise who he is.
func (e *Engine) CreateSession(ctx context.Context, userID string) (*Session, error) {
	u, err := e.store.GetUser(ctx, userID)
	if err != nil {
		return nil, err
	}
	if u.Disabled {
		return nil, problem.Invalid(ErrInvalid, "user_id", "is a disabled user")
	}
	return e.startSession(ctx, userToken, userID, "")
}

// ClientToken checks an API key and starts a session for it.
func (e *Engine) ClientToken(ctx context.Context, clientID, key string) (*Session, error) {
	c, hash, err := e.store.GetClient(ctx, clientID)
	if errors.Is(err, ErrNotFound) {
		return nil, ErrCredentials
	}
	if err != nil {
		return nil, err
	}
	if !keyMatches(key, hash) {
		return nil, ErrCredentials
	}
	return e.startSession(ctx, clientToken, c.ID, hash)
}

func (e *Engine) startSession(ctx context.Context, prefix, subject, proof string) (*Session, error) {
	now := e.stamp()
	r := SessionRecord{ID: id.New("ses"), Subject: subject, CreatedAt: now}
	if prefix == clientToken {
		r.ExpiresAt = now.Add(e.tokenLife)
		r.IdleExpiresAt = r.ExpiresAt
	} else {
		r.ExpiresAt = now.Add(e.sessionLife)
		r.IdleExpiresAt = now.Add(min(e.sessionIdle, e.sessionLife))
	}
	token := newSecret(prefix)
	r.Hash, _ = parseToken(token)
	if err := e.store.CreateSession(ctx, r, proof); err != nil {
		return nil, err
	}
	return &Session{
		ID: r.ID, Token: token, UserID: subject,
		ExpiresAt: r.ExpiresAt, IdleExpiresAt: r.IdleExpiresAt, CreatedAt: r.CreatedAt,
	}, nil
}

// EndSession revokes a token. Unknown tokens are no error.
func (e *Engine) EndSession(ctx context.Context, token string) error {
	h, ok := parseToken(token)
	if !ok {
		return nil
	}
	defer e.sessions.drop(h)
	return e.store.DeleteSession(ctx, h)
}

// EndSessions revokes all sessions of a user.
func (e *Engine) EndSessions(ctx context.Context, userID string) error {
	defer e.dropSessions(userID)
	return e.store.DeleteSessions(ctx, userID)
}

func (e *Engine) dropSessions(subject string) {
	e.sessions.dropFunc(func(_ TokenHash, s *session) bool { return s.record.Subject == subject })
}

// Introspect says what a token stands for. Of the organizations it names those that the user may use now.
func (e *Engine) Introspect(ctx context.Context, token string) (*TokenInfo, error) {
	now := e.now()
	s, _, ok, err := e.bySession(ctx, now, token)
	if err != nil {
		return nil, e.unavailable(ctx, err)
	}
	if !ok {
		return &TokenInfo{}, nil
	}
	h, _ := parseToken(token)
	rec, err := e.session(ctx, now, h)
	if err != nil {
		return nil, e.unavailable(ctx, err)
	}
	if rec == nil {
		return &TokenInfo{}, nil
	}
	info := &TokenInfo{
		Active: true, Subject: s.principal.ID, Username: s.principal.Name,
		ExpiresAt: rec.record.ExpiresAt, IssuedAt: rec.record.CreatedAt,
	}
	if s.principal.Type != authz.User {
		info.ClientID = s.principal.ID
		return info, nil
	}
	info.Organizations = make(map[string]Role, len(s.roles))
	for org, role := range s.roles {
		o, err := e.organization(ctx, now, org)
		if err != nil {
			return nil, e.unavailable(ctx, err)
		}
		if decide(s, authz.Read, authz.Organization, target{organization: o}).Allowed {
			info.Organizations[org] = role
		}
	}
	return info, nil
}
