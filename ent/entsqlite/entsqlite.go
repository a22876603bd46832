// Package entsqlite opens SQLite databases the way the stores of this module need them.
package entsqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Open opens or creates the database file at path. A commit is on disk when it returns (WAL with full synchronisation),
// write transactions take the lock when they begin and wait up to 5 s for it, foreign keys are enforced, and
// times are stored and read in UTC. Readers don't block the writer, nor the writer readers. A file that it creates is its owner's alone.
//
// There are no databases in memory here: each connection would have its own. Use a file in a temporary folder.
func Open(path string) (*sql.DB, error) {
	if path == "" || strings.Contains(path, ":memory:") {
		return nil, fmt.Errorf("open SQLite: %q is not a file", path)
	}
	if err := create(path); err != nil {
		return nil, err
	}
	q := url.Values{
		"_pragma": {
			"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
			"cache_size(-16000)", "journal_size_limit(67108864)",
		},
		"_txlock":      {"immediate"},
		"_timezone":    {"UTC"},
		"_time_format": {"sqlite"},
	}
	// The path may hold what means something in a URI.
	name := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	db, err := sql.Open("sqlite", "file:"+name+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("open SQLite %s: %w", path, err)
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	if err := db.Ping(); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open SQLite %s: %w", path, err)
	}
	return db, nil
}

// create makes the file. SQLite would let everybody read it; those that it makes beside this one get the same rights. A file that is
// there isn't touched: closing it would release the locks that this process may have on it.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	return nil
}
