package idmoidcsql_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/idm/idmoidc"
	"github.com/ensemble-platform/ensemble/idm/idmoidcsql"
	"github.com/ensemble-platform/ensemble/idm/idmoidctest"
	"github.com/ensemble-platform/ensemble/idm/idmsql"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// onBoth runs a test with empty SQLite and PostgreSQL databases.
func onBoth(t *testing.T, test func(t *testing.T, entDialect string, open func(t *testing.T) *sql.DB)) {
	migrated := func(t *testing.T, db *sql.DB, entDialect string) *sql.DB {
		require.NoError(t, idmsql.New(db, entDialect).Migrate(t.Context()))
		return db
	}
	t.Run("sqlite", func(t *testing.T) {
		test(t, dialect.SQLite, func(t *testing.T) *sql.DB {
			db, err := entsqlite.Open(filepath.Join(t.TempDir(), "idm.db"))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			return migrated(t, db, dialect.SQLite)
		})
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, dialect.Postgres, func(t *testing.T) *sql.DB { return migrated(t, pgtest.Open(t), dialect.Postgres) })
	})
}

func TestStore(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string, open func(t *testing.T) *sql.DB) {
		idmoidctest.TestStore(t, func(t *testing.T) idmoidc.Store { return idmoidcsql.New(open(t), entDialect) })
	})
}
