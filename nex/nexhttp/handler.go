package nexhttp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/openapi/nexapi"
)

var (
	errNoPath   = problem.Sentinel("nex.no_such_path", http.StatusNotFound, "No such path")
	errNoMethod = problem.Sentinel("nex.method_not_allowed", http.StatusMethodNotAllowed, "Method not allowed")
	errBad      = problem.Sentinel("nex.bad_request", http.StatusBadRequest, "Malformed request")
	errNotReady = problem.Sentinel("nex.not_ready", http.StatusServiceUnavailable, "Not ready")
)

const (
	appsPath = "/nex/api/v1/apps/"
	maxBody  = 1 << 20 // more than the largest environment takes
)

// HandlerOption changes what [NewHandler] makes.
type HandlerOption func(*handler)

// WithLogger gets the errors that callers only see as "Internal server error": nowhere unless given.
func WithLogger(l *slog.Logger) HandlerOption { return func(h *handler) { h.log = l } }

// NewHandler serves svc below /nex/api/v1/. The caller's credential must be in the request's context: wrap the handler with
// authz.Middleware.
func NewHandler(svc nex.Service, opts ...HandlerOption) http.Handler {
	h := &handler{svc: svc, log: slog.New(slog.DiscardHandler), mux: http.NewServeMux()}
	for _, o := range opts {
		o(h)
	}
	strict := nexapi.NewStrictHandlerWithOptions(h, nil, nexapi.StrictHTTPServerOptions{
		RequestErrorHandlerFunc: h.fail, ResponseErrorHandlerFunc: h.fail,
	})
	nexapi.HandlerWithOptions(strict, nexapi.StdHTTPServerOptions{BaseRouter: h.mux, ErrorHandlerFunc: h.fail})
	return h
}

type handler struct {
	svc nex.Service
	log *slog.Logger
	mux *http.ServeMux
}

var _ nexapi.StrictServerInterface = (*handler)(nil)

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if answer, pattern := h.mux.Handler(r); pattern == "" {
		h.noRoute(w, r, answer)
		return
	}
	httpx.LimitBody(h.mux, maxBody).ServeHTTP(w, r)
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
	p := problem.Of(inputError(err))
	if p.Status >= http.StatusInternalServerError && r.Context().Err() == nil {
		h.log.ErrorContext(r.Context(), "nex request failed", slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", p.Status), slog.Any("error", err))
	}
	problem.WriteProblem(w, p)
}

// inputError makes what the decoders say about parameters and bodies an errBad.
func inputError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	if e, ok := errors.AsType[*nexapi.InvalidParamFormatError](err); ok {
		return problem.Invalid(errBad, e.ParamName, "is malformed")
	}
	if e, ok := errors.AsType[*nexapi.RequiredParamError](err); ok {
		return problem.Invalid(errBad, e.ParamName, "is missing")
	}
	if e, ok := errors.AsType[*nexapi.TooManyValuesForParamError](err); ok {
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

// GetReady answers whether the service can.
func (h *handler) GetReady(ctx context.Context, _ nexapi.GetReadyRequestObject) (nexapi.GetReadyResponseObject, error) {
	if err := h.svc.Ready(ctx); err != nil {
		h.log.WarnContext(ctx, "nex is not ready", slog.Any("error", err))
		return nil, errNotReady
	}
	return nexapi.GetReady204Response{}, nil
}

// ListTemplates lists.
func (h *handler) ListTemplates(ctx context.Context, _ nexapi.ListTemplatesRequestObject) (nexapi.ListTemplatesResponseObject, error) {
	list, err := h.svc.ListTemplates(ctx)
	if err != nil {
		return nil, err
	}
	out := nexapi.TemplateList{Templates: make([]nexapi.Template, len(list))}
	for i, t := range list {
		out.Templates[i] = toAPITemplate(t)
	}
	return nexapi.ListTemplates200JSONResponse(out), nil
}

// PutTemplate stores.
func (h *handler) PutTemplate(ctx context.Context, r nexapi.PutTemplateRequestObject) (nexapi.PutTemplateResponseObject, error) {
	if err := h.svc.PutTemplate(ctx, fromAPITemplate(r.Name, r.Body)); err != nil {
		return nil, err
	}
	return nexapi.PutTemplate204Response{}, nil
}

// ListApps lists.
func (h *handler) ListApps(ctx context.Context, r nexapi.ListAppsRequestObject) (nexapi.ListAppsResponseObject, error) {
	list, err := h.svc.ListApps(ctx, value(r.Params.Organization))
	if err != nil {
		return nil, err
	}
	out := nexapi.AppList{Apps: make([]nexapi.App, len(list))}
	for i, a := range list {
		out.Apps[i] = toAPIApp(a)
	}
	return nexapi.ListApps200JSONResponse(out), nil
}

// CreateApp creates.
func (h *handler) CreateApp(ctx context.Context, r nexapi.CreateAppRequestObject) (nexapi.CreateAppResponseObject, error) {
	a, err := h.svc.CreateApp(ctx, nex.AppSpec{
		UID: value(r.Body.UID), Name: value(r.Body.Name), Organization: r.Body.Organization, Template: r.Body.Template, Env: r.Body.Env,
	})
	if err != nil {
		return nil, err
	}
	return nexapi.CreateApp201JSONResponse{
		Body: toAPIApp(a), Headers: nexapi.CreateApp201ResponseHeaders{Location: new(appsPath + a.UID)},
	}, nil
}

// GetApp shows.
func (h *handler) GetApp(ctx context.Context, r nexapi.GetAppRequestObject) (nexapi.GetAppResponseObject, error) {
	a, err := h.svc.GetApp(ctx, r.UID)
	if err != nil {
		return nil, err
	}
	return nexapi.GetApp200JSONResponse(toAPIApp(a)), nil
}

// TerminateApp terminates.
func (h *handler) TerminateApp(ctx context.Context, r nexapi.TerminateAppRequestObject) (nexapi.TerminateAppResponseObject, error) {
	a, err := h.svc.TerminateApp(ctx, r.UID)
	if err != nil {
		return nil, err
	}
	return nexapi.TerminateApp202JSONResponse(toAPIApp(a)), nil
}

// ConfigureApp configures.
func (h *handler) ConfigureApp(ctx context.Context, r nexapi.ConfigureAppRequestObject) (nexapi.ConfigureAppResponseObject, error) {
	a, err := h.svc.ConfigureApp(ctx, r.UID, r.Body.Env)
	if err != nil {
		return nil, err
	}
	return nexapi.ConfigureApp202JSONResponse(toAPIApp(a)), nil
}

// StartApp starts.
func (h *handler) StartApp(ctx context.Context, r nexapi.StartAppRequestObject) (nexapi.StartAppResponseObject, error) {
	a, err := h.svc.StartApp(ctx, r.UID)
	if err != nil {
		return nil, err
	}
	return nexapi.StartApp202JSONResponse(toAPIApp(a)), nil
}

// StopApp stops.
func (h *handler) StopApp(ctx context.Context, r nexapi.StopAppRequestObject) (nexapi.StopAppResponseObject, error) {
	a, err := h.svc.StopApp(ctx, r.UID)
	if err != nil {
		return nil, err
	}
	return nexapi.StopApp202JSONResponse(toAPIApp(a)), nil
}

// RestartApp restarts.
func (h *handler) RestartApp(ctx context.Context, r nexapi.RestartAppRequestObject) (nexapi.RestartAppResponseObject, error) {
	a, err := h.svc.RestartApp(ctx, r.UID)
	if err != nil {
		return nil, err
	}
	return nexapi.RestartApp202JSONResponse(toAPIApp(a)), nil
}

// GetLogs shows the last lines.
func (h *handler) GetLogs(ctx context.Context, r nexapi.GetLogsRequestObject) (nexapi.GetLogsResponseObject, error) {
	tail := value(r.Params.Tail)
	if r.Params.Tail != nil && tail == 0 {
		tail = -1 // 0 is the default in process only
	}
	lines, err := h.svc.Logs(ctx, r.UID, tail)
	if err != nil {
		return nil, err
	}
	out := nexapi.Logs{Lines: make([]nexapi.LogLine, len(lines))}
	for i, l := range lines {
		out.Lines[i] = nexapi.LogLine{At: l.At, Stream: nexapi.LogLineStream(l.Stream), Text: strings.ToValidUTF8(l.Text, "\uFFFD")}
	}
	return nexapi.GetLogs200JSONResponse(out), nil
}
