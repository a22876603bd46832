package refserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impachttp"
	"github.com/ensemble-platform/ensemble/internal/dataset"
)

// imported runs `ensemble import` of a dataset into a fresh platform, twice.
type imported struct {
	*platform
	answers map[string]dataset.Answer
	impac   *impachttp.Client
}

func importDataset(t *testing.T, name string) *imported {
	dir := dataset.Dir(t, name)
	p := onePlatform(t)
	i := &imported{platform: p, answers: dataset.Answers(t, dir), impac: impachttp.NewClient(p.url, http.DefaultClient)}
	args := []string{"import", "--quiet", "--mapping", name, "--source", dir, "--organization", p.org1, "--url", p.url, "--session", p.ada.token, "--state", t.TempDir() + "/state.json"}
	t.Log(command(t, nil, args...))
	end := i.end()
	t.Log(command(t, nil, args...))
	require.Equal(t, end, i.end(), "a second import changes nothing")
	return i
}

// end is where the change feed ends.
func (i *imported) end() string {
	feed, err := i.connecClient().Changes(i.ada.ctx, i.org1, connec.FeedQuery{Cursor: "now"})
	require.NoError(i.t, err)
	return feed.Cursor
}

// names are an attribute of all records of a collection by id.
func (i *imported) names(collection, attribute string) map[string]string {
	out := map[string]string{}
	for skip := 0; ; skip += 1000 {
		page, err := i.connecClient().List(i.ada.ctx, i.org1, collection, connec.Query{Top: 1000, Skip: skip})
		require.NoError(i.t, err)
		for _, r := range page.Resources {
			out[r.ID] = fmt.Sprint(r.Attributes[attribute])
		}
		if skip+len(page.Resources) >= page.Total {
			return out
		}
	}
}

// query runs an aggregate and returns its rows as texts and decimals.
func (i *imported) query(q impac.Query) [][]any {
	i.t.Helper()
	q.OrganizationIDs = []string{i.org1}
	f, err := i.impac.Query(i.ada.ctx, q)
	require.NoError(i.t, err)
	var out [][]any
	for _, r := range f.Rows {
		var cells []any
		for c, v := range r {
			if f.Columns[c].Kind == "number" {
				cells = append(cells, v.Number)
			} else {
				cells = append(cells, v.Text)
			}
		}
		out = append(out, cells)
	}
	return out
}

// equal compares rows with those columns of an answer, within a cent for money.
func (i *imported) equal(answer string, got [][]any, columns ...string) {
	i.t.Helper()
	a, ok := i.answers[answer]
	require.True(i.t, ok, answer)
	require.Len(i.t, got, len(a.Rows), answer)
	for n, row := range a.Rows {
		for k, name := range columns {
			col := -1
			for c, have := range a.Columns {
				if have == name {
					col = c
				}
			}
			require.GreaterOrEqual(i.t, col, 0, "%s has no %s", answer, name)
			switch want := row[col].(type) {
			case json.Number:
				w := decimal.RequireFromString(want.String())
				g, ok := got[n][k].(decimal.Decimal)
				require.True(i.t, ok, "%s: %v", answer, got[n][k])
				require.True(i.t, g.Sub(w).Abs().LessThanOrEqual(decimal.RequireFromString("0.015")), "%s row %d %s: got %s, want %s", answer, n, name, g, w)
			default:
				require.Equal(i.t, want, got[n][k], "%s row %d %s", answer, n, name)
			}
		}
	}
}

func byMonth(attribute string) []impac.Dimension {
	return []impac.Dimension{{Name: "month", Attribute: attribute, Interval: impac.Monthly}}
}

var count = impac.Measure{Name: "n", Func: impac.Count}

func sum(attribute string) impac.Measure { return impac.Measure{Func: impac.Sum, Attribute: attribute} }

// cut shortens the first column, "2011-05-01" to "2011-05".
func cut(rows [][]any, n int) [][]any {
	for _, r := range rows {
		r[0] = r[0].(string)[:n]
	}
	return rows
}

// renamed replaces ids in a column by names.
func renamed(rows [][]any, col int, names map[string]string) [][]any {
	for _, r := range rows {
		r[col] = names[r[col].(string)]
	}
	return rows
}

// sorted orders rows by their first text.
func sorted(rows [][]any) [][]any {
	sort.Slice(rows, func(a, b int) bool { return rows[a][0].(string) < rows[b][0].(string) })
	return rows
}

// content reads a widget as the browser would.
func (i *imported) content(endpoint string, params map[string]any, into any) {
	i.t.Helper()
	params["organization_ids"] = []any{i.org1}
	params["currency"] = "USD"
	w, err := i.impac.Show(i.ada.ctx, endpoint, params)
	require.NoError(i.t, err)
	b, err := json.Marshal(w.Content)
	require.NoError(i.t, err)
	decode(i.t, string(b), into)
}

func TestAdventureWorksAnswers(t *testing.T) {
	i := importDataset(t, "adventureworks")

	// The widgets that people see.
	var sales struct {
		Dates []string
		Aged  map[string][]decimal.Decimal `json:"aged_sales"`
	}
	i.content("sales/aged", map[string]any{"hist_parameters": map[string]any{"from": "2011-05-01", "to": "2011-12-31", "period": "MONTHLY"}}, &sales)
	var rows [][]any
	for n, d := range sales.Dates {
		rows = append(rows, []any{d[:7], sales.Aged["net_value_sold"][n], sales.Aged["gross_value_sold"][n]})
	}
	i.equal("revenue_by_month", rows, "month", "revenue", "total")

	var top struct {
		Summary []struct {
			Name  string
			Total decimal.Decimal
		}
	}
	i.content("sales/summary", map[string]any{
		"criteria": "customer", "filter": "net_value_sold", "chart_filter": map[string]any{"criteria": "number", "value": "10"},
		"hist_parameters": map[string]any{"from": "2011-01-01", "to": "2011-12-31", "period": "YEARLY"},
	}, &top)
	rows = nil
	for _, s := range top.Summary[:10] {
		rows = append(rows, []any{s.Name, s.Total})
	}
	i.equal("top_customers", rows, "name", "revenue")

	var staff struct{ Total struct{ Employees int } }
	i.content("hr/workforce_summary", map[string]any{"filter": "gender", "period": "yearly"}, &staff)
	require.Equal(t, 290, staff.Total.Employees)

	// The same and more by query.
	i.equal("revenue_by_month", cut(i.query(impac.Query{
		Collection: "invoices", GroupBy: byMonth("transaction_date"),
		Measures: []impac.Measure{count, sum("amount.net_amount"), sum("amount.tax_amount"), sum("freight"), sum("amount.total_amount")},
	}), 7), "month", "orders", "revenue", "tax", "freight", "total")
	i.equal("revenue_by_channel", i.query(impac.Query{
		Collection: "invoices", GroupBy: []impac.Dimension{{Attribute: "channel"}},
		Measures: []impac.Measure{count, sum("amount.net_amount"), {Func: impac.Avg, Attribute: "amount.net_amount"}},
	}), "channel", "orders", "revenue", "avg_order")
	i.equal("revenue_by_territory", i.query(impac.Query{
		Collection: "invoices", GroupBy: []impac.Dimension{{Attribute: "territory"}}, OrderBy: "-sum_amount.net_amount",
		Measures: []impac.Measure{count, sum("amount.net_amount")},
	}), "territory", "orders", "revenue")
	i.equal("revenue_by_order_currency", i.query(impac.Query{
		Collection: "invoices", GroupBy: []impac.Dimension{{Attribute: "order_currency"}}, OrderBy: "-revenue",
		Measures: []impac.Measure{count, {Name: "revenue", Func: impac.Sum, Attribute: "amount.net_amount"}},
	}), "currency", "orders", "revenue_usd")
	items := i.names("items", "name")
	i.equal("top_products", renamed(i.query(impac.Query{
		Collection: "invoices", Each: "lines", GroupBy: []impac.Dimension{{Attribute: "item_id"}}, OrderBy: "-revenue", Limit: 10,
		Measures: []impac.Measure{sum("quantity"), {Name: "revenue", Func: impac.Sum, Attribute: "total_price.net_amount"}},
	}), 0, items), "Name", "units", "revenue")
	i.equal("purchases_by_month", cut(i.query(impac.Query{
		Collection: "purchase_orders", GroupBy: byMonth("transaction_date"), Measures: []impac.Measure{count, sum("amount.net_amount"), sum("amount.total_amount")},
	}), 7), "month", "orders", "subtotal", "total")
	vendors := i.names("organizations", "name")
	i.equal("top_vendors", sortedByTotal(renamed(i.query(impac.Query{
		Collection: "purchase_orders", Filter: "status eq 'RECEIVED'", GroupBy: []impac.Dimension{{Attribute: "organization_id"}}, OrderBy: "-total", Limit: 10,
		Measures: []impac.Measure{count, {Name: "total", Func: impac.Sum, Attribute: "amount.total_amount"}},
	}), 0, vendors), i.answers["top_vendors"], "Name"), "Name", "orders", "total")

	i.equal("headcount_by_gender_and_pay_type", pythonBools(i.query(impac.Query{
		Collection: "employees", GroupBy: []impac.Dimension{{Attribute: "gender"}, {Attribute: "salaried"}}, Measures: []impac.Measure{count},
	})), "gender", "salaried", "n")
	i.equal("hires_by_year", cut(i.query(impac.Query{
		Collection: "employees", GroupBy: []impac.Dimension{{Attribute: "hired_date", Interval: impac.Yearly}}, Measures: []impac.Measure{count},
	}), 4), "year", "hires")
	departments := i.names("work_locations", "name")
	rows = nil
	for _, day := range []string{"2009-12-31", "2011-12-31", "2014-06-30"} {
		for _, r := range sorted(renamed(i.query(impac.Query{
			Collection: "employees", Each: "work_locations", GroupBy: []impac.Dimension{{Attribute: "work_location_id"}},
			Where:    fmt.Sprintf(`start_date <= "%sT23:59:59Z" && (end_date == nil || end_date >= "%sT00:00:00Z")`, day, day),
			Measures: []impac.Measure{{Func: impac.Distinct, Attribute: "record.id"}},
		}), 0, departments)) {
			rows = append(rows, []any{day, r[0], r[1]})
		}
	}
	i.equal("headcount_by_department", rows, "d", "department", "headcount")
}

// sortedByTotal swaps neighbours whose order the answer leaves to chance: rows with the same figures.
func sortedByTotal(rows [][]any, a dataset.Answer, name string) [][]any {
	at := map[string]int{}
	for n, r := range a.Rows {
		for c, col := range a.Columns {
			if col == name {
				at[r[c].(string)] = n
			}
		}
	}
	sort.SliceStable(rows, func(x, y int) bool {
		dx, dy := rows[x][2].(decimal.Decimal), rows[y][2].(decimal.Decimal)
		return dx.Equal(dy) && at[rows[x][0].(string)] < at[rows[y][0].(string)]
	})
	return rows
}

// pythonBools spells booleans as the answers do.
func pythonBools(rows [][]any) [][]any {
	for _, r := range rows {
		r[1] = map[string]string{"true": "True", "false": "False"}[r[1].(string)]
	}
	return rows
}

func TestClassicModelsAnswers(t *testing.T) {
	i := importDataset(t, "classicmodels")
	const invoiced = "status ne 'VOIDED'"
	i.equal("revenue_by_month", cut(i.query(impac.Query{
		Collection: "invoices", Filter: invoiced, GroupBy: byMonth("transaction_date"), Measures: []impac.Measure{count, sum("amount.total_amount")},
	}), 7), "month", "orders", "revenue")
	i.equal("payments_by_month", cut(i.query(impac.Query{
		Collection: "payments", GroupBy: byMonth("transaction_date"), Measures: []impac.Measure{count, sum("amount.total_amount")},
	}), 7), "month", "n", "received")
	i.equal("orders_by_status", i.query(impac.Query{
		Collection: "invoices", GroupBy: []impac.Dimension{{Attribute: "order_status"}}, Measures: []impac.Measure{count, sum("amount.total_amount")},
	}), "status", "n", "value")
	customers := i.names("organizations", "name")
	i.equal("top_customers", renamed(i.query(impac.Query{
		Collection: "invoices", Filter: invoiced, GroupBy: []impac.Dimension{{Attribute: "organization_id"}}, OrderBy: "-total", Limit: 10,
		Measures: []impac.Measure{count, {Name: "total", Func: impac.Sum, Attribute: "amount.total_amount"}},
	}), 0, customers), "customerName", "orders", "revenue")
	offices := i.names("work_locations", "name")
	i.equal("headcount_by_office", sorted(renamed(i.query(impac.Query{
		Collection: "employees", Each: "work_locations", GroupBy: []impac.Dimension{{Attribute: "work_location_id"}}, Measures: []impac.Measure{count},
	}), 0, offices)), "city", "n")
	lines := i.query(impac.Query{Collection: "items", GroupBy: []impac.Dimension{{Attribute: "category"}}, Measures: []impac.Measure{sum("quantity_on_hand")}})
	i.equal("stock_value_by_product_line", lines, "productLine", "units")
}
