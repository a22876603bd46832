package impac

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// sampleSource makes up records for whoever has none yet: the same at each call, over the year that ends on a day. They say in their
// names that they are samples, and have no currency, so they count in whichever is asked for.
func sampleSource(today time.Time) Source { return samples{today} }

type samples struct{ today time.Time }

func (s samples) Records(_ context.Context, organization, collection, filter string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		match, err := ParseFilter(filter)
		if err != nil {
			yield(nil, err)
			return
		}
		for r := range s.all(organization, collection) {
			if match(r) && !yield(r, nil) {
				return
			}
		}
	}
}

func (s samples) all(organization, collection string) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		switch collection {
		case "organizations":
			for i := range 8 {
				if !yield(Record{"id": fmt.Sprintf("%s.%d", organization, i), "name": fmt.Sprintf("Sample customer %d", i+1)}) {
					return
				}
			}
		case "items":
			for i := range 5 {
				if !yield(Record{"id": fmt.Sprintf("%s.%d", organization, i), "name": fmt.Sprintf("Sample product %d", i+1)}) {
					return
				}
			}
		case "invoices":
			s.invoices(organization, yield)
		case "employees":
			s.employees(organization, yield)
		}
	}
}

func (s samples) invoices(organization string, yield func(Record) bool) {
	for i := range 120 {
		day := s.today.AddDate(0, 0, -3*i)
		net := 400 + 37*(i*7%23)
		status, typ, balance := "PAID", "CUSTOMER", 0
		if i < 12 {
			status, balance = "AUTHORISED", net
		}
		if i%5 == 4 {
			typ = "SUPPLIER"
		}
		ok := yield(Record{
			"id": fmt.Sprintf("%s.%d", organization, i), "transaction_number": fmt.Sprintf("SAMPLE-%d", 120-i), "type": typ, "status": status,
			"transaction_date": day.Format(time.DateOnly), "organization_id": fmt.Sprintf("%s.%d", organization, i*i%8),
			"amount": map[string]any{"net_amount": net, "tax_rate": 10}, "balance": balance,
			"lines": []any{map[string]any{
				"item_id": fmt.Sprintf("%s.%d", organization, i%5), "quantity": 1 + i%4,
				"total_price": map[string]any{"net_amount": net, "tax_rate": 10},
			}},
		})
		if !ok {
			return
		}
	}
}

func (s samples) employees(organization string, yield func(Record) bool) {
	jobs := []string{"Sample manager", "Sample assistant", "Sample engineer"}
	for i := range 18 {
		ok := yield(Record{
			"id": fmt.Sprintf("%s.%d", organization, i), "first_name": "Sample", "last_name": fmt.Sprintf("Employee %d", i+1),
			"job_title": jobs[i%3], "gender": []string{"F", "M"}[i%2], "birth_date": s.today.AddDate(-22-2*i, 0, -i).Format(time.DateOnly),
			"hired_date":        s.today.AddDate(-1-i%6, 0, 0).Format(time.DateOnly),
			"employee_salaries": []any{map[string]any{"annual_salary": 42000 + 3500*(i*5%11)}},
		})
		if !ok {
			return
		}
	}
}
