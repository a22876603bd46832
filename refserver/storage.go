package refserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"entgo.io/ent/dialect"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/ensemble-platform/ensemble/connec/connecsql"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/hub/hubsql"
	"github.com/ensemble-platform/ensemble/idm/idmsql"
	"github.com/ensemble-platform/ensemble/impac/impacsql"
	"github.com/ensemble-platform/ensemble/nex/nexsql"
)

// storage opens the databases of the local subsystems: a SQLite file for each, so that none waits for another's writes, or one
// PostgreSQL database for all, whose tables carry the subsystem's name.
type storage struct {
	dir      string
	postgres *sql.DB
	sqlite   map[string]*sql.DB // by subsystem
}

func openStorage(cfg *Config) (*storage, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	s := &storage{dir: cfg.DataDir, sqlite: map[string]*sql.DB{}}
	if cfg.Database == "" {
		return s, nil
	}
	db, err := sql.Open("pgx", cfg.Database)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(32)
	s.postgres = db
	return s, nil
}

// database is where a subsystem keeps its own.
func (s *storage) database(subsystem string) (*sql.DB, string, error) {
	if s.postgres != nil {
		return s.postgres, dialect.Postgres, nil
	}
	if db := s.sqlite[subsystem]; db != nil {
		return db, dialect.SQLite, nil
	}
	db, err := entsqlite.Open(filepath.Join(s.dir, subsystem+".db"))
	if err != nil {
		return nil, "", err
	}
	s.sqlite[subsystem] = db
	return db, dialect.SQLite, nil
}

func (s *storage) close() error {
	var errs []error
	if s.postgres != nil {
		errs = append(errs, s.postgres.Close())
	}
	for _, db := range s.sqlite {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// migrator is what every SQL store can do.
type migrator interface {
	Migrate(ctx context.Context) error
}

// opener makes a store over a database.
type opener[S migrator] func(db *sql.DB, dialect string) (S, error)

// store opens a subsystem's store, and migrates it if the configuration says so.
func store[S migrator](ctx context.Context, s *storage, migrate bool, subsystem string, open opener[S]) (S, error) {
	var none S
	db, d, err := s.database(subsystem)
	if err != nil {
		return none, fmt.Errorf("%s: %w", subsystem, err)
	}
	st, err := open(db, d)
	if err != nil {
		return none, fmt.Errorf("%s: %w", subsystem, err)
	}
	if migrate {
		if err := st.Migrate(ctx); err != nil {
			return none, fmt.Errorf("%s: %w", subsystem, err)
		}
	}
	return st, nil
}

// Migrate brings the databases of the local subsystems up to date and calls done after each. It fails while a server uses the data folder.
func Migrate(ctx context.Context, cfg Config, done func(subsystem string)) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if cfg.usesFolder() {
		unlock, err := lockFolder(cfg.DataDir)
		if err != nil {
			return err
		}
		defer func() { _ = unlock() }()
	}
	s, err := openStorage(&cfg)
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	for _, step := range []struct {
		name string
		at   Placement
		open opener[migrator]
	}{
		{"idm", cfg.IDM, anyStore(fallible(idmsql.New))},
		{"hub", cfg.Hub, anyStore(fallible(hubsql.New))},
		{"connec", cfg.Connec, anyStore(openConnec(nil))},
		{"nex", cfg.Nex, anyStore(fallible(nexsql.New))},
		{"impac", cfg.Impac, anyStore(fallible(impacsql.New))},
	} {
		if step.at != Local {
			continue
		}
		if _, err := store(ctx, s, true, step.name, step.open); err != nil {
			return err
		}
		done(step.name)
	}
	return nil
}

// fallible is the opener of a store that can be made of any database.
func fallible[S migrator](open func(*sql.DB, string) S) opener[S] {
	return func(db *sql.DB, dialect string) (S, error) { return open(db, dialect), nil }
}

// anyStore forgets which store it is.
func anyStore[S migrator](open opener[S]) opener[migrator] {
	return func(db *sql.DB, dialect string) (migrator, error) { return open(db, dialect) }
}

// openConnec is the opener of connec's store, which seals with secret. Migrations need none.
func openConnec(secret []byte) opener[*connecsql.Store] {
	return func(db *sql.DB, dialect string) (*connecsql.Store, error) {
		if secret == nil {
			return connecsql.New(db, dialect)
		}
		return connecsql.New(db, dialect, connecsql.WithKey(secret))
	}
}

// resealer is a store of secrets that may hold some that aren't sealed with the present key.
type resealer interface {
	Reseal(ctx context.Context) (int, error)
}

// reseal seals what a store keeps from before. A secret that can't be opened is for the operator to know, and harms only whoever needs it.
func (s *Server) reseal(ctx context.Context, what string, st resealer) {
	n, err := st.Reseal(ctx)
	if n > 0 {
		s.log.InfoContext(ctx, "stored secrets sealed", slog.String("of", what), slog.Int("count", n))
	}
	if err != nil {
		s.log.ErrorContext(ctx, "seal stored secrets", slog.String("of", what), slog.Any("error", err))
	}
}
