// Package idmoidcsql keeps what an OpenID provider remembers in the database of package idmsql, whose migrations make the tables.
//
//	users := idmsql.New(db, dialect.SQLite)
//	err := users.Migrate(ctx)
//	provider, err := idmoidc.New(svc, idmoidcsql.New(db, dialect.SQLite), issuer)
package idmoidcsql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/ensemble-platform/ensemble/ent/idmdb"
	"github.com/ensemble-platform/ensemble/ent/idmdb/oidckey"
	"github.com/ensemble-platform/ensemble/ent/idmdb/oidcrequest"
	"github.com/ensemble-platform/ensemble/ent/idmdb/oidctoken"
	"github.com/ensemble-platform/ensemble/idm/idmoidc"
	"github.com/ensemble-platform/ensemble/internal/seal"
)

// Store is an idmoidc.Store in a database.
type Store struct {
	client  *idmdb.Client
	dialect string
	sealer  *seal.Sealer // nil without a key
}

// Option sets something optional of a Store.
type Option func(*Store)

// WithKey encrypts the private signing keys in the database, with AES-256-GCM. Keys have 32 bytes; the option panics otherwise.
// The first one encrypts; old ones only open what was encrypted with them before, until Reseal. What was stored without a key stays readable.
// Without the option signing keys are stored as they are.
func WithKey(key []byte, old ...[]byte) Option {
	s, err := seal.New("idm oidc", key, old...)
	if err != nil {
		panic(fmt.Errorf("idmoidcsql: %w", err))
	}
	return func(st *Store) { st.sealer = s }
}

var _ idmoidc.Store = (*Store)(nil)

// New makes a Store on db, which stays the caller's to close. entDialect is dialect.SQLite or dialect.Postgres of entgo.io/ent/dialect.
func New(db *sql.DB, entDialect string, opts ...Option) *Store {
	s := &Store{client: idmdb.NewClient(idmdb.Driver(entsql.OpenDB(entDialect, db))), dialect: entDialect}
	for _, o := range opts {
		o(s)
	}
	return s
}

func wrap(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case idmdb.IsNotFound(err):
		return idmoidc.ErrNotFound
	case errors.Is(err, idmoidc.ErrNotFound):
		return err
	}
	return fmt.Errorf("idmoidcsql: %s: %w", what, err)
}

func (s *Store) tx(ctx context.Context, what string, do func(tx *idmdb.Tx) error) error {
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return wrap(what, err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if err := do(tx); err != nil {
		return wrap(what, err)
	}
	return wrap(what, tx.Commit())
}

// lockRequest reads a request and keeps others from it until tx ends. Everything that adds or deletes tokens of a family does so
// while it holds the family's request.
func (s *Store) lockRequest(ctx context.Context, q *idmdb.OIDCRequestQuery) (*idmoidc.Request, error) {
	if s.dialect == dialect.Postgres { // SQLite locks the whole database when a transaction begins
		q = q.ForUpdate()
	}
	row, err := q.Only(ctx)
	if err != nil {
		return nil, err
	}
	return fromDBRequest(row)
}

func fromDBRequest(row *idmdb.OIDCRequest) (*idmoidc.Request, error) {
	var r idmoidc.Request
	if err := json.Unmarshal(row.Data, &r); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	r.CodeHash, r.Used, r.ExpiresAt = row.CodeHash, row.Used, time.UnixMicro(row.ExpiresAt).UTC()
	return &r, nil
}

func fromDBToken(row *idmdb.OIDCToken) (*idmoidc.Token, error) {
	var t idmoidc.Token
	if err := json.Unmarshal(row.Data, &t); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	t.Used = row.Used
	return &t, nil
}

func updateRequest(ctx context.Context, tx *idmdb.Tx, r *idmoidc.Request) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.OIDCRequest.UpdateOneID(r.ID).SetCodeHash(r.CodeHash).SetUsed(r.Used).SetData(data).SetExpiresAt(r.ExpiresAt.UnixMicro()).Exec(ctx)
}

func deleteFamily(ctx context.Context, tx *idmdb.Tx, family string) error {
	_, err := tx.OIDCToken.Delete().Where(oidctoken.Family(family)).Exec(ctx)
	return err
}

func addTokens(ctx context.Context, tx *idmdb.Tx, ts []idmoidc.Token) error {
	for _, t := range ts {
		data, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if err := tx.OIDCToken.Create().SetID(t.Hash).SetFamily(t.Family).SetUserID(t.UserID).SetClientID(t.ClientID).SetUsed(t.Used).
			SetData(data).SetExpiresAt(t.ExpiresAt.UnixMicro()).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// CreateRequest is documented at idmoidc.Store, as are all methods.
func (s *Store) CreateRequest(ctx context.Context, r idmoidc.Request) error {
	data, err := json.Marshal(r)
	if err != nil {
		return wrap("create request", err)
	}
	return wrap("create request", s.client.OIDCRequest.Create().SetID(r.ID).SetCodeHash(r.CodeHash).SetUsed(r.Used).SetData(data).
		SetExpiresAt(r.ExpiresAt.UnixMicro()).Exec(ctx))
}

// GetRequest returns a sign-in.
func (s *Store) GetRequest(ctx context.Context, id string) (*idmoidc.Request, error) {
	row, err := s.client.OIDCRequest.Get(ctx, id)
	if err != nil {
		return nil, wrap("get request", err)
	}
	r, err := fromDBRequest(row)
	return r, wrap("get request", err)
}

// UpdateRequest changes a sign-in.
func (s *Store) UpdateRequest(ctx context.Context, id string, change func(*idmoidc.Request) error) (*idmoidc.Request, error) {
	var r *idmoidc.Request
	var refused error
	err := s.tx(ctx, "update request", func(tx *idmdb.Tx) (err error) {
		if r, err = s.lockRequest(ctx, tx.OIDCRequest.Query().Where(oidcrequest.ID(id))); err != nil {
			return err
		}
		if refused = change(r); refused != nil {
			return refused
		}
		return updateRequest(ctx, tx, r)
	})
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// UseCode uses a code up.
func (s *Store) UseCode(ctx context.Context, codeHash string) (r *idmoidc.Request, first bool, err error) {
	if codeHash == "" {
		return nil, false, idmoidc.ErrNotFound
	}
	err = s.tx(ctx, "use code", func(tx *idmdb.Tx) (err error) {
		if r, err = s.lockRequest(ctx, tx.OIDCRequest.Query().Where(oidcrequest.CodeHash(codeHash))); err != nil {
			return err
		}
		if first = !r.Used; !first {
			r.Replayed = true
			if err := deleteFamily(ctx, tx, r.ID); err != nil {
				return err
			}
		}
		r.Used = true
		return updateRequest(ctx, tx, r)
	})
	if err != nil {
		return nil, false, err
	}
	return r, first, nil
}

// AddTokens adds tokens.
func (s *Store) AddTokens(ctx context.Context, family string, ts ...idmoidc.Token) error {
	return s.tx(ctx, "add tokens", func(tx *idmdb.Tx) error {
		r, err := s.lockRequest(ctx, tx.OIDCRequest.Query().Where(oidcrequest.ID(family)))
		if err != nil {
			return err
		}
		if r.Replayed {
			return idmoidc.ErrNotFound
		}
		return addTokens(ctx, tx, ts)
	})
}

// GetToken returns a token.
func (s *Store) GetToken(ctx context.Context, hash string) (*idmoidc.Token, error) {
	row, err := s.client.OIDCToken.Get(ctx, hash)
	if err != nil {
		return nil, wrap("get token", err)
	}
	t, err := fromDBToken(row)
	return t, wrap("get token", err)
}

// Rotate replaces a refresh token.
func (s *Store) Rotate(ctx context.Context, hash string, ts ...idmoidc.Token) (first bool, err error) {
	err = s.tx(ctx, "rotate", func(tx *idmdb.Tx) error {
		old, err := tx.OIDCToken.Get(ctx, hash)
		if err != nil {
			return err
		}
		if _, err := s.lockRequest(ctx, tx.OIDCRequest.Query().Where(oidcrequest.ID(old.Family))); err != nil {
			return err
		}
		if old, err = tx.OIDCToken.Get(ctx, hash); err != nil { // as it is now that nobody else changes it
			return err
		}
		if first = !old.Used; !first {
			return deleteFamily(ctx, tx, old.Family)
		}
		if err := tx.OIDCToken.UpdateOne(old).SetUsed(true).Exec(ctx); err != nil {
			return err
		}
		return addTokens(ctx, tx, ts)
	})
	if err != nil {
		return false, err
	}
	return first, nil
}

// DeleteFamily deletes all that a sign-in led to.
func (s *Store) DeleteFamily(ctx context.Context, family string) error {
	return s.tx(ctx, "delete family", func(tx *idmdb.Tx) error {
		if _, err := s.lockRequest(ctx, tx.OIDCRequest.Query().Where(oidcrequest.ID(family))); err != nil && !idmdb.IsNotFound(err) {
			return err
		}
		return deleteFamily(ctx, tx, family)
	})
}

// DeleteUserTokens deletes a user's tokens at a client.
func (s *Store) DeleteUserTokens(ctx context.Context, userID, clientID string) error {
	_, err := s.client.OIDCToken.Delete().Where(oidctoken.UserID(userID), oidctoken.ClientID(clientID)).Exec(ctx)
	return wrap("delete user tokens", err)
}

// Keys lists the keys, the newest first.
func (s *Store) Keys(ctx context.Context) ([]idmoidc.Key, error) {
	rows, err := s.client.OIDCKey.Query().Order(oidckey.ByCreatedAt(entsql.OrderDesc())).All(ctx)
	if err != nil {
		return nil, wrap("keys", err)
	}
	out := make([]idmoidc.Key, len(rows))
	for i, k := range rows {
		private, err := s.sealer.Open(owner(k.ID), k.PrivateKey)
		if err != nil {
			return nil, wrap("signing key "+k.ID, err)
		}
		out[i] = idmoidc.Key{ID: k.ID, PrivateKey: private, CreatedAt: time.UnixMicro(k.CreatedAt).UTC()}
	}
	return out, nil
}

// AddKey adds a key.
func (s *Store) AddKey(ctx context.Context, k idmoidc.Key, ifNone bool) error {
	return s.tx(ctx, "add key", func(tx *idmdb.Tx) error {
		if ifNone {
			if s.dialect == dialect.Postgres { // there is no row to lock yet
				if _, err := tx.ExecContext(ctx, "LOCK TABLE idm_oidc_keys IN EXCLUSIVE MODE"); err != nil {
					return err
				}
			}
			if exists, err := tx.OIDCKey.Query().Exist(ctx); err != nil || exists {
				return err
			}
		}
		return tx.OIDCKey.Create().SetID(k.ID).SetPrivateKey(s.sealer.Seal(owner(k.ID), k.PrivateKey)).SetCreatedAt(k.CreatedAt.UnixMicro()).Exec(ctx)
	})
}

// DeleteKey deletes a key.
func (s *Store) DeleteKey(ctx context.Context, id string) error {
	_, err := s.client.OIDCKey.Delete().Where(oidckey.ID(id)).Exec(ctx)
	return wrap("delete key", err)
}

// DeleteExpired deletes what has ended.
func (s *Store) DeleteExpired(ctx context.Context, now time.Time) (int, error) {
	n, err := s.client.OIDCToken.Delete().Where(oidctoken.ExpiresAtLT(now.UnixMicro())).Exec(ctx)
	if err != nil {
		return 0, wrap("delete expired", err)
	}
	m, err := s.client.OIDCRequest.Delete().Where(oidcrequest.ExpiresAtLT(now.UnixMicro())).Exec(ctx)
	return n + m, wrap("delete expired", err)
}
