package connecsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/seal"
)

var (
	_ connec.Store = (*Store)(nil)
	_ connec.Tx    = (*tx)(nil)
)

// Store is a [connec.Store] over a database.
type Store struct {
	db      *sql.DB
	dialect dialect
	writes  committer
	counts  counts
	keys    [][]byte     // what sealer is made of
	sealer  *seal.Sealer // nil without a key

	mu       sync.Mutex
	prepared map[string]*sql.Stmt
}

// Option sets something optional of a Store.
type Option func(*Store)

// WithGroupLimit bounds how many concurrent updates share one transaction of the database. The default is 256; 1 gives each
// update its own.
func WithGroupLimit(n int) Option {
	return func(s *Store) { s.writes.limit = max(n, 1) }
}

// WithTransactionTimeout bounds how long one transaction of the database may take. The default is one minute.
func WithTransactionTimeout(d time.Duration) Option {
	return func(s *Store) { s.writes.timeout = d }
}

// WithKey encrypts subscriptions' passwords and secrets in the database, with AES-256-GCM. Keys have 32 bytes; New refuses others.
// The first one encrypts; old ones only open what was encrypted with them before, until Reseal. What was stored without a key stays readable.
// Without the option passwords and secrets are stored as they are.
func WithKey(key []byte, old ...[]byte) Option {
	return func(s *Store) { s.keys = append([][]byte{key}, old...) }
}

// New makes a store over an open database, which stays the caller's to close. The dialect is ent's name of it: "sqlite3" or
// "postgres".
func New(db *sql.DB, dialect string, opts ...Option) (*Store, error) {
	d, err := dialectOf(dialect)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, dialect: d, prepared: map[string]*sql.Stmt{}}
	s.writes = committer{store: s, limit: 256, timeout: time.Minute}
	for _, o := range opts {
		o(s)
	}
	if len(s.keys) > 0 {
		if s.sealer, err = seal.New("connec", s.keys[0], s.keys[1:]...); err != nil {
			return nil, fmt.Errorf("connecsql: %w", err)
		}
		s.keys = nil
	}
	return s, nil
}

// Ready implements connec.Store: the database answers and has the tables.
func (s *Store) Ready(ctx context.Context) error {
	var n int
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM connec_counters LIMIT 1) AS t").Scan(&n); err != nil {
		return failed(ctx, "connec database", err)
	}
	return nil
}

// maxPrepared bounds the statements that are kept. Their number goes by the shapes of filters that callers think of.
const maxPrepared = 512

// statement returns query prepared, or nil where that gains nothing: PostgreSQL's driver keeps its own.
func (s *Store) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if !s.dialect.sqlite {
		return nil, nil
	}
	if st := s.known(query); st != nil || s.full() {
		return st, nil
	}
	st, err := s.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.prepared[query]; have != nil {
		_ = st.Close()
		return have, nil
	}
	s.prepared[query] = st
	return st, nil
}

func (s *Store) known(query string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.prepared[query]
}

func (s *Store) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.prepared) >= maxPrepared
}

// query reads outside of a transaction, and calls scan for each row.
func (s *Store) query(ctx context.Context, what, query string, args []any, scan func(scanner) error) error {
	st, err := s.statement(ctx, query)
	if err != nil {
		return failed(ctx, what, err)
	}
	var rows *sql.Rows
	if st != nil {
		rows, err = st.QueryContext(ctx, args...)
	} else {
		rows, err = s.db.QueryContext(ctx, query, args...)
	}
	if err := each(rows, err, scan); err != nil {
		return failed(ctx, what, err)
	}
	return nil
}

type scanner interface{ Scan(dest ...any) error }

func each(rows *sql.Rows, err error, scan func(scanner) error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// failed says what was being done. An error of the database that came of the end of ctx matches the context's error.
func failed(ctx context.Context, what string, err error) error {
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		err = errors.Join(cause, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
