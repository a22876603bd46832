// Package entmigrate brings a database to the newest schema with the migrations that a store embeds.
//
// The files are goose's, one folder a dialect: migrations/sqlite/00001_init.sql, migrations/postgres/00001_init.sql. They are
// written from the ent schema by the store's migration test (see internal/migratetest) and never changed once released.
package entmigrate

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Folder is where the migrations of an ent dialect lie: "sqlite" or "postgres".
func Folder(entDialect string) (string, error) {
	switch entDialect {
	case dialect.SQLite:
		return "sqlite", nil
	case dialect.Postgres:
		return "postgres", nil
	default:
		return "", fmt.Errorf("dialect %q is neither %q nor %q", entDialect, dialect.SQLite, dialect.Postgres)
	}
}

// FS is the folder of one dialect within a store's embedded migrations.
func FS(migrations fs.FS, entDialect string) (fs.FS, error) {
	folder, err := Folder(entDialect)
	if err != nil {
		return nil, err
	}
	return fs.Sub(migrations, "migrations/"+folder)
}

// Up applies what is missing, each file in a transaction, and records it in versionTable. On PostgreSQL a lock keeps
// several starting processes from migrating at once.
func Up(ctx context.Context, db *sql.DB, entDialect string, migrations fs.FS, versionTable string) error {
	files, err := FS(migrations, entDialect)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", versionTable, err)
	}
	d := goose.DialectSQLite3
	opts := []goose.ProviderOption{
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)),
	}
	if entDialect == dialect.Postgres {
		d = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("migrate %s: %w", versionTable, err)
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(d, db, files, opts...)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", versionTable, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", versionTable, err)
	}
	return nil
}
