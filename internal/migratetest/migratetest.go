// Package migratetest checks that a store's migration files lead to its ent schema, and writes the missing one.
package migratetest

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"

	"github.com/ensemble-platform/ensemble/ent/entmigrate"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
)

// Check fails for each dialect whose files below ./migrations don't lead to tables (the generated <sub>db/migrate.Tables).
//
// With UPDATE_MIGRATIONS set, it writes the missing step as the next file instead:
//
//	UPDATE_MIGRATIONS=add_colour go test ./idm/idmsql -run TestMigrations
//
// The value names the file: "00002_add_colour.sql". Read what it wrote before committing it.
func Check(t *testing.T, versionTable string, tables []*schema.Table) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		db, err := entsqlite.Open(filepath.Join(t.TempDir(), "scratch.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		check(t, db, dialect.SQLite, versionTable, tables)
	})
	t.Run("postgres", func(t *testing.T) {
		check(t, pgtest.Open(t), dialect.Postgres, versionTable, tables)
	})
}

func check(t *testing.T, db *sql.DB, entDialect, versionTable string, tables []*schema.Table) {
	t.Helper()
	folder, err := entmigrate.Folder(entDialect)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("migrations", folder)
	files, _ := fs.Glob(os.DirFS(dir), "*.sql")
	if len(files) > 0 {
		if err := entmigrate.Up(t.Context(), db, entDialect, os.DirFS("."), versionTable); err != nil {
			t.Fatal(err)
		}
	}
	missing, err := diff(t.Context(), db, entDialect, tables)
	if err != nil {
		t.Fatal(err)
	}
	name := os.Getenv("UPDATE_MIGRATIONS")
	switch {
	case missing == "":
	case name == "":
		t.Errorf("the %s migrations don't lead to the ent schema; missing:\n%s\nWrite them with: UPDATE_MIGRATIONS=what_changed go test -run %s .", folder, missing, t.Name())
	default:
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, fmt.Sprintf("%05d_%s.sql", len(files)+1, name))
		if err := os.WriteFile(file, []byte(missing), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("wrote %s", file)
	}
}

// diff returns the goose file that leads from what db holds to tables, or "".
func diff(ctx context.Context, db *sql.DB, entDialect string, tables []*schema.Table) (string, error) {
	mem := &migrate.MemDir{}
	m, err := schema.NewMigrate(entsql.OpenDB(entDialect, db),
		schema.WithDir(mem), schema.WithMigrationMode(schema.ModeInspect), schema.WithFormatter(sqltool.GooseFormatter),
		schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithDialect(entDialect))
	if err != nil {
		return "", err
	}
	if err := m.NamedDiff(ctx, "diff", tables...); err != nil {
		return "", err
	}
	found, err := mem.Files()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, f := range found {
		b.Write(f.Bytes())
	}
	return b.String(), nil
}
