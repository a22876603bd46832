package nexhttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/apitest"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexhttp"
	"github.com/ensemble-platform/ensemble/nex/nexmem"
	"github.com/ensemble-platform/ensemble/nex/nextest"
)

func serve(t *testing.T, s nex.Service) string {
	t.Helper()
	srv := httptest.NewServer(authz.Middleware(nexhttp.NewHandler(s)))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestService(t *testing.T) {
	t.Parallel()
	open := func(*testing.T) nex.Store { return nexmem.New() }
	t.Run("remote", func(t *testing.T) {
		nextest.TestService(t, open, func(t *testing.T, s nex.Service) nex.Service { return nexhttp.NewClient(serve(t, s), nil) })
	})
	t.Run("remote of remote", func(t *testing.T) {
		nextest.TestService(t, open, func(t *testing.T, s nex.Service) nex.Service {
			near := nexhttp.NewClient(serve(t, s), nil)
			return nexhttp.NewClient(serve(t, near)+"/", http.DefaultClient)
		})
	})
}

// TestWalk holds the handler to its description.
func TestWalk(t *testing.T) {
	t.Parallel()
	e, _ := nextest.NewEngine(t, nexmem.New())
	ctx := authz.WithCredential(t.Context(), nextest.Operator)
	require.NoError(t, e.PutTemplate(ctx, nex.Template{Name: "notes", Command: []string{"app"}}))
	_, err := e.CreateApp(ctx, nex.AppSpec{UID: "x", Organization: nextest.OrgA, Template: "notes"})
	require.NoError(t, err)
	apitest.Walk(t, apitest.Config{
		Spec: "nex", Handler: authz.Middleware(nexhttp.NewHandler(e)),
		Known:   map[string][]any{"uid": {"x"}, "template": {"notes"}, "organization": {nextest.OrgA}, "name": {"notes"}, "command": {[]any{"app"}}},
		Prepare: func(r *http.Request) { authz.SetRequest(r, nextest.Operator) },
	})
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	e, _ := nextest.NewEngine(t, nexmem.New())
	base := serve(t, e)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		code                     string
	}{
		{"no such path", "GET", "/nex/api/v1/nothing", "", 404, "nex.no_such_path"},
		{"wrong method", "PATCH", "/nex/api/v1/apps", "", 405, "nex.method_not_allowed"},
		{"malformed JSON", "POST", "/nex/api/v1/apps", `{"organization":`, 400, "nex.bad_request"},
		{"wrong type", "POST", "/nex/api/v1/apps", `{"organization":1,"template":"x"}`, 400, "nex.bad_request"},
		{"no body", "POST", "/nex/api/v1/apps", ``, 400, "nex.bad_request"},
		{"too large", "POST", "/nex/api/v1/apps", `{"organization":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "body_too_large"},
		{"malformed parameter", "GET", "/nex/api/v1/apps/x/logs?tail=many", "", 400, "nex.bad_request"},
		{"unknown app", "GET", "/nex/api/v1/apps/x", "", 404, "nex.not_found"},
		{"invalid", "POST", "/nex/api/v1/apps", `{"organization":"org-a","template":"missing"}`, 422, "nex.invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, base+c.path, strings.NewReader(c.body))
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/json")
			authz.SetRequest(req, nextest.Operator)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, c.status, resp.StatusCode, string(body))
			require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
			require.Contains(t, string(body), `"code":"`+c.code+`"`)
		})
	}
}

// TestCredential: the caller's credential goes on, and the client's own stands in for one that can't.
func TestCredential(t *testing.T) {
	t.Parallel()
	e, _ := nextest.NewEngine(t, nexmem.New())
	c := nexhttp.NewClient(serve(t, e), nil, nexhttp.WithCredential(nextest.Operator))
	platform := authz.WithCredential(t.Context(), authz.OnBehalfOf("svc-hub"))
	require.NoError(t, c.PutTemplate(platform, nex.Template{Name: "notes", Command: []string{"app"}}))
	_, err := c.ListTemplates(platform)
	require.NoError(t, err)
	_, err = c.ListTemplates(t.Context())
	require.ErrorIs(t, err, authz.ErrUnauthenticated, "an anonymous call stays anonymous")
	_, err = c.ListTemplates(authz.WithCredential(t.Context(), nextest.AdminA))
	require.ErrorIs(t, err, authz.ErrDenied)
}

func TestRetries(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b, _ := io.ReadAll(r.Body); r.Method == http.MethodPut && len(b) == 0 {
			t.Error("the body is sent again")
		}
		if calls.Add(1)%3 != 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer srv.Close()
	c := nexhttp.NewClient(srv.URL, nil)
	require.NoError(t, c.PutTemplate(t.Context(), nex.Template{Name: "x", Command: []string{"x"}}))
	require.EqualValues(t, 3, calls.Load())
	_, err := c.RestartApp(t.Context(), "x")
	require.Error(t, err)
	require.EqualValues(t, 4, calls.Load(), "a restart isn't repeated")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Ready(ctx), context.Canceled)
	require.Error(t, nexhttp.NewClient("::bad", nil).Ready(t.Context()))
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	c := nexhttp.NewClient(serve(t, broken{}), nil, nexhttp.WithRetries(0))
	err := c.Ready(t.Context())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}

type broken struct{ nex.Service }

func (broken) Ready(context.Context) error { return errors.New("secret") }
