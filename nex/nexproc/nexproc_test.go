//go:build linux

package nexproc_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexproc"
	"github.com/ensemble-platform/ensemble/nex/nextest"
)

func TestMain(m *testing.M) {
	nextest.Main()
	if dir := os.Getenv(serverVariable); dir != "" {
		if err := serve(dir); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestBackend(t *testing.T) {
	program, err := os.Executable()
	require.NoError(t, err)
	dirs := map[nex.Backend]string{}
	open := func(t *testing.T, dir string) nex.Backend {
		b := nexproc.New(dir)
		dirs[b] = dir
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { _ = b.Watch(ctx, func(string) {}) })
		t.Cleanup(func() {
			if b.Ready(context.Background()) == nil { // it was not closed for another one
				require.NoError(t, b.StopAll(context.Background(), 0))
			}
			cancel()
			wg.Wait()
			require.NoError(t, b.Close())
		})
		return b
	}
	nextest.TestBackend(t, nextest.BackendHarness{
		New: func(t *testing.T) nex.Backend {
			return open(t, filepath.Join(t.TempDir(), "apps"))
		},
		Reopen: func(t *testing.T, old nex.Backend) nex.Backend {
			dir := dirs[old]
			require.ErrorIs(t, nexproc.New(dir).Ready(t.Context()), nexproc.ErrInUse)
			require.NoError(t, old.(*nexproc.Backend).Close())
			return open(t, dir)
		},
		Command:   []string{program},
		Processes: true,
	})
}
