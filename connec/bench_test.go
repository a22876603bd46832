package connec_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/connec/connectest"
)

func benchInvoice(b *testing.B, org string, n int) map[string]any {
	return connectest.Attrs(b, fmt.Sprintf(`{"title":"Invoice %d","organization_id":%q,"transaction_date":"2026-01-31","status":"PAID","amount":{"net_amount":100,"tax_rate":20,"currency":"EUR"},
		"lines":[{"description":"a","quantity":1,"unit_price":{"net_amount":50}},{"description":"b","quantity":2,"unit_price":{"net_amount":25}}]}`, n, org))
}

// BenchmarkCreate measures what the engine adds to a store.
func BenchmarkCreate(b *testing.B) {
	ctx := authz.WithCredential(b.Context(), connectest.AppKey("app-shop"))
	e := connec.New(connecmem.New(), connectest.NewAuthorizer())
	org, _, err := e.Create(ctx, connectest.Shop, "organizations", nil, connec.WriteOptions{})
	require.NoError(b, err)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if _, _, err := e.Create(ctx, connectest.Shop, "invoices", benchInvoice(b, org.ID, n), connec.WriteOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExpand measures a page of 100 records with the external ids of all references.
func BenchmarkExpand(b *testing.B) {
	ctx := authz.WithCredential(b.Context(), connectest.AppKey("app-shop"))
	e := connec.New(connecmem.New(), connectest.NewAuthorizer())
	org, _, err := e.Create(ctx, connectest.Shop, "organizations", nil, connec.WriteOptions{})
	require.NoError(b, err)
	for n := range 100 {
		_, _, err := e.Create(ctx, connectest.Shop, "invoices", benchInvoice(b, org.ID, n), connec.WriteOptions{})
		require.NoError(b, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.List(ctx, connectest.Shop, "invoices", connec.Query{ReadOptions: connec.ReadOptions{ExternalIDs: true}}); err != nil {
			b.Fatal(err)
		}
	}
}
