package connechttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/connecapi"
)

// Header names of the API.
const (
	// HeaderExternalIDs is "true" in requests that want ids as arrays.
	HeaderExternalIDs = "CONNEC-EXTERNAL-IDS"
	// HeaderCountryFormat is "alpha2" in requests that want ISO 3166 alpha-2 countries.
	HeaderCountryFormat = "CONNEC-COUNTRY-FORMAT"
	// HeaderVersions is "true" in requests that want the member "_version" in every record.
	HeaderVersions = "CONNEC-VERSIONS"
)

const (
	mediaJSON    = "application/json"
	mediaJSONAPI = "application/vnd.api+json"
)

// Version is what GET /version answers. Connectors compare Branch with the version they need.
type Version struct {
	Branch, Commit, Build string
}

// Option changes how [NewHandler] serves.
type Option func(*handler)

// WithBaseURL is the scheme and host, and perhaps a prefix, that absolute links start with. The default is what the request was
// sent to, as this process sees it: set it behind a proxy.
func WithBaseURL(u string) Option {
	return func(h *handler) { h.baseURL = strings.TrimRight(u, "/") }
}

// WithMaxBody bounds request bodies. The default is 10 MiB.
func WithMaxBody(bytes int64) Option {
	return func(h *handler) { h.maxBody = bytes }
}

// largeBody is from where on a gate is asked: small writes are judged only once.
const largeBody = 64 << 10

// WithGate asks gate before the handler reads a body of more than 64 KiB or of unknown length, and answers with its error. The service
// judges every operation; a gate keeps strangers from having long documents read and parsed before that.
func WithGate(gate func(ctx context.Context) error) Option {
	return func(h *handler) { h.gate = gate }
}

// WithVersion is what GET /version answers. The default is branch v1.9, the API that is implemented, and nothing else.
func WithVersion(v Version) Option {
	return func(h *handler) { h.version = v }
}

// WithLogger gets errors that clients only see as "Internal server error". The default discards them.
func WithLogger(l *slog.Logger) Option {
	return func(h *handler) { h.log = l }
}

// NewHandler serves svc below /api/v2, at /batch and at /version. The caller's credential must be in the request's context:
// wrap the handler with authz.Middleware.
func NewHandler(svc connec.Service, opts ...Option) http.Handler {
	h := &handler{
		maxBody: httpx.DefaultMaxBody,
		version: Version{Branch: "v1.9"},
		log:     slog.New(slog.DiscardHandler),
	}
	for _, o := range opts {
		o(h)
	}
	srv := &server{svc: svc, names: &names{svc: svc, now: time.Now}, version: h.version}
	strict := connecapi.NewStrictHandlerWithOptions(srv, nil, connecapi.StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  h.refuse,
		ResponseErrorHandlerFunc: h.fail,
	})
	connecapi.HandlerWithOptions(strict, connecapi.StdHTTPServerOptions{BaseRouter: &h.router, ErrorHandlerFunc: h.refuse})
	return h
}

type handler struct {
	router  router
	baseURL string
	maxBody int64
	gate    func(context.Context) error
	version Version
	log     *slog.Logger
}

// call is what operations know of the request beside their parameters.
type call struct {
	// base is the start of absolute links, without a slash at the end.
	base string
	// media is the Content-Type of records and of errors on the platform's paths.
	media string
	// body is all of the request's body.
	body []byte
	// problems says that errors are problem documents here.
	problems bool
}

type callKey struct{}

func callFrom(ctx context.Context) *call {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return &call{media: mediaJSON}
	}
	return c
}

// ServeHTTP makes of what clients send what the description says, and finds the operation.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	maps.Copy(w.Header(), cors)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	c := &call{base: h.base(r), media: media(r)}
	r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))

	segs := splitPath(r.URL)
	found, allow := h.router.find(r.Method, segs)
	if found == nil {
		if len(allow) == 0 {
			h.fail(w, r, errNoPath)
			return
		}
		w.Header().Set("Allow", strings.Join(append(allow, http.MethodOptions), ", "))
		h.fail(w, r, fmt.Errorf("%w: %s", errNoMethod, r.Method))
		return
	}
	c.problems = administrative[found.pattern]
	found.setPathValues(r, segs)
	if raw := tidyQuery(r.URL.RawQuery); raw != r.URL.RawQuery {
		u := *r.URL
		u.RawQuery = raw
		r.URL = &u
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		if err := h.readBody(w, r, c); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	found.serve(w, r)
}

// readBody keeps the body for the operation, which wants to see all of it.
func (h *handler) readBody(w http.ResponseWriter, r *http.Request, c *call) error {
	if h.gate != nil && (r.ContentLength > largeBody || r.ContentLength < 0) {
		if err := h.gate(r.Context()); err != nil {
			return err
		}
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(min(r.ContentLength, h.maxBody)) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, h.maxBody)); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return err
		}
		return problem.Invalid(connec.ErrInvalid, "", "the body could not be read to its end")
	}
	c.body = bytes.TrimSpace(buf.Bytes())
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	return nil
}

func (h *handler) base(r *http.Request) string {
	if h.baseURL != "" {
		return h.baseURL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// media answers JSON:API's media type to clients that accept only that. The bodies are the same.
func media(r *http.Request) string {
	a := r.Header.Get("Accept")
	if strings.Contains(a, mediaJSONAPI) && !strings.Contains(a, mediaJSON) {
		return mediaJSONAPI
	}
	return mediaJSON
}

// cors lets pages of any origin call the API. Credentials are never the browser's own there, so this opens nothing.
var cors = http.Header{
	"Access-Control-Allow-Origin":  {"*"},
	"Access-Control-Allow-Methods": {"POST, PUT, DELETE, GET, OPTIONS"},
	"Access-Control-Allow-Headers": {"Origin, X-Requested-With, Content-Type, Accept, Authorization, " +
		HeaderExternalIDs + ", " + HeaderCountryFormat + ", " + HeaderVersions},
	"Access-Control-Request-Method": {"*"},
	"Access-Control-Expose-Headers": {"Location"},
}

// administrative holds the paths that aren't the platform's: their errors are problem documents.
var administrative = map[string]bool{
	"/api/v2/ready":                             true,
	"/api/v2/json_schema":                       true,
	"/api/v2/subscriptions/{id}":                true,
	"/api/v2/{group}/changes":                   true,
	"/api/v2/{group}/subscriptions":             true,
	"/api/v2/{group}/deliveries":                true,
	"/api/v2/{group}/{collection}/{id}/history": true,
}

// fail renders every error of an operation.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	c := callFrom(r.Context())
	p := problem.Of(err)
	if p.Status >= http.StatusInternalServerError && r.Context().Err() == nil {
		h.log.ErrorContext(r.Context(), "connec request failed", slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", p.Status), slog.Any("error", err))
	}
	if errors.Is(err, errNotReady) {
		p.Detail = "" // what is wrong inside is not for everyone
	}
	if c.problems {
		problem.WriteProblem(w, p)
		return
	}
	writeErrors(w, c.media, p)
}

// refuse renders what the generated code says about parameters and bodies.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	h.fail(w, r, inputError(err))
}

// inputError makes an ErrInvalid of an error in reading a request.
func inputError(err error) error {
	if e, ok := errors.AsType[*connecapi.InvalidParamFormatError](err); ok {
		return problem.Invalid(connec.ErrInvalid, e.ParamName, "is malformed")
	}
	if e, ok := errors.AsType[*connecapi.TooManyValuesForParamError](err); ok {
		return problem.Invalid(connec.ErrInvalid, e.ParamName, "is there %d times", e.Count)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return problem.Invalid(connec.ErrInvalid, "", "malformed JSON at byte %d: %s", e.Offset, e.Error())
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return problem.Invalid(connec.ErrInvalid, e.Field, "must be a JSON %s, not a %s", e.Type, e.Value)
	}
	if e, ok := errors.AsType[*time.ParseError](err); ok {
		return problem.Invalid(connec.ErrInvalid, "", "%s is not a time such as 2006-01-02T15:04:05Z", e.Value)
	}
	if errors.Is(err, io.EOF) {
		return problem.Invalid(connec.ErrInvalid, "", "the body is empty; JSON is expected")
	}
	return problem.Invalid(connec.ErrInvalid, "", "malformed JSON: the body ends too soon or holds what it must not")
}
