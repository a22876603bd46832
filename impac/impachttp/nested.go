package impachttp

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// Bounds of a nested query.
const (
	maxQueryBytes  = 64 << 10
	maxQueryParams = 2000
	maxQueryDepth  = 12
)

// parseNested reads a query in the way of Rack and jQuery: a[b]=1 is an object, a[]=1 and a[0][b]=1 are lists. All values are
// text. It takes brackets raw or encoded, and percent signs that encode nothing as themselves, because clients decode such queries before
// they send them. Where two parameters contradict each other (a=1&a[b]=2), the first one counts.
func parseNested(raw string) (map[string]any, error) {
	if len(raw) > maxQueryBytes {
		return nil, problem.Invalid(impac.ErrInvalid, "", "the query is longer than %d bytes", maxQueryBytes)
	}
	root := map[string]*node{}
	n := 0
	for pair := range strings.FieldsFuncSeq(raw, func(c rune) bool { return c == '&' }) {
		if n++; n > maxQueryParams {
			return nil, problem.Invalid(impac.ErrInvalid, "", "the query has more than %d parameters", maxQueryParams)
		}
		k, v, _ := strings.Cut(pair, "=")
		path := splitKey(unescape(k))
		if len(path) > maxQueryDepth {
			return nil, problem.Invalid(impac.ErrInvalid, path[0], "is nested more than %d deep", maxQueryDepth)
		}
		top := root[path[0]]
		if top == nil {
			top = &node{}
			root[path[0]] = top
		}
		top.set(path[1:], unescape(v))
	}
	out := make(map[string]any, len(root))
	for k, top := range root {
		out[k] = top.value()
	}
	return out, nil
}

// unescape decodes what is encoded and leaves the rest as it is.
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b.WriteByte(' ')
		case c == '%' && i+2 < len(s):
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// splitKey turns "a[b][]" into a, b and "". A key whose brackets don't pair is one name.
func splitKey(key string) []string {
	name, rest, found := strings.Cut(key, "[")
	if !found {
		return []string{key}
	}
	path := []string{name}
	for {
		step, after, closed := strings.Cut(rest, "]")
		if !closed || strings.Contains(step, "[") {
			return []string{key}
		}
		path = append(path, step)
		if after == "" {
			return path
		}
		if rest, closed = strings.CutPrefix(after, "["); !closed {
			return []string{key}
		}
	}
}

// node is a place in the tree: a text, an object or a list; nothing yet when none of them is set.
type node struct {
	text   *string
	fields map[string]*node
	items  []*node
}

func (n *node) set(path []string, value string) {
	if len(path) == 0 {
		if n.fields == nil && n.items == nil && n.text == nil {
			n.text = &value
		}
		return
	}
	isItem := path[0] == ""
	if n.text != nil || isItem && n.fields != nil || !isItem && n.items != nil {
		return // it contradicts what was there before
	}
	if isItem {
		// a[][x]=1&a[][y]=2 are one element until a member comes again.
		if len(path) > 1 && path[1] != "" && len(n.items) > 0 {
			last := n.items[len(n.items)-1]
			if last.fields != nil && last.fields[path[1]] == nil {
				last.set(path[1:], value)
				return
			}
		}
		item := &node{}
		n.items = append(n.items, item)
		item.set(path[1:], value)
		return
	}
	if n.fields == nil {
		n.fields = map[string]*node{}
	}
	f := n.fields[path[0]]
	if f == nil {
		f = &node{}
		n.fields[path[0]] = f
	}
	f.set(path[1:], value)
}

func (n *node) value() any {
	switch {
	case n.text != nil:
		return *n.text
	case n.items != nil:
		out := make([]any, len(n.items))
		for i, it := range n.items {
			out[i] = it.value()
		}
		return out
	}
	// An object with the keys 0, 1, 2… is a list.
	list := make([]any, len(n.fields))
	out := make(map[string]any, len(n.fields))
	isList := len(list) > 0
	for k, f := range n.fields {
		v := f.value()
		out[k] = v
		i, err := strconv.Atoi(k)
		if err != nil || i < 0 || i >= len(list) || strconv.Itoa(i) != k {
			isList = false
			continue
		}
		list[i] = v
	}
	if isList {
		return list
	}
	return out
}

// encodeNested is the query that parseNested reads v from, with every scalar as text. Empty objects, empty lists and nulls have no form.
func encodeNested(prefix string, v any) (string, error) {
	var pairs []string
	add := func(key, value string) { pairs = append(pairs, url.QueryEscape(key)+"="+url.QueryEscape(value)) }
	var walk func(prefix string, v any, depth int) error
	walk = func(prefix string, v any, depth int) error {
		if depth > maxQueryDepth {
			return problem.Invalid(impac.ErrInvalid, "metadata", "is nested more than %d deep", maxQueryDepth)
		}
		switch x := v.(type) {
		case nil:
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(x)) {
				if k == "" || strings.ContainsAny(k, "[]") {
					return problem.Invalid(impac.ErrInvalid, "metadata", "must not have the key %q", k)
				}
				if err := walk(prefix+"["+k+"]", x[k], depth+1); err != nil {
					return err
				}
			}
		case []any:
			simple := !slices.ContainsFunc(x, func(e any) bool { _, ok := scalar(e); return !ok })
			for i, e := range x {
				step := "[" + strconv.Itoa(i) + "]"
				if simple {
					step = "[]"
				}
				if err := walk(prefix+step, e, depth+1); err != nil {
					return err
				}
			}
		default:
			s, ok := scalar(v)
			if !ok {
				return normalized(v, func(n any) error { return walk(prefix, n, depth) })
			}
			add(prefix, s)
		}
		return nil
	}
	if err := walk(prefix, v, 1); err != nil {
		return "", err
	}
	return strings.Join(pairs, "&"), nil
}

func scalar(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case bool:
		return strconv.FormatBool(x), true
	case json.Number:
		return string(x), true
	case int:
		return strconv.Itoa(x), true
	case int64:
		return strconv.FormatInt(x, 10), true
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64), true
	}
	return "", false
}

// normalized hands Go values of other types on as JSON has them.
func normalized(v any, next func(any) error) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%w: metadata: %w", impac.ErrInvalid, err)
	}
	n, err := decodeAny(b)
	if err != nil {
		return err
	}
	return next(n)
}
