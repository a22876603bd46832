package connechttp_test

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
)

// counted counts what is read of a body.
type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// Nothing is read of a stranger's long body.
func TestGate(t *testing.T) {
	t.Parallel()
	svc := connec.New(connecmem.New(), authz.Func(func(context.Context, authz.Request) (authz.Decision, error) {
		return authz.Decision{Reason: "nobody may"}, nil
	}))
	asked := 0
	h := connechttp.NewHandler(svc, connechttp.WithGate(func(context.Context) error {
		asked++
		return authz.Decision{Reason: "who are you?"}.Err()
	}))
	post := func(length int, known bool) (status, read int, answer string) {
		body := &counted{Reader: strings.NewReader(`{"people":{"notes":[` + strings.Repeat(" ", length) + `]}}`)}
		r := httptest.NewRequest("POST", "/api/v2/org-1/people", body)
		if r.ContentLength = -1; known {
			r.ContentLength = int64(length)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, body.n, w.Body.String()
	}
	for _, known := range []bool{true, false} {
		status, read, answer := post(1<<20, known)
		require.Equal(t, 401, status)
		require.Zero(t, read)
		require.Contains(t, answer, "who are you?")
	}
	require.Equal(t, 2, asked)
	status, _, answer := post(100, true)
	require.Equal(t, 401, status)
	require.Contains(t, answer, "nobody may", "small bodies are judged once")
	require.Equal(t, 2, asked)
}
