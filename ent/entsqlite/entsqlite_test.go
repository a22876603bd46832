package entsqlite_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/ent/entsqlite"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	db, err := entsqlite.Open(filepath.Join(t.TempDir(), "strange ?#%41 name.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		var got string
		require.NoError(t, db.QueryRow("PRAGMA "+pragma).Scan(&got))
		require.Equal(t, want, got, pragma)
	}
	_, err = db.Exec(`CREATE TABLE x (at datetime)`)
	require.NoError(t, err)
	at := time.Date(2026, 3, 1, 1, 30, 0, 5000, time.FixedZone("", 3600))
	_, err = db.Exec(`INSERT INTO x VALUES (?)`, at)
	require.NoError(t, err)
	var got time.Time
	require.NoError(t, db.QueryRow(`SELECT at FROM x WHERE at < ?`, at.Add(time.Microsecond)).Scan(&got))
	require.True(t, got.Equal(at))
	require.Equal(t, time.UTC, got.Location())
	var day string
	require.NoError(t, db.QueryRow(`SELECT date(at) FROM x`).Scan(&day), "SQLite's own functions read the times")
	require.Equal(t, "2026-03-01", day)
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := entsqlite.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Exec(`CREATE TABLE x (y)`)
	require.NoError(t, err)
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "%s: %s", file, info.Mode())
	}
}

func TestOpenRefusesMemory(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", ":memory:", "file::memory:?cache=shared"} {
		_, err := entsqlite.Open(path)
		require.Error(t, err)
	}
}
