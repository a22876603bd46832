package refserver

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

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
		"/api/v2/org-1/people":                                    "/api/v2/org-1/people",
		"/api/v2/org-1/people?%24top=5&sso_session=SECRET":        "/api/v2/org-1/people?%24top=5&sso_session=…",
		"/api/v2/org-1/people?sso%5Fsession=SECRET":               "/api/v2/org-1/people?sso%5Fsession=…",
		"/oidc/callback?code=SECRET&state=SECRET&x=1":             "/oidc/callback?code=…&state=…&x=1",
		"/mnoe/launch/cld-1?wtk=SECRET":                           "/mnoe/launch/cld-1?wtk=…",
		"/auth/saml/usr-1?session=SECRET&sso_session=SECRET2&%":   "/auth/saml/usr-1?session=…&sso_session=…&%=…",
		"/hub/v1/x?SSO_SESSION=ses_AAAAAAAAAAAAAAAAAAAAAAAA&a=1":  "/hub/v1/x?SSO_SESSION=ses_…&a=1",
		"/hub/v1/x?a=1;sso_session=ses_AAAAAAAAAAAA-AAAAAAAAAAAA": "/hub/v1/x?a=1;sso_session=ses_…",
		"/hub/v1/x?a=ses%5FAAAAAAAAAAAAAAAAAAAAAAAA":              "/hub/v1/x?a=ses_…",
		"/auth/saml/ses_AAAAAAAAAAAAAAAAAAAAAAAA/key_AAAAAAAAA":   "/auth/saml/ses_…/key_AAAAAAAAA",
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

// A session that somebody shows as the id of a key is no id.
func TestFrontDoorLogsNoSession(t *testing.T) {
	t.Parallel()
	srv, logged, _ := front(t, func(http.ResponseWriter, *http.Request) {})
	req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/thing/", nil)
	require.NoError(t, err)
	req.SetBasicAuth("ses_AAAAAAAAAAAAAAAAAAAAAAAA", "x")
	resp, err := srv.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	srv.Close()
	require.NotContains(t, logged.String(), "ses_AAA")
	require.Contains(t, logged.String(), "api_key:ses_…")
}

// Whoever begins a body and doesn't go on, or an answer and doesn't read on, is cut off, be the body wanted or not.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	srv, _, f := front(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/thing/body":
			_, err := io.ReadAll(r.Body)
			failed <- err
		case "/thing/flood":
			var err error
			for err == nil {
				_, err = w.Write(make([]byte, 1<<10))
			}
			failed <- err
		}
	})
	f.grace = 50 * time.Millisecond
	for _, path := range []string{"/thing/body", "/thing/ignored", "/thing/flood"} {
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		require.NoError(t, err)
		_, err = io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nx")
		require.NoError(t, err)
		if path != "/thing/ignored" {
			select {
			case err := <-failed:
				require.ErrorIs(t, err, os.ErrDeadlineExceeded, path)
			case <-time.After(30 * time.Second):
				t.Fatalf("%s: still there", path)
			}
		}
		require.NoError(t, c.SetReadDeadline(time.Now().Add(30*time.Second)))
		_, err = io.Copy(io.Discard, c)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "%s: the server closes the connection", path)
		_ = c.Close()
	}

	// The next request on a connection has time of its own, and a body that keeps coming isn't slow.
	f.maxBody = 1 << 20
	pr, pw := io.Pipe()
	go func() {
		for range 20 {
			_, _ = pw.Write(make([]byte, 4<<10))
			time.Sleep(10 * time.Millisecond) // what is tested is the pace
		}
		_ = pw.Close()
	}()
	resp, err := srv.Client().Post(srv.URL+"/thing/body", "text/plain", pr)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.NoError(t, <-failed)
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
