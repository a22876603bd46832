package idm

import (
	"context"
	"log/slog"
	"runtime"
	"time"
)

// Engine does what Service says, over a Store.
//
// It keeps what it judged by in a bounded memory. Its own changes take effect before they return; changes that somebody else
// makes in the same Store take effect within the age given to WithCacheAge. So several engines may share a database, at
// that price.
type Engine struct {
	store  Store
	log    *slog.Logger
	now    func() time.Time
	hasher *hasher
	logins *throttle

	sessionIdle, sessionLife, tokenLife time.Duration

	sessions *cache[TokenHash, *session]
	users    *cache[string, *userFacts]
	clients  *cache[string, *clientFacts]
	orgs     *cache[string, *Organization]
	groups   *cache[string, *Group]
	placed   *cache[placeKey, []*Group]
}

var _ Service = (*Engine)(nil)

// An Option changes an Engine from its defaults.
type Option func(*options)

type options struct {
	log                    *slog.Logger
	now                    func() time.Time
	idle, life, tokenLife  time.Duration
	cacheSize              int
	cacheAge               time.Duration
	argon                  argon
	hashers                int
	freeAttempts, accounts int
	maxDelay               time.Duration
}

// WithLogger sets where the engine reports trouble. Default: nowhere. Secrets are never logged.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.log = l } }

// WithClock replaces time.Now.
func WithClock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// WithSessionLife sets when a user's session ends: idle after its last use, life after the login. Defaults: 12 hours
// and 30 days. Use is noted in steps of an eighth of idle, so a session may end that much earlier.
func WithSessionLife(idle, life time.Duration) Option {
	return func(o *options) { o.idle, o.life = idle, life }
}

// WithTokenLife sets how long a client's access token lives. Default: 1 hour.
func WithTokenLife(d time.Duration) Option { return func(o *options) { o.tokenLife = d } }

// WithCacheSize bounds how many sessions, users, clients, organizations and groups are kept in memory, each. Default: 10000.
func WithCacheSize(n int) Option { return func(o *options) { o.cacheSize = n } }

// WithCacheAge sets how old a fact may be that is judged by, where somebody other than this Engine changed it. 0 asks the Store each
// time. Default: 2 seconds.
func WithCacheAge(d time.Duration) Option { return func(o *options) { o.cacheAge = d } }

// WithPasswordCost sets the cost of new password hashes: argon2id with memory in KiB, passes and threads. Passwords hashed at another
// cost are hashed anew at the next login. Default: 19456, 2, 1.
func WithPasswordCost(memory, passes uint32, threads uint8) Option {
	return func(o *options) { o.argon = argon{memory, passes, threads} }
}

// WithPasswordHashers bounds how many passwords are hashed at the same time. Default: the number of processors.
func WithPasswordHashers(n int) Option { return func(o *options) { o.hashers = n } }

// WithLoginBackoff sets how many logins to an account may fail in a row before each further one must wait: a second, then twice as long
// each time, up to maxDelay. Defaults: 5 and 30 seconds. It counts in this process only.
func WithLoginBackoff(free int, maxDelay time.Duration) Option {
	return func(o *options) { o.freeAttempts, o.maxDelay = free, maxDelay }
}

// New makes an Engine over store. It does no I/O.
func New(store Store, opts ...Option) *Engine {
	o := options{
		log: slog.New(slog.DiscardHandler), now: time.Now,
		idle: 12 * time.Hour, life: 30 * 24 * time.Hour, tokenLife: time.Hour,
		cacheSize: 10000, cacheAge: 2 * time.Second,
		argon: argon{memory: 19456, passes: 2, threads: 1}, hashers: runtime.GOMAXPROCS(0),
		freeAttempts: 5, maxDelay: 30 * time.Second, accounts: 10000,
	}
	for _, opt := range opts {
		opt(&o)
	}
	return &Engine{
		store: store, log: o.log, now: o.now,
		hasher:      newHasher(o.argon, o.hashers),
		logins:      newThrottle(o.freeAttempts, o.maxDelay, o.accounts),
		sessionIdle: o.idle, sessionLife: o.life, tokenLife: o.tokenLife,
		sessions: newCache[TokenHash, *session](o.cacheSize, o.cacheAge),
		users:    newCache[string, *userFacts](o.cacheSize, o.cacheAge),
		clients:  newCache[string, *clientFacts](o.cacheSize, o.cacheAge),
		orgs:     newCache[string, *Organization](o.cacheSize, o.cacheAge),
		groups:   newCache[string, *Group](o.cacheSize, o.cacheAge),
		placed:   newCache[placeKey, []*Group](o.cacheSize, o.cacheAge),
	}
}

// Ready reports whether the store can answer now.
func (e *Engine) Ready(ctx context.Context) error { return e.store.Ready(ctx) }

// Run deletes expired sessions now and every ten minutes until ctx ends, and returns ctx's error. The judgements don't depend on it; it keeps
// the store small.
func (e *Engine) Run(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		if n, err := e.store.DeleteExpiredSessions(ctx, e.stamp()); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			e.log.ErrorContext(ctx, "delete expired sessions", slog.Any("error", err))
		} else if n > 0 {
			e.log.InfoContext(ctx, "deleted expired sessions", slog.Int("count", n))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// stamp is now as every Store can keep it.
func (e *Engine) stamp() time.Time { return e.now().UTC().Truncate(time.Microsecond) }
