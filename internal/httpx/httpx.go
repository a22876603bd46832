// Package httpx holds what every HTTP handler of the platform needs: bounded JSON bodies, request ids, and JSON answers.
package httpx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ensemble-platform/ensemble/internal/id"
)

// DefaultMaxBody is the largest request body that is read unless an operator says otherwise: 10 MiB.
const DefaultMaxBody = 10 << 20

// LimitBody bounds the body of every request. A longer body makes reads fail with *http.MaxBytesError, which package problem
// renders as 413.
func LimitBody(next http.Handler, maxBytes int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, maxBytes)
		}
		next.ServeHTTP(w, r)
	})
}

// ReadJSON decodes one JSON value and nothing after it. Numbers inside an any stay exact, as json.Number.
func ReadJSON(r io.Reader, into any) error {
	dec := json.NewDecoder(r)
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		var tooLarge *http.MaxBytesError
		var syntax *json.SyntaxError
		var typ *json.UnmarshalTypeError
		switch {
		case errors.As(err, &tooLarge):
			return err
		case errors.As(err, &syntax):
			return fmt.Errorf("malformed JSON at byte %d: %w", syntax.Offset, err)
		case errors.As(err, &typ):
			return fmt.Errorf("%s must be a %s: %w", typ.Field, typ.Type, err)
		case errors.Is(err, io.EOF):
			return errors.New("the body is empty; JSON is expected")
		default:
			return fmt.Errorf("malformed JSON: %w", err)
		}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("unexpected data after the JSON value, at byte %d", dec.InputOffset())
	}
	return nil
}

// WriteJSON answers with v.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// RequestIDHeader carries the request id in both directions.
const RequestIDHeader = "X-Request-ID"

type requestIDKey struct{}

// RequestID gives each request an id: the caller's, when it is short printable ASCII, or a new one.
func RequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rid := r.Header.Get(RequestIDHeader)
		if !plain(rid) {
			rid = id.UUID()
		}
		w.Header().Set(RequestIDHeader, rid)
		next.ServeHTTP(w, r.WithContext(WithRequestID(r.Context(), rid)))
	})
}

func plain(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// WithRequestID returns a context that carries a request id.
func WithRequestID(ctx context.Context, rid string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, rid)
}

// RequestIDFrom returns the request id that ctx carries, or "".
func RequestIDFrom(ctx context.Context) string {
	s, _ := ctx.Value(requestIDKey{}).(string)
	return s
}
