package impacconnec_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/conneccsv"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/connec/connectest"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impacconnec"
	"github.com/ensemble-platform/ensemble/impac/impacmem"
	"github.com/ensemble-platform/ensemble/internal/dataset"
)

// imported is an engine over a Connec that holds the collections of a dataset, on a day.
func imported(t *testing.T, name, today string, collections ...string) (*impac.Engine, map[string]dataset.Answer) {
	t.Helper()
	dir := dataset.Dir(t, name)
	m, err := conneccsv.Load(name)
	require.NoError(t, err)
	m.Entities = slices.DeleteFunc(m.Entities, func(e conneccsv.Entity) bool { return !slices.Contains(collections, e.Collection) })
	a := connectest.NewAuthorizer()
	svc := connec.New(connecmem.New(), a)
	im := &conneccsv.Importer{Service: svc, Group: connectest.OrgA, Mapping: m, Source: os.DirFS(dir), BatchSize: 500}
	rep, err := im.Run(as(t.Context()))
	require.NoError(t, err)
	require.Empty(t, rep.Errors)
	at, err := time.Parse(time.DateOnly, today)
	require.NoError(t, err)
	return impac.New(impacmem.New(), impacconnec.New(svc), a, impac.WithClock(func() time.Time { return at.Add(12 * time.Hour) })), dataset.Answers(t, dir)
}

func show(t *testing.T, e *impac.Engine, endpoint string, params map[string]any) map[string]any {
	t.Helper()
	params["organization_ids"] = []any{connectest.OrgA}
	data, err := e.Show(as(t.Context()), endpoint, params)
	require.NoError(t, err)
	require.NotContains(t, data.Content, "info")
	return data.Content
}

func closeTo(t *testing.T, want, got any, what ...any) {
	t.Helper()
	w, err := want.(json.Number).Float64()
	require.NoError(t, err)
	g, err := got.(json.Number).Float64()
	require.NoError(t, err)
	require.InDelta(t, w, g, 0.0101, what...)
}

func checkMonths(t *testing.T, e *impac.Engine, from, to string, rows [][]any, net int) {
	t.Helper()
	c := show(t, e, "sales/aged", map[string]any{"hist_parameters": map[string]any{"from": from, "to": to, "period": "MONTHLY"}})
	dates := c["dates"].([]any)
	require.Len(t, dates, len(rows))
	for i, r := range rows {
		require.Equal(t, r[0], dates[i].(string)[:7])
		closeTo(t, r[net], c["aged_sales"].(map[string]any)["net_value_sold"].([]any)[i], r[0])
	}
}

func checkTop(t *testing.T, e *impac.Engine, from, to string, rows [][]any, name, count, total int) {
	t.Helper()
	c := show(t, e, "sales/summary", map[string]any{"criteria": "customer", "filter": "net_value_sold", "hist_parameters": map[string]any{"from": from, "to": to}})
	for i, r := range rows {
		got := c["summary"].([]any)[i].(map[string]any)
		require.Equal(t, r[name], got["name"])
		closeTo(t, r[count], got["count"])
		closeTo(t, r[total], got["total"], r[name])
	}
}

func TestClassicModelsThroughConnec(t *testing.T) {
	t.Parallel()
	e, answers := imported(t, "classicmodels", "2005-06-30", "company", "organizations", "items", "invoices", "payments", "employees")
	checkMonths(t, e, "2003-01-01", "2005-05-31", answers["revenue_by_month"].Rows, 2)
	checkTop(t, e, "2003-01-01", "2005-06-30", answers["top_customers"].Rows, 1, 2, 3)
	f, err := e.Query(as(t.Context()), impac.Query{
		OrganizationIDs: []string{connectest.OrgA}, Collection: "payments",
		GroupBy:  []impac.Dimension{{Attribute: "transaction_date", Interval: impac.Monthly}},
		Measures: []impac.Measure{{Func: impac.Count}, {Func: impac.Sum, Attribute: "amount.total_amount"}},
	})
	require.NoError(t, err)
	for i, r := range answers["payments_by_month"].Rows {
		require.Equal(t, r[0], f.Rows[i][0].Text[:7])
		closeTo(t, r[1], json.Number(f.Rows[i][1].Number.String()))
		closeTo(t, r[2], json.Number(f.Rows[i][2].Number.String()))
	}
	c := show(t, e, "hr/employees_list", map[string]any{})
	require.Equal(t, json.Number("23"), c["total"].(map[string]any)["employees"])
}

func TestAdventureWorksThroughConnec(t *testing.T) {
	t.Parallel()
	e, answers := imported(t, "adventureworks", "2014-06-30", "company", "work_locations", "organizations", "invoices", "employees", "people", "items")
	checkMonths(t, e, "2011-05-01", "2011-12-31", answers["revenue_by_month"].Rows, 2)
	checkTop(t, e, "2011-01-01", "2011-12-31", answers["top_customers"].Rows, 2, 3, 4)

	f, err := e.Query(as(t.Context()), impac.Query{
		OrganizationIDs: []string{connectest.OrgA}, Collection: "employees",
		GroupBy: []impac.Dimension{{Attribute: "gender"}, {Attribute: "salaried"}}, Measures: []impac.Measure{{Func: impac.Count}},
	})
	require.NoError(t, err)
	for i, r := range answers["headcount_by_gender_and_pay_type"].Rows {
		require.Equal(t, r[0], f.Rows[i][0].Text)
		closeTo(t, r[2], json.Number(f.Rows[i][2].Number.String()))
	}
	c := show(t, e, "hr/workforce_summary", map[string]any{"filter": "gender", "period": "monthly"})
	total := c["total"].(map[string]any)
	payroll := answers["payroll_cost_by_month"].Rows
	last := payroll[len(payroll)-1]
	closeTo(t, last[1], total["employees"])
	closeTo(t, last[2], total["amount"])

	// Headcount by department, from where each employee works.
	byPlace := map[string]int{}
	for _, v := range show(t, e, "hr/employees_list", map[string]any{})["employees"].([]any) {
		place, _ := v.(map[string]any)["location"].(string)
		byPlace[place]++
	}
	for _, r := range answers["headcount_by_department"].Rows {
		if r[0] == "2014-06-30" {
			require.Equal(t, r[2].(json.Number).String(), json.Number(itoa(byPlace[r[1].(string)])).String(), r[1])
		}
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }
