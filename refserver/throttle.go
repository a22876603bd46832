package refserver

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// loginPaths take a password. Checking one costs a deliberate amount of work, and guessing is what they are attacked with. What one
// account may fail is idm's to bound; this bounds what one address may try.
var loginPaths = []string{"/mnoe/auth/users/sign_in", "/hub/v1/sessions", "/api/mnoe/v2/users/authenticate", "/idm/v1/login"}

const (
	// loginBurst is how many sign-ins an address may make at once, and loginEvery how often one more is let through. Offices share addresses.
	loginBurst = 100
	loginEvery = time.Second
	// maxAddresses bounds what is remembered.
	maxAddresses = 10_000
)

// loginLimit counts sign-ins by address.
type loginLimit struct {
	mu    sync.Mutex
	known map[string]*rate.Limiter
}

// allow reports whether r, if it is a sign-in, is one too many.
func (l *loginLimit) allow(r *http.Request, now time.Time) bool {
	if r.Method != http.MethodPost || !slices.Contains(loginPaths, collapse(r.URL.Path)) {
		return true
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		host = ip.Mask(net.CIDRMask(64, 128)).String() // one customer's
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lim := l.known[host]
	if lim == nil {
		if l.known == nil {
			l.known = map[string]*rate.Limiter{}
		}
		if len(l.known) >= maxAddresses {
			for h, old := range l.known {
				if old.TokensAt(now) >= loginBurst {
					delete(l.known, h)
				}
			}
		}
		if len(l.known) >= maxAddresses {
			return false // ten thousand addresses at once are no office
		}
		lim = rate.NewLimiter(rate.Every(loginEvery), loginBurst)
		l.known[host] = lim
	}
	return lim.AllowN(now, 1)
}
