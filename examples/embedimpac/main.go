// Command embedimpac is a product that reports over records of its own: no Connec, no server, no database.
//
//	go run ./examples/embedimpac
package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log"
	"os"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impacmem"
)

// booking is the product's own type.
type booking struct {
	ID, Guest, Day string
	Nights         int
	Price          float64
}

type bookings []booking

// Records makes impac.Source of the bookings: to a report they are invoices.
func (bs bookings) Records(_ context.Context, _, collection, filter string) iter.Seq2[impac.Record, error] {
	return func(yield func(impac.Record, error) bool) {
		if collection != "invoices" {
			yield(nil, impac.ErrUnknownCollection)
			return
		}
		match, err := impac.ParseFilter(filter)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, b := range bs {
			r := impac.Record{
				"id": b.ID, "type": "CUSTOMER", "status": "PAID", "transaction_date": b.Day, "guest": b.Guest,
				"amount": map[string]any{"net_amount": b.Price, "currency": "EUR"},
				"lines":  []any{map[string]any{"quantity": b.Nights}},
			}
			if match(r) && !yield(r, nil) {
				return
			}
		}
	}
}

// owner are the product's own rules: there is one user, who may do everything.
func owner(context.Context, authz.Request) (authz.Decision, error) {
	return authz.Decision{Allowed: true, Authenticated: true, Principal: authz.Principal{Type: authz.User, ID: "owner"}}, nil
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	hotel := bookings{
		{"1", "Ada", "2026-01-30", 2, 180}, {"2", "Grace", "2026-02-03", 1, 95.5}, {"3", "Ada", "2026-02-14", 3, 270}, {"4", "Edsger", "2026-03-01", 7, 600},
	}
	engine := impac.New(impacmem.New(), hotel, authz.Func(owner))

	// A widget of the catalogue …
	widget, err := engine.Show(ctx, "sales/aged", map[string]any{
		"organization_ids": []any{"hotel"}, "currency": "EUR", "hist_parameters": map[string]any{"from": "2026-01-01", "to": "2026-03-31", "period": "MONTHLY"},
	})
	if err != nil {
		return err
	}
	sold := widget.Content["aged_sales"].(map[string]any)
	for i, month := range widget.Content["dates"].([]any) {
		if _, err := fmt.Fprintf(out, "%s  EUR %6s  %s nights\n", month, sold["net_value_sold"].([]any)[i], sold["quantity_sold"].([]any)[i]); err != nil {
			return err
		}
	}
	// … and a question that none of them answers.
	frame, err := engine.Query(ctx, impac.Query{
		OrganizationIDs: []string{"hotel"}, Collection: "invoices", Where: `amount.net_amount > 100`,
		GroupBy:  []impac.Dimension{{Attribute: "guest"}},
		Measures: []impac.Measure{{Name: "stays", Func: impac.Count}, {Name: "paid", Func: impac.Sum, Attribute: "amount.net_amount"}},
		OrderBy:  "-paid",
	})
	if err != nil {
		return err
	}
	for _, row := range frame.Rows {
		if _, err := fmt.Fprintf(out, "%-10s  %s stays  EUR %s\n", row[0].Text, row[1].Number, row[2].Number); err != nil {
			return err
		}
	}
	return nil
}
