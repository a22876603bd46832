package idmhttp_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmhttp"
)

func readOrg(token string) authz.Request {
	return authz.Request{Credential: authz.SessionToken(token), Action: authz.Read, Resource: authz.Resource{Type: authz.Organization, ID: "org-1"}}
}

// closed checks that nothing is allowed.
func closed(t *testing.T, c *idmhttp.Client, token string) {
	t.Helper()
	d, err := c.Authorize(t.Context(), readOrg(token))
	require.ErrorIs(t, err, authz.ErrUnavailable)
	require.NotErrorIs(t, err, authz.ErrUnauthenticated)
	require.NotErrorIs(t, err, authz.ErrDenied)
	require.Equal(t, authz.Decision{}, d)
	require.Equal(t, "authorization unavailable", err.Error(), "callers learn no more")
	ids, err := c.Filter(t.Context(), readOrg(token), []string{"org-1"})
	require.ErrorIs(t, err, authz.ErrUnavailable)
	require.Empty(t, ids)
	info, err := c.Introspect(t.Context(), token)
	require.ErrorIs(t, err, authz.ErrUnavailable)
	require.Nil(t, info)
}

func TestGarbage(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w http.ResponseWriter){
		"empty":         func(w http.ResponseWriter) {},
		"HTML":          func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>Sign in</html>")) },
		"empty object":  func(w http.ResponseWriter) { _, _ = w.Write([]byte("{}")) },
		"null":          func(w http.ResponseWriter) { _, _ = w.Write([]byte("null")) },
		"array":         func(w http.ResponseWriter) { _, _ = w.Write([]byte(`["org-1"]`)) },
		"true":          func(w http.ResponseWriter) { _, _ = w.Write([]byte("true")) },
		"bare decision": func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"decision":true}`)) },
		"decision in words": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"decision":"true","active":"true","ids":"org-1"}`))
		},
		"allowed to nobody": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"decision":true,"context":{"authenticated":true}}`))
		},
		"foreign ids": func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"ids":["org-2"]}`)) },
		"ids twice":   func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"ids":["org-1","org-1"]}`)) },
		"cut off": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"decision":true`))
		},
		"a lot": func(w http.ResponseWriter) {
			for range 40 {
				_, _ = w.Write(make([]byte, 64<<10))
			}
		},
		"redirect":     func(w http.ResponseWriter) { w.Header().Set("Location", "/login"); w.WriteHeader(302) },
		"created":      func(w http.ResponseWriter) { w.WriteHeader(201) },
		"no content":   func(w http.ResponseWriter) { w.WriteHeader(204) },
		"not found":    func(w http.ResponseWriter) { w.WriteHeader(404) },
		"unauthorized": func(w http.ResponseWriter) { w.WriteHeader(401); _, _ = w.Write([]byte(`{"code":"unauthenticated"}`)) },
		"forbidden":    func(w http.ResponseWriter) { w.WriteHeader(403); _, _ = w.Write([]byte(`{"code":"denied"}`)) },
		"internal error": func(w http.ResponseWriter) {
			w.WriteHeader(500)
			_, _ = w.Write([]byte(`{"decision":true,"context":{"authenticated":true,"principal":{"id":"usr-1"}},"ids":["org-1"],"active":true}`))
		},
		"bad gateway":        func(w http.ResponseWriter) { w.WriteHeader(502) },
		"unavailable":        func(w http.ResponseWriter) { w.WriteHeader(503) },
		"connection dropped": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
			defer srv.Close()
			closed(t, idmhttp.NewClient(srv.URL, nil), "ses_x")
		})
	}
}

func TestHang(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	defer close(release)
	c := idmhttp.NewClient(srv.URL, nil, idmhttp.WithTimeout(50*time.Millisecond), idmhttp.WithAdminTimeout(50*time.Millisecond))
	closed(t, c, "ses_x")
	_, err := c.GetUser(t.Context(), "usr-1")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Error(t, c.Ready(t.Context()))
}

// A hub that accepts connections and never says a word.
func TestSilence(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	closed(t, idmhttp.NewClient("http://"+l.Addr().String(), nil, idmhttp.WithTimeout(50*time.Millisecond)), "ses_x")
}

func TestKilled(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	srv := httptest.NewServer(authz.Middleware(idmhttp.NewHandler(o.Engine)))
	c := idmhttp.NewClient(srv.URL, nil, idmhttp.WithCredential(o.caller))
	d, err := c.Authorize(t.Context(), readOrg(o.token))
	require.NoError(t, err)
	require.True(t, d.Allowed)
	srv.CloseClientConnections()
	srv.Close()
	closed(t, c, o.token)
	_, _, err = c.Login(t.Context(), "ann@example.com", password)
	require.Error(t, err)
	require.NotErrorIs(t, err, idm.ErrCredentials)
}

// broken is a service whose store is gone.
type broken struct{ idm.Service }

var errStore = errors.New("password=secret host=10.0.0.1 refused")

func (broken) Ready(context.Context) error                        { return errStore }
func (broken) GetUser(context.Context, string) (*idm.User, error) { return nil, errStore }

func TestErrorsTellNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	srv := httptest.NewServer(authz.Middleware(idmhttp.NewHandler(broken{o.Engine})))
	defer srv.Close()
	o.url = srv.URL
	for path, want := range map[string]int{"/idm/v1/ready": 503, "/idm/v1/users/usr-1": 500} {
		status, _, answer := o.send(t, http.MethodGet, path, "", "")
		require.Equal(t, want, status)
		require.NotContains(t, answer, "secret")
		require.NotContains(t, answer, "10.0.0.1")
	}
	c := idmhttp.NewClient(srv.URL, nil, idmhttp.WithCredential(o.caller))
	require.Error(t, c.Ready(t.Context()))
}

// A service with a wrong key must not make its users look denied.
func TestOwnCredentialRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, own := range []authz.Credential{authz.Key("svc-caller", "wrong"), authz.Key("app-1", o.appKey), {}} {
		c := idmhttp.NewClient(o.url, nil, idmhttp.WithCredential(own))
		closed(t, c, o.token)
		_, err := c.GetUser(t.Context(), o.user.ID)
		require.ErrorIs(t, err, authz.ErrUnavailable)
		require.NotErrorIs(t, err, authz.ErrUnauthenticated)
		require.NotErrorIs(t, err, authz.ErrDenied)
	}
}

// The credential of the request that is worked for must not become the client's own.
func TestOwnCredentialIsUsed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ctx := authz.WithCredential(t.Context(), authz.SessionToken(o.token))
	c := idmhttp.NewClient(o.url, nil, idmhttp.WithCredential(o.caller))
	d, err := authz.Require(ctx, c, authz.Read, authz.Organization, "org-1")
	require.NoError(t, err)
	require.Equal(t, o.user.ID, d.Principal.ID)
	_, err = authz.Require(ctx, c, authz.Destroy, authz.Organization, "org-1")
	require.ErrorIs(t, err, authz.ErrDenied)
	_, err = authz.Require(t.Context(), c, authz.Read, authz.Organization, "org-1")
	require.ErrorIs(t, err, authz.ErrUnauthenticated, "anonymous")
	// Without one of its own it can only forward.
	forwarding := idmhttp.NewClient(o.url, nil)
	_, err = forwarding.GetUser(authz.WithCredential(t.Context(), o.caller), o.user.ID)
	require.NoError(t, err)
}

func TestRetries(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var calls atomic.Int64
	inner := authz.Middleware(idmhttp.NewHandler(o.Engine))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch calls.Add(1) {
		case 1:
			w.WriteHeader(503)
		case 2:
			panic(http.ErrAbortHandler)
		default:
			inner.ServeHTTP(w, r)
		}
	}))
	defer srv.Close()
	c := idmhttp.NewClient(srv.URL, nil, idmhttp.WithCredential(o.caller), idmhttp.WithTimeout(10*time.Second))
	d, err := c.Authorize(t.Context(), readOrg(o.token))
	require.NoError(t, err, "a decision is asked for again")
	require.True(t, d.Allowed)
	require.Equal(t, int64(3), calls.Load())

	calls.Store(0)
	_, err = c.CreateUser(t.Context(), idm.User{Email: "new@example.com"}, password)
	require.Error(t, err)
	require.Equal(t, int64(1), calls.Load(), "what isn't idempotent is sent once")
	calls.Store(0)
	_, err = c.PutClient(t.Context(), idm.Client{ID: "app-2", Kind: idm.AppClient}, "")
	require.Error(t, err)
	require.Equal(t, int64(1), calls.Load(), "a key that got lost can't be asked for again")
	calls.Store(0)
	_, err = c.PutClient(t.Context(), idm.Client{ID: "app-2", Kind: idm.AppClient}, "a key of our choice")
	require.NoError(t, err)
}

func TestNewClientWantsAnAddress(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"", "localhost:80", "ftp://x", "/idm"} {
		require.Panics(t, func() { idmhttp.NewClient(u, nil) }, u)
	}
}

func TestLargeFilter(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ids := make([]string, 12_001)
	for i := range ids {
		ids[i] = "org-none"
	}
	ids[0], ids[6000], ids[12_000] = "org-1", "org-1", "org-1"
	c := idmhttp.NewClient(o.url, nil, idmhttp.WithCredential(o.caller), idmhttp.WithTimeout(30*time.Second))
	got, err := c.Filter(t.Context(), readOrg(o.token), ids)
	require.NoError(t, err)
	require.Equal(t, []string{"org-1", "org-1", "org-1"}, got)
}

func BenchmarkAuthorizeOverHTTP(b *testing.B) {
	o := newOffice(b)
	c := idmhttp.NewClient(o.url, nil, idmhttp.WithCredential(o.caller))
	req := readOrg(o.token)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if d, err := c.Authorize(b.Context(), req); err != nil || !d.Allowed {
				b.Error(d, err)
				return
			}
		}
	})
}

// BenchmarkHandler leaves out the network and the client.
func BenchmarkHandler(b *testing.B) {
	o := newOffice(b)
	h := authz.Middleware(idmhttp.NewHandler(o.Engine))
	body := `{"subject":{"type":"session","id":"` + o.token + `"},"action":{"name":"read"},"resource":{"type":"organization","id":"org-1"}}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/access/v1/evaluation", strings.NewReader(body))
		r.Header.Set("Content-Type", asJSON)
		authz.SetRequest(r, o.caller)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
