package connec

import (
	"slices"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

// build turns a parsed comparison into a typed one.
func (p *filterParser) build(names []string, op string, vs []filterValue) (Filter, error) {
	if len(names) == 1 {
		if text, ok := p.scope.Constants[names[0]]; ok {
			f, err := buildCompare(p, Path{{Name: "id"}}, KindText, op, vs)
			if err != nil {
				return nil, err
			}
			return FilterConst(f.Match(&Resource{ID: text})), nil
		}
	}
	path, kind := p.scope.resolve(names)
	return buildCompare(p, path, kind, op, vs)
}

func (s FilterScope) resolve(names []string) (Path, FilterKind) {
	if len(names) == 1 {
		switch names[0] {
		case "_id", "id":
			return Path{{Name: "id"}}, KindText
		case "created_at", "updated_at":
			return Path{{Name: names[0]}}, KindTime
		}
	}
	if s.Attribute != nil {
		if path, kind := s.Attribute(names); path != nil {
			return path, kind
		}
	}
	path := make(Path, len(names))
	for i, n := range names {
		path[i].Name = n
	}
	return path, ""
}

func buildCompare(p *filterParser, path Path, kind FilterKind, op string, vs []filterValue) (Filter, error) {
	switch op {
	case "match":
		if vs[0].kind == valueNull {
			return nil, p.errorf(vs[0].at, "null cannot be matched")
		}
		return FilterCompare{Path: path, Op: FilterMatch, Pattern: Pattern(vs[0].text)}, nil
	case "ne":
		f, err := buildCompare(p, path, kind, "eq", vs)
		if n, ok := f.(FilterNot); ok {
			return n.Filter, err
		}
		return FilterNot{f}, err
	case "eq", "in":
		f, err := p.oneOf(path, kind, vs)
		if err != nil {
			return nil, err
		}
		return f, nil
	}
	v := vs[0]
	if v.kind == valueNull {
		return nil, p.errorf(v.at, "null has no order")
	}
	typed, err := p.typed(kind, v, op)
	if err != nil {
		return nil, err
	}
	var or FilterOr
	for _, t := range typed {
		or = append(or, FilterCompare{Path: path, Op: FilterOp(op), Kind: t.kind, Values: []any{t.value}})
	}
	return or.simple(), nil
}

// oneOf builds an equality with any of several values: one comparison for each kind that occurs, and absence for null.
func (p *filterParser) oneOf(path Path, kind FilterKind, vs []filterValue) (Filter, error) {
	var or FilterOr
	for _, v := range vs {
		if v.kind == valueNull {
			or = append(or, FilterNot{FilterCompare{Path: path, Op: FilterExists}})
			continue
		}
		typed, err := p.typed(kind, v, "eq")
		if err != nil {
			return nil, err
		}
		for _, t := range typed {
			i := slices.IndexFunc(or, func(f Filter) bool { c, ok := f.(FilterCompare); return ok && c.Kind == t.kind })
			if i < 0 {
				or = append(or, FilterCompare{Path: path, Op: FilterIn, Kind: t.kind, Values: []any{t.value}})
				continue
			}
			c := or[i].(FilterCompare)
			c.Values = append(c.Values, t.value)
			or[i] = c
		}
	}
	return or.simple(), nil
}

func (f FilterOr) simple() Filter {
	switch len(f) {
	case 0:
		return FilterConst(false)
	case 1:
		return f[0]
	default:
		return f
	}
}

type typedValue struct {
	kind  FilterKind
	value any
}

// typed gives the values that a literal stands for: one for a declared attribute, none if it can't be of its type, and for an
// undeclared attribute one for each type that it might have.
func (p *filterParser) typed(kind FilterKind, v filterValue, op string) ([]typedValue, error) {
	number, isNumber := parseNumber(strings.TrimSpace(v.text))
	lower := strings.ToLower(v.text)
	isBool := lower == "true" || lower == "false"
	switch kind {
	case KindText:
		return []typedValue{{KindText, v.text}}, nil
	case KindNumber:
		if isNumber {
			return []typedValue{{KindNumber, number}}, nil
		}
		return nil, nil
	case KindBool:
		if isBool || lower == "1" || lower == "0" {
			return []typedValue{{KindBool, lower == "true" || lower == "1"}}, nil
		}
		return nil, nil
	case KindTime:
		t, ok := parseTime(v.text)
		if !ok {
			return nil, p.errorf(v.at, "a date such as '2017-01-31T10:00:00Z' expected")
		}
		return []typedValue{{KindTime, t}}, nil
	}
	var out []typedValue
	if v.kind != valueNumber || op == "eq" {
		out = append(out, typedValue{KindText, v.text})
	}
	if isNumber {
		out = append(out, typedValue{KindNumber, number})
	}
	if isBool {
		out = append(out, typedValue{KindBool, lower == "true"})
	}
	return out, nil
}

// ParseOrder reads "attribute", "attribute asc", "attribute desc", or several of these between commas. Directions are accepted
// in any case. An undeclared attribute sorts its numbers before its texts.
func ParseOrder(expr string, scope FilterScope) ([]OrderKey, error) {
	invalid := func(format string, args ...any) error {
		return problem.Invalid(ErrInvalid, "$orderby", format, args...)
	}
	if len(expr) > 1024 || strings.ContainsRune(expr, 0) {
		return nil, invalid("is too long or not a text")
	}
	var keys []OrderKey
	for part := range strings.SplitSeq(expr, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		p := &filterParser{in: words[0], scope: scope}
		names, err := p.field()
		if err != nil || p.pos < len(p.in) {
			return nil, invalid("%q is not the name of an attribute", words[0])
		}
		desc := false
		switch {
		case len(words) == 1 || len(words) == 2 && strings.EqualFold(words[1], "asc"):
		case len(words) == 2 && strings.EqualFold(words[1], "desc"):
			desc = true
		default:
			return nil, invalid("%q is not a direction: asc or desc expected", strings.Join(words[1:], " "))
		}
		if _, ok := scope.Constants[words[0]]; ok {
			continue
		}
		path, kind := scope.resolve(names)
		if slices.ContainsFunc(path, func(s Step) bool { return s.Each }) {
			return nil, invalid("%s has several values, by which nothing can be sorted", words[0])
		}
		if kind == "" {
			keys = append(keys, OrderKey{path, KindNumber, desc}, OrderKey{path, KindText, desc})
			continue
		}
		keys = append(keys, OrderKey{path, kind, desc})
	}
	if len(keys) > 8 {
		return nil, invalid("names too many attributes")
	}
	return keys, nil
}

var timeLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04:05.999999999Z07",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02T15:04",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999 Z0700",
	"2006-01-02 15:04:05.999999999 Z07:00",
	"2006-01-02 15:04:05.999999999 MST",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02 15:04",
	"2006-01-02",
	"Mon Jan 02 2006 15:04:05 GMT-0700",
	"Mon Jan 02 2006",
	time.RFC1123, time.RFC1123Z, time.UnixDate, time.RubyDate, time.ANSIC,
}

// parseTime reads the ways in which clients write instants. Without an offset they mean UTC.
func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 80 {
		return time.Time{}, false
	}
	if i := strings.Index(s, " ("); i > 0 { // JavaScript's "… GMT+0100 (CET)"
		s = s[:i]
	}
	for _, layout := range timeLayouts {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if zone, offset := t.Zone(); offset == 0 && zone != "UTC" && zone != "GMT" && zone != "" {
			return time.Time{}, false // an abbreviation that time.Parse does not know
		}
		if t = t.UTC().Truncate(time.Microsecond); t.Year() < 1 || t.Year() > 9999 {
			return time.Time{}, false
		}
		return t, true
	}
	// The + of an offset that was not escaped in a URL arrives as a space.
	if i := strings.LastIndexByte(s, ' '); i >= len("2006-01-02T15:04:05") && len(s)-i == 6 && s[i+3] == ':' {
		return parseTime(s[:i] + "+" + s[i+1:])
	}
	return time.Time{}, false
}
