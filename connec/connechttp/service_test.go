package connechttp_test

import (
	"net/http/httptest"
	"testing"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/connec/connectest"
	"github.com/ensemble-platform/ensemble/internal/httpx"
)

// A client is as good a connec.Service as the engine behind the handler, and so is a client of a handler of a client.
func TestService(t *testing.T) {
	t.Parallel()
	for name, hops := range map[string]int{"remote": 1, "remote of a remote": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connectest.TestService(t, func(t *testing.T, authorizer authz.Authorizer) connec.Service {
				var svc connec.Service = connec.New(connecmem.New(), authorizer)
				for range hops {
					server := httptest.NewServer(httpx.RequestID(authz.Middleware(connechttp.NewHandler(svc))))
					t.Cleanup(server.Close)
					svc = connechttp.NewClient(server.URL, server.Client())
				}
				return svc
			})
		})
	}
}
