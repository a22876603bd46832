package idmoidcsql_test

import (
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

func TestStore(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		idmoidctest.TestStore(t, func(t *testing.T) idmoidc.Store {
			db, err := entsqlite.Open(filepath.Join(t.TempDir(), "idm.db"))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			require.NoError(t, idmsql.New(db, dialect.SQLite).Migrate(t.Context()))
			return idmoidcsql.New(db, dialect.SQLite)
		})
	})
	t.Run("postgres", func(t *testing.T) {
		idmoidctest.TestStore(t, func(t *testing.T) idmoidc.Store {
			db := pgtest.Open(t)
			require.NoError(t, idmsql.New(db, dialect.Postgres).Migrate(t.Context()))
			return idmoidcsql.New(db, dialect.Postgres)
		})
	})
}
