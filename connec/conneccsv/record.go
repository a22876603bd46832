package conneccsv

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/ensemble-platform/ensemble/connec"
)

// template makes a value of a row. ok is false when the value is blank and is left out.
type template func(vars map[string]any) (v any, ok bool, err error)

// compileValue turns a value of the mapping into a template. path is for errors.
func (s *scope) compileValue(path string, v any) (template, error) {
	switch v := v.(type) {
	case string:
		src, isExpr := strings.CutPrefix(v, "=")
		if !isExpr {
			return constant(v), nil
		}
		p, err := s.compile(src)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return func(vars map[string]any) (any, bool, error) { return evaluate(p, path, vars) }, nil
	case map[string]any:
		if _, ok := v["each"]; ok {
			return s.compileEach(path, v)
		}
		return s.compileMap(path, v)
	case []any:
		parts := make([]template, len(v))
		for i, e := range v {
			var err error
			if parts[i], err = s.compileValue(fmt.Sprintf("%s.%d", path, i), e); err != nil {
				return nil, err
			}
		}
		return func(vars map[string]any) (any, bool, error) {
			out := []any{}
			for _, p := range parts {
				x, ok, err := p(vars)
				if err != nil {
					return nil, false, err
				}
				if ok {
					out = append(out, x)
				}
			}
			return out, len(out) > 0, nil
		}, nil
	case int:
		return constant(json.Number(fmt.Sprint(v))), nil
	case bool:
		return constant(v), nil
	case float64:
		return constant(json.Number(fmt.Sprint(v))), nil
	default:
		return nil, fmt.Errorf("%w: %s: a %T has no meaning here", ErrMapping, path, v)
	}
}

func constant(v any) template {
	return func(map[string]any) (any, bool, error) { return v, true, nil }
}

func (s *scope) compileMap(path string, m map[string]any) (template, error) {
	parts := make(map[string]template, len(m))
	keys := slices.Sorted(maps.Keys(m)) // so that the same mistake is found first each time
	for _, k := range keys {
		t, err := s.compileValue(path+"."+k, m[k])
		if err != nil {
			return nil, err
		}
		parts[k] = t
	}
	return func(vars map[string]any) (any, bool, error) {
		out := map[string]any{}
		for _, k := range keys {
			v, ok, err := parts[k](vars)
			if err != nil {
				return nil, false, err
			}
			if ok {
				out[k] = v
			}
		}
		return out, len(out) > 0, nil
	}, nil
}

// compileEach makes a list of the rows that an expression finds.
func (s *scope) compileEach(path string, m map[string]any) (template, error) {
	src, _ := m["each"].(string)
	as, _ := m["as"].(string)
	attrs, _ := m["attributes"].(map[string]any)
	for k := range m {
		if !slices.Contains([]string{"each", "as", "id", "attributes"}, k) {
			return nil, fmt.Errorf("%w: %s.%s: beside each there may be as, id and attributes", ErrMapping, path, k)
		}
	}
	src, isExpr := strings.CutPrefix(src, "=")
	if !isExpr || as == "" || attrs == nil {
		return nil, fmt.Errorf("%w: %s: each needs an expression (=many(…)), as and attributes", ErrMapping, path)
	}
	rows, err := s.compile(src)
	if err != nil {
		return nil, fmt.Errorf("%s.each: %w", path, err)
	}
	inner := s.with(as, s.columnsOf(src))
	if id, ok := m["id"]; ok {
		attrs = maps.Clone(attrs)
		text, _ := id.(string)
		if attrs["id"], ok = strings.CutPrefix(text, "="); !ok {
			return nil, fmt.Errorf("%w: %s.id: an expression is needed", ErrMapping, path)
		}
		attrs["id"] = "=ref(" + attrs["id"].(string) + ")"
	}
	one, err := inner.compileMap(path, attrs)
	if err != nil {
		return nil, err
	}
	return func(vars map[string]any) (any, bool, error) {
		v, _, err := evaluate(rows, path, vars)
		if err != nil {
			return nil, false, err
		}
		found, err := rowsOf(v)
		if err != nil {
			return nil, false, fmt.Errorf("%s.each: %w", path, err)
		}
		out := []any{}
		for _, row := range found {
			vs := maps.Clone(vars)
			vs[as] = row
			x, ok, err := one(vs)
			if err != nil {
				return nil, false, err
			}
			if ok {
				out = append(out, x)
			}
		}
		return out, len(out) > 0, nil
	}, nil
}

// rowsOf reads what an expression over a lookup gives: its rows, or those that filter() left.
func rowsOf(v any) ([]Row, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []Row:
		return v, nil
	case []any:
		out := make([]Row, len(v))
		for i, x := range v {
			row, ok := x.(Row)
			if !ok {
				return nil, fmt.Errorf("element %d is a %T, not a row of a lookup", i, x)
			}
			out[i] = row
		}
		return out, nil
	default:
		return nil, fmt.Errorf("the expression gives a %T, not the rows of a lookup", v)
	}
}

// columnsOf finds the columns of many("name", …), so that misspelt ones are found before anything is imported. It is nil where the
// expression names several lookups, since it can't be known which one's rows come out.
func (s *scope) columnsOf(src string) []string {
	var found []string
	for name, ix := range s.indexes {
		if strings.Contains(src, `"`+name+`"`) || strings.Contains(src, `'`+name+`'`) {
			if found != nil {
				return nil
			}
			found = ix.header
		}
	}
	return found
}

func evaluate(p *vm.Program, path string, vars map[string]any) (any, bool, error) {
	v, err := expr.Run(p, vars)
	if err != nil {
		// The rest of expr's message is a drawing over several lines.
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, false, fmt.Errorf("%s: %s", path, first)
	}
	switch x := v.(type) {
	case nil:
		return nil, false, nil
	case string:
		x = strings.TrimSpace(x)
		return x, x != "", nil
	case int:
		return json.Number(fmt.Sprint(x)), true, nil
	case float64:
		return json.Number(fmt.Sprint(x)), true, nil
	case connec.IDSet:
		return x, len(x) > 0, nil
	default:
		return v, true, nil
	}
}
