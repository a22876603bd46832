package conneccsv

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// FileCheckpoint keeps the positions in a JSON file, replaced as a whole so that a crash leaves the old or the new one.
type FileCheckpoint struct {
	path string
	mu   sync.Mutex
	rows map[string]int
}

// OpenCheckpoint reads the file, which need not be there yet.
func OpenCheckpoint(path string) (*FileCheckpoint, error) {
	c := &FileCheckpoint{path: path, rows: map[string]int{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if err := json.Unmarshal(b, &c.rows); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return c, nil
}

// Load returns how many rows of an entity are done.
func (c *FileCheckpoint) Load(entity string) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rows[entity], nil
}

// Save remembers it.
func (c *FileCheckpoint) Save(entity string, rows int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows[entity] = rows
	b, err := json.MarshalIndent(c.rows, "", "  ")
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(c.path), ".checkpoint")
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	_, werr := f.Write(b)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := os.Rename(f.Name(), c.path); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// Remove forgets everything: the next import begins at the beginning.
func (c *FileCheckpoint) Remove() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows = map[string]int{}
	if err := os.Remove(c.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}
