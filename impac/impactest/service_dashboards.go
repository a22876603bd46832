package impactest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/impac"
)

func serviceDashboards(t *testing.T, s impac.Service) {
	ctx := As(t.Context(), "alice")
	none, err := s.ListDashboards(ctx)
	require.NoError(t, err)
	require.Empty(t, none)
	d, err := s.CreateDashboard(ctx, impac.Dashboard{
		ID: 99, OwnerID: "usr-x", Name: "Überblick", OrganizationIDs: []string{"org-a", "org-b"}, Currency: "eur", Metadata: map[string]any{"n": json.Number("1.50"), "keep": "me"},
	})
	require.NoError(t, err)
	require.Equal(t, "Überblick", d.Name)
	require.Equal(t, "usr-alice", d.OwnerID)
	require.Equal(t, "EUR", d.Currency)
	require.Equal(t, []string{"org-a", "org-b"}, d.OrganizationIDs)
	require.Equal(t, map[string]any{"n": json.Number("1.50"), "keep": "me"}, d.Metadata)
	require.True(t, d.CreatedAt.Equal(Now) && d.UpdatedAt.Equal(Now) && d.CreatedAt.Location() == time.UTC)
	var ids []int64
	for _, e := range []string{"sales/aged", "invoices/list", "hr/workforce_summary"} {
		w, err := s.CreateWidget(ctx, d.ID, impac.Widget{Endpoint: e})
		require.NoError(t, err)
		ids = append(ids, w.ID)
	}
	order := []int64{ids[2], 12345, ids[0], ids[2]}
	got, err := s.UpdateDashboard(ctx, d.ID, impac.DashboardPatch{WidgetsOrder: order})
	require.NoError(t, err)
	want := []int64{ids[2], ids[0], ids[1]}
	require.Equal(t, want, got.WidgetsOrder)
	require.Equal(t, want, widgetIDs(got))
	require.Equal(t, "Überblick", got.Name)

	name, currency := "Overview", "USD"
	got, err = s.UpdateDashboard(ctx, d.ID, impac.DashboardPatch{Name: &name, Currency: &currency})
	require.NoError(t, err)
	require.Equal(t, "me", got.Metadata["keep"], "metadata stays when there is none in the patch")
	got, err = s.UpdateDashboard(ctx, d.ID, impac.DashboardPatch{Metadata: map[string]any{"new": []any{"x"}, "n": nil}})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"keep": "me", "new": []any{"x"}}, got.Metadata)
	require.Equal(t, "Overview", got.Name)
	require.Equal(t, want, widgetIDs(got))

	list, err := s.ListDashboards(ctx)
	require.NoError(t, err)
	require.Equal(t, []*impac.Dashboard{got}, list)
	others, err := s.ListDashboards(As(t.Context(), "bob"))
	require.NoError(t, err)
	require.Empty(t, others)

	require.NoError(t, s.DeleteWidget(ctx, ids[2]))
	list, err = s.ListDashboards(ctx)
	require.NoError(t, err)
	require.Equal(t, []int64{ids[0], ids[1]}, widgetIDs(list[0]))
	require.NoError(t, s.DeleteDashboard(ctx, d.ID))
	require.ErrorIs(t, s.DeleteDashboard(ctx, d.ID), impac.ErrNotFound)
	require.ErrorIs(t, s.DeleteWidget(ctx, ids[0]), impac.ErrNotFound)
}

func widgetIDs(d *impac.Dashboard) []int64 {
	var out []int64
	for _, w := range d.Widgets {
		out = append(out, w.ID)
	}
	return out
}

func serviceWidgets(t *testing.T, s impac.Service) {
	ctx := As(t.Context(), "alice")
	d, err := s.CreateDashboard(ctx, impac.Dashboard{Name: "D", OrganizationIDs: []string{"org-a", "org-b"}})
	require.NoError(t, err)
	require.Equal(t, "USD", d.Currency)
	w, err := s.CreateWidget(ctx, d.ID, impac.Widget{Endpoint: "sales/aged"})
	require.NoError(t, err)
	require.Equal(t, &impac.Widget{
		ID: w.ID, DashboardID: d.ID, Name: "Sales summary by month", Endpoint: "sales/aged", Width: 6,
		Metadata: map[string]any{"organization_ids": []any{"org-a", "org-b"}},
	}, w)
	w, err = s.CreateWidget(ctx, d.ID, impac.Widget{
		Endpoint: "invoices/list", Name: "Best", Metadata: map[string]any{
			"template": "sales/top_customers", "organization_ids": []any{"org-a"}, "width": json.Number("12"), "currency": "EUR", "limit_entries": json.Number("5"),
			"hist_parameters": map[string]any{"from": "2026-01-01", "mode": "current"}, "filter_query": map[string]any{"condition": "OR"},
		},
	})
	require.NoError(t, err)
	require.Equal(t, 12, w.Width, "metadata.width is the width")

	patch := func(p impac.WidgetPatch) *impac.Widget {
		t.Helper()
		got, err := s.UpdateWidget(ctx, w.ID, p)
		require.NoError(t, err)
		return got
	}
	name, width := "Best customers", 3
	got := patch(impac.WidgetPatch{Name: &name})
	require.Equal(t, w.Metadata, got.Metadata, "a change of name keeps the metadata")
	got = patch(impac.WidgetPatch{Metadata: map[string]any{"hist_parameters": map[string]any{"mode": "history"}}})
	require.Equal(t, map[string]any{"from": "2026-01-01", "mode": "history"}, got.Metadata["hist_parameters"], "the mode alone merges")
	require.Equal(t, "EUR", got.Metadata["currency"])
	got = patch(impac.WidgetPatch{Metadata: map[string]any{"hist_parameters": map[string]any{"from": "2026-02-01", "to": "2026-03-01"}, "filter_query": map[string]any{"rules": []any{}}}})
	require.Equal(t, map[string]any{"from": "2026-02-01", "to": "2026-03-01"}, got.Metadata["hist_parameters"], "else it is replaced as a unit")
	require.Equal(t, map[string]any{"rules": []any{}}, got.Metadata["filter_query"])
	got = patch(impac.WidgetPatch{Metadata: map[string]any{"width": json.Number("6")}})
	require.Equal(t, 6, got.Width)
	got = patch(impac.WidgetPatch{Width: &width})
	require.Equal(t, 3, got.Width)
	got = patch(impac.WidgetPatch{Metadata: map[string]any{"filter_query": nil}})
	require.NotContains(t, got.Metadata, "filter_query")
	require.Equal(t, json.Number("5"), got.Metadata["limit_entries"])
	require.Equal(t, "Best customers", got.Name)
	require.Equal(t, w.Endpoint, got.Endpoint)
	list, err := s.ListDashboards(ctx)
	require.NoError(t, err)
	require.Equal(t, got, list[0].Widgets[1])
}

func serviceBadDashboards(t *testing.T, s impac.Service) {
	ctx := As(t.Context(), "alice")
	orgs := []string{"org-a"}
	for path, d := range map[string]impac.Dashboard{
		"organization_ids": {Name: "x"},
		"name":             {OrganizationIDs: orgs, Name: "  "},
		"currency":         {OrganizationIDs: orgs, Name: "x", Currency: "12"},
		"metadata":         {OrganizationIDs: orgs, Name: "x", Metadata: map[string]any{"x": strings.Repeat("x", 70_000)}},
	} {
		_, err := s.CreateDashboard(ctx, d)
		requireInvalid(t, err, path)
	}
	_, err := s.CreateDashboard(ctx, impac.Dashboard{OrganizationIDs: orgs, Name: strings.Repeat("é", 256)})
	requireInvalid(t, err, "name")
	d, err := s.CreateDashboard(ctx, impac.Dashboard{OrganizationIDs: orgs, Name: strings.Repeat("é", 255)})
	require.NoError(t, err)
	empty, wide := "", 13
	_, err = s.UpdateDashboard(ctx, d.ID, impac.DashboardPatch{Name: &empty})
	requireInvalid(t, err, "name")
	for path, w := range map[string]impac.Widget{
		"endpoint":                  {Endpoint: "sales/unknown"},
		"width":                     {Endpoint: "sales/aged", Width: 13},
		"metadata.organization_ids": {Endpoint: "sales/aged", Metadata: map[string]any{"organization_ids": []any{json.Number("1")}}},
	} {
		_, err := s.CreateWidget(ctx, d.ID, w)
		requireInvalid(t, err, path)
	}
	w, err := s.CreateWidget(ctx, d.ID, impac.Widget{Endpoint: "sales/aged"})
	require.NoError(t, err)
	_, err = s.UpdateWidget(ctx, w.ID, impac.WidgetPatch{Width: &wide})
	requireInvalid(t, err, "width")
	_, err = s.UpdateWidget(ctx, w.ID+100, impac.WidgetPatch{})
	require.ErrorIs(t, err, impac.ErrNotFound)
	_, err = s.UpdateDashboard(ctx, d.ID+100, impac.DashboardPatch{})
	require.ErrorIs(t, err, impac.ErrNotFound)
	_, err = s.CreateWidget(ctx, d.ID+100, impac.Widget{Endpoint: "sales/aged"})
	require.ErrorIs(t, err, impac.ErrNotFound)
}
