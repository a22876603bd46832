package impac_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impacmem"
)

// BenchmarkQuery groups invoices by month and currency: what one record costs.
func BenchmarkQuery(b *testing.B) {
	var rs []impac.Record
	for i := range 10_000 {
		rs = append(rs, impac.Record{
			"id": fmt.Sprint(i), "transaction_date": fmt.Sprintf("2026-%02d-%02dT00:00:00Z", i%12+1, i%28+1), "status": "PAID",
			"amount": map[string]any{"net_amount": json.Number(fmt.Sprintf("%d.%02d", i, i%100)), "currency": "EUR"},
		})
	}
	e := engineAt(impacmem.Source{"o": {"invoices": rs}}, "2026-12-31")
	for _, where := range []string{"", `status in ["PAID", "AUTHORISED"] and amount.net_amount > 10`} {
		b.Run(fmt.Sprintf("where=%t", where != ""), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := e.Query(b.Context(), impac.Query{
					OrganizationIDs: []string{"o"}, Collection: "invoices", Where: where,
					GroupBy:  []impac.Dimension{{Attribute: "transaction_date", Interval: impac.Monthly}, {Attribute: "amount.currency"}},
					Measures: []impac.Measure{{Func: impac.Count}, {Func: impac.Sum, Attribute: "amount.net_amount"}},
				})
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rs)), "ns/record")
		})
	}
}
