//go:build !linux && !darwin

package cli

import (
	"errors"
	"os"
)

func hasTerminal(f *os.File) bool {
	i, err := f.Stat()
	return err == nil && i.Mode()&os.ModeCharDevice != 0
}

func hideInput(*os.File) (show func(), err error) { return nil, errors.ErrUnsupported }
