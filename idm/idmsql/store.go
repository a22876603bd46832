// Package idmsql keeps idm's facts in a database: SQLite or PostgreSQL.
//
//	db, err := entsqlite.Open("idm.db")
//	store := idmsql.New(db, dialect.SQLite)
//	err = store.Migrate(ctx)
//	svc := idm.New(store)
//
// The tables begin with "idm_" and may share a database with other tables. One process should use them at a time, or each must
// accept that it learns late of what the others did: see idm.WithCacheAge.
package idmsql

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/ensemble-platform/ensemble/ent/entmigrate"
	"github.com/ensemble-platform/ensemble/ent/idmdb"
	"github.com/ensemble-platform/ensemble/idm"
)

//go:embed migrations
var migrations embed.FS

const versionTable = "idm_migrations"

// Store is an idm.Store in a database.
type Store struct {
	db      *sql.DB
	dialect string
	client  *idmdb.Client
}

var _ idm.Store = (*Store)(nil)

// New makes a Store on db, which stays the caller's to close. entDialect is dialect.SQLite or dialect.Postgres of
// entgo.io/ent/dialect. A SQLite database must be opened as entsqlite.Open does.
func New(db *sql.DB, entDialect string) *Store {
	return &Store{db: db, dialect: entDialect, client: idmdb.NewClient(idmdb.Driver(entsql.OpenDB(entDialect, db)))}
}

// Migrate brings the tables to the newest schema.
func (s *Store) Migrate(ctx context.Context) error {
	return entmigrate.Up(ctx, s.db, s.dialect, migrations, versionTable)
}

// Migrations are the goose files for a dialect, for those who run them with a tool of their own.
func Migrations(entDialect string) (fs.FS, error) { return entmigrate.FS(migrations, entDialect) }

// Ready reports whether the database answers and has the tables.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.client.Session.Query().Exist(ctx)
	return s.wrap("ready", err)
}

// tx runs do in a transaction. On SQLite it holds the write lock from the beginning; on PostgreSQL do locks the rows it depends on.
func (s *Store) tx(ctx context.Context, what string, do func(tx *idmdb.Tx) error) error {
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return s.wrap(what, err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if err := do(tx); err != nil {
		return s.wrap(what, err)
	}
	return s.wrap(what, tx.Commit())
}

// again runs put once more when another call inserted the same thing in between.
func (s *Store) again(put func() error) error {
	err := put()
	if errors.Is(err, errInserted) {
		err = put()
	}
	if errors.Is(err, errInserted) {
		return idm.ErrConflict
	}
	return err
}

// errInserted says that an insert failed because the row is there already.
var errInserted = errors.New("inserted by another")

// wrap turns the database's errors into idm's, and says what was being done in the others.
func (s *Store) wrap(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case idmdb.IsNotFound(err):
		return idm.ErrNotFound
	case idmdb.IsConstraintError(err):
		return idm.ErrConflict
	case errors.Is(err, errInserted), errors.Is(err, idm.ErrNotFound), errors.Is(err, idm.ErrConflict),
		errors.Is(err, idm.ErrLastOwner), errors.Is(err, idm.ErrCredentials), errors.Is(err, idm.ErrInvalid):
		return err
	}
	return fmt.Errorf("idmsql: %s: %w", what, err)
}

// locks reports whether rows can be locked. SQLite locks the database instead.
func (s *Store) locks() bool { return s.dialect == dialect.Postgres }

func micros(t time.Time) int64 { return t.UnixMicro() }

func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }
