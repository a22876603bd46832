// Package hubhttp serves a hub over HTTP, and is a hub that is served elsewhere.
//
//	http.Handle("/", authz.Middleware(hubhttp.NewHandler(engine)))
//	var remote hub.Service = hubhttp.NewClient("https://hub.example.com", http.DefaultClient)
//
// The handler has three parts: /hub/v1 for programs, /mnoe for browsers, and /api/mnoe/v2, which is the HUB API in JSON:API.
// openapi/hub.yaml describes them.
package hubhttp

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/hubapi"
)

var (
	errMalformed = problem.Sentinel("hub.malformed", http.StatusBadRequest, "Malformed request")
	errNoPath    = problem.Sentinel("hub.no_such_path", http.StatusNotFound, "No such path")
	errNoMethod  = problem.Sentinel("hub.method_not_allowed", http.StatusMethodNotAllowed, "Method not allowed")
	errForeign   = problem.Sentinel("hub.cross_origin", http.StatusForbidden, "Requests from other sites are not accepted")
)

// Option configures a handler.
type Option func(*handler)

// WithLogger sets where answers with an internal error are explained. The default discards.
func WithLogger(l *slog.Logger) Option { return func(h *handler) { h.log = l } }

// WithLoginURL sets where a browser is sent that must log in first. The parameter return_to, which says where to come back to, is added.
// The default is "/login".
func WithLoginURL(u string) Option { return func(h *handler) { h.login = u } }

// WithSecureCookies marks the session cookie for HTTPS only, whatever the request came over. The default does so for requests that came
// over TLS, here or at a proxy that says so in X-Forwarded-Proto.
func WithSecureCookies() Option { return func(h *handler) { h.secure = true } }

// WithMaxBody bounds request bodies. The default is 1 MiB.
func WithMaxBody(bytes int64) Option { return func(h *handler) { h.maxBody = bytes } }

type handler struct {
	svc     hub.Service
	log     *slog.Logger
	login   string
	secure  bool
	maxBody int64
	mux     *http.ServeMux
}

// NewHandler serves svc below /hub/v1, /mnoe and /api/mnoe/v2. It takes the caller's credential from the request's context, where
// authz.Middleware puts it.
func NewHandler(svc hub.Service, opts ...Option) http.Handler {
	h := &handler{svc: svc, log: slog.New(slog.DiscardHandler), login: "/login", maxBody: 1 << 20, mux: http.NewServeMux()}
	for _, o := range opts {
		o(h)
	}
	strict := hubapi.NewStrictHandlerWithOptions(&api{svc: svc}, nil, hubapi.StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  h.malformed,
		ResponseErrorHandlerFunc: h.fail,
	})
	hubapi.HandlerWithOptions(strict, hubapi.StdHTTPServerOptions{BaseRouter: h.mux, ErrorHandlerFunc: h.malformed})
	h.browser()
	h.v2()
	return httpx.LimitBody(h, h.maxBody)
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	next, pattern := h.mux.Handler(r)
	if pattern != "" {
		h.mux.ServeHTTP(w, r)
		return
	}
	// The mux has no such path or method: let it say which, and say it in the words of the path.
	var probe prober
	next.ServeHTTP(&probe, r)
	err := errNoPath
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.Header().Get("Allow"))
		err = errNoMethod
	}
	h.fail(w, r, err)
}

// prober is a ResponseWriter that keeps the head of an answer.
type prober struct {
	header http.Header
	status int
}

func (p *prober) Header() http.Header {
	if p.header == nil {
		p.header = http.Header{}
	}
	return p.header
}

func (p *prober) WriteHeader(status int) { p.status = status }

func (p *prober) Write(b []byte) (int, error) { return len(b), nil }

func (h *handler) malformed(w http.ResponseWriter, r *http.Request, err error) {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); !tooLarge {
		err = fmt.Errorf("%w: %w", errMalformed, err)
	}
	h.fail(w, r, err)
}

// fail answers with err in the form of the path.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.Of(err)
	if p.Status >= http.StatusInternalServerError && r.Context().Err() == nil {
		h.log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/mnoe/"):
		writeV2Errors(w, p)
	case strings.HasPrefix(r.URL.Path, "/mnoe/"):
		writeBrowserProblem(w, p)
	default:
		problem.WriteProblem(w, p)
	}
}
