package refserver

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// mount is a handler and what of the address space it serves.
type mount struct {
	name   string // for metrics and logs
	prefix string // "/impac/api/", or a whole path
	// serves says which requests are meant where a prefix can't; prefix is then empty.
	serves func(*http.Request) bool
	h      http.Handler
}

// routes sends a request to the mount that claims it, or else to the one with the longest prefix. Unlike ServeMux it never
// redirects: some of the platform's clients send doubled slashes and don't follow.
type routes struct{ claims, mounts []mount }

func (rs *routes) add(name string, h http.Handler, prefixes ...string) {
	for _, p := range prefixes {
		rs.mounts = append(rs.mounts, mount{name: name, prefix: p, h: h})
	}
	slices.SortStableFunc(rs.mounts, func(a, b mount) int { return len(b.prefix) - len(a.prefix) })
}

// claim sends what serves says to h.
func (rs *routes) claim(name string, h http.Handler, serves func(*http.Request) bool) {
	rs.claims = append(rs.claims, mount{name: name, serves: serves, h: h})
}

func (rs *routes) find(r *http.Request) *mount {
	for i := range rs.claims {
		if rs.claims[i].serves(r) {
			return &rs.claims[i]
		}
	}
	path := collapse(r.URL.Path)
	for i := range rs.mounts {
		p := rs.mounts[i].prefix
		if path == p || strings.HasSuffix(p, "/") && (strings.HasPrefix(path, p) || path == p[:len(p)-1]) {
			return &rs.mounts[i]
		}
	}
	return nil
}

func collapse(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

type httpMetrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newHTTPMetrics(reg prometheus.Registerer) *httpMetrics {
	m := &httpMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ensemble_http_requests_total", Help: "Requests by subsystem, method and status.",
		}, []string{"subsystem", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ensemble_http_request_seconds", Help: "Time to answer, by subsystem.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"subsystem"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ensemble_http_requests_in_flight", Help: "Requests being answered."}),
	}
	reg.MustRegister(m.requests, m.seconds, m.inFlight)
	return m
}

// frontDoor is everything that happens to a request before a subsystem sees it.
type frontDoor struct {
	routes  routes
	metrics *httpMetrics
	log     *slog.Logger
	maxBody int64
	// grace is paceGrace unless set.
	grace  time.Duration
	logins loginLimit
}

func (f *frontDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	f.metrics.inFlight.Inc()
	defer f.metrics.inFlight.Dec()
	p := &pace{rc: http.NewResponseController(w), grace: cmp.Or(f.grace, paceGrace)}
	rec := &recorder{ResponseWriter: w, pace: p}
	name := "none"
	if m := f.routes.find(r); m != nil && !f.logins.allow(r, start) {
		name = m.name
		problem.WriteProblem(rec, problem.Problem{Type: "about:blank", Title: "Too many sign-ins from this address", Status: http.StatusTooManyRequests, Code: "too_many_attempts", Detail: "wait a moment and try again"})
	} else if m != nil {
		name = m.name
		if r.ContentLength != 0 {
			r.Body = http.MaxBytesReader(w, p.body(r.Body), f.maxBody)
		}
		r = r.WithContext(authz.WithCredential(r.Context(), authz.FromRequest(r)))
		f.serve(rec, r, m.h)
	} else {
		problem.WriteProblem(rec, problem.Problem{Type: "about:blank", Title: "Not found", Status: http.StatusNotFound, Code: "not_found", Detail: "nothing is served at this path"})
	}
	took := time.Since(start)
	f.metrics.requests.WithLabelValues(name, method(r.Method), strconv.Itoa(rec.code())).Inc()
	f.metrics.seconds.WithLabelValues(name).Observe(took.Seconds())
	level := slog.LevelInfo
	switch {
	case rec.code() >= 500:
		level = slog.LevelError
	case name == "health", name == "console":
		level = slog.LevelDebug
	}
	if f.log.Enabled(r.Context(), level) {
		f.log.LogAttrs(r.Context(), level, "request",
			slog.String("subsystem", name), slog.String("method", r.Method), slog.String("path", redact(r.URL)),
			slog.Int("status", rec.code()), slog.Int64("bytes", rec.bytes), slog.Duration("took", took),
			slog.String("credential", scrub(authz.CredentialFrom(r.Context()).String())),
			slog.String("request_id", httpx.RequestIDFrom(r.Context())))
	}
}

// serve turns a panic of one request into an answer, so that it ends nobody else's.
func (f *frontDoor) serve(w *recorder, r *http.Request, h http.Handler) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			f.log.ErrorContext(r.Context(), "panic", slog.Any("value", v), slog.String("stack", string(debug.Stack())), slog.String("request_id", httpx.RequestIDFrom(r.Context())))
			if w.status == 0 {
				problem.WriteProblem(w, problem.Problem{Type: "about:blank", Title: "Internal server error", Status: http.StatusInternalServerError, Code: "internal"})
			}
		}
	}()
	h.ServeHTTP(w, r)
}

// secretParameters are query parameters that must not reach a log.
var secretParameters = []string{"sso_session", "code", "state", "token", "access_token", "id_token_hint", "wtk", "session", "code_challenge", "nonce", "SAMLRequest", "SAMLResponse"}

// redact is the request's path and query without what is secret in it.
func redact(u *url.URL) string {
	if u.RawQuery == "" {
		return scrub(u.Path)
	}
	parts := strings.Split(u.RawQuery, "&")
	for i, p := range parts {
		name, _, _ := strings.Cut(p, "=")
		if n, err := url.QueryUnescape(name); err != nil || slices.Contains(secretParameters, n) {
			parts[i] = name + "=…"
		}
	}
	return scrub(u.Path + "?" + strings.Join(parts, "&"))
}

// secrets are what the platform's tokens and keys look like: clients also put them where they don't belong.
var secrets = regexp.MustCompile(`\b(ses|acc|key|esk|oat|ort|cod|req|whsec)(?:_|%5[Ff])[A-Za-z0-9_%+=-]{20,}`)

func scrub(s string) string { return secrets.ReplaceAllString(s, "${1}_…") }

// method bounds a label that clients choose.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	default:
		return "other"
	}
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	pace   *pace
	status int
	bytes  int64
}

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

func (r *recorder) WriteHeader(code int) {
	if r.status == 0 && code >= 200 {
		r.status = code
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.pace.writing(len(b))
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap gives http.ResponseController the flusher, hijacker and deadlines beneath.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
