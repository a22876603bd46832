package impactest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/impac"
)

// TestService proves a service. open returns one over the world of [NewEngine] with no dashboards in it.
func TestService(t *testing.T, open func(*testing.T) impac.Service) {
	t.Helper()
	t.Run("ready", func(t *testing.T) { require.NoError(t, open(t).Ready(t.Context())) })
	t.Run("templates", func(t *testing.T) { serviceTemplates(t, open(t)) })
	t.Run("query", func(t *testing.T) { serviceQuery(t, open(t)) })
	t.Run("bad queries", func(t *testing.T) { serviceBadQueries(t, open(t)) })
	t.Run("aged sales", func(t *testing.T) { serviceAgedSales(t, open(t)) })
	t.Run("sales summary", func(t *testing.T) { serviceSalesSummary(t, open(t)) })
	t.Run("invoices list", func(t *testing.T) { serviceInvoicesList(t, open(t)) })
	t.Run("workforce", func(t *testing.T) { serviceWorkforce(t, open(t)) })
	t.Run("bad parameters", func(t *testing.T) { serviceBadParams(t, open(t)) })
	t.Run("nothing to show", func(t *testing.T) { serviceEmpty(t, open(t)) })
	t.Run("every call is judged", func(t *testing.T) { serviceJudged(t, open(t)) })
	t.Run("dashboards", func(t *testing.T) { serviceDashboards(t, open(t)) })
	t.Run("widgets", func(t *testing.T) { serviceWidgets(t, open(t)) })
	t.Run("bad dashboards", func(t *testing.T) { serviceBadDashboards(t, open(t)) })
}

func serviceTemplates(t *testing.T, s impac.Service) {
	all, err := s.Templates(t.Context())
	require.NoError(t, err)
	var endpoints []string
	for _, x := range all {
		require.NotEmpty(t, x.Name)
		require.NotEmpty(t, x.Desc)
		require.NotEmpty(t, x.Icon)
		require.Contains(t, []int{3, 6, 12}, x.Width)
		require.NotNil(t, x.Metadata)
		endpoints = append(endpoints, x.Endpoint)
	}
	for _, e := range []string{"sales/aged", "sales/summary", "invoices/list", "hr/workforce_summary", "hr/employees_list"} {
		require.Contains(t, endpoints, e)
	}
	i := slices.IndexFunc(all, func(x impac.Template) bool { return x.Metadata["template"] == "sales/top_customers" })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, json.Number("10"), all[i].Metadata["limit_entries"])
}

func text(s string) impac.Value   { return impac.Value{Text: s} }
func figure(s string) impac.Value { return impac.Value{Number: decimal.RequireFromString(s)} }

// equalRows compares figures as figures: 1.0 is 1.
func equalRows(t *testing.T, want, got [][]impac.Value) {
	t.Helper()
	tidy := func(rows [][]impac.Value) [][]string {
		out := make([][]string, len(rows))
		for i, r := range rows {
			for _, v := range r {
				switch {
				case v.Null:
					out[i] = append(out[i], "null")
				case v.Text != "":
					out[i] = append(out[i], "text "+v.Text)
				default:
					out[i] = append(out[i], v.Number.String())
				}
			}
		}
		return out
	}
	require.Equal(t, tidy(want), tidy(got))
}

func serviceQuery(t *testing.T, s impac.Service) {
	ctx := As(t.Context(), "alice")
	f, err := s.Query(ctx, impac.Query{
		OrganizationIDs: []string{"org-a", "org-b", "org-a"}, Collection: "invoices",
		Filter: "type eq 'CUSTOMER'", Where: `status in ["PAID", "AUTHORISED"] and amount.net_amount < 500`,
		GroupBy: []impac.Dimension{{Name: "month", Attribute: "transaction_date", Interval: impac.Monthly}, {Attribute: "amount.currency"}},
		Measures: []impac.Measure{
			{Func: impac.Count},
			{Func: impac.Sum, Attribute: "amount.net_amount"},
			{Name: "mean", Func: impac.Avg, Attribute: "amount.net_amount"},
			{Func: impac.Max, Attribute: "missing"},
		},
		OrderBy: "-sum_amount.net_amount", Limit: 3,
	})
	require.NoError(t, err)
	require.Equal(t, []impac.Column{
		{Name: "month", Kind: "text"},
		{Name: "amount.currency", Kind: "text"},
		{Name: "count", Kind: "number"},
		{Name: "sum_amount.net_amount", Kind: "number"},
		{Name: "mean", Kind: "number"},
		{Name: "max_missing", Kind: "number"},
	}, f.Columns)
	null := impac.Value{Null: true}
	equalRows(t, [][]impac.Value{
		{text("2026-06-01"), text("EUR"), figure("1"), figure("200.2"), figure("200.2"), null},
		{text("2026-05-01"), text("EUR"), figure("1"), figure("100.1"), figure("100.1"), null},
		{text("2026-06-01"), text("USD"), figure("1"), figure("70"), figure("70"), null},
	}, f.Rows)
	require.Equal(t, 7, f.Records, "six of org-a, once, and one of org-b")
	require.True(t, f.At.Equal(Now))

	f, err = s.Query(ctx, impac.Query{
		OrganizationIDs: []string{"org-a"}, Collection: "invoices", Each: "lines",
		GroupBy:  []impac.Dimension{{Attribute: "item_id"}},
		Measures: []impac.Measure{{Func: impac.Sum, Attribute: "quantity"}, {Func: impac.Distinct, Attribute: "record.status"}},
	})
	require.NoError(t, err)
	equalRows(t, [][]impac.Value{{text("i1"), figure("12"), figure("5")}}, f.Rows)

	f, err = s.Query(ctx, impac.Query{
		OrganizationIDs: []string{"org-a"}, Collection: "people", Measures: []impac.Measure{{Func: impac.Count}, {Func: impac.Sum, Attribute: "x"}, {Func: impac.Min, Attribute: "x"}},
	})
	require.NoError(t, err)
	equalRows(t, [][]impac.Value{{figure("0"), figure("0"), null}}, f.Rows)

	// An employee without a birth date: the null group comes last, also when descending.
	for _, order := range []string{"", "-birth_date"} {
		f, err = s.Query(ctx, impac.Query{
			OrganizationIDs: []string{"org-a"}, Collection: "employees", OrderBy: order,
			GroupBy: []impac.Dimension{{Attribute: "birth_date", Interval: impac.Yearly}}, Measures: []impac.Measure{{Func: impac.Count}},
		})
		require.NoError(t, err)
		require.Len(t, f.Rows, 3)
		require.True(t, f.Rows[2][0].Null)
	}
}

func serviceBadQueries(t *testing.T, s impac.Service) {
	ctx := As(t.Context(), "alice")
	good := func() impac.Query {
		return impac.Query{OrganizationIDs: []string{"org-a"}, Collection: "invoices", Measures: []impac.Measure{{Func: impac.Count}}}
	}
	for name, c := range map[string]struct {
		change func(*impac.Query)
		path   string
	}{
		"no organization":   {func(q *impac.Query) { q.OrganizationIDs = nil }, "organization_ids"},
		"bad organization":  {func(q *impac.Query) { q.OrganizationIDs = []string{"a/b"} }, "organization_ids"},
		"no collection":     {func(q *impac.Query) { q.Collection = "" }, "collection"},
		"bad collection":    {func(q *impac.Query) { q.Collection = "../people" }, "collection"},
		"nothing asked":     {func(q *impac.Query) { q.Measures = nil }, "measures"},
		"unknown function":  {func(q *impac.Query) { q.Measures[0].Func = "median" }, "measures.0.func"},
		"sum of nothing":    {func(q *impac.Query) { q.Measures[0].Func = impac.Sum }, "measures.0.attribute"},
		"same name":         {func(q *impac.Query) { q.Measures = append(q.Measures, impac.Measure{Func: impac.Count}) }, "measures.1.name"},
		"unknown interval":  {func(q *impac.Query) { q.GroupBy = []impac.Dimension{{Attribute: "a", Interval: "HOURLY"}} }, "group_by.0.interval"},
		"no attribute":      {func(q *impac.Query) { q.GroupBy = []impac.Dimension{{}} }, "group_by.0.attribute"},
		"bad path":          {func(q *impac.Query) { q.GroupBy = []impac.Dimension{{Attribute: "a..b"}} }, "group_by.0.attribute"},
		"unknown order":     {func(q *impac.Query) { q.OrderBy = "-nothing" }, "order_by"},
		"negative limit":    {func(q *impac.Query) { q.Limit = -1 }, "limit"},
		"bad offset":        {func(q *impac.Query) { q.UTCOffset = 100000 }, "utc_offset"},
		"bad expression":    {func(q *impac.Query) { q.Where = "status ==" }, "where"},
		"long expression":   {func(q *impac.Query) { q.Where = strings.Repeat("true and ", 1000) + "true" }, "where"},
		"not a condition":   {func(q *impac.Query) { q.Where = "1 + 1" }, "where"},
		"endless range":     {func(q *impac.Query) { q.Where = "all(1..1000000, # > 0)" }, "where"},
		"nested predicates": {func(q *impac.Query) { q.Where = "all(lines, all(lines, all(lines, true)))" }, "where"},
		"never evaluates":   {func(q *impac.Query) { q.Where = "nonsense.attribute > 3" }, "where"},
		"bad filter":        {func(q *impac.Query) { q.Filter = "type eq" }, "filter"},
	} {
		q := good()
		c.change(&q)
		_, err := s.Query(ctx, q)
		requireInvalid(t, err, c.path, name)
	}
	q := good()
	q.Collection = "unicorns"
	_, err := s.Query(ctx, q)
	require.ErrorIs(t, err, impac.ErrUnknownCollection)
}

func requireInvalid(t *testing.T, err error, path string, what ...any) {
	t.Helper()
	require.ErrorIs(t, err, impac.ErrInvalid, what...)
	var v *impac.ValidationError
	require.ErrorAs(t, err, &v, what...)
	var paths []string
	for _, f := range v.Fields {
		require.NotEmpty(t, f.Reason)
		paths = append(paths, f.Path)
	}
	require.Contains(t, paths, path, what...)
}

func june() map[string]any {
	return map[string]any{"from": "2026-05-01", "to": "2026-06-30", "period": "MONTHLY"}
}

func ns(ss ...string) []any {
	out := make([]any, len(ss))
	for i, s := range ss {
		out[i] = json.Number(s)
	}
	return out
}

func serviceAgedSales(t *testing.T, s impac.Service) {
	data, err := s.Show(As(t.Context(), "alice"), "sales/aged", map[string]any{"organization_ids": []any{"org-a"}, "currency": "EUR", "hist_parameters": june()})
	require.NoError(t, err)
	require.Equal(t, &impac.WidgetData{Name: "Sales summary by month", Content: map[string]any{
		"currency": "EUR",
		"dates":    []any{"2026-05-31", "2026-06-30"},
		"aged_sales": map[string]any{
			"gross_value_sold": ns("110.11", "275"), "net_value_sold": ns("100.1", "250"), "quantity_sold": ns("2", "3"),
		},
		"info": []any{map[string]any{"key": "Not included", "value": "USD 77.00 in 1 invoices and credit notes, for want of an exchange rate to EUR"}},
	}}, data)

	// Without a currency, the organization's. An amount without one is in the organization's, too.
	data, err = s.Show(As(t.Context(), "alice"), "sales/aged", map[string]any{"organization_ids": []any{"org-b", "org-a"}, "hist_parameters": june()})
	require.NoError(t, err)
	require.Equal(t, "USD", data.Content["currency"])
	require.Equal(t, ns("0", "80"), data.Content["aged_sales"].(map[string]any)["net_value_sold"])

	// A widget that names no dates shows the calendar year to date.
	data, err = s.Show(As(t.Context(), "bob"), "sales/aged", map[string]any{"organization_ids": "org-b"})
	require.NoError(t, err)
	require.Equal(t, []any{"2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-15"}, data.Content["dates"])

	// West of UTC a day is a day all the same.
	data, err = s.Show(As(t.Context(), "alice"), "sales/aged", map[string]any{"organization_ids": []any{"org-a"}, "currency": "EUR", "hist_parameters": june(), "utc_offset": "-480"})
	require.NoError(t, err)
	require.Equal(t, ns("100.1", "250"), data.Content["aged_sales"].(map[string]any)["net_value_sold"])
}

func serviceSalesSummary(t *testing.T, s impac.Service) {
	params := map[string]any{
		"organization_ids": []any{"org-a"}, "currency": "EUR", "criteria": "customer", "filter": "net_value_sold", "hist_parameters": june(),
		"chart_filter": map[string]any{"criteria": "number", "value": "1"},
	}
	data, err := s.Show(As(t.Context(), "alice"), "sales/summary", params)
	require.NoError(t, err)
	require.Equal(t, []any{
		map[string]any{"code": "C1", "name": "One Ltd", "total": json.Number("300.3"), "count": json.Number("2")},
		map[string]any{"code": "", "name": "Others", "total": json.Number("50"), "count": json.Number("1")},
	}, data.Content["summary"])
	require.Equal(t, map[string]any{
		"criteria": "number", "value": json.Number("1"), "max": json.Number("2"), "entity_type": "customers", "filter_label": "Top 1 customers",
	}, data.Content["chart_filter"])
	require.NotEmpty(t, data.Content["info"])

	params["chart_filter"] = map[string]any{"criteria": "percentage", "value": "51"}
	params["criteria"], params["filter"] = "product", "quantity_sold"
	data, err = s.Show(As(t.Context(), "alice"), "sales/summary", params)
	require.NoError(t, err)
	require.Equal(t, []any{map[string]any{"code": "W", "name": "Widget", "total": json.Number("8"), "count": json.Number("4")}}, data.Content["summary"])
}

func serviceInvoicesList(t *testing.T, s impac.Service) {
	params := map[string]any{"organization_ids": []any{"org-a"}, "entity": "customers", "order_by": "name", "hist_parameters": june()}
	data, err := s.Show(As(t.Context(), "alice"), "invoices/list", params)
	require.NoError(t, err)
	entities := data.Content["entities"].([]any)
	require.Len(t, entities, 2)
	require.Equal(t, map[string]any{
		"id": "o1", "name": "One Ltd", "code": "C1", "currency": "EUR", "total_invoiced": json.Number("330.33"), "total_paid": json.Number("110.11"),
		"total_due": json.Number("220.22"), "fx_totals": map[string]any{},
		"invoices": []any{
			map[string]any{
				"transaction_no": "INV-1", "invoice_date": "2026-05-31", "tooltip_status": "paid", "invoiced": json.Number("110.11"),
				"paid": json.Number("110.11"), "due": json.Number("0"), "fx_totals": map[string]any{},
			},
			map[string]any{
				"transaction_no": "INV-2", "invoice_date": "2026-06-01", "tooltip_status": "due", "invoiced": json.Number("220.22"),
				"paid": json.Number("0"), "due": json.Number("220.22"), "fx_totals": map[string]any{},
			},
		},
	}, entities[0])

	// Drafts count here, so that the second customer owes more.
	params["order_by"], params["limit_entries"] = "total_due", "1"
	data, err = s.Show(As(t.Context(), "alice"), "invoices/list", params)
	require.NoError(t, err)
	entities = data.Content["entities"].([]any)
	require.Len(t, entities, 1)
	require.Equal(t, "Two Ltd", entities[0].(map[string]any)["name"])
	require.Equal(t, json.Number("1055"), entities[0].(map[string]any)["total_due"])
	require.Len(t, data.Content["info"], 2, "a currency is left out, and a customer")

	params["entity"] = "suppliers"
	data, err = s.Show(As(t.Context(), "alice"), "invoices/list", params)
	require.NoError(t, err)
	require.Equal(t, "Unknown", data.Content["entities"].([]any)[0].(map[string]any)["name"])
}

func serviceWorkforce(t *testing.T, s impac.Service) {
	show := func(endpoint, filter, period string) map[string]any {
		t.Helper()
		data, err := s.Show(As(t.Context(), "alice"), endpoint, map[string]any{"organization_ids": []any{"org-a"}, "filter": filter, "period": period})
		require.NoError(t, err)
		return data.Content
	}
	group := func(label, value, n string) map[string]any {
		return map[string]any{"label": label, "value": json.Number(value), "currency": "EUR", "employees": json.Number(n)}
	}
	c := show("hr/workforce_summary", "gender", "monthly")
	require.Equal(t, map[string]any{"amount": json.Number("6500"), "currency": "EUR", "employees": json.Number("2"), "period": "monthly"}, c["total"])
	require.Equal(t, map[string]any{"filter": "gender", "data": []any{group("Female", "4333.3333", "1"), group("Male", "2166.6667", "1")}}, c["summary"])
	for filter, want := range map[string][]any{
		"age_range":    {group("20 to 29", "26000", "1"), group("30 to 39", "52000", "1")},
		"job_title":    {group("Chef", "52000", "1"), group("Waiter", "26000", "1")},
		"salary_range": {group("20000 to 40000", "26000", "1"), group("40000 to 60000", "52000", "1")},
	} {
		require.Equal(t, want, show("hr/workforce_summary", filter, "yearly")["summary"].(map[string]any)["data"], filter)
	}
	c = show("hr/employees_list", "", "weekly")
	require.Equal(t, map[string]any{"employees": json.Number("2"), "average_rate": json.Number("750"), "period": "weekly", "currency": "EUR"}, c["total"])
	require.Equal(t, []any{"org-a"}, c["organizations"])
	require.Equal(t, map[string]any{
		"id": "e1", "uid": "e1", "company": "Alpha", "firstname": "Ann", "lastname": "Doe", "job_title": "Chef", "gender": "F", "dob": "1990-01-01",
		"employment_status": "ACTIVE", "location": "Main Street", "salary": map[string]any{"amount": json.Number("1000"), "currency": "EUR"},
	}, c["employees"].([]any)[0])
}

func serviceBadParams(t *testing.T, s impac.Service) {
	ctx := As(t.Context(), "alice")
	for name, c := range map[string]struct {
		endpoint string
		params   map[string]any
		path     string
	}{
		"no organization":     {"sales/aged", map[string]any{"organization_ids": nil}, "metadata.organization_ids"},
		"strange list":        {"sales/aged", map[string]any{"organization_ids": map[string]any{"a": "b"}}, "metadata.organization_ids"},
		"bad currency":        {"sales/aged", map[string]any{"currency": "euros"}, "metadata.currency"},
		"bad filter":          {"sales/aged", map[string]any{"filter": "profit"}, "metadata.filter"},
		"bad offset":          {"sales/aged", map[string]any{"utc_offset": "noon"}, "metadata.utc_offset"},
		"bad date":            {"sales/aged", map[string]any{"hist_parameters": map[string]any{"from": "yesterday"}}, "metadata.hist_parameters.from"},
		"window backwards":    {"sales/aged", map[string]any{"hist_parameters": map[string]any{"from": "2026-03-01", "to": "2026-02-01"}}, "metadata.hist_parameters.from"},
		"bad period":          {"sales/aged", map[string]any{"hist_parameters": map[string]any{"period": "HOURLY"}}, "metadata.hist_parameters.period"},
		"too many intervals":  {"sales/aged", map[string]any{"hist_parameters": map[string]any{"from": "1926-01-01", "period": "DAILY"}}, "metadata.hist_parameters.period"},
		"bad range":           {"sales/aged", map[string]any{"hist_parameters": map[string]any{"time_range": "6 months"}}, "metadata.hist_parameters.time_range"},
		"bad criteria":        {"sales/summary", map[string]any{"criteria": "moon"}, "metadata.criteria"},
		"bad chart filter":    {"sales/summary", map[string]any{"chart_filter": map[string]any{"value": "many"}}, "metadata.value"},
		"bad order":           {"invoices/list", map[string]any{"order_by": "size"}, "metadata.order_by"},
		"bad limit":           {"invoices/list", map[string]any{"limit_entries": "0"}, "metadata.limit_entries"},
		"bad workforce":       {"hr/workforce_summary", map[string]any{"filter": "hair"}, "metadata.filter"},
		"bad employee period": {"hr/employees_list", map[string]any{"period": "hourly"}, "metadata.period"},
	} {
		params := map[string]any{"organization_ids": []any{"org-a"}}
		maps.Copy(params, c.params)
		_, err := s.Show(ctx, c.endpoint, params)
		requireInvalid(t, err, c.path, name)
	}
	_, err := s.Show(ctx, "sales/nothing", map[string]any{"organization_ids": []any{"org-a"}})
	require.ErrorIs(t, err, impac.ErrNotFound)
}

func serviceEmpty(t *testing.T, s impac.Service) {
	for _, endpoint := range []string{"sales/aged", "sales/summary", "invoices/list", "hr/workforce_summary", "hr/employees_list"} {
		params := map[string]any{"organization_ids": []any{"org-empty"}}
		data, err := s.Show(As(t.Context(), "carol"), endpoint, params)
		require.NoError(t, err)
		require.Equal(t, map[string]any{}, data.Content, endpoint)
		require.NotEmpty(t, data.Name)

		params["demo_data"] = "true"
		data, err = s.Show(As(t.Context(), "carol"), endpoint, params)
		require.NoError(t, err)
		require.NotEmpty(t, data.Content, endpoint)
		_, err = s.Show(As(t.Context(), "eve"), endpoint, params)
		require.ErrorIs(t, err, authz.ErrDenied, "samples are no way around being judged")
	}
	// Records there are, but not in the window: zeros, not nothing.
	data, err := s.Show(As(t.Context(), "alice"), "sales/aged", map[string]any{
		"organization_ids": []any{"org-a"}, "hist_parameters": map[string]any{"from": "2020-01-01", "to": "2020-01-31", "period": "RANGE"},
	})
	require.NoError(t, err)
	require.Equal(t, ns("0"), data.Content["aged_sales"].(map[string]any)["net_value_sold"])
}

func serviceJudged(t *testing.T, s impac.Service) {
	alice := As(t.Context(), "alice")
	d, err := s.CreateDashboard(alice, impac.Dashboard{Name: "Mine", OrganizationIDs: []string{"org-a"}})
	require.NoError(t, err)
	w, err := s.CreateWidget(alice, d.ID, impac.Widget{Endpoint: "sales/aged"})
	require.NoError(t, err)
	name := "x"
	for user, want := range map[string]error{"": authz.ErrUnauthenticated, "nobody": authz.ErrUnauthenticated, "outage": authz.ErrUnavailable, "eve": authz.ErrDenied} {
		ctx := t.Context()
		if user != "" {
			ctx = As(ctx, user)
		}
		mine := want
		if user == "eve" {
			mine = impac.ErrNotFound // it is not hers, so there is no such dashboard
		}
		require.ErrorIs(t, errOf(s.Show(ctx, "sales/aged", map[string]any{"organization_ids": []any{"org-a"}})), want, user)
		require.ErrorIs(t, errOf(s.Query(ctx, impac.Query{OrganizationIDs: []string{"org-a"}, Collection: "invoices", Measures: []impac.Measure{{Func: impac.Count}}})), want, user)
		require.ErrorIs(t, errOf(s.CreateDashboard(ctx, impac.Dashboard{Name: "x", OrganizationIDs: []string{"org-a"}})), want, user)
		require.ErrorIs(t, errOf(s.UpdateDashboard(ctx, d.ID, impac.DashboardPatch{Name: &name})), mine, user)
		require.ErrorIs(t, errOf(s.CreateWidget(ctx, d.ID, impac.Widget{Endpoint: "sales/aged"})), mine, user)
		require.ErrorIs(t, errOf(s.UpdateWidget(ctx, w.ID, impac.WidgetPatch{Name: &name})), mine, user)
		require.ErrorIs(t, s.DeleteWidget(ctx, w.ID), mine, user)
		require.ErrorIs(t, s.DeleteDashboard(ctx, d.ID), mine, user)
		if user != "eve" {
			require.ErrorIs(t, errOf(s.ListDashboards(ctx)), want, user)
		}
	}
	// One organization that may not be read is enough to be refused.
	bob := As(t.Context(), "bob")
	require.ErrorIs(t, errOf(s.Show(bob, "sales/aged", map[string]any{"organization_ids": []any{"org-b", "org-a"}})), authz.ErrDenied)
	require.ErrorIs(t, errOf(s.CreateDashboard(bob, impac.Dashboard{Name: "x", OrganizationIDs: []string{"org-b", "org-a"}})), authz.ErrDenied)
	own, err := s.CreateDashboard(bob, impac.Dashboard{Name: "x", OrganizationIDs: []string{"org-b"}})
	require.NoError(t, err)
	_, err = s.CreateWidget(bob, own.ID, impac.Widget{Endpoint: "sales/aged", Metadata: map[string]any{"organization_ids": []any{"org-a"}}})
	require.ErrorIs(t, err, authz.ErrDenied)
	got, err := s.ListDashboards(alice)
	require.NoError(t, err)
	require.Len(t, got, 1, "nothing was changed, and bob's is his")
	require.Equal(t, "Mine", got[0].Name)
}
