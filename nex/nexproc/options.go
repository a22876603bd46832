package nexproc

import (
	"errors"
	"log/slog"
	"math"

	"github.com/ensemble-platform/ensemble/nex"
)

// ErrUnsupported says that the operating system isn't Linux.
var ErrUnsupported = errors.New("nexproc runs programs on Linux only")

// ErrInUse says that another server uses the folder.
var ErrInUse = errors.New("another server uses the folder")

var (
	_ nex.Backend     = (*Backend)(nil)
	_ nex.Watcher     = (*Backend)(nil)
	_ nex.LogStreamer = (*Backend)(nil)
	_ nex.LogWriter   = (*Backend)(nil)
	_ nex.Readier     = (*Backend)(nil)
)

type config struct {
	log      *slog.Logger
	path     string
	limits   Limits
	user     *user
	logBytes int64
	logFiles int
}

type user struct{ uid, gid uint32 }

func defaults() config {
	return config{
		log:      slog.New(slog.DiscardHandler),
		path:     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		limits:   Limits{OpenFiles: 4096},
		logBytes: 1 << 20,
		logFiles: 4,
	}
}

// Option changes a [Backend].
type Option func(*config)

// WithLogger is where the backend logs: nowhere unless given.
func WithLogger(l *slog.Logger) Option { return func(c *config) { c.log = l } }

// WithPath is the PATH of apps, in which programs without a folder are looked up: that of a plain Debian unless given.
func WithPath(path string) Option { return func(c *config) { c.path = path } }

// WithUser runs apps as another user than the server, which must be root. That user must be able to reach the folder
// and the programs.
func WithUser(uid, gid uint32) Option { return func(c *config) { c.user = &user{uid, gid} } }

// WithLogSize bounds an app's log: files of at most bytes each, 4 of 1 MiB unless given.
func WithLogSize(bytes int64, files int) Option {
	return func(c *config) { c.logBytes, c.logFiles = max(bytes, 4096), max(files, 1) }
}

// Limits are what each process of an app may use.
type Limits struct {
	// OpenFiles is the number of open files: 4096 when 0.
	OpenFiles uint64
	// Memory is the number of bytes of data (RLIMIT_DATA): unlimited when 0.
	Memory uint64
}

// WithLimits sets the limits.
func WithLimits(l Limits) Option {
	return func(c *config) {
		if l.OpenFiles == 0 {
			l.OpenFiles = c.limits.OpenFiles
		}
		c.limits = l
	}
}

func unlimitedIfZero(n uint64) uint64 {
	if n == 0 {
		return math.MaxUint64
	}
	return n
}
