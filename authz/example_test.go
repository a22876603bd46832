package authz_test

import (
	"context"
	"fmt"

	"github.com/ensemble-platform/ensemble/authz"
)

// A product with rules of its own: each customer's key opens that customer's organization, for reading.
func ExampleFunc() {
	rules := authz.Func(func(_ context.Context, req authz.Request) (authz.Decision, error) {
		if req.Credential != authz.Key("customer-7", "its key") {
			return authz.Decision{Reason: "unknown key"}, nil
		}
		return authz.Decision{
			Authenticated: true,
			Allowed:       req.Action == authz.Read,
			Reason:        "customers may only read",
			Principal:     authz.Principal{Type: authz.App, ID: "customer-7"},
			Organization:  "org-7",
		}, nil
	})
	ctx := authz.WithCredential(context.Background(), authz.Key("customer-7", "its key"))
	d, err := authz.Require(ctx, rules, authz.Read, authz.ConnecEntity, "org-7/invoices")
	fmt.Println(d.Organization, err)
	_, err = authz.Require(ctx, rules, authz.Write, authz.ConnecEntity, "org-7/invoices")
	fmt.Println(err)
	// Output:
	// org-7 <nil>
	// access denied: customers may only read
}
