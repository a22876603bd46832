package connecsql_test

import (
	"os"
	"testing"

	"github.com/ensemble-platform/ensemble/connec/connecsql"
	"github.com/ensemble-platform/ensemble/ent/connecdb/migrate"
	"github.com/ensemble-platform/ensemble/internal/migratetest"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashVariable); path != "" {
		writeUntilKilled(path)
	}
	os.Exit(pgtest.Main(m))
}

func TestMigrations(t *testing.T) {
	migratetest.Check(t, connecsql.VersionTable, migrate.Tables)
}
