package impac

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrice(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][2]string{
		`{"total_amount":110,"net_amount":100,"tax_amount":99}`: {"110", "100"},
		`{"total_amount":110,"tax_amount":10}`:                  {"110", "100"},
		`{"total_amount":110,"tax_rate":10}`:                    {"110", "100"},
		`{"total_amount":100,"tax_rate":-100}`:                  {"100", "100"},
		`{"total_amount":110}`:                                  {"110", "110"},
		`{"net_amount":100,"tax_amount":10}`:                    {"110", "100"},
		`{"net_amount":"100.50","tax_rate":"10"}`:               {"110.55", "100.5"},
		`{"net_amount":100}`:                                    {"100", "100"},
		`{"tax_amount":10}`:                                     {},
		`{}`:                                                    {},
	} {
		var v map[string]any
		require.NoError(t, json.Unmarshal([]byte(in), &v))
		total, net, ok := price(v)
		require.Equal(t, want[0] != "", ok, in)
		if ok {
			require.Equal(t, want, [2]string{total.String(), net.String()}, in)
		}
	}
}

func TestDocumentAmountFromLines(t *testing.T) {
	t.Parallel()
	var rec Record
	require.NoError(t, json.Unmarshal([]byte(`{"lines":[
		{"quantity":3,"unit_price":{"net_amount":10,"tax_rate":20},"reduction_percent":50},
		{"quantity":9,"total_price":{"total_amount":5}},
		{"quantity":7,"unit_price":{"net_amount":1000},"status":"INACTIVE"},
		{"quantity":1,"total_price":{"net_amount":2},"is_shipping":true},
		{"quantity":1}, "nonsense", null
	]}`), &rec))
	total, net := documentAmount(rec)
	require.Equal(t, "25", total.String())
	require.Equal(t, "22", net.String())
	require.Equal(t, "13", quantity(rec).String())
}

func TestAnnualPay(t *testing.T) {
	t.Parallel()
	today := date(2026, 6, 30)
	for in, want := range map[string]string{
		`[{"annual_salary":1000},{"annual_salary":2000}]`: "2000",
		`[{"hourly_rate":10}]`:                            "19760",
		`[{"hourly_rate":10,"hours_per_week":40}]`:        "20800",
		`[{"annual_salary":3000,"start_date":"2026-06-30"},{"annual_salary":1000,"start_date":"2020-01-01"}]`:                         "3000",
		`[{"annual_salary":1000,"start_date":"2020-01-01"},{"annual_salary":3000,"start_date":"2026-07-01"}]`:                         "1000",
		`[{"annual_salary":1000,"start_date":"2020-01-01"},{"annual_salary":9},{"annual_salary":2000,"effective_date":"2021-01-01"}]`: "2000",
		`[{"annual_salary":1000},{"annual_salary":9000,"status":"INACTIVE"},{"name":"bonus"}]`:                                        "1000",
		`[]`: "",
	} {
		var list []any
		require.NoError(t, json.Unmarshal([]byte(in), &list))
		got, _, ok := annualPay(Record{"employee_salaries": list}, today)
		require.Equal(t, want != "", ok, in)
		if ok {
			require.Equal(t, want, got.String(), in)
		}
	}
}
