// Package impactest proves implementations of impac's interfaces: every Store and every Service must pass its suite.
package impactest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/impac"
)

func sampleDashboard(owner string) *impac.Dashboard {
	at := time.Date(2026, 3, 4, 5, 6, 7, 123456000, time.UTC)
	return &impac.Dashboard{
		Name: "Sales", OwnerID: owner, OrganizationIDs: []string{"org-a", "org-b"}, Currency: "EUR",
		Metadata: map[string]any{"kpis_order": []any{}, "n": json.Number("1.50")}, CreatedAt: at, UpdatedAt: at,
	}
}

// TestStore proves a store. open returns an empty one.
func TestStore(t *testing.T, open func(*testing.T) impac.Store) {
	t.Helper()
	t.Run("dashboards", func(t *testing.T) { storeDashboards(t, open(t)) })
	t.Run("widgets", func(t *testing.T) { storeWidgets(t, open(t)) })
	t.Run("values are kept as given", func(t *testing.T) { storeValues(t, open(t)) })
	t.Run("what crosses are copies", func(t *testing.T) { storeCopies(t, open(t)) })
	t.Run("a failed change stores nothing", func(t *testing.T) { storeFailedChange(t, open(t)) })
	t.Run("changes at the same time all count", func(t *testing.T) { storeConcurrent(t, open(t)) })
	t.Run("a cancelled context stops", func(t *testing.T) { storeCancelled(t, open(t)) })
}

func storeDashboards(t *testing.T, s impac.Store) {
	ctx := t.Context()
	require.NoError(t, s.Ready(ctx))
	none, err := s.ListDashboards(ctx, "usr-1")
	require.NoError(t, err)
	require.Empty(t, none)

	first, err := s.CreateDashboard(ctx, sampleDashboard("usr-1"))
	require.NoError(t, err)
	require.Positive(t, first.ID)
	want := sampleDashboard("usr-1")
	want.ID = first.ID
	require.Equal(t, want, first)
	second, err := s.CreateDashboard(ctx, sampleDashboard("usr-1"))
	require.NoError(t, err)
	require.Greater(t, second.ID, first.ID)
	_, err = s.CreateDashboard(ctx, sampleDashboard("usr-2"))
	require.NoError(t, err)

	got, err := s.GetDashboard(ctx, first.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
	all, err := s.ListDashboards(ctx, "usr-1")
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, []*impac.Dashboard{first, second}, all)

	later := want.UpdatedAt.Add(time.Hour)
	updated, err := s.UpdateDashboard(ctx, first.ID, func(d *impac.Dashboard) error {
		d.Name, d.Currency, d.Metadata, d.WidgetsOrder, d.UpdatedAt = "Costs", "USD", map[string]any{"a": "b"}, []int64{3, 1}, later
		d.OwnerID, d.OrganizationIDs, d.CreatedAt = "usr-9", nil, later // never change
		return nil
	})
	require.NoError(t, err)
	want.Name, want.Currency, want.Metadata, want.WidgetsOrder, want.UpdatedAt = "Costs", "USD", map[string]any{"a": "b"}, []int64{3, 1}, later
	require.Equal(t, want, updated)
	got, err = s.GetDashboard(ctx, first.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)

	// The newest goes; its id must not come back.
	require.NoError(t, s.DeleteDashboard(ctx, second.ID))
	third, err := s.CreateDashboard(ctx, sampleDashboard("usr-1"))
	require.NoError(t, err)
	require.Greater(t, third.ID, second.ID)
	for what, err := range map[string]error{
		"delete": s.DeleteDashboard(ctx, second.ID),
		"get":    errOf(s.GetDashboard(ctx, second.ID)),
		"update": errOf(s.UpdateDashboard(ctx, second.ID, func(*impac.Dashboard) error { return nil })),
		"add":    errOf(s.CreateWidget(ctx, &impac.Widget{DashboardID: second.ID, Name: "w", Endpoint: "sales/aged", Width: 6})),
	} {
		require.ErrorIs(t, err, impac.ErrNotFound, what)
	}
}

func storeWidgets(t *testing.T, s impac.Store) {
	ctx := t.Context()
	d, err := s.CreateDashboard(ctx, sampleDashboard("usr-1"))
	require.NoError(t, err)
	other, err := s.CreateDashboard(ctx, sampleDashboard("usr-1"))
	require.NoError(t, err)
	var made []*impac.Widget
	for i := range 3 {
		w, err := s.CreateWidget(ctx, &impac.Widget{DashboardID: d.ID, Name: fmt.Sprint("w", i), Endpoint: "sales/aged", Width: 3 * (i + 1), Metadata: map[string]any{"i": json.Number(fmt.Sprint(i))}})
		require.NoError(t, err)
		if i > 0 {
			require.Greater(t, w.ID, made[i-1].ID)
		}
		made = append(made, w)
	}
	require.Equal(t, &impac.Widget{ID: made[1].ID, DashboardID: d.ID, Name: "w1", Endpoint: "sales/aged", Width: 6, Metadata: map[string]any{"i": json.Number("1")}}, made[1])
	got, err := s.GetWidget(ctx, made[1].ID)
	require.NoError(t, err)
	require.Equal(t, made[1], got)

	up, err := s.UpdateWidget(ctx, made[1].ID, func(w *impac.Widget) error {
		w.Name, w.Width, w.Metadata = "renamed", 12, nil
		w.Endpoint, w.DashboardID = "hr/employees_list", other.ID // never change
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, &impac.Widget{ID: made[1].ID, DashboardID: d.ID, Name: "renamed", Endpoint: "sales/aged", Width: 12, Metadata: map[string]any{}}, up)
	made[1] = up

	full, err := s.GetDashboard(ctx, d.ID)
	require.NoError(t, err)
	require.Equal(t, made, full.Widgets)
	full, err = s.UpdateDashboard(ctx, d.ID, func(x *impac.Dashboard) error {
		require.Len(t, x.Widgets, 3)
		x.Name = "kept"
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, made, full.Widgets)
	list, err := s.ListDashboards(ctx, "usr-1")
	require.NoError(t, err)
	require.Equal(t, made, list[0].Widgets)
	require.Empty(t, list[1].Widgets)

	require.NoError(t, s.DeleteWidget(ctx, made[2].ID))
	require.ErrorIs(t, s.DeleteWidget(ctx, made[2].ID), impac.ErrNotFound)
	require.ErrorIs(t, errOf(s.GetWidget(ctx, made[2].ID)), impac.ErrNotFound)
	require.ErrorIs(t, errOf(s.UpdateWidget(ctx, made[2].ID, func(*impac.Widget) error { return nil })), impac.ErrNotFound)
	require.NoError(t, s.DeleteDashboard(ctx, d.ID))
	require.ErrorIs(t, errOf(s.GetWidget(ctx, made[0].ID)), impac.ErrNotFound, "widgets go with their dashboard")
}

func storeValues(t *testing.T, s impac.Store) {
	ctx := t.Context()
	const weird = "tab\t 'quote' \"double\" \\ % _ \u2028 日本 \U0001F600 é"
	metadata := map[string]any{
		weird: weird, "": "empty key", "nul": "a\x00b", "null": nil, "big": json.Number("12345678901234567890.10"), "int": json.Number("1"),
		"float": json.Number("1.0"), "exp": json.Number("1e2"), "deep": map[string]any{"list": []any{json.Number("1"), "x", true, nil, map[string]any{}}},
	}
	d := sampleDashboard(weird)
	d.Name, d.Metadata = weird, metadata
	made, err := s.CreateDashboard(ctx, d)
	require.NoError(t, err)
	list, err := s.ListDashboards(ctx, weird)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, metadata, list[0].Metadata)
	require.Equal(t, weird, list[0].Name)
	w, err := s.CreateWidget(ctx, &impac.Widget{DashboardID: made.ID, Name: weird, Endpoint: weird, Width: 3, Metadata: metadata})
	require.NoError(t, err)
	w, err = s.GetWidget(ctx, w.ID)
	require.NoError(t, err)
	require.Equal(t, metadata, w.Metadata)
	require.Equal(t, weird, w.Endpoint)

	local := sampleDashboard("usr-z")
	local.CreatedAt = time.Date(2026, 1, 1, 12, 0, 0, 999, time.FixedZone("", 3600))
	got, err := s.CreateDashboard(ctx, local)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 1, 1, 11, 0, 0, 0, time.UTC), got.CreatedAt)
	require.Error(t, errOf(s.CreateDashboard(ctx, &impac.Dashboard{Metadata: map[string]any{"f": func() {}}})), "metadata must be JSON")
}

func storeCopies(t *testing.T, s impac.Store) {
	ctx := t.Context()
	in := sampleDashboard("usr-1")
	made, err := s.CreateDashboard(ctx, in)
	require.NoError(t, err)
	in.Metadata["x"], in.OrganizationIDs[0] = "changed", "org-x"
	made.Metadata["y"], made.OrganizationIDs[1] = "changed", "org-y"
	got, err := s.GetDashboard(ctx, made.ID)
	require.NoError(t, err)
	require.Equal(t, sampleDashboard("").Metadata, got.Metadata)
	require.Equal(t, []string{"org-a", "org-b"}, got.OrganizationIDs)
	var kept *impac.Dashboard
	_, err = s.UpdateDashboard(ctx, made.ID, func(d *impac.Dashboard) error {
		kept = d
		d.Metadata["list"] = []any{"a"}
		return nil
	})
	require.NoError(t, err)
	kept.Metadata["list"].([]any)[0] = "changed"
	got, err = s.GetDashboard(ctx, made.ID)
	require.NoError(t, err)
	require.Equal(t, []any{"a"}, got.Metadata["list"])
}

func storeFailedChange(t *testing.T, s impac.Store) {
	ctx := t.Context()
	d, err := s.CreateDashboard(ctx, sampleDashboard("usr-1"))
	require.NoError(t, err)
	w, err := s.CreateWidget(ctx, &impac.Widget{DashboardID: d.ID, Name: "w", Endpoint: "sales/aged", Width: 3})
	require.NoError(t, err)
	no := errors.New("no")
	_, err = s.UpdateDashboard(ctx, d.ID, func(d *impac.Dashboard) error { d.Name = "x"; return no })
	require.Equal(t, no, err)
	_, err = s.UpdateWidget(ctx, w.ID, func(w *impac.Widget) error { w.Name = "x"; return no })
	require.Equal(t, no, err)
	got, err := s.GetDashboard(ctx, d.ID)
	require.NoError(t, err)
	require.Equal(t, "Sales", got.Name)
	require.Equal(t, "w", got.Widgets[0].Name)
}

func storeConcurrent(t *testing.T, s impac.Store) {
	ctx := t.Context()
	d, err := s.CreateDashboard(ctx, sampleDashboard("usr-1"))
	require.NoError(t, err)
	w, err := s.CreateWidget(ctx, &impac.Widget{DashboardID: d.ID, Name: "w", Endpoint: "sales/aged", Width: 3})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			_, err := s.UpdateWidget(ctx, w.ID, func(w *impac.Widget) error { w.Metadata[fmt.Sprint(i)] = true; return nil })
			assert.NoError(t, err)
			_, err = s.UpdateDashboard(ctx, d.ID, func(d *impac.Dashboard) error { d.Metadata[fmt.Sprint(i)] = true; return nil })
			assert.NoError(t, err)
			_, err = s.CreateWidget(ctx, &impac.Widget{DashboardID: d.ID, Name: "more", Endpoint: "sales/aged", Width: 3})
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	got, err := s.GetDashboard(ctx, d.ID)
	require.NoError(t, err)
	require.Len(t, got.Metadata, 16+len(sampleDashboard("").Metadata))
	require.Len(t, got.Widgets, 17)
	require.Len(t, got.Widgets[0].Metadata, 16)
}

func storeCancelled(t *testing.T, s impac.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.CreateDashboard(ctx, sampleDashboard("usr-1"))
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.ListDashboards(ctx, "usr-1")
	require.ErrorIs(t, err, context.Canceled)
	got, err := s.ListDashboards(t.Context(), "usr-1")
	require.NoError(t, err)
	require.Empty(t, got)
}

func errOf[T any](_ T, err error) error { return err }
