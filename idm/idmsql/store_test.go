package idmsql_test

import (
	"os"
	"path/filepath"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/ent/idmdb/migrate"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmsql"
	"github.com/ensemble-platform/ensemble/idm/idmtest"
	"github.com/ensemble-platform/ensemble/internal/migratetest"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestMigrations(t *testing.T) { migratetest.Check(t, "idm_migrations", migrate.Tables) }

func onSQLite(t *testing.T) *idmsql.Store {
	t.Helper()
	db, err := entsqlite.Open(filepath.Join(t.TempDir(), "idm.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s := idmsql.New(db, dialect.SQLite)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func onPostgres(t *testing.T) *idmsql.Store {
	t.Helper()
	s := idmsql.New(pgtest.Open(t), dialect.Postgres)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func TestStore(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { idmtest.TestStore(t, func(t *testing.T) idm.Store { return onSQLite(t) }) })
	t.Run("postgres", func(t *testing.T) { idmtest.TestStore(t, func(t *testing.T) idm.Store { return onPostgres(t) }) })
}

func TestService(t *testing.T) {
	cheap := idm.WithPasswordCost(64, 1, 1)
	t.Run("sqlite", func(t *testing.T) {
		idmtest.TestService(t, func(t *testing.T) idm.Service { return idm.New(onSQLite(t), cheap) })
	})
	t.Run("postgres", func(t *testing.T) {
		idmtest.TestService(t, func(t *testing.T) idm.Service { return idm.New(onPostgres(t), cheap) })
	})
}
