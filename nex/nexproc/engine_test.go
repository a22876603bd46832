//go:build linux

package nexproc_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexproc"
	"github.com/ensemble-platform/ensemble/nex/nexsql"
	"github.com/ensemble-platform/ensemble/nex/nextest"
)

// serverVariable makes the test binary a server over the folder that it names: an engine with a database and processes.
const serverVariable = "NEXPROC_TEST_SERVER"

const soon = 20 * time.Second

// newEngine makes what a server has.
func newEngine(dir string) (*nex.Engine, *nexproc.Backend, func() error, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, nil, err
	}
	db, err := entsqlite.Open(filepath.Join(dir, "nex.db"))
	if err != nil {
		return nil, nil, nil, err
	}
	store := nexsql.New(db, dialect.SQLite)
	if err := store.Migrate(context.Background()); err != nil {
		return nil, nil, nil, err
	}
	b := nexproc.New(filepath.Join(dir, "apps"))
	e := nex.New(store, b, nextest.Authorizer(),
		nex.WithKey(make([]byte, 32)), nex.WithDrain(200*time.Millisecond),
		nex.WithRestarts(nex.RestartPolicy{Initial: 10 * time.Millisecond, Max: 100 * time.Millisecond}),
		nex.WithHealth(nex.HealthPolicy{Interval: 100 * time.Millisecond, Timeout: 2 * time.Second}))
	return e, b, db.Close, nil
}

// serve is the server's main. It says "ready" and serves until it is killed.
func serve(dir string) error {
	e, _, _, err := newEngine(dir)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	fmt.Println("ready")
	return e.Run(ctx)
}

// server is a server in a process of its own.
type server struct {
	t   *testing.T
	cmd *exec.Cmd
}

func startServer(t *testing.T, dir string) *server {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), serverVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	s := &server{t, cmd}
	t.Cleanup(s.kill)
	return s
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// wisher stores wishes into a server's database. It doesn't fulfil them.
func wisher(t *testing.T, dir string) *nex.Engine {
	t.Helper()
	e, _, done, err := newEngine(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, done()) })
	t.Cleanup(func() {
		// Whatever happened, no process stays behind.
		b := nexproc.New(filepath.Join(dir, "apps"))
		require.NoError(t, b.StopAll(context.Background(), 0))
		require.NoError(t, b.Close())
	})
	return e
}

func operator(t *testing.T) context.Context {
	return authz.WithCredential(t.Context(), nextest.Operator)
}

func ourTemplate(t *testing.T, env map[string]string) nex.Template {
	program, err := os.Executable()
	require.NoError(t, err)
	all := map[string]string{nextest.AppVariable: "1"}
	for k, v := range env {
		all[k] = v
	}
	return nex.Template{Name: "notes", Version: "7", Command: []string{program}, Env: all, HealthPath: "/healthz", StopGrace: 300 * time.Millisecond}
}

// appAddr reads where an app listens and its process's id from what the backend wrote down.
func appState(t *testing.T, dir, uid string) (pid, port int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "apps", "apps", uid, "instance.json"))
	if err != nil {
		return 0, 0
	}
	field := func(name string) int {
		_, rest, ok := strings.Cut(string(b), `"`+name+`":`)
		if !ok {
			return 0
		}
		n, _ := strconv.Atoi(rest[:strings.IndexAny(rest, ",}")])
		return n
	}
	return field("pid"), field("port")
}

func ask(port int, path string) string {
	c := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, path))
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

// processesOf counts the living processes with an app's uid in their environment.
func processesOf(t *testing.T, dir, uid string) int {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	n := 0
	for _, f := range folders {
		env, err := os.ReadFile(f + "/environ")
		stat, _ := os.ReadFile(f + "/stat")
		if err == nil && strings.Contains(string(env), "NEX_APP_UID="+uid+"\x00") && strings.Contains(string(env), dir) && !strings.Contains(string(stat), ") Z ") {
			n++
		}
	}
	return n
}

// TestServerKilled: an app outlives its server, and the next server takes it over as it is.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, ctx := wisher(t, dir), operator(t)
	require.NoError(t, e.PutTemplate(ctx, ourTemplate(t, nil)))
	for _, uid := range []string{"lives", "dies", "stops", "goes"} {
		_, err := e.CreateApp(ctx, nex.AppSpec{UID: uid, Organization: nextest.OrgA, Template: "notes", Env: map[string]string{"MNO_API_SECRET": "not for everybody"}})
		require.NoError(t, err)
	}
	s := startServer(t, dir)
	for _, uid := range []string{"lives", "dies", "stops", "goes"} {
		nextest.Await(t, e, uid, nex.Running)
	}
	pid, port := appState(t, dir, "lives")
	require.Equal(t, strconv.Itoa(pid), ask(port, "/pid"))
	s.kill()
	require.Equal(t, strconv.Itoa(pid), ask(port, "/pid"), "the app serves on without a server")

	// While no server runs: one app dies, one is to stop, one is to go, and one instance belongs to nobody.
	_, dead := appState(t, dir, "dies")
	ask(dead, "/exit?code=1")
	_, err := e.StopApp(ctx, "stops")
	require.NoError(t, err)
	_, err = e.TerminateApp(ctx, "goes")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "apps", "apps", "unknown", "data"), 0o700))

	began := time.Now()
	startServer(t, dir)
	nextest.Await(t, e, "stops", nex.Stopped)
	nextest.Await(t, e, "goes", nex.Terminated)
	require.Eventually(t, func() bool {
		p, port := appState(t, dir, "dies")
		return p != 0 && port != 0 && ask(port, "/pid") != ""
	}, soon, 5*time.Millisecond, "dead ones are restarted")
	a := nextest.Await(t, e, "dies", nex.Running)
	require.Zero(t, a.Restarts, "nobody saw it crash")
	t.Logf("everything is as it should be %s after the start", time.Since(began).Round(time.Millisecond))

	require.Equal(t, strconv.Itoa(pid), ask(port, "/pid"), "it is the same process")
	lives, err := e.GetApp(ctx, "lives")
	require.NoError(t, err)
	require.Equal(t, nex.Running, lives.Status)
	require.Zero(t, lives.Restarts)
	for uid, want := range map[string]int{"lives": 1, "dies": 1, "stops": 0, "goes": 0} {
		require.Equal(t, want, processesOf(t, dir, uid), uid)
	}
	for _, uid := range []string{"goes", "unknown"} {
		require.Eventually(t, func() bool {
			_, err := os.Stat(filepath.Join(dir, "apps", "apps", uid))
			return os.IsNotExist(err)
		}, soon, 5*time.Millisecond, "nothing is left of %s", uid)
	}

	// An adopted app that crashes is restarted, too.
	ask(port, "/exit?code=3")
	require.Eventually(t, func() bool {
		a, err := e.GetApp(ctx, "lives")
		require.NoError(t, err)
		return a.Restarts == 1 && a.Status == nex.Running
	}, soon, 5*time.Millisecond)
	require.Equal(t, 1, processesOf(t, dir, "lives"))
}

// TestServerKilledOften: wherever the server is killed, the next one ends in the same state, with no process doubled or lost.
func TestServerKilledOften(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, ctx := wisher(t, dir), operator(t)
	require.NoError(t, e.PutTemplate(ctx, ourTemplate(t, nil)))
	uids := []string{"a", "b", "c"}
	for n := range 12 {
		uid := uids[n%len(uids)]
		if n < len(uids) {
			_, err := e.CreateApp(ctx, nex.AppSpec{UID: uid, Organization: nextest.OrgA, Template: "notes"})
			require.NoError(t, err)
		} else if n%2 == 0 {
			_, _ = e.RestartApp(ctx, uid) // it may be busy
		}
		s := startServer(t, dir)
		// From before the first step to after the last one.
		timer := time.NewTimer(time.Duration(n*n) * time.Millisecond)
		<-timer.C
		s.kill()
	}
	startServer(t, dir)
	for _, uid := range uids {
		nextest.Await(t, e, uid, nex.Running)
		_, port := appState(t, dir, uid)
		require.Equal(t, uid, ask(port, "/env?name=NEX_APP_UID"))
		require.Equal(t, 1, processesOf(t, dir, uid), uid)
	}
}

// TestEngine: the engine with real processes in this one.
func TestEngine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, b, done, err := newEngine(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, done()) })
	t.Cleanup(func() {
		require.NoError(t, b.StopAll(context.Background(), 0))
		require.NoError(t, b.Close())
	})
	nextest.RunEngine(t, e)
	ctx := operator(t)
	require.NoError(t, e.PutTemplate(ctx, ourTemplate(t, map[string]string{"MNO_SSO_ENABLED": "true"})))
	_, err = e.CreateApp(ctx, nex.AppSpec{UID: "notes-1", Name: "Notes", Organization: nextest.OrgA, Template: "notes", Env: map[string]string{"MNO_API_KEY": "app-1"}})
	require.NoError(t, err)
	nextest.Await(t, e, "notes-1", nex.Running)
	pid, port := appState(t, dir, "notes-1")

	for name, want := range map[string]string{
		"PORT": strconv.Itoa(port), "NEX_APP_UID": "notes-1", "NEX_ORG": nextest.OrgA, "NEX_RELEASE": "7", "NEX_PUBLIC_URL": "http://notes-1.apps.localhost",
		"NEX_DATA_DIR": filepath.Join(dir, "apps", "apps", "notes-1", "data"), "NEX_TRUSTED_PROXY": "127.0.0.1",
		"MNO_SERVER_HOSTNAME": "notes-1.apps.localhost", "MNO_API_KEY": "app-1", "MNO_SSO_ENABLED": "true",
	} {
		require.Equal(t, want, ask(port, "/env?name="+name), name)
	}
	key := ask(port, "/env?name=NEX_SECRET_KEY")
	require.Len(t, key, 64)

	// A crash: seen at once, restarted, counted.
	ask(port, "/exit?code=9")
	require.Eventually(t, func() bool {
		a, err := e.GetApp(ctx, "notes-1")
		require.NoError(t, err)
		return a.Restarts == 1 && a.Status == nex.Running
	}, soon, 2*time.Millisecond)
	again, port := appState(t, dir, "notes-1")
	require.NotEqual(t, pid, again)
	require.Equal(t, key, ask(port, "/env?name=NEX_SECRET_KEY"), "stable for the app's life")
	lines, err := e.Logs(ctx, "notes-1", 100)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(lines), "exit status 9")

	// No secret is in what nex wrote anywhere.
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil {
			require.NotContains(t, string(content), key, path)
			require.NotContains(t, string(content), "app-1", path)
		}
		return err
	}))

	// A program that doesn't want to end is killed, with what it started.
	require.NoError(t, e.PutTemplate(ctx, ourTemplate(t, map[string]string{nextest.IgnoreTerm: "1"})))
	_, err = e.RestartApp(ctx, "notes-1")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, port = appState(t, dir, "notes-1")
		return ask(port, "/env?name="+nextest.IgnoreTerm) == "1"
	}, soon, 5*time.Millisecond, "the template is taken up at the next start")
	nextest.Await(t, e, "notes-1", nex.Running)
	_, err = e.StopApp(ctx, "notes-1")
	require.NoError(t, err)
	nextest.Await(t, e, "notes-1", nex.Stopped)
	require.Zero(t, processesOf(t, dir, "notes-1"))
	_, err = e.TerminateApp(ctx, "notes-1")
	require.NoError(t, err)
	nextest.Await(t, e, "notes-1", nex.Terminated)
	_, err = os.Stat(filepath.Join(dir, "apps", "apps", "notes-1"))
	require.True(t, os.IsNotExist(err), "its files are gone")
}
