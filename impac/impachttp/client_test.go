package impachttp_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impachttp"
)

// flaky answers 503 so many times, then 200 with an empty object. It remembers the credential.
func flaky(t *testing.T, times int32) (url string, calls *atomic.Int32, credential *atomic.Value) {
	t.Helper()
	calls, credential = &atomic.Int32{}, &atomic.Value{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		credential.Store(authz.FromRequest(r))
		w.Header().Set("Content-Type", "application/json")
		if calls.Add(1) <= times {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"name":"x","content":{},"metadata":{}}`))
	}))
	t.Cleanup(s.Close)
	return s.URL, calls, credential
}

func TestRetries(t *testing.T) {
	t.Parallel()
	url, calls, _ := flaky(t, 2)
	_, err := impachttp.NewClient(url, nil).Show(t.Context(), "sales/aged", nil)
	require.NoError(t, err)
	require.EqualValues(t, 3, calls.Load())

	url, calls, _ = flaky(t, 5)
	_, err = impachttp.NewClient(url, nil, impachttp.WithRetries(1)).Show(t.Context(), "sales/aged", nil)
	require.Error(t, err)
	require.EqualValues(t, 2, calls.Load())

	url, calls, _ = flaky(t, 1)
	_, err = impachttp.NewClient(url, nil).CreateDashboard(t.Context(), impac.Dashboard{Name: "x"})
	require.Error(t, err, "what creates is not repeated")
	require.EqualValues(t, 1, calls.Load())
	require.Error(t, impachttp.NewClient("http://127.0.0.1:1", nil, impachttp.WithRetries(0)).Ready(t.Context()))
}

func TestClientCredential(t *testing.T) {
	t.Parallel()
	url, _, seen := flaky(t, 0)
	own := authz.Key("svc-hub", "key")
	c := impachttp.NewClient(url, nil, impachttp.WithCredential(own))
	for name, x := range map[string]struct{ given, sent authz.Credential }{
		"the caller's": {authz.SessionToken("t"), authz.SessionToken("t")},
		"none":         {authz.Credential{}, authz.Credential{}},
		"trusted":      {authz.OnBehalfOf("usr-1"), own},
	} {
		_, err := c.Show(authz.WithCredential(t.Context(), x.given), "sales/aged", nil)
		require.NoError(t, err)
		require.Equal(t, x.sent, seen.Load(), name)
	}
}

func TestOddEndpoints(t *testing.T) {
	t.Parallel()
	url, calls, _ := flaky(t, 0)
	for _, endpoint := range []string{"", "sales", "a/b/c/d", "sales/..", "../x", "a//b", "sales/"} {
		_, err := impachttp.NewClient(url, nil).Show(t.Context(), endpoint, nil)
		require.ErrorIs(t, err, impac.ErrNotFound, endpoint)
	}
	require.Zero(t, calls.Load())
}
