package refserver

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

func TestRoutesPreferTheLongestPrefix(t *testing.T) {
	t.Parallel()
	var rs routes
	for name, prefix := range map[string]string{"console": "/", "hub": "/mnoe/", "impac": "/mnoe/jpi/v1/impac/"} {
		rs.add(name, nil, prefix)
	}
	rs.claim("connec", nil, connechttp.Serves)
	for path, want := range map[string]string{
		"/": "console", "/apps": "console", "/mnoe/jpi/v1/current_user": "hub", "/mnoe/jpi/v1/impac/dashboards": "impac",
		"/mnoe": "hub", "/batch/": "connec", "/batches": "console", "/mnoe//jpi/v1//impac/dashboards": "impac",
		"/batch.json": "connec", "/version/": "connec", "//api/v2/org-1//people.json": "connec",
	} {
		require.Equal(t, want, rs.find(httptest.NewRequest("GET", path, nil)).name, path)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/api/v2/org-1/people":                                  "/api/v2/org-1/people",
		"/api/v2/org-1/people?%24top=5&sso_session=SECRET":      "/api/v2/org-1/people?%24top=5&sso_session=…",
		"/api/v2/org-1/people?sso%5Fsession=SECRET":             "/api/v2/org-1/people?sso%5Fsession=…",
		"/oidc/callback?code=SECRET&state=SECRET&x=1":           "/oidc/callback?code=…&state=…&x=1",
		"/mnoe/launch/cld-1?wtk=SECRET":                         "/mnoe/launch/cld-1?wtk=…",
		"/auth/saml/usr-1?session=SECRET&sso_session=SECRET2&%": "/auth/saml/usr-1?session=…&sso_session=…&%=…",
	} {
		u, err := url.ParseRequestURI(in)
		require.NoError(t, err)
		require.Equal(t, want, redact(u))
	}
}

func front(t *testing.T, h http.HandlerFunc) (*httptest.Server, *bytes.Buffer, *frontDoor) {
	t.Helper()
	var logged bytes.Buffer
	f := &frontDoor{metrics: newHTTPMetrics(prometheus.NewRegistry()), log: slog.New(slog.NewTextHandler(&logged, nil)), maxBody: 100}
	f.routes.add("thing", h, "/thing/")
	srv := httptest.NewServer(requestID(f))
	t.Cleanup(srv.Close)
	return srv, &logged, f
}

func TestFrontDoor(t *testing.T) {
	t.Parallel()
	srv, logged, f := front(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/thing/panic":
			panic("SECRET in a panic is for the log")
		case "/thing/body":
			if _, err := io.ReadAll(r.Body); err != nil {
				problem.Write(w, err)
			}
		default:
			_, _ = io.WriteString(w, authz.CredentialFrom(r.Context()).Secret)
		}
	})
	get := func(method, path, body string) (int, string, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		req.SetBasicAuth("app-1", "hunter2")
		req.Header.Set(httpx.RequestIDHeader, "rid-1")
		resp, err := srv.Client().Do(req)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(b), resp.Header
	}
	code, body, head := get("GET", "/thing/", "")
	require.Equal(t, 200, code)
	require.Equal(t, "hunter2", body, "the credential reaches the handler")
	require.Equal(t, "rid-1", head.Get(httpx.RequestIDHeader))

	code, body, _ = get("GET", "/thing/panic", "")
	require.Equal(t, 500, code)
	require.NotContains(t, body, "SECRET")
	require.Contains(t, body, `"code":"internal"`)

	code, body, _ = get("POST", "/thing/body", strings.Repeat("x", 101))
	require.Equal(t, 413, code)
	require.Contains(t, body, "larger than 100 bytes")

	code, _, _ = get("GET", "/elsewhere", "")
	require.Equal(t, 404, code)
	get("BREW", "/thing/", "")

	srv.Close() // the log is complete
	require.NotContains(t, logged.String(), "hunter2")
	require.Contains(t, logged.String(), "api_key:app-1")
	require.Contains(t, logged.String(), "request_id=rid-1")
	require.InDelta(t, 1, testutil.ToFloat64(f.metrics.requests.WithLabelValues("thing", "GET", "500")), 0)
	require.InDelta(t, 1, testutil.ToFloat64(f.metrics.requests.WithLabelValues("thing", "other", "200")), 0)
	require.InDelta(t, 1, testutil.ToFloat64(f.metrics.requests.WithLabelValues("none", "GET", "404")), 0)
}

func TestConfigErrorsNameTheFlag(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Config){
		"--listen":      func(c *Config) { c.Listen = "nowhere" },
		"--public-url":  func(c *Config) { c.PublicURL = "ensemble.example.com" },
		"--connec":      func(c *Config) { c.Connec = "elsewhere" },
		"--idm":         func(c *Config) { c.IDM = Off },
		"--impac":       func(c *Config) { c.Connec = Off },
		"--service-key": func(c *Config) { c.Connec = "http://connec:9002" },
		"--secret-key":  func(c *Config) { c.SecretKey = "abc" },
		"--database":    func(c *Config) { c.Database = "mysql://x" },
		"--max-body":    func(c *Config) { c.MaxBody = 0 },
	} {
		c := Defaults()
		change(&c)
		require.ErrorContains(t, c.Validate(), want)
	}
	c := Defaults()
	c.Listen = "0.0.0.0:9000"
	require.NoError(t, c.Validate())
	require.Equal(t, "http://localhost:9000", c.PublicURL)
	c.ServiceKey, c.Database = "hunter2", "postgres://u:hunter2@db/x"
	require.NotContains(t, strings.Join(c.Effective(), "\n"), "hunter2")
}

func TestKeysAreMadeOnce(t *testing.T) {
	t.Parallel()
	a, b := Defaults(), Defaults()
	a.DataDir = t.TempDir()
	b.DataDir = a.DataDir
	ka, err := a.keys()
	require.NoError(t, err)
	kb, err := b.keys()
	require.NoError(t, err)
	require.Equal(t, ka, kb)
	require.Len(t, ka, 32)
	require.Equal(t, a.ServiceKey, b.ServiceKey)
}
