package hubhttp

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

// v2Query is what a request asks for beside its path.
type v2Query struct {
	number, size int
	sort         []v2Sort
	include      v2Tree
	fields       map[string][]string
	filters      []v2Filter
	raw          url.Values
}

type v2Sort struct {
	attribute  string
	descending bool
}

// v2Tree are relations to include, with those of what they lead to.
type v2Tree map[string]v2Tree

// v2Filter is one condition. Its values are alternatives.
type v2Filter struct {
	name, operator string
	values         []string
}

const (
	v2PageSize    = 30
	v2MaxPageSize = 1000
)

var v2Operators = []string{"in", "not", "like", "gt", "lt", "ne", "none"}

// parseV2 reads the query. Parameters that it doesn't know, such as _locale, have no effect.
func parseV2(r *http.Request) (*v2Query, error) {
	values := r.URL.Query()
	q := &v2Query{number: 1, size: v2PageSize, include: v2Tree{}, fields: map[string][]string{}, raw: values}
	for _, key := range slices.Sorted(maps.Keys(values)) { // the same request means the same each time
		vs := values[key]
		name, inner, bracketed := strings.Cut(strings.TrimSuffix(key, "[]"), "[")
		inner, closed := strings.CutSuffix(inner, "]")
		if bracketed && !closed {
			return nil, v2Bad(key, "has an unbalanced bracket")
		}
		last := vs[len(vs)-1]
		var err error
		switch name {
		case "page":
			switch inner {
			case "number":
				q.number, err = v2Number(key, last, 1<<30)
			case "size":
				q.size, err = v2Number(key, last, v2MaxPageSize)
			}
		case "first":
			q.number, q.size = 1, 1
		case "sort":
			for s := range strings.SplitSeq(last, ",") {
				attribute, descending := strings.CutPrefix(strings.TrimSpace(s), "-")
				if attribute != "" {
					q.sort = append(q.sort, v2Sort{attribute, descending})
				}
			}
		case "include":
			for path := range strings.SplitSeq(last, ",") {
				at, depth := q.include, 0
				for rel := range strings.SplitSeq(strings.TrimSpace(path), ".") {
					if rel == "" {
						continue
					}
					if depth++; depth > 4 {
						return nil, v2Bad("include", "is nested too deep")
					}
					if at[rel] == nil {
						at[rel] = v2Tree{}
					}
					at = at[rel]
				}
			}
		case "fields":
			for f := range strings.SplitSeq(strings.Join(vs, ","), ",") {
				q.fields[inner] = append(q.fields[inner], strings.TrimSpace(f))
			}
		case "filter":
			f := v2Filter{name: inner, values: vs}
			if i := strings.LastIndexByte(inner, '.'); i > 0 && slices.Contains(v2Operators, inner[i+1:]) {
				f.name, f.operator = inner[:i], inner[i+1:]
			}
			if !strings.HasSuffix(key, "[]") && (f.operator == "in" || f.operator == "not" || slices.Contains(v2ListKeys, f.name)) {
				f.values = strings.Split(strings.Join(vs, ","), ",")
			}
			q.filters = append(q.filters, f)
		}
		if err != nil {
			return nil, err
		}
	}
	return q, nil
}

// v2ListKeys are attributes whose values hold no comma, so that one may separate several.
var v2ListKeys = []string{"id", "uid", "nid", "owner_id", "organization_id", "user_id", "app_id", "status"}

func v2Number(key, s string, limit int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > limit {
		return 0, v2Bad(key, fmt.Sprintf("must be a number between 1 and %d", limit))
	}
	return n, nil
}

func v2Bad(key, reason string) error {
	return &malformedError{fmt.Errorf("%s %s", key, reason)}
}

// take removes and returns the alternatives of a condition by equality, so that what it names can be fetched instead of sought.
func (q *v2Query) take(names ...string) []string {
	for i, f := range q.filters {
		if slices.Contains(names, f.name) && (f.operator == "" || f.operator == "in") {
			q.filters = slices.Delete(q.filters, i, i+1)
			return f.values
		}
	}
	return nil
}

// peek is take without removing.
func (q *v2Query) peek(name string) []string {
	for _, f := range q.filters {
		if f.name == name && (f.operator == "" || f.operator == "in") {
			return f.values
		}
	}
	return nil
}

// keep applies the filters to one resource.
func (q *v2Query) keep(o *v2Object) (bool, error) {
	for _, f := range q.filters {
		v, ok := o.lookup(f.name)
		if !ok {
			return false, v2Bad("filter["+f.name+"]", "is not known")
		}
		if !f.matches(v) {
			return false, nil
		}
	}
	return true, nil
}

func (f v2Filter) matches(v any) bool {
	text := v2Text(v)
	equal := func(s string) bool { return v != nil && s == text }
	switch f.operator {
	case "", "in":
		return slices.ContainsFunc(f.values, equal)
	case "not", "ne":
		return !slices.ContainsFunc(f.values, equal)
	case "none":
		return slices.Contains(f.values, "true") == (v == nil)
	case "like":
		return v != nil && slices.ContainsFunc(f.values, func(pattern string) bool { return v2Like(strings.ToLower(pattern), strings.ToLower(text)) })
	default: // gt, lt
		return v != nil && slices.ContainsFunc(f.values, func(s string) bool {
			c, ok := v2Compare(v, s)
			return ok && (f.operator == "gt" && c > 0 || f.operator == "lt" && c < 0)
		})
	}
}

// v2Like matches text against a pattern whose % stands for anything.
func v2Like(pattern, text string) bool {
	parts := strings.Split(pattern, "%")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, p); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

func v2Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case time.Time:
		return v.Format(time.RFC3339Nano)
	default:
		return fmt.Sprint(v)
	}
}

func v2Compare(v any, s string) (int, bool) {
	switch v := v.(type) {
	case int64:
		n, err := strconv.ParseInt(s, 10, 64)
		return cmp.Compare(v, n), err == nil
	case int:
		n, err := strconv.Atoi(s)
		return cmp.Compare(v, n), err == nil
	case time.Time:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05 MST", time.DateOnly} {
			if t, err := time.Parse(layout, s); err == nil {
				return v.Compare(t), true
			}
		}
		return 0, false
	default:
		return strings.Compare(v2Text(v), s), true
	}
}

// order sorts as the request asks. Resources come in the order of creation.
func (q *v2Query) order(os []*v2Object) error {
	for _, s := range q.sort {
		if len(os) > 0 {
			if _, ok := os[0].lookup(s.attribute); !ok {
				return v2Bad("sort", "names "+s.attribute+", which is not known")
			}
		}
	}
	slices.SortStableFunc(os, func(a, b *v2Object) int {
		for _, s := range q.sort {
			x, _ := a.lookup(s.attribute)
			y, _ := b.lookup(s.attribute)
			c := v2Order(x, y)
			if s.descending {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return nil
}

func v2Order(x, y any) int {
	if x == nil || y == nil {
		switch {
		case x == nil && y == nil:
			return 0
		case x == nil:
			return -1
		}
		return 1
	}
	switch a := x.(type) {
	case int64:
		if b, ok := y.(int64); ok {
			return cmp.Compare(a, b)
		}
	case int:
		if b, ok := y.(int); ok {
			return cmp.Compare(a, b)
		}
	case time.Time:
		if b, ok := y.(time.Time); ok {
			return a.Compare(b)
		}
	}
	return strings.Compare(v2Text(x), v2Text(y))
}

// links are those of a page. There is no next on the last, or a client that follows it would never end.
func (q *v2Query) links(path string, total int) map[string]string {
	last := max(1, (total+q.size-1)/q.size)
	to := func(n int) string {
		v := url.Values{}
		for key, vs := range q.raw {
			if key != "first" {
				v[key] = vs
			}
		}
		v.Set("page[number]", strconv.Itoa(n))
		v.Set("page[size]", strconv.Itoa(q.size))
		return path + "?" + v.Encode()
	}
	links := map[string]string{"first": to(1), "last": to(last)}
	if q.number > 1 {
		links["prev"] = to(min(q.number-1, last))
	}
	if q.number < last {
		links["next"] = to(q.number + 1)
	}
	return links
}

// v2Invalid is a validation error about one attribute.
func v2Invalid(sentinel error, path, reason string) error {
	return problem.Invalid(sentinel, path, "%s", reason)
}
