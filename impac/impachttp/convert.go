package impachttp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/shopspring/decimal"

	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/impacapi"
)

func fromAPIQuery(q impacapi.Query) impac.Query {
	out := impac.Query{
		OrganizationIDs: q.OrganizationIds, Collection: q.Collection, Filter: val(q.Filter), Each: val(q.Each), Where: val(q.Where),
		OrderBy: val(q.OrderBy), Limit: val(q.Limit), UTCOffset: val(q.UtcOffset),
	}
	for _, d := range q.GroupBy {
		out.GroupBy = append(out.GroupBy, impac.Dimension{Name: val(d.Name), Attribute: d.Attribute, Interval: impac.Interval(val(d.Interval))})
	}
	for _, m := range q.Measures {
		out.Measures = append(out.Measures, impac.Measure{Name: val(m.Name), Func: m.Func, Attribute: val(m.Attribute)})
	}
	return out
}

func toAPIQuery(q impac.Query) impacapi.Query {
	out := impacapi.Query{
		OrganizationIds: orNone(q.OrganizationIDs), Collection: q.Collection, Filter: some(q.Filter), Each: some(q.Each), Where: some(q.Where),
		OrderBy: some(q.OrderBy), Limit: some(q.Limit), UtcOffset: some(q.UTCOffset),
	}
	for _, d := range q.GroupBy {
		out.GroupBy = append(out.GroupBy, impacapi.Dimension{Name: some(d.Name), Attribute: d.Attribute, Interval: some(string(d.Interval))})
	}
	for _, m := range q.Measures {
		out.Measures = append(out.Measures, impacapi.Measure{Name: some(m.Name), Func: m.Func, Attribute: some(m.Attribute)})
	}
	return out
}

func toAPIFrame(f *impac.Frame) impacapi.Frame {
	out := impacapi.Frame{At: f.At, Records: f.Records, Rows: make([][]any, len(f.Rows))}
	out.Columns = make([]impacapi.Column, len(f.Columns))
	for i, c := range f.Columns {
		out.Columns[i] = impacapi.Column{Name: c.Name, Kind: c.Kind}
	}
	for i, row := range f.Rows {
		out.Rows[i] = make([]any, len(row))
		for j, v := range row {
			switch {
			case v.Null:
			case f.Columns[j].Kind == "number":
				out.Rows[i][j] = json.Number(v.Number.String())
			default:
				out.Rows[i][j] = v.Text
			}
		}
	}
	return out
}

func fromAPIFrame(f impacapi.Frame) (*impac.Frame, error) {
	out := &impac.Frame{At: f.At.UTC(), Records: f.Records, Rows: make([][]impac.Value, len(f.Rows))}
	for _, c := range f.Columns {
		out.Columns = append(out.Columns, impac.Column{Name: c.Name, Kind: c.Kind})
	}
	for i, row := range f.Rows {
		out.Rows[i] = make([]impac.Value, len(row))
		for j, cell := range row {
			switch x := cell.(type) {
			case nil:
				out.Rows[i][j].Null = true
			case string:
				out.Rows[i][j].Text = x
			case json.Number:
				d, err := decimal.NewFromString(string(x))
				if err != nil {
					return nil, fmt.Errorf("the answer holds the number %q: %w", x, err)
				}
				out.Rows[i][j].Number = d
			default:
				return nil, fmt.Errorf("the answer holds a %T in a table", cell)
			}
		}
	}
	return out, nil
}

// toAPIDashboard has the shape that frontends know, and beside it what a dashboard is made of.
func toAPIDashboard(d *impac.Dashboard, described map[string]Organization) impacapi.Dashboard {
	out := impacapi.Dashboard{
		ID: d.ID, Name: d.Name, FullName: d.Name, Currency: d.Currency, Metadata: maps.Clone(d.Metadata), OwnerID: d.OwnerID,
		OrganizationIds: orNone(d.OrganizationIDs), WidgetsOrder: orNone(d.WidgetsOrder), CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		DataSources: []impacapi.DataSource{}, Kpis: []any{}, WidgetsTemplates: []any{}, Widgets: make([]impacapi.Widget, len(d.Widgets)),
	}
	if out.Metadata == nil {
		out.Metadata = map[string]any{}
	}
	for _, uid := range d.OrganizationIDs {
		switch o, ok := described[uid]; {
		case ok:
			out.DataSources = append(out.DataSources, impacapi.DataSource{ID: o.Number, UID: o.UID, Label: o.Label})
		case described == nil:
			out.DataSources = append(out.DataSources, impacapi.DataSource{ID: uid, UID: uid, Label: uid})
		}
	}
	for i, w := range d.Widgets {
		out.Widgets[i] = toAPIWidget(w, d.OwnerID)
	}
	return out
}

func fromAPIDashboard(d impacapi.Dashboard) *impac.Dashboard {
	out := &impac.Dashboard{
		ID: d.ID, Name: d.Name, OwnerID: d.OwnerID, OrganizationIDs: d.OrganizationIds, Currency: d.Currency, Metadata: orEmpty(d.Metadata),
		WidgetsOrder: orNone(d.WidgetsOrder), CreatedAt: d.CreatedAt.UTC().Truncate(time.Microsecond), UpdatedAt: d.UpdatedAt.UTC().Truncate(time.Microsecond),
	}
	for _, w := range d.Widgets {
		out.Widgets = append(out.Widgets, fromAPIWidget(w))
	}
	return out
}

func toAPIWidget(w *impac.Widget, owner string) impacapi.Widget {
	return impacapi.Widget{
		ID: w.ID, DashboardID: w.DashboardID, Name: w.Name, Endpoint: w.Endpoint, Width: w.Width, Metadata: orEmpty(w.Metadata), Owner: owner,
		Layouts: []string{}, Kpis: []any{},
	}
}

func fromAPIWidget(w impacapi.Widget) *impac.Widget {
	return &impac.Widget{ID: w.ID, DashboardID: w.DashboardID, Name: w.Name, Endpoint: w.Endpoint, Width: w.Width, Metadata: orEmpty(w.Metadata)}
}

// fromRawMetadata reads metadata with its numbers as they are written. There may be none.
func fromRawMetadata(raw *impacapi.RawMetadata) (map[string]any, error) {
	if raw == nil {
		return nil, nil
	}
	v, err := decodeAny(*raw)
	if err != nil {
		return nil, err
	}
	switch m := v.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return m, nil
	}
	return nil, problem.Invalid(impac.ErrInvalid, "metadata", "must be an object")
}

func toRawMetadata(m map[string]any) (*impacapi.RawMetadata, error) {
	if m == nil {
		return nil, nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, problem.Invalid(impac.ErrInvalid, "metadata", "must be JSON")
	}
	return new(impacapi.RawMetadata(b)), nil
}

func decodeAny(b []byte) (any, error) {
	var v any
	return v, decode(b, &v)
}

// decode reads JSON with exact numbers.
func decode(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	return dec.Decode(into)
}

func orEmpty[M ~map[string]any](m M) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func orNone[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// some is nil for the zero value, val the zero value for nil.
func some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
