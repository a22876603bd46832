package idmhttp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/idmapi"
)

var (
	errNoPath   = problem.Sentinel("idm.no_such_path", http.StatusNotFound, "No such path")
	errNoMethod = problem.Sentinel("idm.method_not_allowed", http.StatusMethodNotAllowed, "Method not allowed")
	errBad      = problem.Sentinel("idm.bad_request", http.StatusBadRequest, "Malformed request")
	errChanged  = problem.Sentinel("idm.changed", http.StatusPreconditionFailed, "Changed since it was read")
	errNotReady = problem.Sentinel("idm.not_ready", http.StatusServiceUnavailable, "Not ready")
)

// What a body may have at most.
const (
	maxQuestion = 64 << 10
	maxBody     = 1 << 20
	maxIDs      = 5000 // as the description says
	maxUserIDs  = 200
)

// A HandlerOption changes what NewHandler makes from its defaults.
type HandlerOption func(*handler)

// WithLogger gets the errors that callers only see as "Internal server error". Default: nowhere.
func WithLogger(l *slog.Logger) HandlerOption { return func(h *handler) { h.log = l } }

// WithPublicURL is the address that the AuthZEN metadata names. Default: the one that the request was sent to, as this process
// sees it; set it behind a proxy.
func WithPublicURL(u string) HandlerOption {
	return func(h *handler) { h.publicURL = strings.TrimRight(u, "/") }
}

// NewHandler serves svc. The caller's credential must be in the request's context: wrap the handler with authz.Middleware.
func NewHandler(svc idm.Service, opts ...HandlerOption) http.Handler {
	h := &handler{svc: svc, log: slog.New(slog.DiscardHandler), mux: http.NewServeMux()}
	for _, o := range opts {
		o(h)
	}
	strict := idmapi.NewStrictHandlerWithOptions(&admin{svc: svc}, nil, idmapi.StrictHTTPServerOptions{
		RequestErrorHandlerFunc: h.fail, ResponseErrorHandlerFunc: h.fail,
	})
	idmapi.HandlerWithOptions(&server{ServerInterface: strict, handler: h}, idmapi.StdHTTPServerOptions{
		BaseRouter: h.mux, ErrorHandlerFunc: h.fail,
	})
	return h
}

type handler struct {
	svc       idm.Service
	log       *slog.Logger
	publicURL string
	mux       *http.ServeMux
}

// open are the paths that carry a proof of their own, or need none. On all others the caller must be a service.
var open = map[string]bool{
	"/.well-known/authzen-configuration": true,
	"/oauth2/token":                      true,
	"/oauth2/revoke":                     true,
	"/idm/v1/ready":                      true,
	"/idm/v1/login":                      true,
	"/idm/v1/client_tokens":              true,
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if rid := r.Header.Get(httpx.RequestIDHeader); rid != "" && w.Header().Get(httpx.RequestIDHeader) == "" {
		w.Header().Set(httpx.RequestIDHeader, rid)
	}
	found, pattern := h.mux.Handler(r)
	if pattern == "" {
		h.noRoute(w, r, found)
		return
	}
	// Nothing of a body is read before the caller is known.
	if !open[r.URL.Path] {
		if err := requireService(r.Context(), h.svc); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	limit := int64(maxBody)
	if r.URL.Path == "/access/v1/evaluation" {
		limit = maxQuestion
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	h.mux.ServeHTTP(w, r)
}

// requireService lets services pass, and nobody else: not even operators, who are people.
func requireService(ctx context.Context, svc idm.Service) error {
	d, err := authz.Require(ctx, svc, authz.ManagePlatform, authz.Platform, idm.PlatformID)
	if err != nil {
		return err
	}
	if d.Principal.Type != authz.Service {
		return authz.Decision{Authenticated: true, Reason: "only services may call this"}.Err()
	}
	return nil
}

// noRoute asks the mux's own answer whether the path or only the method is unknown.
func (h *handler) noRoute(w http.ResponseWriter, r *http.Request, answer http.Handler) {
	rec := &headOnly{header: http.Header{}}
	answer.ServeHTTP(rec, r)
	if rec.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", rec.header.Get("Allow"))
		h.fail(w, r, errNoMethod)
		return
	}
	h.fail(w, r, errNoPath)
}

type headOnly struct {
	header http.Header
	status int
}

func (h *headOnly) Header() http.Header         { return h.header }
func (h *headOnly) WriteHeader(status int)      { h.status = status }
func (h *headOnly) Write(b []byte) (int, error) { return len(b), nil }

// fail renders every error.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	err = inputError(err)
	p := problem.Of(err)
	if p.Status >= http.StatusInternalServerError && r.Context().Err() == nil {
		h.log.ErrorContext(r.Context(), "idm request failed", slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", p.Status), slog.Any("error", err))
	}
	problem.WriteProblem(w, p)
}

// inputError makes what the decoders say about parameters and bodies an errBad.
func inputError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	if e, ok := errors.AsType[*idmapi.InvalidParamFormatError](err); ok {
		return problem.Invalid(errBad, e.ParamName, "is malformed")
	}
	if e, ok := errors.AsType[*idmapi.TooManyValuesForParamError](err); ok {
		return problem.Invalid(errBad, e.ParamName, "is there %d times", e.Count)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return problem.Invalid(errBad, "", "malformed JSON at byte %d", e.Offset)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return problem.Invalid(errBad, e.Field, "must not be a JSON %s", e.Value)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return problem.Invalid(errBad, "", "malformed JSON: the body ends too soon")
	}
	return err
}
