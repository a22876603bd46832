package refserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

var errInUse = errors.New("in use")

// lockFolder makes sure that one server uses a data folder at a time. The lock ends with the process, however that ends.
func lockFolder(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	// Hosted apps, which may outlive the server, don't inherit what os opens.
	f, err := os.OpenFile(filepath.Join(dir, "ensemble.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := lock(f); err != nil {
		_ = f.Close()
		if errors.Is(err, errInUse) {
			return nil, fmt.Errorf("%s is used by another server", dir)
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return sync.OnceValue(f.Close), nil
}
