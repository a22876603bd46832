//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package refserver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOneServerAFolder proves that a data folder has one server at a time, and that nothing is changed by those that come too late.
func TestOneServerAFolder(t *testing.T) {
	t.Parallel()
	cfg := Defaults()
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	first, err := New(t.Context(), cfg, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = first.Close() })

	_, err = New(t.Context(), cfg, nil)
	require.EqualError(t, err, cfg.DataDir+" is used by another server")
	require.EqualError(t, Migrate(t.Context(), cfg, func(string) {}), cfg.DataDir+" is used by another server")

	beside, err := New(t.Context(), cfg, nil, Beside())
	require.NoError(t, err)
	require.NoError(t, beside.Close())
	_, err = New(t.Context(), cfg, nil)
	require.Error(t, err, "whoever worked beside the server took no lock away")

	require.NoError(t, first.Close())
	again, err := New(t.Context(), cfg, nil)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

// A server that keeps nothing in its folder shares it with whom it likes, and one that failed to start leaves no lock.
func TestUnusedFolder(t *testing.T) {
	t.Parallel()
	cfg := Defaults()
	require.True(t, cfg.usesFolder())
	cfg.Database = "postgres://x"
	require.True(t, cfg.usesFolder(), "hosted apps are in the folder")
	cfg.Nex = Off
	require.False(t, cfg.usesFolder())

	cfg = Defaults()
	cfg.DataDir = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(cfg.DataDir, "secret.key"), 0o700))
	_, err := New(t.Context(), cfg, nil)
	require.Error(t, err)
	require.NoError(t, os.Remove(filepath.Join(cfg.DataDir, "secret.key")))
	s, err := New(t.Context(), cfg, nil)
	require.NoError(t, err)
	require.NoError(t, s.Close())
}
