package hubsql_test

import (
	"os"
	"path/filepath"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/ent/hubdb/migrate"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubsql"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
	"github.com/ensemble-platform/ensemble/internal/migratetest"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func sqlite(t *testing.T) hub.Store {
	t.Helper()
	db, err := entsqlite.Open(filepath.Join(t.TempDir(), "hub.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s := hubsql.New(db, dialect.SQLite)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Migrate(t.Context()), "twice is no error")
	require.NoError(t, s.Ready(t.Context()))
	return s
}

func postgres(t *testing.T) hub.Store {
	t.Helper()
	s := hubsql.New(pgtest.Open(t), dialect.Postgres)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	migratetest.Check(t, "hub_migrations", migrate.Tables)
}

func TestStore(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { hubtest.TestStore(t, sqlite) })
	t.Run("postgres", func(t *testing.T) { hubtest.TestStore(t, postgres) })
}

func TestService(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) hub.Store{"sqlite": sqlite, "postgres": postgres} {
		t.Run(name, func(t *testing.T) {
			hubtest.TestService(t, func(t *testing.T) hubtest.Fixture {
				p := hubtest.NewPlatform(open(t))
				hubtest.Start(t, p.Run)
				return hubtest.Fixture{Service: p, Operator: hubtest.Operator}
			})
		})
	}
}
