//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package refserver

import (
	"errors"
	"os"
	"syscall"
)

// lock takes an exclusive lock that lasts until f is closed.
func lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // file descriptors are small
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errInUse
		default:
			return err
		}
	}
}
