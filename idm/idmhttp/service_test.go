package idmhttp_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmhttp"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
	"github.com/ensemble-platform/ensemble/idm/idmtest"
)

const callerKey = "the key of the caller"

// serve starts an idm and returns its address and the credential of a service.
func serve(t testing.TB, svc idm.Service) (url string, caller authz.Credential) {
	t.Helper()
	_, err := svc.PutClient(context.Background(), idm.Client{ID: "svc-caller", Kind: idm.ServiceClient}, callerKey)
	require.NoError(t, err)
	srv := httptest.NewServer(authz.Middleware(idmhttp.NewHandler(svc)))
	t.Cleanup(srv.Close)
	return srv.URL, authz.Key("svc-caller", callerKey)
}

func newEngine() *idm.Engine { return idm.New(idmmem.New(), idm.WithPasswordCost(64, 1, 1)) }

func TestService(t *testing.T) {
	idmtest.TestService(t, func(t *testing.T) idm.Service {
		url, caller := serve(t, newEngine())
		return idmhttp.NewClient(url, nil, idmhttp.WithCredential(caller))
	})
}

// A process whose idm is remote serves the same paths by way of its client.
func TestServiceThroughTwo(t *testing.T) {
	idmtest.TestService(t, func(t *testing.T) idm.Service {
		url, caller := serve(t, newEngine())
		front := httptest.NewServer(authz.Middleware(idmhttp.NewHandler(idmhttp.NewClient(url, nil, idmhttp.WithCredential(caller)))))
		t.Cleanup(front.Close)
		return idmhttp.NewClient(front.URL, nil, idmhttp.WithCredential(caller))
	})
}
