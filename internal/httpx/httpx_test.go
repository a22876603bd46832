package httpx_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/internal/httpx"
)

func TestReadJSON(t *testing.T) {
	t.Parallel()
	var v map[string]any
	require.NoError(t, httpx.ReadJSON(strings.NewReader(`{"n":10.50}`), &v))
	require.Equal(t, json.Number("10.50"), v["n"], "numbers stay exact")
	for in, want := range map[string]string{
		``: "empty", `{"a":`: "malformed", `{"a":1} x`: "after the JSON value", `{a:1}`: "at byte 2", `[1]`: "must be",
	} {
		require.ErrorContains(t, httpx.ReadJSON(strings.NewReader(in), &v), want, in)
	}
}

func TestLimitBody(t *testing.T) {
	t.Parallel()
	var got error
	h := httpx.LimitBody(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var v any
		got = httpx.ReadJSON(r.Body, &v)
	}), 10)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(`"0123456789"`)))
	_, tooLarge := errors.AsType[*http.MaxBytesError](got)
	require.True(t, tooLarge, "%v", got)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(`"01234567"`)))
	require.NoError(t, got)
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	h := httpx.RequestID(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, httpx.RequestIDFrom(r.Context()))
	}))
	for given, kept := range map[string]bool{"abc-1": true, "": false, "two words": false, "line\nbreak": false, strings.Repeat("x", 129): false, "ü": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set(httpx.RequestIDHeader, given)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		require.Equal(t, kept, rec.Body.String() == given, "%q", given)
		require.NotEmpty(t, rec.Body.String())
		require.Equal(t, rec.Body.String(), rec.Header().Get(httpx.RequestIDHeader))
	}
}
