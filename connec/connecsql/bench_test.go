package connecsql_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecsql"
	"github.com/ensemble-platform/ensemble/internal/id"
)

var benchStart = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

func invoice(n int) map[string]any {
	at := benchStart.Add(time.Duration(n) * time.Hour)
	price := func(v int) map[string]any {
		return map[string]any{"total_amount": json.Number(fmt.Sprintf("%d.50", v)), "net_amount": json.Number(fmt.Sprint(v)), "currency": "EUR"}
	}
	line := func(i int) any {
		return map[string]any{
			"id": id.UUID(), "line_number": json.Number(fmt.Sprint(i)), "item_id": "01a20a4e-22cb-70db-813d-7a1da96102cd", "description": "A thing that was sold",
			"quantity": json.Number("2"), "unit_price": price(n % 90), "total_price": price(n % 180),
		}
	}
	return map[string]any{
		"title": fmt.Sprint("Invoice ", n), "transaction_number": fmt.Sprint("INV-", n), "transaction_date": connec.FormatTime(at), "due_date": connec.FormatTime(at.AddDate(0, 1, 0)),
		"status": []string{"DRAFT", "AUTHORISED", "PAID", "ARCHIVED"}[n%4], "type": "CUSTOMER", "organization_id": "01a20a4e-22cb-7432-81e5-8a21a1ea6aff",
		"amount": price(n % 1000), "balance": json.Number("0"), "name": fmt.Sprint("Customer ", n%500), "lines": []any{line(1), line(2)},
	}
}

func benchBoth(b *testing.B, bench func(b *testing.B, entDialect string)) {
	for _, d := range []string{dialect.SQLite, dialect.Postgres} {
		b.Run(d, func(b *testing.B) { bench(b, d) })
	}
}

// BenchmarkCommit is a create with its number, id map, transaction and one delivery. (The tests' PostgreSQL doesn't wait for the disk.)
func BenchmarkCommit(b *testing.B) {
	benchBoth(b, func(b *testing.B, entDialect string) {
		for _, clients := range []int{1, 8, 64} {
			b.Run(fmt.Sprint("clients=", clients), func(b *testing.B) {
				s := newStore(b, entDialect)
				ctx := b.Context()
				require.NoError(b, s.PutSubscription(ctx, &connec.Subscription{ID: "cld-a", Organization: "o", CreatedAt: start}))
				var n atomic.Int64
				var wg sync.WaitGroup
				b.ResetTimer()
				for range clients {
					wg.Go(func() {
						for {
							i := int(n.Add(1))
							if i > b.N {
								return
							}
							attrs := invoice(i)
							err := s.Update(ctx, func(tx connec.Tx) error {
								_, err := write(ctx, tx, "o", "invoices", i, attrs)
								return err
							})
							if err != nil {
								b.Error(err)
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			})
		}
	})
}

func filled(b *testing.B, entDialect string, n int) (*connecsql.Store, []string) {
	b.Helper()
	db := openDB(b, entDialect)
	s := migrated(b, db, entDialect)
	ids := make([]string, 0, n)
	for len(ids) < n {
		var rs []*connec.Resource
		for range min(1000, n-len(ids)) {
			at := benchStart.Add(time.Duration(len(ids)) * time.Minute)
			r := &connec.Resource{
				ID: id.UUID(), Organization: "o", Collection: "invoices", Version: 1, Attributes: invoice(len(ids)), CreatedAt: at, UpdatedAt: at,
			}
			rs = append(rs, r)
			ids = append(ids, r.ID)
		}
		insert(b, s, rs...)
	}
	if entDialect == dialect.Postgres {
		// As the server does by itself within a minute.
		_, err := db.ExecContext(b.Context(), "ANALYZE")
		require.NoError(b, err)
	}
	return s, ids
}

func BenchmarkGet(b *testing.B) {
	benchBoth(b, func(b *testing.B, entDialect string) {
		s, ids := filled(b, entDialect, 10_000)
		ctx := b.Context()
		for i := 0; b.Loop(); i++ {
			if _, err := s.Get(ctx, "o", "invoices", ids[i*7919%len(ids)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkList(b *testing.B) {
	text := func(path string, op connec.FilterOp, v string) connec.Filter {
		return connec.FilterCompare{Path: connec.Path{{Name: path}}, Op: op, Kind: connec.KindText, Values: []any{v}}
	}
	since := func(path string, at time.Time) connec.Filter {
		return connec.FilterCompare{Path: connec.Path{{Name: path}}, Op: connec.FilterGt, Kind: connec.KindTime, Values: []any{at}}
	}
	end := benchStart.Add(9_900 * time.Minute)
	benchBoth(b, func(b *testing.B, entDialect string) {
		s, _ := filled(b, entDialect, 10_000)
		ctx := b.Context()
		for _, bench := range []struct {
			name string
			q    connec.ListQuery
		}{
			{"first20", connec.ListQuery{Top: 20}},
			{"skip9000", connec.ListQuery{Top: 20, Skip: 9000}},
			{"updated_at_gt", connec.ListQuery{Top: 20, Filter: since("updated_at", end)}},
			{"name_eq", connec.ListQuery{Top: 20, Filter: text("name", connec.FilterIn, "Customer 7")}},
			{"status_ne", connec.ListQuery{Top: 20, Filter: connec.FilterNot{Filter: text("status", connec.FilterIn, "ARCHIVED")}}},
			{"status_ne_page5", connec.ListQuery{Top: 20, Skip: 80, Filter: connec.FilterNot{Filter: text("status", connec.FilterIn, "ARCHIVED")}}},
			{"due_gt", connec.ListQuery{Top: 20, Filter: since("due_date", benchStart.Add(9_000*time.Hour))}},
			{"title_match", connec.ListQuery{Top: 20, Filter: connec.FilterCompare{Path: connec.Path{{Name: "title"}}, Op: connec.FilterMatch, Pattern: "99"}}},
			{"date_gt", connec.ListQuery{Top: 20, Filter: since("transaction_date", benchStart.Add(9_000*time.Hour))}},
			{"line_item_eq", connec.ListQuery{Top: 20, Filter: connec.FilterCompare{
				Path: connec.Path{{Name: "lines", Each: true}, {Name: "item_id"}}, Op: connec.FilterIn, Kind: connec.KindText, Values: []any{"x"},
			}}},
			{"order_by_amount", connec.ListQuery{Top: 20, Order: []connec.OrderKey{
				{Path: connec.Path{{Name: "amount"}, {Name: "total_amount"}}, Kind: connec.KindNumber, Desc: true},
			}}},
			{"page1000", connec.ListQuery{Top: 1000}},
		} {
			bench.q.Organization, bench.q.Collection = "o", "invoices"
			b.Run(bench.name, func(b *testing.B) {
				for b.Loop() {
					if _, _, err := s.List(ctx, bench.q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

func BenchmarkChanges(b *testing.B) {
	benchBoth(b, func(b *testing.B, entDialect string) {
		s := newStore(b, entDialect)
		ctx := b.Context()
		require.NoError(b, s.Update(ctx, func(tx connec.Tx) error {
			for i := range 2000 {
				if _, err := write(ctx, tx, "o", "invoices", i, invoice(i)); err != nil {
					return err
				}
			}
			return nil
		}))
		for i := 0; b.Loop(); i++ {
			if _, err := s.Changes(ctx, "o", int64(i*100%1900), nil, 100); err != nil {
				b.Fatal(err)
			}
		}
	})
}
