package impac_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/impac"
)

func cells(f *impac.Frame, columns ...int) [][]any {
	out := make([][]any, len(f.Rows))
	for i, r := range f.Rows {
		for _, c := range columns {
			out[i] = append(out[i], r[c])
		}
	}
	return out
}

// months cuts the days of first days.
func months(rows [][]any) [][]any {
	for _, r := range rows {
		r[0] = toText(r[0])[:7]
	}
	return rows
}

func TestClassicModelsAnswers(t *testing.T) {
	t.Parallel()
	d := openDataset(t, "classicmodels")
	e := engineAt(classicModels(d), "2005-06-30")
	org := []string{"org-cm"}
	byMonth := []impac.Dimension{{Attribute: "transaction_date", Interval: impac.Monthly}}

	t.Run("payments_by_month", func(t *testing.T) {
		f, err := e.Query(t.Context(), impac.Query{
			OrganizationIDs: org, Collection: "payments", GroupBy: byMonth,
			Measures: []impac.Measure{{Func: impac.Count}, {Func: impac.Sum, Attribute: "amount.total_amount"}},
		})
		require.NoError(t, err)
		d.answer("payments_by_month", months(cells(f, 0, 1, 2)))
		require.Equal(t, 273, f.Records)
	})
	t.Run("headcount_by_office", func(t *testing.T) {
		f, err := e.Query(t.Context(), impac.Query{
			OrganizationIDs: org, Collection: "employees", GroupBy: []impac.Dimension{{Name: "office", Attribute: "office"}},
			Measures: []impac.Measure{{Func: impac.Count}},
		})
		require.NoError(t, err)
		city := map[string]string{"1": "San Francisco", "2": "Boston", "3": "NYC", "4": "Paris", "5": "Tokyo", "6": "Sydney", "7": "London"}
		want := map[string]float64{}
		for _, r := range d.Answers["headcount_by_office"].Rows {
			want[r[0].(string)] = r[1].(float64)
		}
		for _, r := range f.Rows {
			require.InDelta(t, want[city[r[0].Text]], r[1].Number.InexactFloat64(), 0)
		}
		require.Len(t, f.Rows, len(want))
	})
	t.Run("revenue_by_month", func(t *testing.T) {
		data, err := e.Show(t.Context(), "sales/aged", map[string]any{
			"organization_ids": []any{"org-cm"}, "currency": "USD",
			"hist_parameters": map[string]any{"from": "2003-01-01", "to": "2005-05-31", "period": "MONTHLY"},
		})
		require.NoError(t, err)
		dates := data.Content["dates"].([]any)
		sold := data.Content["aged_sales"].(map[string]any)
		want := d.Answers["revenue_by_month"].Rows
		require.Len(t, dates, len(want))
		for i, w := range want {
			require.Equal(t, w[0], dates[i].(string)[:7])
			for _, k := range []string{"net_value_sold", "gross_value_sold"} {
				got, err := sold[k].([]any)[i].(json.Number).Float64()
				require.NoError(t, err)
				require.InDelta(t, w[2], got, 0.0001, w[0])
			}
		}
		require.Equal(t, "2003-01-31", dates[0])
		require.NotContains(t, data.Content, "info")
	})
	t.Run("top_customers", func(t *testing.T) {
		params := map[string]any{
			"organization_ids": "org-cm", "currency": "USD", "criteria": "customer", "filter": "net_value_sold", "limit_entries": "10",
			"hist_parameters": map[string]any{"from": "2003-01-01", "to": "2005-06-30"},
		}
		data, err := e.Show(t.Context(), "sales/summary", params)
		require.NoError(t, err)
		require.Equal(t, "Sales by customer", data.Name)
		var got [][]any
		summary := data.Content["summary"].([]any)
		for _, v := range summary[:10] {
			m := v.(map[string]any)
			got = append(got, []any{m["code"], m["name"], m["count"], m["total"]})
		}
		d.answer("top_customers", got)
		require.Equal(t, "Others", summary[10].(map[string]any)["name"])

		params = map[string]any{
			"organization_ids": []any{"org-cm"}, "template": "sales/top_customers", "entity": "customers", "order_by": "total_invoiced", "limit_entries": 10,
			"hist_parameters": map[string]any{"from": "2003-01-01", "to": "2005-06-30"},
		}
		data, err = e.Show(t.Context(), "invoices/list", params)
		require.NoError(t, err)
		require.Equal(t, "Top customers by sales", data.Name)
		got = nil
		for _, v := range data.Content["entities"].([]any) {
			m := v.(map[string]any)
			got = append(got, []any{m["id"], m["name"], len(m["invoices"].([]any)), m["total_invoiced"]})
		}
		d.answer("top_customers", got)
	})
	t.Run("products by line", func(t *testing.T) {
		data, err := e.Show(t.Context(), "sales/summary", map[string]any{
			"organization_ids": []any{"org-cm"}, "filter": "quantity_sold",
			"chart_filter":    map[string]any{"criteria": "percentage", "value": "100"},
			"hist_parameters": map[string]any{"from": "2003-01-01", "to": "2005-06-30"},
		})
		require.NoError(t, err)
		line := map[string]string{}
		for _, r := range d.rows("products.csv") {
			line[r["productCode"]] = r["productLine"]
		}
		units := map[string]float64{}
		for _, v := range data.Content["summary"].([]any) {
			m := v.(map[string]any)
			n, err := m["total"].(json.Number).Float64()
			require.NoError(t, err)
			units[line[m["code"].(string)]] += n
		}
		for _, r := range d.Answers["margin_by_product_line"].Rows {
			require.InDelta(t, r[1], units[r[0].(string)], 0, r[0])
		}
	})
}

func TestAdventureWorksAnswers(t *testing.T) {
	t.Parallel()
	d := openDataset(t, "adventureworks")
	e := engineAt(adventureWorks(d), "2014-06-30")
	org := []string{"org-aw"}
	query := func(t *testing.T, q impac.Query) *impac.Frame {
		t.Helper()
		q.OrganizationIDs = org
		f, err := e.Query(t.Context(), q)
		require.NoError(t, err)
		return f
	}
	t.Run("revenue_by_month", func(t *testing.T) {
		f := query(t, impac.Query{
			Collection: "invoices", GroupBy: []impac.Dimension{{Attribute: "transaction_date", Interval: impac.Monthly}},
			Measures: []impac.Measure{
				{Func: impac.Count},
				{Func: impac.Sum, Attribute: "amount.net_amount"},
				{Func: impac.Sum, Attribute: "amount.tax_amount"},
				{Func: impac.Sum, Attribute: "freight"},
				{Func: impac.Sum, Attribute: "amount.total_amount"},
			},
		})
		d.answer("revenue_by_month", months(cells(f, 0, 1, 2, 3, 4, 5)))
	})
	t.Run("revenue_by_month as a widget", func(t *testing.T) {
		data, err := e.Show(t.Context(), "sales/aged", map[string]any{
			"organization_ids": []any{"org-aw"}, "hist_parameters": map[string]any{"from": "2011-05-01", "to": "2011-12-31", "period": "MONTHLY"},
		})
		require.NoError(t, err)
		for i, w := range d.Answers["revenue_by_month"].Rows {
			sold := data.Content["aged_sales"].(map[string]any)
			require.Equal(t, w[0], data.Content["dates"].([]any)[i].(string)[:7])
			for k, column := range map[string]int{"net_value_sold": 2, "gross_value_sold": 5} {
				got, err := sold[k].([]any)[i].(json.Number).Float64()
				require.NoError(t, err)
				require.InDelta(t, w[column], got, 0.0101, "%s %s", w[0], k)
			}
		}
	})
	t.Run("revenue_by_channel", func(t *testing.T) {
		f := query(t, impac.Query{
			Collection: "invoices", GroupBy: []impac.Dimension{{Attribute: "online"}}, OrderBy: "sum_amount.net_amount",
			Measures: []impac.Measure{
				{Func: impac.Count},
				{Func: impac.Sum, Attribute: "amount.net_amount"},
				{Func: impac.Avg, Attribute: "amount.net_amount"},
			},
		})
		got := cells(f, 0, 1, 2, 3)
		got[0][0], got[1][0] = "online", "reseller"
		require.Equal(t, "true", f.Rows[0][0].Text)
		d.answer("revenue_by_channel", got)
	})
	t.Run("top_customers", func(t *testing.T) {
		f := query(t, impac.Query{
			Collection: "invoices", Where: `organization_id != nil or person_id != nil`,
			GroupBy:  []impac.Dimension{{Name: "store", Attribute: "organization_id"}, {Name: "person", Attribute: "person_id"}},
			Measures: []impac.Measure{{Name: "orders", Func: impac.Count}, {Name: "revenue", Func: impac.Sum, Attribute: "amount.net_amount"}},
			OrderBy:  "-revenue", Limit: 10,
		})
		want := d.Answers["top_customers"].Rows
		require.Len(t, f.Rows, 10)
		for i, w := range want {
			require.Equal(t, w[0], f.Rows[i][0].Text)
			require.True(t, f.Rows[i][1].Null)
			require.InDelta(t, w[3], f.Rows[i][2].Number.InexactFloat64(), 0)
			require.InDelta(t, w[4], f.Rows[i][3].Number.InexactFloat64(), 0.0101)
		}
		data, err := e.Show(t.Context(), "sales/summary", map[string]any{
			"organization_ids": []any{"org-aw"}, "criteria": "customer", "filter": "net_value_sold",
			"hist_parameters": map[string]any{"from": "2011-01-01", "to": "2011-12-31"},
		})
		require.NoError(t, err)
		var got [][]any
		for _, v := range data.Content["summary"].([]any)[:10] {
			m := v.(map[string]any)
			got = append(got, []any{m["code"], "store", m["name"], m["count"], m["total"]})
		}
		d.answer("top_customers", got)
	})
	t.Run("headcount_by_gender_and_pay_type", func(t *testing.T) {
		f := query(t, impac.Query{
			Collection: "employees", GroupBy: []impac.Dimension{{Attribute: "gender"}, {Attribute: "salaried"}}, Measures: []impac.Measure{{Func: impac.Count}},
		})
		got := cells(f, 0, 1, 2)
		for _, r := range got {
			r[1] = map[string]string{"true": "True", "false": "False"}[toText(r[1])]
		}
		d.answer("headcount_by_gender_and_pay_type", got)

		data, err := e.Show(t.Context(), "hr/workforce_summary", map[string]any{"organization_ids": []any{"org-aw"}, "filter": "gender", "period": "monthly"})
		require.NoError(t, err)
		require.Equal(t, json.Number("290"), data.Content["total"].(map[string]any)["employees"])
		byGender := map[any]any{}
		for _, v := range data.Content["summary"].(map[string]any)["data"].([]any) {
			byGender[v.(map[string]any)["label"]] = v.(map[string]any)["employees"]
		}
		require.Equal(t, map[any]any{"Female": json.Number("84"), "Male": json.Number("206")}, byGender)
	})
	t.Run("hires_by_year", func(t *testing.T) {
		f := query(t, impac.Query{
			Collection: "employees", GroupBy: []impac.Dimension{{Attribute: "hired_date", Interval: impac.Yearly}}, Measures: []impac.Measure{{Func: impac.Count}},
		})
		got := cells(f, 0, 1)
		for _, r := range got {
			r[0] = toText(r[0])[:4]
		}
		d.answer("hires_by_year", got)
	})
	t.Run("payroll_cost_by_month", func(t *testing.T) {
		// The widget tells today's cost: ask on the last day of some months.
		want := map[string][]any{}
		for _, r := range d.Answers["payroll_cost_by_month"].Rows {
			want[r[0].(string)] = r
		}
		src := adventureWorks(d)
		for _, last := range []string{"2009-01-31", "2010-12-31", "2012-02-29", "2014-06-30"} {
			data, err := engineAt(src, last).Show(t.Context(), "hr/workforce_summary", map[string]any{"organization_ids": []any{"org-aw"}, "filter": "job_title", "period": "monthly"})
			require.NoError(t, err)
			total := data.Content["total"].(map[string]any)
			cost, err := total["amount"].(json.Number).Float64()
			require.NoError(t, err)
			n, err := total["employees"].(json.Number).Float64()
			require.NoError(t, err)
			require.InDelta(t, want[last[:7]][1], n, 0, last)
			require.InDelta(t, want[last[:7]][2], cost, 0.0101, last)
		}
	})
	t.Run("units by product", func(t *testing.T) {
		f := query(t, impac.Query{
			Collection: "invoices", Each: "lines", GroupBy: []impac.Dimension{{Attribute: "item_id"}},
			Measures: []impac.Measure{
				{Name: "units", Func: impac.Sum, Attribute: "quantity"},
				{Func: impac.Distinct, Attribute: "record.transaction_number"},
			},
		})
		units := map[string]float64{}
		for _, r := range f.Rows {
			units[r[0].Text] = r[1].Number.InexactFloat64()
		}
		for _, r := range d.Answers["top_products"].Rows {
			require.InDelta(t, r[2], units[r[0].(string)], 0)
		}
		data, err := e.Show(t.Context(), "sales/summary", map[string]any{
			"organization_ids": []any{"org-aw"}, "criteria": "product", "filter": "net_value_sold",
			"hist_parameters": map[string]any{"from": "2011-01-01", "to": "2011-12-31"},
		})
		require.NoError(t, err)
		for i, r := range d.Answers["top_products"].Rows {
			m := data.Content["summary"].([]any)[i].(map[string]any)
			got, err := m["total"].(json.Number).Float64()
			require.NoError(t, err)
			require.Equal(t, r[0], m["code"])
			require.InDelta(t, r[3], got, 0.0101)
		}
	})
}
