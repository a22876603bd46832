package authz_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/deptest"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestFromRequest(t *testing.T) {
	t.Parallel()
	cookie := http.Header{"Cookie": {authz.SessionCookie + "=c"}}
	with := func(h http.Header, more ...string) http.Header {
		h = h.Clone()
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	for name, c := range map[string]struct {
		method, url string
		head        http.Header
		want        authz.Credential
	}{
		"nothing":                {"GET", "/", nil, authz.Credential{}},
		"bearer":                 {"GET", "/", http.Header{"Authorization": {"bearer t"}}, authz.SessionToken("t")},
		"key":                    {"GET", "/", http.Header{"Authorization": {"Basic " + b64("app-1:k:2")}}, authz.Key("app-1", "k:2")},
		"session as user name":   {"GET", "/", http.Header{"Authorization": {"Basic " + b64("t:")}}, authz.SessionToken("t")},
		"session without colon":  {"GET", "/", http.Header{"Authorization": {"Basic " + b64("t")}}, authz.SessionToken("t")},
		"unpadded":               {"GET", "/", http.Header{"Authorization": {"Basic " + base64.RawStdEncoding.EncodeToString([]byte("tk"))}}, authz.SessionToken("tk")},
		"key without id":         {"GET", "/", http.Header{"Authorization": {"Basic " + b64(":k")}}, authz.Credential{}},
		"not base64":             {"GET", "/", http.Header{"Authorization": {"Basic !"}}, authz.Credential{}},
		"another scheme":         {"GET", "/", http.Header{"Authorization": {"Digest x"}}, authz.Credential{}},
		"query":                  {"POST", "/?a=1&sso_session=t", nil, authz.SessionToken("t")},
		"header before query":    {"GET", "/?sso_session=q", http.Header{"Authorization": {"Bearer h"}}, authz.SessionToken("h")},
		"bad header, good query": {"GET", "/?sso_session=q", http.Header{"Authorization": {"Basic !"}}, authz.Credential{}},
		"cookie reads":           {"GET", "/", cookie, authz.SessionToken("c")},
		"query before cookie":    {"GET", "/?sso_session=q", cookie, authz.SessionToken("q")},
		"cookie, same origin":    {"POST", "/", with(cookie, "Sec-Fetch-Site", "same-origin"), authz.SessionToken("c")},
		"cookie, other site":     {"POST", "/", with(cookie, "Sec-Fetch-Site", "cross-site"), authz.Credential{}},
		"cookie, sister site":    {"POST", "/", with(cookie, "Sec-Fetch-Site", "same-site"), authz.Credential{}},
		"cookie, old browser":    {"POST", "/", with(cookie, "Origin", "http://example.com"), authz.SessionToken("c")},
		"cookie, foreign origin": {"POST", "/", with(cookie, "Origin", "http://evil.example"), authz.Credential{}},
		"cookie, opaque origin":  {"DELETE", "/", with(cookie, "Origin", "null"), authz.Credential{}},
		"trusted is not read":    {"GET", "/", http.Header{"Authorization": {"trusted svc-hub"}}, authz.Credential{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(c.method, c.url, nil)
			for k, v := range c.head {
				r.Header[k] = v
			}
			require.Equal(t, c.want, authz.FromRequest(r))
		})
	}
}

// What SetRequest sends, FromRequest reads; a trusted credential has no form on the wire.
func TestSetRequest(t *testing.T) {
	t.Parallel()
	for _, c := range []authz.Credential{authz.SessionToken("t"), authz.Key("app-1", "k:2"), {}} {
		r := httptest.NewRequest("POST", "/", nil)
		authz.SetRequest(r, c)
		require.Equal(t, c, authz.FromRequest(r))
	}
	r := httptest.NewRequest("POST", "/", nil)
	authz.SetRequest(r, authz.OnBehalfOf("svc-hub"))
	require.Empty(t, r.Header)
}

func TestOutgoing(t *testing.T) {
	t.Parallel()
	own := authz.Key("svc-hub", "k")
	for given, want := range map[authz.Credential]authz.Credential{
		authz.SessionToken("t"): authz.SessionToken("t"), authz.OnBehalfOf("usr-1"): own, {}: {},
	} {
		require.Equal(t, want, authz.Outgoing(authz.WithCredential(t.Context(), given), own))
	}
	require.Zero(t, authz.Outgoing(t.Context(), own), "nobody asked: nobody's credential")
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, nil))
	for _, c := range []authz.Credential{authz.SessionToken("SECRET"), authz.Key("app-1", "SECRET")} {
		log.Info("x", "credential", c)
		_, _ = fmt.Fprintf(&b, "%s %v %+v %#v", c, c, c, c)
	}
	require.NotContains(t, b.String(), "SECRET")
	require.Contains(t, b.String(), "app-1")
}

func TestDecisionErr(t *testing.T) {
	t.Parallel()
	require.NoError(t, authz.Decision{Allowed: true}.Err())
	require.ErrorIs(t, authz.Decision{}.Err(), authz.ErrUnauthenticated, "the zero decision denies")
	require.ErrorIs(t, authz.Decision{Authenticated: true, Reason: "no role"}.Err(), authz.ErrDenied)
	require.ErrorContains(t, authz.Decision{Authenticated: true, Reason: "no role"}.Err(), "no role")
	_, err := authz.Require(t.Context(), authz.Func(func(context.Context, authz.Request) (authz.Decision, error) {
		return authz.Decision{Allowed: true}, authz.ErrUnavailable
	}), authz.Read, authz.Platform, "platform")
	require.ErrorIs(t, err, authz.ErrUnavailable, "no answer is no permission")
}

func TestFilter(t *testing.T) {
	t.Parallel()
	f := authz.Func(func(_ context.Context, r authz.Request) (authz.Decision, error) {
		return authz.Decision{Allowed: r.Resource.ID < "c"}, nil
	})
	got, err := f.Filter(t.Context(), authz.Request{}, []string{"b", "d", "a"})
	require.NoError(t, err)
	require.Equal(t, []string{"b", "a"}, got)
}

func TestDeps(t *testing.T) { deptest.Only(t, "authz") }

func FuzzFromRequest(f *testing.F) {
	f.Add("Basic dDo=", "sso_session=x", "a=b")
	f.Fuzz(func(t *testing.T, header, query, cookie string) {
		r := &http.Request{Method: "POST", Host: "example.com", Header: http.Header{"Authorization": {header}, "Cookie": {cookie}}}
		r.URL = httptest.NewRequest("GET", "/", nil).URL
		r.URL.RawQuery = query
		if c := authz.FromRequest(r); c.Kind == authz.Trusted {
			t.Fatal("a request is never trusted")
		}
	})
}
