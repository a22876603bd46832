package impacsql_test

import (
	"os"
	"path/filepath"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/ent/impacdb/migrate"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impacsql"
	"github.com/ensemble-platform/ensemble/impac/impactest"
	"github.com/ensemble-platform/ensemble/internal/migratetest"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestMigrations(t *testing.T) { migratetest.Check(t, "impac_migrations", migrate.Tables) }

func onSQLite(t *testing.T) impac.Store {
	t.Helper()
	db, err := entsqlite.Open(filepath.Join(t.TempDir(), "impac.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s := impacsql.New(db, dialect.SQLite)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Migrate(t.Context()), "again")
	return s
}

func onPostgres(t *testing.T) impac.Store {
	t.Helper()
	s := impacsql.New(pgtest.Open(t), dialect.Postgres)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func TestStore(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { impactest.TestStore(t, onSQLite) })
	t.Run("postgres", func(t *testing.T) { impactest.TestStore(t, onPostgres) })
}

func TestService(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		impactest.TestService(t, func(t *testing.T) impac.Service { return impactest.NewEngine(onSQLite(t)) })
	})
	t.Run("postgres", func(t *testing.T) {
		impactest.TestService(t, func(t *testing.T) impac.Service { return impactest.NewEngine(onPostgres(t)) })
	})
}

func TestReadyNeedsTables(t *testing.T) {
	t.Parallel()
	db, err := entsqlite.Open(filepath.Join(t.TempDir(), "impac.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.Error(t, impacsql.New(db, dialect.SQLite).Ready(t.Context()))
}
