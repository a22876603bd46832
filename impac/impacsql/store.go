// Package impacsql keeps dashboards in a database: SQLite or PostgreSQL.
//
//	db, err := entsqlite.Open("impac.db")
//	store := impacsql.New(db, dialect.SQLite)
//	err = store.Migrate(ctx)
//	engine := impac.New(store, source, authorizer)
//
// The tables begin with "impac_" and may share a database with other tables.
package impacsql

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/ensemble-platform/ensemble/ent/entmigrate"
	"github.com/ensemble-platform/ensemble/ent/impacdb"
	"github.com/ensemble-platform/ensemble/impac"
)

//go:embed migrations
var migrations embed.FS

const versionTable = "impac_migrations"

// Store is an impac.Store in a database.
type Store struct {
	db      *sql.DB
	dialect string
	client  *impacdb.Client
}

var _ impac.Store = (*Store)(nil)

// New makes a Store on db, which stays the caller's to close. entDialect is dialect.SQLite or dialect.Postgres of
// entgo.io/ent/dialect. A SQLite database must be opened as entsqlite.Open does.
func New(db *sql.DB, entDialect string) *Store {
	return &Store{db: db, dialect: entDialect, client: impacdb.NewClient(impacdb.Driver(entsql.OpenDB(entDialect, db)))}
}

// Migrate brings the tables to the newest schema.
func (s *Store) Migrate(ctx context.Context) error {
	return entmigrate.Up(ctx, s.db, s.dialect, migrations, versionTable)
}

// Migrations are the goose files for a dialect, for those who run them with a tool of their own.
func Migrations(entDialect string) (fs.FS, error) { return entmigrate.FS(migrations, entDialect) }

// Ready reports whether the database answers and has the tables.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.client.Dashboard.Query().Exist(ctx)
	return wrap(err, "ready")
}

// tx runs do in a transaction. On SQLite it holds the write lock from the beginning; on PostgreSQL do locks the row that it changes.
func (s *Store) tx(ctx context.Context, do func(tx *impacdb.Tx) error) error {
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// locks reports whether rows can be locked. SQLite locks the database instead.
func (s *Store) locks() bool { return s.dialect == dialect.Postgres }

// changeError carries what a caller's function returned, which goes back to him as it is.
type changeError struct{ err error }

func (e changeError) Error() string { return e.err.Error() }

// wrap turns the database's errors into impac's, and says what was being done in the others.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	if c, ok := errors.AsType[changeError](err); ok {
		return c.err
	}
	what := fmt.Sprintf(format, args...)
	if impacdb.IsNotFound(err) {
		return fmt.Errorf("%s: %w", what, impac.ErrNotFound)
	}
	return fmt.Errorf("impacsql: %s: %w", what, err)
}
