// Package pgtest starts a real PostgreSQL for tests and hands out empty databases.
package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/ensemble-platform/ensemble/internal/id"
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
			server.dsn, server.stop, server.err = launch()
		}
	}
	return server.dsn, server.err
}

func launch() (string, func(), error) {
	bin, err := binDir()
	if err != nil {
		return "", nil, err
	}
	// A short path: a Unix socket's name has at most 107 bytes.
	dir, err := os.MkdirTemp("/tmp", "epg")
	if err != nil {
		return "", nil, err
	}
	attr, err := unprivileged(dir)
	if err != nil {
		return "", nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "ensemble", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	_ = l.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return "", nil, err
	}
	pg := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "fsync=off")
	own := *attr
	own.Pdeathsig = syscall.SIGQUIT // the server must not outlive a test that is killed
	pg.SysProcAttr, pg.Dir, pg.Stdout, pg.Stderr = &own, dir, log, log
	if err := pg.Start(); err != nil {
		return "", nil, err
	}
	stop := func() {
		_ = pg.Process.Signal(syscall.SIGQUIT)
		_ = pg.Wait()
		_ = os.RemoveAll(dir)
	}
	dsn := "postgres://ensemble@127.0.0.1:" + port + "/%s?sslmode=disable"
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		db, err := sql.Open("pgx", fmt.Sprintf(dsn, "postgres"))
		if err == nil {
			err = db.PingContext(ctx)
			_ = db.Close()
		}
		if err == nil {
			return dsn, stop, nil
		}
		select {
		case <-ctx.Done():
			stop()
			return "", nil, fmt.Errorf("postgres does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// binDir finds the newest server that is installed.
func binDir() (string, error) {
	if p, err := exec.LookPath("pg_config"); err == nil {
		if out, err := exec.Command(p, "--bindir").Output(); err == nil {
			if dir := strings.TrimSpace(string(out)); exists(filepath.Join(dir, "initdb")) {
				return dir, nil
			}
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", fmt.Errorf("no initdb below /usr/lib/postgresql")
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return len(a) - len(b) + strings.Compare(a, b) })), nil
}

func exists(p string) bool { _, err := os.Stat(p); return err == nil }

// unprivileged makes the server run as somebody else than root, which it insists on, and gives that user dir.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			return nil, err
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return nil, fmt.Errorf("running as root, and neither the user postgres nor nobody exists")
}
