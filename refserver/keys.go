package refserver

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ensemble-platform/ensemble/internal/id"
)

// keys fills ServiceKey and SecretKey from the data folder, making them up the first time.
func (c *Config) keys() (secret []byte, err error) {
	if c.ServiceKey == "" {
		if c.ServiceKey, err = keep(filepath.Join(c.DataDir, "service.key"), func() string { return id.Secret("esk_") }); err != nil {
			return nil, err
		}
	}
	if c.SecretKey == "" {
		if c.SecretKey, err = keep(filepath.Join(c.DataDir, "secret.key"), func() string {
			b := make([]byte, 32)
			_, _ = rand.Read(b)
			return hex.EncodeToString(b)
		}); err != nil {
			return nil, err
		}
	}
	if secret, err = hex.DecodeString(c.SecretKey); err != nil || len(secret) != 32 {
		return nil, errors.New("the secret key must be 64 hexadecimal digits")
	}
	return secret, nil
}

// keep reads a one-line file or makes it. A second process that makes it at the same time gets the first one's.
func keep(path string, fresh func() string) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		f, cerr := os.CreateTemp(filepath.Dir(path), ".key")
		if cerr != nil {
			return "", fmt.Errorf("keep key: %w", cerr)
		}
		defer func() { _ = os.Remove(f.Name()) }()
		_, werr := f.WriteString(fresh() + "\n")
		if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
			return "", fmt.Errorf("keep key: %w", err)
		}
		if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("keep key: %w", err)
		}
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return "", fmt.Errorf("read key: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
