package impac

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

// Bounds of a query's text.
const (
	maxDimensions = 8
	maxMeasures   = 32
	maxName       = 255
	maxFilter     = 16 << 10
	maxSteps      = 16
)

// Query computes an aggregate in one pass over the records of each organization, once each. It needs the right to read the
// collection in every one of them.
func (e *Engine) Query(ctx context.Context, q Query) (*Frame, error) {
	compiled, err := compile(q)
	if err != nil {
		return nil, err
	}
	if compiled.plan.organizations, err = e.requireRecords(ctx, q.OrganizationIDs, q.Collection); err != nil {
		return nil, err
	}
	at := e.now()
	got, err := e.aggregate(ctx, &compiled.plan)
	if err != nil {
		return nil, err
	}
	if w := compiled.where; w != nil {
		if err := w.check(); err != nil {
			return nil, invalid("where", "can't be evaluated for any record: %s", oneLine(err))
		}
	}
	f := &Frame{Columns: compiled.columns, Records: got.records, At: at, Rows: make([][]Value, 0, len(got.groups))}
	for _, g := range got.groups {
		cells := slices.Grow(g.key, len(g.accs))
		for i := range g.accs {
			cells = append(cells, g.accs[i].result(compiled.plan.measures[i].fn))
		}
		f.Rows = append(f.Rows, cells)
	}
	sortRows(f.Rows, compiled.order, compiled.descending, len(compiled.plan.dims))
	if q.Limit > 0 && len(f.Rows) > q.Limit {
		f.Rows = slices.Clip(f.Rows[:q.Limit])
	}
	return f, nil
}

// sortRows sorts by a column, -1 for none, and then by the dimensions, which come first.
func sortRows(rows [][]Value, column int, descending bool, dims int) {
	slices.SortFunc(rows, func(a, b []Value) int {
		if column >= 0 {
			if c := compareValues(a[column], b[column], descending); c != 0 {
				return c
			}
		}
		for i := range dims {
			if c := compareValues(a[i], b[i], false); c != 0 {
				return c
			}
		}
		return 0
	})
}

// compareValues orders cells of one column, nulls last in both directions.
func compareValues(a, b Value, descending bool) int {
	switch {
	case a.Null && b.Null:
		return 0
	case a.Null:
		return 1
	case b.Null:
		return -1
	}
	c := cmp.Or(strings.Compare(a.Text, b.Text), a.Number.Cmp(b.Number))
	if descending {
		return -c
	}
	return c
}

type compiledQuery struct {
	plan       plan
	where      *where
	columns    []Column
	order      int
	descending bool
}

var collectionName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// compile checks a query and turns its text into functions. All that is wrong with it is said at once.
func compile(q Query) (*compiledQuery, error) {
	c := &compiledQuery{order: -1}
	v := &problem.ValidationError{Sentinel: ErrInvalid}
	bad := func(path, format string, args ...any) {
		v.Fields = append(v.Fields, problem.Field{Path: path, Reason: fmt.Sprintf(format, args...)})
	}
	if err := checkOrganizations("organization_ids", q.OrganizationIDs); err != nil {
		if e, ok := errors.AsType[*problem.ValidationError](err); ok {
			v.Fields = append(v.Fields, e.Fields...)
		}
	}
	if !collectionName.MatchString(q.Collection) {
		bad("collection", "must be a collection's name, such as invoices")
	}
	c.plan.collection, c.plan.filter = q.Collection, q.Filter
	if len(q.Filter) > maxFilter {
		bad("filter", "is longer than %d characters", maxFilter)
	}
	if q.UTCOffset < -24*60 || q.UTCOffset > 24*60 {
		bad("utc_offset", "must be minutes, at most a day's")
	}
	if q.Each != "" {
		path, err := splitPath(q.Each)
		if err != nil {
			bad("each", "%s", err)
		}
		c.plan.each = path
	}
	if q.Where != "" {
		w, err := compileWhere(q.Where)
		if err != nil {
			bad("where", "%s", oneLine(err))
		} else {
			c.where, c.plan.keep = w, w.holds
		}
	}
	switch {
	case len(q.GroupBy) > maxDimensions:
		bad("group_by", "must not have more than %d dimensions", maxDimensions)
	case len(q.Measures) > maxMeasures:
		bad("measures", "must not have more than %d measures", maxMeasures)
	case len(q.GroupBy)+len(q.Measures) == 0:
		bad("measures", "must have a measure, or group_by a dimension")
	default:
		for i, d := range q.GroupBy {
			c.dimension(d, q, func(field, format string, args ...any) { bad(fmt.Sprintf("group_by.%d.%s", i, field), format, args...) })
		}
		for i, m := range q.Measures {
			c.measure(m, func(field, format string, args ...any) { bad(fmt.Sprintf("measures.%d.%s", i, field), format, args...) })
		}
	}
	if q.Limit < 0 {
		bad("limit", "must not be negative")
	}
	if q.OrderBy != "" {
		name, desc := strings.CutPrefix(q.OrderBy, "-")
		c.descending = desc
		c.order = slices.IndexFunc(c.columns, func(col Column) bool { return col.Name == name })
		if c.order < 0 {
			// The name of a column may itself begin with "-".
			c.order, c.descending = slices.IndexFunc(c.columns, func(col Column) bool { return col.Name == q.OrderBy }), false
		}
		if c.order < 0 {
			bad("order_by", "must be the name of a dimension or measure, with a - in front for descending")
		}
	}
	if len(v.Fields) > 0 {
		return nil, v
	}
	return c, nil
}

func (c *compiledQuery) dimension(d Dimension, q Query, bad func(field, format string, args ...any)) {
	path, err := splitPath(d.Attribute)
	if err != nil {
		bad("attribute", "%s", err)
		return
	}
	c.column(cmp.Or(d.Name, d.Attribute), "text", bad)
	switch d.Interval {
	case "":
		c.plan.dims = append(c.plan.dims, func(r *row) (string, bool) { return textOf(r.get(path)) })
	case Daily, Weekly, Monthly, Quarterly, Yearly:
		offset := time.Duration(q.UTCOffset) * time.Minute
		c.plan.dims = append(c.plan.dims, func(r *row) (string, bool) {
			day, ok := dayOf(r.get(path), offset)
			if !ok {
				return "", false
			}
			return periodStart(day, d.Interval).Format(time.DateOnly), true
		})
	default:
		bad("interval", "must be one of DAILY, WEEKLY, MONTHLY, QUARTERLY, YEARLY")
	}
}

func (c *compiledQuery) measure(m Measure, bad func(field, format string, args ...any)) {
	if !slices.Contains([]string{Count, Sum, Avg, Min, Max, Distinct}, m.Func) {
		bad("func", "must be one of count, sum, avg, min, max, distinct")
		return
	}
	var path []string
	if m.Attribute != "" || m.Func != Count {
		var err error
		if path, err = splitPath(m.Attribute); err != nil {
			bad("attribute", "%s", err)
			return
		}
	}
	compiled := measure{fn: m.Func}
	switch m.Func {
	case Count:
		compiled.of = func(r *row) (figure, bool) { return figure{}, path == nil || r.get(path) != nil }
	case Sum, Avg, Min, Max:
		compiled.of = func(r *row) (figure, bool) {
			d, ok := decimalOf(r.get(path))
			return figure{Number: d}, ok
		}
	default: // Distinct
		compiled.of = func(r *row) (figure, bool) {
			s, ok := textOf(r.get(path))
			return figure{Text: s}, ok
		}
	}
	name := m.Name
	if name == "" {
		if name = m.Func; m.Attribute != "" {
			name += "_" + m.Attribute
		}
	}
	c.column(name, "number", bad)
	c.plan.measures = append(c.plan.measures, compiled)
}

func (c *compiledQuery) column(name, kind string, bad func(field, format string, args ...any)) {
	if len(name) > maxName || !utf8.ValidString(name) {
		bad("name", "must be text of at most %d bytes", maxName)
	}
	if slices.ContainsFunc(c.columns, func(col Column) bool { return col.Name == name }) {
		bad("name", "is %q again; columns need different names", name)
	}
	c.columns = append(c.columns, Column{Name: name, Kind: kind})
}

func splitPath(s string) ([]string, error) {
	if s == "" {
		return nil, fmt.Errorf("must be the path of an attribute, such as amount.currency")
	}
	path := strings.Split(s, ".")
	if len(s) > maxName || len(path) > maxSteps || slices.Contains(path, "") {
		return nil, fmt.Errorf("is not the path of an attribute")
	}
	return path, nil
}

// oneLine cuts the picture of the source off an expression's error.
func oneLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return s
}
