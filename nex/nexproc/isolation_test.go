//go:build linux

package nexproc_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexproc"
	"github.com/ensemble-platform/ensemble/nex/nextest"
)

// run starts the test program and returns its process's id and port.
func run(t *testing.T, dir, program string, opts ...nexproc.Option) (pid, port int) {
	t.Helper()
	b := nexproc.New(filepath.Join(dir, "apps"), opts...)
	t.Cleanup(func() {
		require.NoError(t, b.StopAll(context.Background(), 0))
		require.NoError(t, b.Close())
	})
	_, err := b.Ensure(t.Context(), nex.Spec{ID: "x", Command: []string{program}, Env: map[string]string{nextest.AppVariable: "1", "NEX_APP_UID": "x"}})
	require.NoError(t, err)
	_, err = b.Start(t.Context(), "x")
	require.NoError(t, err)
	pid, port = appState(t, dir, "x")
	require.Eventually(t, func() bool { return ask(port, "/") != "" }, soon, 5*time.Millisecond)
	return pid, port
}

// proc reads a file about a process, with runs of blanks made one.
func proc(t *testing.T, pid int, name string) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	require.NoError(t, err)
	lines := strings.Split(string(b), "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}

func TestIsolation(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	pid, _ := run(t, dir, program, nexproc.WithLimits(nexproc.Limits{OpenFiles: 100, Memory: 1 << 30}))
	require.Contains(t, proc(t, pid, "status"), "NoNewPrivs: 1\n")
	limits := proc(t, pid, "limits")
	require.Contains(t, limits, "Max open files 100 100 files")
	require.Contains(t, limits, "Max core file size 0 0 bytes")
	require.Contains(t, limits, "Max data size 1073741824 1073741824 bytes")
	require.Equal(t, "500\n", proc(t, pid, "oom_score_adj"))
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "apps", "apps", "x", "data"), cwd)
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	require.NoError(t, err)
	for _, fd := range fds {
		to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name()))
		require.NoError(t, err)
		if strings.HasPrefix(to, dir) {
			require.True(t, strings.HasPrefix(to, filepath.Join(dir, "apps", "apps", "x", "log")), "%s is open", to)
		}
	}
	for _, path := range []string{"apps", "apps/apps", "apps/apps/x", "apps/apps/x/data"} {
		fi, err := os.Stat(filepath.Join(dir, path))
		require.NoError(t, err)
		require.Zero(t, fi.Mode().Perm()&0o077, "others can't read %s", path)
	}
}

func TestUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can run apps as another user")
	}
	// Test folders and test programs are their owner's alone.
	dir, err := os.MkdirTemp("/tmp", "nexproc")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	self, err := os.Executable()
	require.NoError(t, err)
	in, err := os.Open(self)
	require.NoError(t, err)
	defer func() { _ = in.Close() }()
	program := filepath.Join(dir, "program")
	out, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())

	const nobody = 65534
	pid, port := run(t, dir, program, nexproc.WithUser(nobody, nobody))
	status := proc(t, pid, "status")
	require.Contains(t, status, "Uid: 65534 65534 65534 65534\n")
	require.Contains(t, status, "Gid: 65534 65534 65534 65534\n")
	require.Contains(t, status, "\nGroups:\n", "none of the server's groups")
	require.Contains(t, status, "CapEff: 0000000000000000\n")
	ask(port, "/data?text=mine")
	require.Equal(t, "mine", ask(port, "/data?text=mine"), "the app's folder is its own")
}
