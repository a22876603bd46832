package connechttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
)

func Example() {
	// One process serves an engine …
	everyone := authz.Func(func(_ context.Context, req authz.Request) (authz.Decision, error) {
		known := req.Credential == authz.Key("app-id", "app-key")
		return authz.Decision{Allowed: known, Authenticated: known, Organization: "org-1", Group: "cld-1"}, nil
	})
	engine := connec.New(connecmem.New(), everyone)
	server := httptest.NewServer(authz.Middleware(connechttp.NewHandler(engine)))
	defer server.Close()

	// … and another one uses it, as if the engine were its own.
	var svc connec.Service = connechttp.NewClient(server.URL, nil)
	ctx := authz.WithCredential(context.Background(), authz.Key("app-id", "app-key"))
	person, outcome, err := svc.Create(ctx, "cld-1", "people", map[string]any{"first_name": "Jo"}, connec.WriteOptions{
		ExternalIDs: connec.IDSet{{ID: "7", Provider: "crm", Realm: "acme"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(person.Attributes["first_name"], person.Attributes["code"], outcome == connec.Created)

	_, err = svc.Get(ctx, "cld-1", "people", "0199d0c4-6f8e-7c3a-9f53-1f2a3b4c5d6e", connec.ReadOptions{})
	fmt.Println(errors.Is(err, connec.ErrNotFound))
	// Output:
	// Jo PE1 true
	// true
}
