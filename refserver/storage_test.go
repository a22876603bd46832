package refserver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is stored is the server's own, also in a folder that others may look into.
func TestDatabasesArePrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // on purpose
	cfg := Defaults()
	cfg.DataDir = dir
	require.NoError(t, Migrate(t.Context(), cfg, func(string) {}))
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		info, err := os.Stat(f)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "%s: %s", f, info.Mode())
	}
}
