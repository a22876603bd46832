package connectest_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecsql"
	"github.com/ensemble-platform/ensemble/connec/connectest"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func onBoth(t *testing.T, test func(t *testing.T, newStore func(t *testing.T) connec.Store)) {
	for name, open := range map[string]func(t *testing.T) *sql.DB{
		dialect.SQLite: func(t *testing.T) *sql.DB {
			db, err := entsqlite.Open(filepath.Join(t.TempDir(), "connec.db"))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			return db
		},
		dialect.Postgres: func(t *testing.T) *sql.DB { return pgtest.Open(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(t *testing.T) connec.Store {
				s, err := connecsql.New(open(t), name)
				require.NoError(t, err)
				require.NoError(t, s.Migrate(t.Context()))
				return s
			})
		})
	}
}

// The engine behaves the same whatever keeps its data.
func TestServiceOnSQL(t *testing.T) {
	onBoth(t, func(t *testing.T, newStore func(t *testing.T) connec.Store) {
		connectest.TestService(t, func(t *testing.T, a authz.Authorizer) connec.Service { return connec.New(newStore(t), a) })
	})
}

func TestDispatcherOnSQL(t *testing.T) {
	onBoth(t, connectest.TestDispatcher)
}
