// Package pgtest starts a real PostgreSQL for tests and hands out empty databases.
package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/ensemble-platform/ensemble/internal/id"
	"github.com/ensemble-platform/ensemble/internal/pgserver"
)

var server struct {
	sync.Mutex
	dsn  string // with %s for the database name
	err  error
	stop func()
}

// Main runs a package's tests and stops the server that they started. Call it from TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	server.Lock()
	defer server.Unlock()
	if server.stop != nil {
		server.stop()
	}
	return code
}

// DSN returns the address of an empty database that belongs to the test alone, for the driver "pgx". It uses the server named by
// ENSEMBLE_TEST_POSTGRES (a DSN with %s for the database name), or starts one from the programs of Debian's package
// postgresql. Without either the test is skipped, or fails where CI is set.
func DSN(t testing.TB) string {
	t.Helper()
	pattern, err := start()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("PostgreSQL: %v", err)
		}
		t.Skipf("no PostgreSQL (apt-get install postgresql): %v", err)
	}
	admin, err := sql.Open("pgx", fmt.Sprintf(pattern, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	name := "t" + strings.ReplaceAll(id.UUID(), "-", "")
	if _, err := admin.ExecContext(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(pattern, name)
}

// Open opens an empty database. See DSN.
func Open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func start() (string, error) {
	server.Lock()
	defer server.Unlock()
	if server.dsn == "" && server.err == nil {
		if dsn := os.Getenv("ENSEMBLE_TEST_POSTGRES"); dsn != "" {
			server.dsn = dsn
		} else {
			server.dsn, server.stop, server.err = pgserver.Start(pgserver.Fast)
		}
	}
	return server.dsn, server.err
}
