package nex

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
)

// maxInFlight bounds the requests that are under way to one app.
const maxInFlight = 1024

// door says what a request for an app meets.
type door int

const (
	doorWaiting door = iota // the app is about to run
	doorOpen
	doorStopped
	doorGone
)

// route is an app as the router sees it. It never changes; a new one takes its place.
type route struct {
	door   door
	record *AppRecord // for the pages; Sealed is left out
	target *target    // where requests go, or what is left of them when the door is no longer open
}

// routes is the router's table. Requests read it without a lock.
type routes struct {
	engine *Engine
	mu     sync.Mutex // held to change table
	table  atomic.Pointer[map[string]*route]
}

func (t *routes) init(e *Engine) {
	t.engine = e
	t.table.Store(&map[string]*route{})
}

func (t *routes) get(uid string) *route { return (*t.table.Load())[uid] }

func (t *routes) change(uid string, f func(old *route) *route) {
	t.mu.Lock()
	defer t.mu.Unlock()
	table := *t.table.Load()
	old := table[uid]
	now := f(old)
	if now == old {
		return
	}
	table = maps.Clone(table)
	if now == nil {
		delete(table, uid)
	} else {
		table[uid] = now
	}
	t.table.Store(&table)
}

func doorOf(r *AppRecord) door {
	switch {
	case r.Status == Stopped, r.Status == Staged, r.Status == Stopping && r.NextStatus != Running:
		return doorStopped
	case r.Status == Terminating, r.Status == Terminated:
		return doorGone
	default:
		return doorWaiting
	}
}

// show takes in what the store says. It opens no door, but leaves that of a running app open.
func (t *routes) show(r *AppRecord) {
	r = r.Clone()
	r.Sealed = nil
	t.change(r.UID, func(old *route) *route {
		if r.Status == Terminated {
			if old != nil && old.target != nil {
				old.target.close()
			}
			return nil // the store is asked, should anybody come
		}
		now := &route{door: doorOf(r), record: r}
		if old == nil {
			return now
		}
		if old.record.Status == r.Status && sameOnPages(old.record, r) {
			return old
		}
		if now.target = old.target; old.door == doorOpen {
			if r.Status == Running {
				now.door = doorOpen
			} else if now.target != nil {
				now.target.close()
			}
		}
		return now
	})
}

// sameOnPages reports whether two records of a status look the same to visitors.
func sameOnPages(a, b *AppRecord) bool {
	return a.NextStatus == b.NextStatus && a.Name == b.Name && len(a.Errors) == len(b.Errors) && a.StartedAt.Equal(b.StartedAt) && a.StoppedAt.Equal(b.StoppedAt)
}

// open lets requests through to addr.
func (t *routes) open(uid, addr string) {
	t.change(uid, func(old *route) *route {
		if old == nil || old.door == doorOpen && old.target.addr == addr {
			return old
		}
		if old.target != nil {
			old.target.close()
		}
		now := *old
		now.door, now.target = doorOpen, t.engine.newTarget(uid, addr)
		return &now
	})
}

// close keeps new requests out.
func (t *routes) close(uid string, d door) {
	t.change(uid, func(old *route) *route {
		if old == nil || old.door != doorOpen {
			return old
		}
		old.target.close()
		now := *old
		now.door = d
		return &now
	})
}

// empty waits until the requests that are under way have ended, and cuts them off after d. The door must be closed.
func (t *routes) empty(ctx context.Context, uid string, d time.Duration) error {
	r := t.get(uid)
	if r == nil || r.target == nil {
		return nil
	}
	r.target.close()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-r.target.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		r.target.cutOff()
		return nil
	}
}

// target is one address that requests go to, and those under way.
type target struct {
	addr      string
	proxy     *httputil.ReverseProxy
	transport *http.Transport
	ctx       context.Context // ends when requests must
	cutOff    context.CancelFunc

	mu       sync.Mutex
	inFlight int
	closed   bool
	idle     chan struct{} // closed when the target is and nothing is under way
}

var errClosed, errCrowded = errors.New("closed"), errors.New("too many requests are under way")

func (t *target) acquire() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return errClosed
	case t.inFlight >= maxInFlight:
		return errCrowded
	}
	t.inFlight++
	return nil
}

func (t *target) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inFlight--; t.closed && t.inFlight == 0 {
		t.end()
	}
}

func (t *target) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.closed = true; t.inFlight == 0 {
		t.end()
	}
}

func (t *target) end() {
	close(t.idle)
	t.cutOff()
	t.transport.CloseIdleConnections()
}

func (e *Engine) newTarget(uid, addr string) *target {
	scheme := "http"
	if u, err := url.Parse(e.url(uid)); err == nil && u.Scheme != "" {
		scheme = u.Scheme
	}
	t := &target{addr: addr, idle: make(chan struct{})}
	t.ctx, t.cutOff = context.WithCancel(context.Background())
	t.transport = &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true,
	}
	t.proxy = &httputil.ReverseProxy{
		Transport:     t.transport,
		FlushInterval: -1, // events and partial pages go out as they come
		ErrorLog:      slog.NewLogLogger(e.log.Handler(), slog.LevelWarn),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = "http", addr
			p.Out.Host = p.In.Host
			p.Out.Header.Del("X-Real-Ip")
			p.SetXForwarded()
			if p.In.TLS == nil {
				p.Out.Header.Set("X-Forwarded-Proto", scheme)
			}
			withoutCookie(p.Out.Header, authz.SessionCookie)
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			e.upstreamFailed(w, r, uid, err)
		},
	}
	return t
}

// withoutCookie drops a cookie that is none of an app's business, should a browser send it.
func withoutCookie(h http.Header, name string) {
	for i, line := range h["Cookie"] {
		if !strings.Contains(line, name) {
			continue
		}
		var kept []string
		for c := range strings.SplitSeq(line, ";") {
			if n, _, _ := strings.Cut(strings.TrimSpace(c), "="); n != name {
				kept = append(kept, strings.TrimSpace(c))
			}
		}
		h["Cookie"][i] = strings.Join(kept, "; ")
	}
}

func (e *Engine) upstreamFailed(w http.ResponseWriter, r *http.Request, uid string, err error) {
	e.poke(uid, false)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		// It has just ended. Nothing of the request reached it.
		if rt := e.routes.get(uid); rt != nil {
			e.servePage(w, r, doorWaiting, rt.record)
			return
		}
	}
	if r.Context().Err() == nil {
		e.log.WarnContext(r.Context(), "app did not answer", "app", uid, "error", err)
	}
	servePage(w, r, http.StatusBadGateway, page{Code: "nex.bad_gateway", Title: "The app did not answer", Text: "It may be restarting. Please try again."})
}

// Router hands requests for UID.DOMAIN to app UID and all others to next. The port and the case of the host name don't matter.
// Requests for apps that can't take them are answered with a page for people or a problem document for programs.
func (e *Engine) Router(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uid, ours := e.hostedBy(r.Host)
		if !ours {
			next.ServeHTTP(w, r)
			return
		}
		e.serveApp(w, r, uid)
	})
}

// hostedBy reads the uid out of a host name, and whether the name belongs to the router at all.
func (e *Engine) hostedBy(host string) (uid string, ours bool) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return strings.CutSuffix(host, "."+e.domain)
}

func (e *Engine) serveApp(w http.ResponseWriter, r *http.Request, uid string) {
	rt := e.routes.get(uid)
	if rt == nil {
		rec, err := e.unrouted(r.Context(), uid)
		switch {
		case errors.Is(err, ErrNotFound):
			servePage(w, r, http.StatusNotFound, page{Code: "nex.not_found", Title: "There is no app here", Text: "Please check the address."})
			return
		case err != nil:
			e.log.ErrorContext(r.Context(), "find app", "app", uid, "error", err)
			servePage(w, r, http.StatusServiceUnavailable, page{Code: "nex.unavailable", Title: "Please try again", Text: "The app can't be looked up right now.", Retry: 5})
			return
		}
		rt = &route{door: doorOf(rec), record: rec}
	}
	if rt.door != doorOpen {
		e.servePage(w, r, rt.door, rt.record)
		return
	}
	switch err := rt.target.acquire(); {
	case errors.Is(err, errCrowded):
		servePage(w, r, http.StatusServiceUnavailable, page{Code: "nex.overloaded", Title: "The app is very busy", Text: "Please try again in a moment.", Retry: 2})
		return
	case err != nil: // closed since the table was read
		e.servePage(w, r, doorWaiting, rt.record)
		return
	}
	defer rt.target.release()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(rt.target.ctx, cancel)()
	rt.target.proxy.ServeHTTP(w, r.WithContext(ctx))
}

// unrouted asks the store about an app that is not in the table: a terminated one, or one that is not there at all.
func (e *Engine) unrouted(ctx context.Context, uid string) (*AppRecord, error) {
	if !label.MatchString(uid) {
		return nil, ErrNotFound
	}
	return e.store.GetApp(ctx, uid)
}
