package idm

import (
	"sync"
	"time"
)

// throttle makes logins to an account wait after too many failures. It treats unknown accounts alike, so that it tells nobody which
// accounts there are. It is bounded: of too many accounts it forgets some.
type throttle struct {
	free     int
	maxDelay time.Duration
	size     int

	mu       sync.Mutex
	accounts map[string]failures
}

type failures struct {
	count int
	until time.Time // no attempt before
}

func newThrottle(free int, maxDelay time.Duration, size int) *throttle {
	return &throttle{free: free, maxDelay: maxDelay, size: size, accounts: make(map[string]failures)}
}

// begin counts an attempt as failed until succeeded is called, and reports whether it may be made at all.
func (t *throttle) begin(account string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, known := t.accounts[account]
	if now.Before(f.until) {
		return false
	}
	if !known && len(t.accounts) >= t.size {
		for other := range t.accounts {
			delete(t.accounts, other)
			break
		}
	}
	f.count++
	if over := f.count - t.free; over >= 0 {
		delay := t.maxDelay
		if over < 30 {
			delay = min(delay, time.Second<<over)
		}
		f.until = now.Add(delay)
	}
	t.accounts[account] = f
	return true
}

func (t *throttle) succeeded(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.accounts, account)
}
