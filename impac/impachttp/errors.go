package impachttp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/commonapi"
	"github.com/ensemble-platform/ensemble/openapi/impacapi"
)

var (
	errNoPath   = problem.Sentinel("impac.no_path", http.StatusNotFound, "Not found")
	errNoMethod = problem.Sentinel("impac.no_method", http.StatusMethodNotAllowed, "Method not allowed")
	errNotReady = problem.Sentinel("impac.not_ready", http.StatusServiceUnavailable, "Not ready")
)

// sentinels are the errors that Client gives back.
var sentinels = []error{impac.ErrNotFound, impac.ErrInvalid, impac.ErrUnknownCollection, impac.ErrTooLarge}

// badRequest is an error of the generated code: a path parameter or a body that it couldn't read.
func badRequest(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return fmt.Errorf("%w: %s", impac.ErrInvalid, err.Error())
}

// writeError answers in the way of the path: the engine's or the dashboards'.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.Of(err)
	if !strings.HasPrefix(r.URL.Path, enginePrefix) {
		problem.WriteProblem(quiet{w}, p)
		return
	}
	var doc impacapi.EngineError
	doc.Error.Code, doc.Error.Type = p.Status, p.Code
	if doc.Error.Message = p.Detail; p.Detail == "" {
		doc.Error.Message = p.Title
	}
	for _, f := range p.Errors {
		doc.Error.Errors = append(doc.Error.Errors, commonapi.FieldError{Path: f.Path, Reason: f.Reason})
	}
	w.Header().Set("Cache-Control", "no-store")
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	httpx.WriteJSON(quiet{w}, p.Status, doc)
}

// quiet asks for a token rather than for a password: browsers open a dialog of their own for the latter, in the middle of a page.
type quiet struct{ http.ResponseWriter }

func (q quiet) WriteHeader(status int) {
	if status == http.StatusUnauthorized {
		q.Header().Set("WWW-Authenticate", `Bearer realm="ensemble"`)
	}
	q.ResponseWriter.WriteHeader(status)
}

// fromBody makes an error of an answer's body: the engine's document, a problem document or whatever a proxy wrote.
func fromBody(status int, body []byte) error {
	var doc impacapi.EngineError
	if json.Unmarshal(body, &doc) != nil || doc.Error.Type == "" {
		return problem.FromBody(status, body, sentinels...)
	}
	p := problem.Problem{Type: "about:blank", Title: doc.Error.Message, Status: status, Code: doc.Error.Type, Detail: doc.Error.Message}
	for _, f := range doc.Error.Errors {
		p.Errors = append(p.Errors, problem.Field{Path: f.Path, Reason: f.Reason})
	}
	b, err := json.Marshal(p)
	if err != nil {
		b = body
	}
	return problem.FromBody(status, b, sentinels...)
}
