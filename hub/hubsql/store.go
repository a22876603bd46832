// Package hubsql keeps the hub's data in SQLite or PostgreSQL.
//
//	db, err := entsqlite.Open("hub.db")
//	store := hubsql.New(db, dialect.SQLite)
//	err = store.Migrate(ctx)
//	engine := hub.New(store, authorizer, identity)
//
// All tables begin with hub_, so that other subsystems may share the database.
package hubsql

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unicode/utf8"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/ensemble-platform/ensemble/ent/entmigrate"
	"github.com/ensemble-platform/ensemble/ent/hubdb"
	"github.com/ensemble-platform/ensemble/hub"
)

//go:embed migrations
var migrations embed.FS

const versionTable = "hub_migrations"

// Store is a hub.Store. Make one with [New].
type Store struct {
	db      *sql.DB
	dialect string
	client  *hubdb.Client
}

var _ hub.Store = (*Store)(nil)

// New returns a store over db, which the caller keeps. dialectName is dialect.SQLite ("sqlite3", from entsqlite.Open) or dialect.Postgres
// ("postgres", through the driver pgx). Call [Store.Migrate] before anything else.
func New(db *sql.DB, dialectName string) *Store {
	return &Store{db: db, dialect: dialectName, client: hubdb.NewClient(hubdb.Driver(entsql.OpenDB(dialectName, db)))}
}

// Migrate brings the database to the newest schema.
func (s *Store) Migrate(ctx context.Context) error {
	return entmigrate.Up(ctx, s.db, s.dialect, migrations, versionTable)
}

// Migrations are the goose files of a dialect, for those who migrate with a tool of their own.
func Migrations(dialectName string) (fs.FS, error) { return entmigrate.FS(migrations, dialectName) }

// Ready reports whether the database answers.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.db.PingContext(ctx); err != nil {
		return fmt.Errorf("hub store: %w", err)
	}
	return nil
}

// tx runs do in a transaction, which it rolls back when do fails.
func (s *Store) tx(ctx context.Context, do func(*hubdb.Tx) error) (err error) {
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			_ = tx.Rollback()
			panic(p)
		}
	}()
	if err := do(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// locks reports whether a row must be locked when it is read for a change. In SQLite the transaction holds the only lock.
func (s *Store) locks() bool { return s.dialect == dialect.Postgres }

// reference is what a caller names a record by.
type reference struct {
	uid    string
	number int64
}

// parse fails for what can't name anything, such as text that a database refuses.
func parse(ref string) (r reference, ok bool) {
	if ref == "" || len(ref) > 255 || !utf8.ValidString(ref) || strings.ContainsRune(ref, 0) {
		return r, false
	}
	r.uid = ref
	if n, err := strconv.ParseInt(ref, 10, 64); err == nil && n > 0 && strconv.FormatInt(n, 10) == ref {
		r.number = n
	}
	return r, true
}

// translate turns the database's errors into the hub's.
func translate(what, name string, err error) error {
	switch {
	case err == nil:
		return nil
	case hubdb.IsNotFound(err):
		return fmt.Errorf("%s %s: %w", what, name, hub.ErrNotFound)
	case hubdb.IsConstraintError(err):
		return fmt.Errorf("%s %s: %w", what, name, hub.ErrConflict)
	default:
		return fmt.Errorf("%s %s: %w", what, name, err)
	}
}
