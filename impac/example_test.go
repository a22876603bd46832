package impac_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impacmem"
)

func shop() *impac.Engine {
	invoice := func(day, customer, net string) impac.Record {
		return impac.Record{
			"type": "CUSTOMER", "status": "PAID", "transaction_date": day, "organization_id": customer,
			"amount": map[string]any{"net_amount": json.Number(net), "currency": "EUR"},
		}
	}
	return engineAt(impacmem.Source{"org-1": {
		"invoices":      {invoice("2026-01-05", "c1", "10.10"), invoice("2026-01-20", "c2", "20.20"), invoice("2026-02-03", "c1", "0.30")},
		"organizations": {{"id": "c1", "name": "One Ltd"}, {"id": "c2", "name": "Two Ltd"}},
	}}, "2026-02-28")
}

// An aggregate: what was sold in each month, and to how many.
func ExampleEngine_Query() {
	frame, err := shop().Query(context.Background(), impac.Query{
		OrganizationIDs: []string{"org-1"},
		Collection:      "invoices",
		GroupBy:         []impac.Dimension{{Name: "month", Attribute: "transaction_date", Interval: impac.Monthly}},
		Measures: []impac.Measure{
			{Name: "sold", Func: impac.Sum, Attribute: "amount.net_amount"},
			{Name: "customers", Func: impac.Distinct, Attribute: "organization_id"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range frame.Rows {
		fmt.Println(row[0].Text, row[1].Number, row[2].Number)
	}
	// Output:
	// 2026-01-01 30.3 2
	// 2026-02-01 0.3 1
}

// A widget of the catalogue: the best customers.
func ExampleEngine_Show() {
	widget, err := shop().Show(context.Background(), "sales/summary", map[string]any{
		"organization_ids": []any{"org-1"}, "criteria": "customer", "filter": "net_value_sold", "currency": "EUR",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range widget.Content["summary"].([]any) {
		entry := v.(map[string]any)
		fmt.Println(entry["name"], entry["total"])
	}
	// Output:
	// Two Ltd 20.2
	// One Ltd 10.4
}
