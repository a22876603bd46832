package idmhttp_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmhttp"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
)

// One process judges, another asks it.
func Example() {
	ctx := context.Background()
	engine := idm.New(idmmem.New())
	key, _ := engine.PutClient(ctx, idm.Client{ID: "svc-connec", Kind: idm.ServiceClient}, "")
	srv := httptest.NewServer(authz.Middleware(idmhttp.NewHandler(engine)))
	defer srv.Close()

	svc := idmhttp.NewClient(srv.URL, nil, idmhttp.WithCredential(authz.Key("svc-connec", key)))
	d, err := svc.Authorize(ctx, authz.Request{
		Credential: authz.SessionToken("not a token"),
		Action:     authz.Read,
		Resource:   authz.Resource{Type: authz.ConnecEntity, ID: "org-acme/invoices"},
	})
	fmt.Println(err, d.Allowed, d.Reason)

	srv.Close()
	_, err = svc.Authorize(ctx, authz.Request{Credential: authz.SessionToken("not a token")})
	fmt.Println(err)
	// Output:
	// <nil> false the session is unknown or over
	// authorization unavailable
}
