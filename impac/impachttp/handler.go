package impachttp

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/impacapi"
)

// enginePrefix begins the paths that compute; the others keep dashboards.
const enginePrefix = "/impac/api/"

// Organization is what frontends are told of an organization that a dashboard covers.
type Organization struct {
	// Number is the hub's, by which frontends pick the dashboards of the organization that is open.
	Number int64
	UID    string
	Label  string
}

// Organizations tells the numbers and names of organizations.
type Organizations interface {
	// Describe returns those of refs that the caller, whose credential is in ctx, may see. A ref is a uid or a number in decimal.
	Describe(ctx context.Context, refs []string) ([]Organization, error)
}

// Option changes how [NewHandler] serves.
type Option func(*handler)

// WithOrganizations tells the handler what organizations are called. Without it, uids stand in for numbers and names, and dashboards can't be
// made for an organization by its number.
func WithOrganizations(o Organizations) Option { return func(h *handler) { h.organizations = o } }

// WithMaxBody bounds request bodies. The default is 10 MiB.
func WithMaxBody(bytes int64) Option { return func(h *handler) { h.maxBody = bytes } }

// WithLogger gets errors that clients only see as "Internal server error". The default discards them.
func WithLogger(l *slog.Logger) Option { return func(h *handler) { h.log = l } }

type handler struct {
	svc           impac.Service
	organizations Organizations
	maxBody       int64
	log           *slog.Logger
	mux           *http.ServeMux
}

// NewHandler serves svc below /impac/api/v1 and /mnoe/jpi/v1/impac. The caller's credential must be in the request's context:
// wrap the handler with authz.Middleware.
func NewHandler(svc impac.Service, opts ...Option) http.Handler {
	h := &handler{svc: svc, maxBody: httpx.DefaultMaxBody, log: slog.New(slog.DiscardHandler), mux: http.NewServeMux()}
	for _, o := range opts {
		o(h)
	}
	refuse := func(w http.ResponseWriter, r *http.Request, err error) { h.fail(w, r, badRequest(err)) }
	strict := impacapi.NewStrictHandlerWithOptions(&server{svc: svc, organizations: h.organizations}, []impacapi.StrictMiddlewareFunc{withQuery},
		impacapi.StrictHTTPServerOptions{RequestErrorHandlerFunc: refuse, ResponseErrorHandlerFunc: h.fail})
	impacapi.HandlerWithOptions(strict, impacapi.StdHTTPServerOptions{BaseRouter: h.mux, ErrorHandlerFunc: refuse})
	return h
}

type queryKey struct{}

// withQuery hands the query on as it came: the generated code doesn't read nested ones.
func withQuery(next impacapi.StrictHandlerFunc, _ string) impacapi.StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error) {
		return next(context.WithValue(ctx, queryKey{}, r.URL.RawQuery), w, r, request)
	}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, enginePrefix) {
		// Any page may call the engine with a token that it has. Browsers send no cookies along with such calls.
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
			w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept")
			w.Header().Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	if _, pattern := h.mux.Handler(r); pattern == "" {
		h.noRoute(w, r)
		return
	}
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, h.maxBody)
	}
	h.mux.ServeHTTP(w, r)
}

// noRoute answers for a path that isn't there, or that doesn't know the method.
func (h *handler) noRoute(w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		try := r.Clone(r.Context())
		try.Method = m
		if _, pattern := h.mux.Handler(try); pattern != "" {
			allow = append(allow, m)
		}
	}
	if len(allow) == 0 {
		writeError(w, r, errNoPath)
		return
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	writeError(w, r, errNoMethod)
}

func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if problem.Status(err) == http.StatusInternalServerError {
		h.log.ErrorContext(r.Context(), "impac request failed", "method", r.Method, "path", r.URL.Path,
			"request_id", httpx.RequestIDFrom(r.Context()), "error", err)
	}
	writeError(w, r, err)
}
