// Package problem gives errors a stable code and turns them into RFC 9457 problem details and back.
//
// A subsystem declares its sentinels with [Sentinel]; handlers render any error with [Write]; clients turn the answer back
// into the same sentinel with [Decode], so that errors.Is agrees on both sides of the wire.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// ContentType is the media type of a problem document.
const ContentType = "application/problem+json"

type sentinel struct {
	code   string
	status int
	title  string
}

func (s *sentinel) Error() string { return s.title }

// Sentinel makes an error with a stable code such as "connec.not_found", the HTTP status it is served with and a short
// title. Sentinels are compared by identity.
func Sentinel(code string, status int, title string) error {
	return &sentinel{code: code, status: status, title: title}
}

// Field is one thing that is wrong with the input.
type Field struct {
	// Path is the dotted path of the attribute, such as "lines.0.quantity".
	Path string `json:"path"`
	// Reason is what is wrong with it, such as "must be a number".
	Reason string `json:"reason"`
}

// ValidationError is input that was refused. It matches the sentinel it was made with.
type ValidationError struct {
	Sentinel error
	Fields   []Field
}

// Invalid makes a ValidationError about one field.
func Invalid(is error, path, format string, args ...any) *ValidationError {
	return &ValidationError{Sentinel: is, Fields: []Field{{Path: path, Reason: fmt.Sprintf(format, args...)}}}
}

func (e *ValidationError) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		if parts[i] = f.Reason; f.Path != "" {
			parts[i] = f.Path + " " + f.Reason
		}
	}
	return strings.Join(parts, "; ")
}

// Unwrap returns the sentinel.
func (e *ValidationError) Unwrap() error { return e.Sentinel }

// Problem is the document.
type Problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Code   string  `json:"code"`
	Detail string  `json:"detail,omitempty"`
	Errors []Field `json:"errors,omitempty"`
}

// Of describes err. Errors without a sentinel become "internal", and nothing of them is shown.
func Of(err error) Problem {
	s := &sentinel{code: "internal", status: http.StatusInternalServerError, title: "Internal server error"}
	detail := ""
	var found *sentinel
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &found):
		s, detail = found, err.Error()
	case errors.As(err, &tooLarge):
		s = &sentinel{code: "body_too_large", status: http.StatusRequestEntityTooLarge, title: "Request body too large"}
		detail = fmt.Sprintf("the request body is larger than %d bytes", tooLarge.Limit)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		s = &sentinel{code: "timeout", status: http.StatusServiceUnavailable, title: "Request cancelled or timed out"}
	default:
		var call *url.Error
		if r, ok := registered(err); ok {
			s, detail = r, err.Error()
		} else if errors.As(err, &call) {
			// Another process of the platform is away. Which, and where, is for the log.
			s = &sentinel{code: "upstream_unavailable", status: http.StatusServiceUnavailable, title: "A service that this one needs is unavailable"}
		}
	}
	p := Problem{Type: "about:blank", Title: s.title, Status: s.status, Code: s.code, Detail: detail}
	var v *ValidationError
	if errors.As(err, &v) {
		p.Errors = v.Fields
	}
	return p
}

// Status is the HTTP status that err is served with.
func Status(err error) int { return Of(err).Status }

// Write renders err.
func Write(w http.ResponseWriter, err error) { WriteProblem(w, Of(err)) }

// WriteProblem renders p.
func WriteProblem(w http.ResponseWriter, p Problem) {
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusUnauthorized:
		// Not Basic, although it is taken: browsers would ask for a password in a window of their own.
		h.Set("WWW-Authenticate", `Bearer realm="ensemble"`)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", "1")
		}
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// Decode reads a problem from a response with an error status and returns an error that matches the sentinel with
// its code, taken from known. The body is read up to 64 KiB; it need not be a problem document.
func Decode(resp *http.Response, known ...error) error {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return FromBody(resp.StatusCode, b, known...)
}

// FromBody is Decode for a body that was read already.
func FromBody(status int, body []byte, known ...error) error {
	var p Problem
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		p = Problem{Status: status, Title: http.StatusText(status)}
	}
	for _, k := range known {
		if s := lookup(k); s != nil && s.code == p.Code {
			if len(p.Errors) > 0 {
				return &ValidationError{Sentinel: k, Fields: p.Errors}
			}
			return &Remote{Problem: p, is: k}
		}
	}
	for err, s := range registry {
		if s.code == p.Code {
			return &Remote{Problem: p, is: err}
		}
	}
	return &Remote{Problem: p}
}

// Remote is an error that another process answered with.
type Remote struct {
	Problem Problem
	is      error
}

func (e *Remote) Error() string {
	if e.Problem.Detail != "" {
		return e.Problem.Detail
	}
	return fmt.Sprintf("%s (HTTP %d)", e.Problem.Title, e.Problem.Status)
}

// Unwrap returns the sentinel that the problem's code stands for, if it is known.
func (e *Remote) Unwrap() error { return e.is }

func lookup(err error) *sentinel {
	s, _ := err.(*sentinel) //nolint:errorlint // sentinels are compared by identity
	return s
}
