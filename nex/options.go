package nex

import (
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/internal/seal"
)

// Option changes an [Engine].
type Option func(*Engine)

// WithDomain is the domain below which apps have their host names: "apps.localhost" unless given.
func WithDomain(domain string) Option {
	return func(e *Engine) { e.domain = strings.ToLower(strings.Trim(domain, ".")) }
}

// WithURL makes the public address of an app: "http://UID.DOMAIN" unless given. Its host name must be UID.DOMAIN for the
// router to know it; scheme and port are free.
func WithURL(url func(uid string) string) Option { return func(e *Engine) { e.url = url } }

// WithKey encrypts the environments of apps and templates in the Store, with AES-256-GCM. Keys have 32 bytes; New panics
// otherwise. The first key encrypts; the old ones only open what was encrypted with them before. Without the option
// environments are stored as they are, which suits a Store in memory.
func WithKey(key []byte, old ...[]byte) Option {
	return func(e *Engine) {
		s, err := seal.New("nex", key, old...)
		if err != nil {
			panic(fmt.Errorf("nex: %w", err))
		}
		e.sealer = s
	}
}

// WithLogger is where the engine logs: nowhere unless given.
func WithLogger(l *slog.Logger) Option { return func(e *Engine) { e.log = l } }

// WithClock replaces time.Now for the times that are stored.
func WithClock(now func() time.Time) Option { return func(e *Engine) { e.now = now } }

// RestartPolicy says how long the engine waits before it tries again what failed. It never gives up.
type RestartPolicy struct {
	// Initial is the wait after the first failure: 500 ms when 0. It doubles with each failure in a row.
	Initial time.Duration
	// Max bounds it: 1 minute when 0.
	Max time.Duration
	// Reset is how long an app must run for its failures to be forgotten: 1 minute when 0.
	Reset time.Duration
}

// WithRestarts sets the restart policy.
func WithRestarts(p RestartPolicy) Option {
	return func(e *Engine) {
		e.restarts = RestartPolicy{
			Initial: or(p.Initial, e.restarts.Initial),
			Max:     or(p.Max, e.restarts.Max),
			Reset:   or(p.Reset, e.restarts.Reset),
		}
	}
}

// HealthPolicy says when an app counts as healthy: when its template's HealthPath answers below 400.
type HealthPolicy struct {
	// Timeout bounds one question: 5 s when 0.
	Timeout time.Duration
	// StartTimeout is how long an app has from its start to its first healthy answer before it is started anew: 1 minute when 0.
	StartTimeout time.Duration
	// Interval is how often a running app is asked: 10 s when 0.
	Interval time.Duration
	// Failures is how many answers in a row may be missing or bad before a running app is restarted: 3 when 0.
	Failures int
}

// WithHealth sets the health policy.
func WithHealth(p HealthPolicy) Option {
	return func(e *Engine) {
		e.health = HealthPolicy{
			Timeout:      or(p.Timeout, e.health.Timeout),
			StartTimeout: or(p.StartTimeout, e.health.StartTimeout),
			Interval:     or(p.Interval, e.health.Interval),
			Failures:     or(p.Failures, e.health.Failures),
		}
	}
}

// WithDrain is how long requests under way may go on when an app is stopped: 5 s unless given. After that they are cut off.
func WithDrain(d time.Duration) Option { return func(e *Engine) { e.drain = d } }

// WithEstimates replaces the durations that are shown for a status before there is a measured one.
func WithEstimates(m map[Status]time.Duration) Option {
	return func(e *Engine) { maps.Copy(e.durations.estimates, m) }
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}
