package connechttp

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/oapi-codegen/nullable"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/id"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/connecapi"
)

var (
	errNoPath   = problem.Sentinel("connec.no_path", http.StatusNotFound, "Resource not found")
	errNoMethod = problem.Sentinel("connec.no_method", http.StatusMethodNotAllowed, "Method not allowed")
	errNotReady = problem.Sentinel("connec.not_ready", http.StatusServiceUnavailable, "Not ready")
)

// sentinels are the errors that Client gives back.
var sentinels = []error{
	connec.ErrNotFound, connec.ErrUnknownCollection, connec.ErrInvalid, connec.ErrIDGiven, connec.ErrConflict, connec.ErrCursor,
}

const unauthorized = "Unauthorized Access"

// wireStatus is the platform's status for a problem: it doesn't tell a stranger from one without access.
func wireStatus(p problem.Problem) int {
	if p.Status == http.StatusForbidden {
		return http.StatusUnauthorized
	}
	return p.Status
}

// toErrors describes a problem the platform's way, one element for each message. Its own code and fields go along in "meta".
func toErrors(p problem.Problem) connecapi.Errors {
	status := wireStatus(p)
	element := func(title, detail string, meta connecapi.ErrorMeta) connecapi.Error {
		return connecapi.Error{
			ID: id.UUID(), Href: nullable.NewNullNullable[string](), Status: strconv.Itoa(status),
			Code: slug(title), Title: title, Detail: detail, Meta: &meta,
		}
	}
	if len(p.Errors) > 0 {
		out := connecapi.Errors{Errors: make([]connecapi.Error, len(p.Errors))}
		for i, f := range p.Errors {
			message := strings.TrimSpace(f.Path + " " + f.Reason)
			out.Errors[i] = element(message, message, connecapi.ErrorMeta{Code: p.Code, Path: f.Path, Reason: f.Reason})
		}
		return out
	}
	title, detail := p.Title, p.Detail
	if status == http.StatusUnauthorized {
		title = unauthorized
	}
	if detail == "" {
		detail = title
	}
	return connecapi.Errors{Errors: []connecapi.Error{element(title, detail, connecapi.ErrorMeta{Code: p.Code})}}
}

// slug makes an error's code of its title: lower case, a dash for all else, without groups of digits.
func slug(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	kept := words[:0]
	for _, w := range words {
		if strings.Trim(w, "0123456789") != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, "-")
}

func writeErrors(w http.ResponseWriter, media string, p problem.Problem) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	status := wireStatus(p)
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Basic realm="connec"`)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(toErrors(p))
}

// fromErrors makes an error of an answer's body: an Errors document, a problem document or whatever a proxy wrote.
func fromErrors(status int, body []byte) error {
	var doc connecapi.Errors
	if json.Unmarshal(body, &doc) != nil || len(doc.Errors) == 0 || doc.Errors[0].Meta == nil {
		return problem.FromBody(status, body, sentinels...)
	}
	first := doc.Errors[0]
	p := problem.Problem{Type: "about:blank", Title: first.Title, Status: status, Code: first.Meta.Code, Detail: first.Detail}
	for _, e := range doc.Errors {
		if e.Meta != nil && e.Meta.Reason != "" {
			p.Errors = append(p.Errors, problem.Field{Path: e.Meta.Path, Reason: e.Meta.Reason})
		}
	}
	b, err := json.Marshal(p)
	if err != nil {
		b = body
	}
	return problem.FromBody(status, b, sentinels...)
}
