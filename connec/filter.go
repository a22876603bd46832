package connec

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Filter is a condition on a record, made by [ParseFilter]: a tree of [FilterAnd], [FilterOr], [FilterNot], [FilterConst] and
// [FilterCompare]. It is what a Store gets to see; each has the same answer for the same record.
//
// Logic is two-valued: a comparison with something that is not there is false, and FilterNot of it is true. SQL's NULL must not
// leak through.
type Filter interface {
	// Match tells whether r meets the condition.
	Match(r *Resource) bool
	// String gives the condition in the filter language.
	String() string
	filter()
}

// FilterAnd holds when all parts do. An empty one holds.
type FilterAnd []Filter

// FilterOr holds when one part does. An empty one does not hold.
type FilterOr []Filter

// FilterNot holds when its part does not.
type FilterNot struct{ Filter Filter }

// FilterConst always or never holds.
type FilterConst bool

// FilterOp is what a comparison asks.
type FilterOp string

// Filter operators. There is no "ne": it is FilterNot of FilterIn; nor "eq": it is FilterIn with one value.
const (
	FilterIn  FilterOp = "in" // equals one of Values
	FilterGt  FilterOp = "gt"
	FilterGte FilterOp = "gte"
	FilterLt  FilterOp = "lt"
	FilterLte FilterOp = "lte"
	// FilterMatch asks whether a string matches Pattern.
	FilterMatch FilterOp = "match"
	// FilterExists asks whether there is a value at Path, of any type: also an object or a list (with Each, a list with an element).
	FilterExists FilterOp = "exists"
)

// FilterKind says as what values are compared. A value of another JSON type than the kind's is as good as absent.
type FilterKind string

// Filter kinds.
const (
	// KindText compares JSON strings by their UTF-8 bytes (COLLATE "C" in PostgreSQL, BINARY in SQLite). Values are strings.
	KindText FilterKind = "text"
	// KindNumber compares JSON numbers as IEEE 754 doubles. Values are float64s. (Stored numbers always fit a double.)
	KindNumber FilterKind = "number"
	// KindBool compares JSON booleans, false before true. Values are bools.
	KindBool FilterKind = "bool"
	// KindTime compares instants. Values are time.Times, UTC with microseconds. In attributes instants are JSON strings in the one form
	// "2006-01-02T15:04:05.999999Z" with trailing zeros of the fraction cut off, and a Z. Without the Z they
	// sort bytewise as the instants do: compare rtrim(value, 'Z') with [TimeKey].
	KindTime FilterKind = "time"
)

// Step is one step of a Path.
type Step struct {
	// Name is the member of an object to go to. It may be any text; never paste it into SQL.
	Name string
	// Each goes on to every element of the list that must be there. Without Each a list has no members and equals nothing.
	Each bool
}

// Path leads from a record's attributes to values: to none, one or, where a step says Each, several. The paths "id", "created_at"
// and "updated_at" (one step, no Each) lead to the record's own ID, CreatedAt and UpdatedAt instead.
type Path []Step

// FilterCompare is a comparison. It holds when it does for at least one of the values at Path, so "lines.item_id eq 'x'" holds when any
// line has that item, and "lines.item_id ne 'x'" when none has.
type FilterCompare struct {
	Path Path
	Op   FilterOp
	// Kind is empty for FilterMatch and FilterExists.
	Kind FilterKind
	// Values has one element, or any number for FilterIn. Their Go type goes by Kind.
	Values []any
	// Pattern is for FilterMatch.
	Pattern Pattern
}

// OrderKey sorts records by the value at Path, which has no step with Each. Records without a value of that kind come last in
// both directions.
type OrderKey struct {
	Path Path
	Kind FilterKind
	Desc bool
}

func (FilterAnd) filter()     {}
func (FilterOr) filter()      {}
func (FilterNot) filter()     {}
func (FilterConst) filter()   {}
func (FilterCompare) filter() {}

// Match implements Filter.
func (f FilterAnd) Match(r *Resource) bool {
	return !slices.ContainsFunc(f, func(p Filter) bool { return !p.Match(r) })
}

// Match implements Filter.
func (f FilterOr) Match(r *Resource) bool {
	return slices.ContainsFunc(f, func(p Filter) bool { return p.Match(r) })
}

// Match implements Filter.
func (f FilterNot) Match(r *Resource) bool { return !f.Filter.Match(r) }

// Match implements Filter.
func (f FilterConst) Match(*Resource) bool { return bool(f) }

// Match implements Filter.
func (f FilterCompare) Match(r *Resource) bool {
	return f.Path.each(r, f.holds)
}

func (f FilterCompare) holds(v any) bool {
	switch f.Op {
	case FilterExists:
		return v != nil
	case FilterMatch:
		s, ok := v.(string)
		return ok && f.Pattern.Match(s)
	}
	for _, want := range f.Values {
		c, ok := compareValue(f.Kind, v, want)
		if !ok {
			continue
		}
		switch f.Op {
		case FilterIn:
			ok = c == 0
		case FilterGt:
			ok = c > 0
		case FilterGte:
			ok = c >= 0
		case FilterLt:
			ok = c < 0
		case FilterLte:
			ok = c <= 0
		default:
			ok = false
		}
		if ok {
			return true
		}
	}
	return false
}

// each calls fn with the values at the path until it returns true, and reports whether it did.
func (p Path) each(r *Resource, fn func(any) bool) bool {
	if len(p) == 1 && !p[0].Each {
		switch p[0].Name {
		case "id":
			return fn(r.ID)
		case "created_at":
			return fn(r.CreatedAt)
		case "updated_at":
			return fn(r.UpdatedAt)
		}
	}
	return p.walk(r.Attributes, fn)
}

func (p Path) walk(v any, fn func(any) bool) bool {
	if len(p) == 0 {
		return v != nil && fn(v)
	}
	obj, ok := v.(map[string]any)
	if !ok {
		return false
	}
	v, ok = obj[p[0].Name]
	if !ok {
		return false
	}
	if !p[0].Each {
		return p[1:].walk(v, fn)
	}
	list, _ := v.([]any)
	return slices.ContainsFunc(list, func(e any) bool { return p[1:].walk(e, fn) })
}

// value is the one value at a path without Each, or nil.
func (p Path) value(r *Resource) (found any) {
	p.each(r, func(v any) bool { found = v; return true })
	return found
}

// String joins the names with dots.
func (p Path) String() string {
	names := make([]string, len(p))
	for i, s := range p {
		names[i] = s.Name
	}
	return strings.Join(names, ".")
}

// TimeKey is the text that sorts bytewise as instants do: an attribute's text without its final Z. See [KindTime].
func TimeKey(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999") }

// compareValue compares a stored value with a wanted one, both as kind; ok is false when the stored value is of another type.
func compareValue(kind FilterKind, have, want any) (c int, ok bool) {
	switch kind {
	case KindText:
		h, ok1 := have.(string)
		w, ok2 := want.(string)
		return strings.Compare(h, w), ok1 && ok2
	case KindNumber:
		h, ok1 := toFloat(have)
		w, ok2 := toFloat(want)
		return cmp.Compare(h, w), ok1 && ok2
	case KindBool:
		h, ok1 := have.(bool)
		w, ok2 := want.(bool)
		return cmp.Compare(b2i(h), b2i(w)), ok1 && ok2
	case KindTime:
		h, ok1 := timeKey(have)
		w, ok2 := timeKey(want)
		return strings.Compare(h, w), ok1 && ok2
	}
	return 0, false
}

func toFloat(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case json.Number:
		f, err := strconv.ParseFloat(string(n), 64)
		return f, err == nil
	}
	return 0, false
}

func timeKey(v any) (string, bool) {
	switch t := v.(type) {
	case time.Time:
		return TimeKey(t), true
	case string:
		return strings.TrimSuffix(t, "Z"), true
	}
	return "", false
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Less orders records by keys, then creation, then id, as Store.List does. Where the last key is descending, so are creation and id: then one
// index, read backwards, gives the whole order.
func Less(keys []OrderKey) func(a, b *Resource) int {
	newestFirst := len(keys) > 0 && keys[len(keys)-1].Desc
	return func(a, b *Resource) int {
		for _, k := range keys {
			if c := k.compare(a, b); c != 0 {
				return c
			}
		}
		if newestFirst {
			a, b = b, a
		}
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	}
}

func (k OrderKey) compare(a, b *Resource) int {
	va, vb := k.Path.value(a), k.Path.value(b)
	_, hasA := compareValue(k.Kind, va, zero(k.Kind))
	_, hasB := compareValue(k.Kind, vb, zero(k.Kind))
	switch {
	case !hasA || !hasB:
		return b2i(hasB) - b2i(hasA)
	case k.Desc:
		va, vb = vb, va
	}
	c, _ := compareValue(k.Kind, va, vb)
	return c
}

func zero(kind FilterKind) any {
	switch kind {
	case KindNumber:
		return 0.0
	case KindBool:
		return false
	case KindTime:
		return time.Time{}
	default:
		return ""
	}
}
