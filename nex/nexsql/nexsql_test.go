package nexsql_test

import (
	"os"
	"path/filepath"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/ent/nexdb/migrate"
	"github.com/ensemble-platform/ensemble/internal/migratetest"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexsql"
	"github.com/ensemble-platform/ensemble/nex/nextest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestMigrations(t *testing.T) { migratetest.Check(t, "nex_migrations", migrate.Tables) }

func onSQLite(t *testing.T) nex.Store {
	t.Helper()
	db, err := entsqlite.Open(filepath.Join(t.TempDir(), "nex.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s := nexsql.New(db, dialect.SQLite)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func onPostgres(t *testing.T) nex.Store {
	t.Helper()
	s := nexsql.New(pgtest.Open(t), dialect.Postgres)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func TestStore(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { nextest.TestStore(t, onSQLite) })
	t.Run("postgres", func(t *testing.T) { nextest.TestStore(t, onPostgres) })
}

func TestService(t *testing.T) {
	here := func(_ *testing.T, s nex.Service) nex.Service { return s }
	t.Run("sqlite", func(t *testing.T) { nextest.TestService(t, onSQLite, here) })
	t.Run("postgres", func(t *testing.T) { nextest.TestService(t, onPostgres, here) })
}
