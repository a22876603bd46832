// Command embedconnec is a product that embeds Connec: its data is in one SQLite file, two parts of the product exchange
// records as functions of this process, and a third app elsewhere is told by webhook.
//
//	SECRET=whsec_$(openssl rand -base64 32)
//	go run ./examples/webhookreceiver -secret $SECRET &
//	go run ./examples/embedconnec -db shared.db -webhook http://localhost:8090/ -secret $SECRET
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"

	"entgo.io/ent/dialect"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecsql"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
)

const (
	shop  = "cld-shop"
	books = "cld-books"
	crm   = "cld-crm"
)

func main() {
	db := flag.String("db", "connec.db", "SQLite file")
	webhook := flag.String("webhook", "", "where a third app receives webhooks (optional)")
	secret := flag.String("secret", "", "signs the webhooks (whsec_…); one is made when it is empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *db, *webhook, *secret); err != nil {
		log.Fatal(err)
	}
}

// run is all that it takes.
func run(ctx context.Context, out io.Writer, file, webhook, secret string) error {
	db, err := entsqlite.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	store, err := connecsql.New(db, dialect.SQLite)
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx); err != nil {
		return err
	}

	var engine *connec.Engine
	dispatcher := connec.NewDispatcher(store, authz.Func(allow), connec.WithPrivateNetworks(), // the webhook is on this machine
		connec.WithSubscriber(books, func(ctx context.Context, n connec.Notification) error { return keepBooks(ctx, engine, out, n) }),
		connec.WithSubscriber(shop, func(_ context.Context, n connec.Notification) error {
			_, err := fmt.Fprintf(out, "shop: payment %s arrived\n", n.Resource.Attributes["code"])
			return err
		}))
	engine = connec.New(store, authz.Func(allow), connec.WithDispatcher(dispatcher))

	for _, s := range []connec.Subscription{
		{ID: books, AppID: "books", Collections: []string{"invoices"}},
		{ID: shop, AppID: "shop", Collections: []string{"payments"}},
		{ID: crm, AppID: "crm", URL: webhook, Secret: secret, Username: "crm", Password: "key"},
	} {
		if s.ID == crm && webhook == "" {
			continue
		}
		s.Organization = "org-acme"
		if _, err := engine.PutSubscription(as(ctx, "host"), s); err != nil {
			return err
		}
	}
	if err := sell(ctx, engine, out); err != nil {
		return err
	}
	return dispatcher.Run(ctx) // until interrupted
}

// sell is the first app: it writes an invoice.
func sell(ctx context.Context, svc connec.Service, out io.Writer) error {
	invoice, _, err := svc.Create(as(ctx, "shop"), shop, "invoices", map[string]any{
		"type": "CUSTOMER", "status": "AUTHORISED", "title": "One pen",
		"lines": []any{map[string]any{"description": "Pen", "quantity": 1, "unit_price": map[string]any{"net_amount": json.Number("3.50"), "currency": "EUR"}}},
	}, connec.WriteOptions{})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "shop: wrote invoice %s\n", invoice.Attributes["code"])
	return err
}

// keepBooks is the second app: it answers an invoice with a payment. A notification may come twice; the external id makes the second
// payment an update of the first.
func keepBooks(ctx context.Context, svc connec.Service, out io.Writer, n connec.Notification) error {
	payment, outcome, err := svc.Create(as(ctx, "books"), books, "payments", map[string]any{
		"type": "CUSTOMER", "title": "For " + n.Resource.ID,
		"payment_lines": []any{map[string]any{"amount": json.Number("3.50"), "linked_transactions": []any{map[string]any{"id": n.Resource.ID, "class": "Invoice"}}}},
	}, connec.WriteOptions{ExternalIDs: connec.IDSet{{ID: "payment-of-" + n.Resource.ID, Provider: "books", Realm: "acme"}}})
	if err == nil && outcome == connec.Created {
		_, err = fmt.Fprintf(out, "books: wrote payment %s for invoice %s\n", payment.Attributes["code"], n.Resource.Attributes["code"])
	}
	return err
}

// as says which part of the product is calling.
func as(ctx context.Context, app string) context.Context {
	return authz.WithCredential(ctx, authz.OnBehalfOf(app))
}

// allow are the product's own rules: whoever has come this far is part of it, and there is one organization.
func allow(_ context.Context, req authz.Request) (authz.Decision, error) {
	group, _, _ := strings.Cut(req.Resource.ID, "/")
	return authz.Decision{
		Allowed: req.Credential.Kind == authz.Trusted, Authenticated: true,
		Principal: authz.Principal{Type: authz.App, ID: req.Credential.ID}, Organization: "org-acme", Group: group,
	}, nil
}
