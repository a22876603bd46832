package nex_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexmem"
	"github.com/ensemble-platform/ensemble/nex/nextest"
)

const soon = 20 * time.Second

func operator(t *testing.T) context.Context {
	return authz.WithCredential(t.Context(), nextest.Operator)
}

// front is an engine with a router before it.
type front struct {
	t *testing.T
	*nex.Engine
	backend *nexmem.Backend
	addr    string
}

func newFront(t *testing.T, opts ...nex.Option) *front {
	f := &front{t: t}
	f.Engine, f.backend = nextest.NewEngine(t, nexmem.New(), append([]nex.Option{nex.WithDomain("Apps.Example.Com")}, opts...)...)
	srv := httptest.NewServer(f.Router(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "next") })))
	t.Cleanup(srv.Close)
	f.addr = srv.Listener.Addr().String()
	require.NoError(t, f.PutTemplate(operator(t), nex.Template{Name: "notes", Command: []string{"app"}, HealthPath: "/healthz"}))
	return f
}

func (f *front) create(uid string, want nex.Status) {
	f.t.Helper()
	_, err := f.CreateApp(operator(f.t), nex.AppSpec{UID: uid, Name: "My <notes>", Organization: nextest.OrgA, Template: "notes"})
	require.NoError(f.t, err)
	nextest.Await(f.t, f, uid, want)
}

// request makes a request for a host name. headers are names and values in turn.
func (f *front) request(method, host, path string, headers ...string) *http.Request {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), method, "http://"+f.addr+path, nil)
	require.NoError(f.t, err)
	req.Host = host
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

func (f *front) do(method, host, path string, headers ...string) (*http.Response, string) {
	f.t.Helper()
	client := http.Client{Timeout: soon, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(f.request(method, host, path, headers...))
	require.NoError(f.t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(f.t, err)
	return resp, string(b)
}

func TestRouterHosts(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.create("notes-1", nex.Running)
	for host, want := range map[string]string{
		"notes-1.apps.example.com":      "hello",
		"NOTES-1.Apps.Example.COM":      "hello",
		"notes-1.apps.example.com:8080": "hello",
		"notes-1.apps.example.com.":     "hello",
		"apps.example.com":              "next",
		"example.com":                   "next",
		"notes-1.example.com":           "next",
		"notes-1.apps.example.com.evil": "next",
		"evilapps.example.com":          "next",
		"127.0.0.1":                     "next",
		"[::1]:80":                      "next",
	} {
		_, body := f.do("GET", host, "/")
		require.Equal(t, want, body, host)
	}
	for _, host := range []string{"unknown.apps.example.com", "a.b.apps.example.com", ".apps.example.com", "no_label.apps.example.com"} {
		resp, body := f.do("GET", host, "/", "Accept", "text/html")
		require.Equal(t, 404, resp.StatusCode, host)
		require.Contains(t, body, "There is no app here")
	}
}

func TestRouterForwards(t *testing.T) {
	t.Parallel()
	f := newFront(t, nex.WithURL(func(uid string) string { return "https://" + uid + ".apps.example.com" }))
	f.create("notes-1", nex.Running)
	_, body := f.do("POST", "notes-1.apps.example.com", "/headers?x=1",
		"X-Forwarded-For", "6.6.6.6", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "gopher", "Forwarded", "for=6.6.6.6", "X-Real-IP", "6.6.6.6",
		"Cookie", "a=1; ensemble_session=secret; b=2", "Authorization", "Bearer of-the-app", "Accept-Encoding", "br")
	require.Contains(t, body, "Host: notes-1.apps.example.com\n", "apps see their public name")
	require.Contains(t, body, "X-Forwarded-For: 127.0.0.1\r\n")
	require.Contains(t, body, "X-Forwarded-Host: notes-1.apps.example.com\r\n")
	require.Contains(t, body, "X-Forwarded-Proto: https\r\n")
	require.Contains(t, body, "Cookie: a=1; b=2\r\n", "the platform's session is none of an app's business")
	require.Contains(t, body, "Authorization: Bearer of-the-app\r\n")
	require.Contains(t, body, "Accept-Encoding: br\r\n")
	for _, no := range []string{"6.6.6.6", "evil.example", "gopher", "secret"} {
		require.NotContains(t, body, no)
	}
}

func TestRouterStreams(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.create("notes-1", nex.Running)
	resp, err := http.DefaultClient.Do(f.request("GET", "notes-1.apps.example.com", "/events"))
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	require.NoError(t, err, "an event comes before the answer ends")
	require.Equal(t, "data: one\n", line)

	conn, err := net.Dial("tcp", f.addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(soon)))
	_, err = io.WriteString(conn, "GET /echo HTTP/1.1\r\nHost: notes-1.apps.example.com\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	switched, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, switched.StatusCode)
	for _, word := range []string{"ping\n", "pong\n"} {
		_, err = io.WriteString(conn, word)
		require.NoError(t, err)
		got, err := r.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, word, got)
	}
	// What never ends by itself doesn't keep an app from being stopped.
	_, err = f.StopApp(operator(t), "notes-1")
	require.NoError(t, err)
	nextest.Await(t, f, "notes-1", nex.Stopped)
	_, err = r.ReadByte()
	require.Error(t, err, "the connection is cut off")
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err)
}

func TestRouterPages(t *testing.T) {
	t.Parallel()
	f := newFront(t, nex.WithHealth(nex.HealthPolicy{StartTimeout: soon}))
	require.NoError(t, f.PutTemplate(operator(t), nex.Template{Name: "notes", Command: []string{"app"}, HealthPath: "/healthz", Env: map[string]string{nextest.Unhealthy: "1"}}))
	f.create("slow", nex.Starting)
	const host = "slow.apps.example.com"
	resp, body := f.do("GET", host, "/page", "Accept", "text/html,*/*")
	require.Equal(t, 503, resp.StatusCode)
	require.Equal(t, "2", resp.Header.Get("Retry-After"))
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	require.Contains(t, body, `http-equiv="refresh"`, "it looks again by itself")
	require.Contains(t, body, "My &lt;notes&gt; is starting")
	require.Contains(t, body, "<progress")
	for _, method := range []string{"GET", "POST"} {
		resp, body = f.do(method, host, "/api", "Accept", "application/json")
		require.Equal(t, 503, resp.StatusCode)
		require.NotEmpty(t, resp.Header.Get("Retry-After"))
		require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
		require.Contains(t, body, `"nex.starting"`)
	}
	resp, _ = f.do("POST", host, "/form", "Accept", "text/html")
	require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"), "a page that refreshes would lose what was posted")

	require.NoError(t, f.PutTemplate(operator(t), nex.Template{Name: "notes", Command: []string{"app"}, HealthPath: "/healthz"}))
	f.create("x", nex.Running)
	_, err := f.StopApp(operator(t), "x")
	require.NoError(t, err)
	nextest.Await(t, f, "x", nex.Stopped)
	resp, body = f.do("GET", "x.apps.example.com", "/", "Accept", "text/html")
	require.Equal(t, 503, resp.StatusCode)
	require.Contains(t, body, "is stopped")
	require.NotContains(t, body, "refresh")
	_, err = f.TerminateApp(operator(t), "x")
	require.NoError(t, err)
	nextest.Await(t, f, "x", nex.Terminated)
	resp, body = f.do("GET", "x.apps.example.com", "/", "Accept", "text/html")
	require.Equal(t, 410, resp.StatusCode)
	require.Contains(t, body, "no longer here")
}

// TestRouterDrains: a request under way when an app is stopped ends well, and later ones don't get in.
func TestRouterDrains(t *testing.T) {
	t.Parallel()
	f := newFront(t, nex.WithDrain(soon))
	f.create("notes-1", nex.Running)
	got := make(chan string, 1)
	began := make(chan struct{})
	f.backend.Handle("app", func(*nexmem.Process) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/long" {
				close(began)
				for { // until the router lets nobody in any more
					resp, _ := f.do("GET", "notes-1.apps.example.com", "/")
					if resp.StatusCode != 200 {
						break
					}
				}
				_, _ = io.WriteString(w, "to the end")
			}
		}), nil
	})
	_, err := f.RestartApp(operator(t), "notes-1")
	require.NoError(t, err)
	nextest.Await(t, f, "notes-1", nex.Running)
	go func() {
		_, body := f.do("GET", "notes-1.apps.example.com", "/long")
		got <- body
	}()
	<-began
	_, err = f.StopApp(operator(t), "notes-1")
	require.NoError(t, err)
	require.Equal(t, "to the end", <-got)
	nextest.Await(t, f, "notes-1", nex.Stopped)
}

// TestRouterRestarts: whoever asks again gets through a crash and a restart without an error other than "come again".
func TestRouterRestarts(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.create("notes-1", nex.Running)
	for n := range 6 {
		if n%2 == 0 {
			_, err := f.RestartApp(operator(t), "notes-1")
			require.NoError(t, err)
		} else {
			req := f.request("GET", "notes-1.apps.example.com", "/exit?code=1")
			if resp, err := http.DefaultClient.Do(req); err == nil {
				_ = resp.Body.Close()
			}
		}
		require.Eventually(t, func() bool {
			resp, body := f.do("GET", "notes-1.apps.example.com", "/")
			switch resp.StatusCode {
			case 200:
				return body == "hello"
			case 502, 503:
				require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
				return false
			default:
				require.Fail(t, fmt.Sprint("unexpected answer ", resp.Status))
				return false
			}
		}, soon, time.Millisecond)
		nextest.Await(t, f, "notes-1", nex.Running)
	}
}

// TestRouterWithoutRun: a router knows from the store what to say about apps when nothing runs yet.
func TestRouterWithoutRun(t *testing.T) {
	t.Parallel()
	e := nex.New(nexmem.New(), nexmem.NewBackend(), nextest.Authorizer())
	require.NoError(t, e.PutTemplate(operator(t), nex.Template{Name: "notes", Command: []string{"app"}}))
	_, err := e.CreateApp(operator(t), nex.AppSpec{UID: "x", Organization: nextest.OrgA, Template: "notes"})
	require.NoError(t, err)
	rec := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), "GET", "http://x.apps.localhost/", strings.NewReader(""))
	e.Router(http.NotFoundHandler()).ServeHTTP(rec, req)
	require.Equal(t, 503, rec.Code)
	require.Contains(t, rec.Body.String(), "nex.starting")
}
