package impacsql

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/ent/impacdb"
	"github.com/ensemble-platform/ensemble/impac"
)

func fromDBDashboard(r *impacdb.Dashboard) (*impac.Dashboard, error) {
	md, err := decode(r.Metadata)
	if err != nil {
		return nil, fmt.Errorf("impacsql: dashboard %d: %w", r.ID, err)
	}
	d := &impac.Dashboard{
		ID: r.ID, Name: r.Name, OwnerID: r.OwnerID, OrganizationIDs: r.OrganizationIds, Currency: r.Currency, Metadata: md,
		WidgetsOrder: orNil(r.WidgetsOrder), CreatedAt: time.UnixMicro(r.CreatedAt).UTC(), UpdatedAt: time.UnixMicro(r.UpdatedAt).UTC(),
	}
	for _, w := range r.Edges.Widgets {
		c, err := fromDBWidget(w)
		if err != nil {
			return nil, err
		}
		d.Widgets = append(d.Widgets, c)
	}
	return d, nil
}

func fromDBWidget(r *impacdb.Widget) (*impac.Widget, error) {
	md, err := decode(r.Metadata)
	if err != nil {
		return nil, fmt.Errorf("impacsql: widget %d: %w", r.ID, err)
	}
	return &impac.Widget{ID: r.ID, DashboardID: r.DashboardID, Name: r.Name, Endpoint: r.Endpoint, Width: r.Width, Metadata: md}, nil
}

func encode(m map[string]any) (string, error) {
	if m == nil {
		return "{}", nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("impacsql: metadata: %w", err)
	}
	return string(b), nil
}

func decode(s string) (map[string]any, error) {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	m := map[string]any{}
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return m, nil
}

// orEmpty keeps JSON's null out of the database.
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func orNil[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}
