package hubhttp_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubhttp"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
)

func serve(t *testing.T, svc hub.Service, opts ...hubhttp.Option) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(authz.Middleware(hubhttp.NewHandler(svc, opts...)))
	t.Cleanup(s.Close)
	return s
}

func platform(t *testing.T) *hubtest.Platform {
	t.Helper()
	p := hubtest.NewPlatform(hubmem.New())
	hubtest.Start(t, p.Run)
	return p
}

func TestService(t *testing.T) {
	t.Parallel()
	t.Run("remote", func(t *testing.T) {
		hubtest.TestService(t, func(t *testing.T) hubtest.Fixture {
			return hubtest.Fixture{Service: hubhttp.NewClient(serve(t, platform(t)).URL, nil), Operator: hubtest.Operator}
		})
	})
	t.Run("twice remote", func(t *testing.T) { // as in a process that serves a hub which is elsewhere
		hubtest.TestService(t, func(t *testing.T) hubtest.Fixture {
			front := hubhttp.NewClient(serve(t, platform(t)).URL, nil, hubhttp.WithCredential(hubtest.Operator))
			return hubtest.Fixture{Service: hubhttp.NewClient(serve(t, front).URL, nil), Operator: hubtest.Operator}
		})
	})
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	url := serve(t, platform(t)).URL
	own := hubhttp.NewClient(url, http.DefaultClient, hubhttp.WithCredential(hubtest.Operator))
	ctx := t.Context()
	who, err := own.Caller(authz.WithCredential(ctx, authz.OnBehalfOf("svc-impac")))
	require.NoError(t, err)
	require.Equal(t, hubtest.Operator.ID, who.ID, "work for the platform goes under the client's own credential")
	_, err = own.Caller(ctx)
	require.ErrorIs(t, err, authz.ErrUnauthenticated, "an anonymous caller gets nobody's rights")
	_, err = own.Caller(authz.WithCredential(ctx, authz.SessionToken("nonsense")))
	require.ErrorIs(t, err, authz.ErrUnauthenticated)
	_, err = hubhttp.NewClient(url, nil).Caller(authz.WithCredential(ctx, authz.OnBehalfOf("svc-impac")))
	require.ErrorIs(t, err, authz.ErrUnauthenticated)
}

func TestClientRetries(t *testing.T) {
	t.Parallel()
	calls := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer s.Close()
	require.NoError(t, hubhttp.NewClient(s.URL, nil).Ready(t.Context()))
	require.Equal(t, 3, calls)
	calls = 0
	require.Error(t, hubhttp.NewClient(s.URL, nil, hubhttp.WithRetries(0)).Ready(t.Context()))
	calls = 0
	_, err := hubhttp.NewClient(s.URL, nil).AddApp(t.Context(), "org-1", "crm")
	require.Error(t, err)
	require.Equal(t, 1, calls, "an order isn't repeated")
	s.Close()
	require.Error(t, hubhttp.NewClient(s.URL, nil).Ready(t.Context()), "nobody is there")
}
