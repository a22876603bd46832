// Package pgserver runs a PostgreSQL of our own.
package pgserver

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
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Mode says what a server is for.
type Mode string

// Modes.
const (
	// Fast doesn't wait for the disk: for tests.
	Fast Mode = "off"
	// Durable commits as a production server does: for measurements.
	Durable Mode = "on"
)

// Start starts a server from the programs of Debian's package postgresql, on a free port of the loopback address, and returns its
// address with %s for the database's name, and what stops and removes it. The server ends with this process, however that ends.
func Start(mode Mode) (dsn string, stop func(), err error) {
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
	pg := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "fsync="+string(mode))
	own := *attr
	own.Pdeathsig = syscall.SIGQUIT // the server must not outlive a test that is killed
	pg.SysProcAttr, pg.Dir, pg.Stdout, pg.Stderr = &own, dir, log, log
	if err := pg.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = pg.Process.Signal(syscall.SIGQUIT)
		_ = pg.Wait()
		_ = os.RemoveAll(dir)
	}
	dsn = "postgres://ensemble@127.0.0.1:" + port + "/%s?sslmode=disable"
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
