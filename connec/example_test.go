package connec_test

import (
	"context"
	"fmt"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
)

// everything lets anyone do anything in one organization. A real program asks an idm.
var everything = authz.Func(func(context.Context, authz.Request) (authz.Decision, error) {
	return authz.Decision{Allowed: true, Organization: "org-1", Group: "cld-shop", Principal: authz.Principal{Type: authz.App, ID: "app-shop"}}, nil
})

func Example() {
	engine := connec.New(connecmem.New(), everything)
	ctx := context.Background()

	// The shop knows its customer as 42. Sending it again would update the same record.
	ids := connec.IDSet{{ID: "42", Provider: "shop", Realm: "paris"}}
	customer, _, err := engine.Create(ctx, "cld-shop", "organizations", map[string]any{"name": "Acme"}, connec.WriteOptions{ExternalIDs: ids})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = engine.Create(ctx, "cld-shop", "invoices", map[string]any{
		"organization_id": ids, // a reference by the shop's own id
		"status":          "paid",
		"amount":          map[string]any{"net_amount": "100", "tax_rate": 20, "currency": "EUR"},
	}, connec.WriteOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := engine.List(ctx, "cld-shop", "invoices", connec.Query{Filter: "organization_id eq '" + customer.ID + "' and amount.total_amount gt 100"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range page.Resources {
		fmt.Println(r.Attributes["code"], r.Attributes["status"], r.Attributes["amount"].(map[string]any)["total_amount"])
	}
	// Output: INV1 PAID 120
}

func Example_validation() {
	engine := connec.New(connecmem.New(), everything)
	_, _, err := engine.Create(context.Background(), "cld-shop", "invoices", map[string]any{
		"status": "lost", "lines": []any{map[string]any{"quantity": []any{}}},
	}, connec.WriteOptions{})
	fmt.Println(err)
	// Output: create invoices: lines.0.quantity got array, want number; status value must be one of 'DRAFT', 'SUBMITTED', 'AUTHORISED', 'PAID', 'VOIDED', 'ACTIVE', 'INACTIVE', 'ARCHIVED'
}

func ExampleNewDispatcher() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	store := connecmem.New()
	told := make(chan string)
	dispatcher := connec.NewDispatcher(store, everything, connec.WithSubscriber("cld-books", func(_ context.Context, n connec.Notification) error {
		told <- fmt.Sprint(n.Resource.Collection, " ", n.Resource.Attributes["name"])
		return nil
	}))
	engine := connec.New(store, everything, connec.WithDispatcher(dispatcher))
	done := make(chan error)
	go func() { done <- dispatcher.Run(ctx) }()

	_, err := engine.PutSubscription(ctx, connec.Subscription{ID: "cld-books", Organization: "org-1", AppID: "app-books"})
	if err == nil {
		_, _, err = engine.Create(ctx, "cld-shop", "items", map[string]any{"name": "Pen"}, connec.WriteOptions{})
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-told)
	cancel()
	fmt.Println(<-done)
	// Output:
	// items Pen
	// <nil>
}
