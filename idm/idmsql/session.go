package idmsql

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/ensemble-platform/ensemble/ent/idmdb"
	"github.com/ensemble-platform/ensemble/ent/idmdb/apiclient"
	"github.com/ensemble-platform/ensemble/ent/idmdb/session"
	"github.com/ensemble-platform/ensemble/ent/idmdb/user"
	"github.com/ensemble-platform/ensemble/idm"
)

func toDBHash(h idm.TokenHash) string { return hex.EncodeToString(h[:]) }

func deleteSessions(ctx context.Context, tx *idmdb.Tx, subject string) error {
	_, err := tx.Session.Delete().Where(session.Subject(subject)).Exec(ctx)
	return err
}

// CreateSession adds a session.
func (s *Store) CreateSession(ctx context.Context, r idm.SessionRecord, proof string) error {
	return s.tx(ctx, "create session", func(tx *idmdb.Tx) error {
		hash, err := s.currentProof(ctx, tx, r.Subject)
		if idmdb.IsNotFound(err) {
			return idm.ErrCredentials
		}
		if err != nil {
			return err
		}
		if proof != "" && proof != hash {
			return idm.ErrCredentials
		}
		return tx.Session.Create().
			SetID(toDBHash(r.Hash)).SetUID(r.ID).SetSubject(r.Subject).
			SetCreatedAt(micros(r.CreatedAt)).SetExpiresAt(micros(r.ExpiresAt)).SetIdleExpiresAt(micros(r.IdleExpiresAt)).
			Exec(ctx)
	})
}

// currentProof is the password hash or key hash of an enabled user or client. Until tx ends nobody else can change it.
func (s *Store) currentProof(ctx context.Context, tx *idmdb.Tx, subject string) (string, error) {
	users := tx.User.Query().Where(user.UID(subject), user.Disabled(false))
	clients := tx.APIClient.Query().Where(apiclient.ID(subject))
	if s.locks() {
		users, clients = users.ForShare(), clients.ForShare()
	}
	u, err := users.Only(ctx)
	if err == nil {
		return u.PasswordHash, nil
	}
	if !idmdb.IsNotFound(err) {
		return "", err
	}
	c, err := clients.Only(ctx)
	if err != nil {
		return "", err
	}
	return c.KeyHash, nil
}

// GetSession returns a session.
func (s *Store) GetSession(ctx context.Context, hash idm.TokenHash) (*idm.SessionRecord, error) {
	row, err := s.client.Session.Get(ctx, toDBHash(hash))
	if err != nil {
		return nil, s.wrap("get session", err)
	}
	r := &idm.SessionRecord{
		ID: row.UID, Subject: row.Subject,
		CreatedAt: instant(row.CreatedAt), ExpiresAt: instant(row.ExpiresAt), IdleExpiresAt: instant(row.IdleExpiresAt),
	}
	if n, err := hex.Decode(r.Hash[:], []byte(row.ID)); err != nil || n != len(r.Hash) {
		return nil, fmt.Errorf("idmsql: session %s has a malformed hash", row.UID)
	}
	return r, nil
}

// TouchSession puts the idle expiry off.
func (s *Store) TouchSession(ctx context.Context, hash idm.TokenHash, idleExpiresAt time.Time) error {
	_, err := s.client.Session.Update().
		Where(session.ID(toDBHash(hash)), session.IdleExpiresAtLT(micros(idleExpiresAt))).
		SetIdleExpiresAt(micros(idleExpiresAt)).
		Save(ctx)
	return s.wrap("touch session", err)
}

// DeleteSession ends a session.
func (s *Store) DeleteSession(ctx context.Context, hash idm.TokenHash) error {
	_, err := s.client.Session.Delete().Where(session.ID(toDBHash(hash))).Exec(ctx)
	return s.wrap("delete session", err)
}

// DeleteSessions ends all sessions of a subject.
func (s *Store) DeleteSessions(ctx context.Context, subject string) error {
	_, err := s.client.Session.Delete().Where(session.Subject(subject)).Exec(ctx)
	return s.wrap("delete sessions", err)
}

// DeleteExpiredSessions deletes what has ended before now.
func (s *Store) DeleteExpiredSessions(ctx context.Context, now time.Time) (int, error) {
	n, err := s.client.Session.Delete().
		Where(session.Or(session.ExpiresAtLT(micros(now)), session.IdleExpiresAtLT(micros(now)))).
		Exec(ctx)
	return n, s.wrap("delete expired sessions", err)
}
