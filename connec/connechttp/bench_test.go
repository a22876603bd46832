package connechttp_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
)

const benchInvoice = `{"invoices":{"title":"INV","type":"CUSTOMER","status":"AUTHORISED","transaction_date":"2026-01-31T10:00:00Z","due_date":"2026-02-28T10:00:00Z",` +
	`"billing_address":{"line1":"1 Main Street","city":"Paris","postal_code":"75001","country":"France"},"lines":[` +
	`{"description":"Pen","quantity":2,"unit_price":{"net_amount":3.50,"currency":"EUR"}},{"description":"Ink","quantity":1,"unit_price":{"net_amount":7.25,"currency":"EUR"}}]}}`

// The handler without the network, so that what it spends itself shows; "engine" beside it is the part that isn't the handler's.
func BenchmarkHTTP(b *testing.B) {
	engine := connec.New(connecmem.New(), authz.Func(judge))
	h := authz.Middleware(connechttp.NewHandler(engine))
	ctx := authz.WithCredential(b.Context(), shop)
	do := func(method, path, body string, want int, headers ...string) []byte {
		var rd io.Reader = http.NoBody
		if body != "" {
			rd = bytes.NewBufferString(body)
		}
		req := httptest.NewRequest(method, path, rd)
		authz.SetRequest(req, shop)
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code != want {
			b.Fatalf("%s %s: status %d: %s", method, path, rec.Code, rec.Body)
		}
		return rec.Body.Bytes()
	}
	var ids []string
	for range 200 {
		r, _, err := engine.Create(ctx, "cld-shop", "people", map[string]any{
			"first_name": "Jo", "last_name": "Doe", "email": map[string]any{"address": "jo@example.com"},
			"address_work": map[string]any{"billing": map[string]any{"line1": "1 Main Street", "city": "Paris", "country": "France"}},
		}, connec.WriteOptions{})
		require.NoError(b, err)
		ids = append(ids, r.ID)
	}

	b.Run("create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			do("POST", "/api/v2/cld-shop/invoices", benchInvoice, 201)
		}
	})
	b.Run("show", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			do("GET", "/api/v2/cld-shop/people/"+ids[0], "", 200)
		}
	})
	b.Run("show with ids", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			do("GET", "/api/v2/cld-shop/people/"+ids[0], "", 200, connechttp.HeaderExternalIDs, "true")
		}
	})
	b.Run("show engine", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := engine.Get(ctx, "cld-shop", "people", ids[0], connec.ReadOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, top := range []int{20, 100} {
		path := fmt.Sprintf("/api/v2/cld-shop/people?$top=%d&$filter=last_name%%20eq%%20'Doe'", top)
		b.Run(fmt.Sprintf("list %d", top), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				do("GET", path, "", 200)
			}
		})
		b.Run(fmt.Sprintf("list %d engine", top), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := engine.List(ctx, "cld-shop", "people", connec.Query{Top: top, Filter: "last_name eq 'Doe'"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Over a real connection, as many clients as there are processors.
func BenchmarkWire(b *testing.B) {
	p := newPlatform(b)
	ctx := authz.WithCredential(b.Context(), shop)
	r, _, err := p.engine.Create(ctx, "cld-shop", "people", map[string]any{"first_name": "Jo", "last_name": "Doe"}, connec.WriteOptions{})
	require.NoError(b, err)
	p.server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	for name, c := range map[string]struct{ method, path, body string }{
		"create": {"POST", "/api/v2/cld-shop/invoices", benchInvoice},
		"show":   {"GET", "/api/v2/cld-shop/people/" + r.ID, ""},
		"list":   {"GET", "/api/v2/cld-shop/people?$top=20", ""},
	} {
		b.Run(name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if a := p.call(b, shop, c.method, c.path, c.body); a.Status >= 300 {
						b.Errorf("status %d", a.Status)
						return
					}
				}
			})
		})
	}
}
