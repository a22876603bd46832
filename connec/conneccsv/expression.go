package conneccsv

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"
	"github.com/shopspring/decimal"

	"github.com/ensemble-platform/ensemble/connec"
)

// Functions are what an expression may call beside the language's own:
//
//	num(x)          a number, exact; nothing when x is blank
//	add sub mul     exact arithmetic, on two or more numbers or a list: mul(row.qty, row.price); nothing if one is blank
//	round(x, n)     x with n decimals, half away from zero
//	date(x)         an ISO 8601 UTC time, from 2026-01-31, 2026-01-31 13:00:00 or ISO 8601
//	days_after(x, n) the same, n days later
//	flag(x)         true or false, from true/t/yes/y/1 and their opposites
//	one(name, key)  the first row of a lookup with that key, or an empty row
//	many(name, key) all of them
//	ref(id)         a reference to the record that was imported with that id
const Functions = "num add sub mul round date days_after flag one many ref"

// scope is what expressions see: functions, the current row and the rows of enclosing lists.
type scope struct {
	m       *Mapping
	indexes map[string]*index
	columns map[string][]string // of each variable
}

func (s *scope) with(name string, columns []string) *scope {
	c := map[string][]string{}
	for k, v := range s.columns {
		c[k] = v
	}
	c[name] = columns
	return &scope{m: s.m, indexes: s.indexes, columns: c}
}

func (s *scope) compile(src string) (*vm.Program, error) {
	env := map[string]any{}
	for name := range s.columns {
		env[name] = Row{}
	}
	v := &columnCheck{columns: s.columns}
	opts := append(s.functions(), expr.Env(env), expr.MaxNodes(500))
	p, err := expr.Compile(src, opts...)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrMapping, src, err)
	}
	node := p.Node()
	ast.Walk(&node, v)
	if v.err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrMapping, src, v.err)
	}
	return p, nil
}

// columnCheck finds columns that a file doesn't have.
type columnCheck struct {
	columns map[string][]string
	err     error
}

func (c *columnCheck) Visit(node *ast.Node) {
	m, ok := (*node).(*ast.MemberNode)
	if !ok {
		return
	}
	id, ok := m.Node.(*ast.IdentifierNode)
	prop, ok2 := m.Property.(*ast.StringNode)
	if !ok || !ok2 {
		return
	}
	if cols, known := c.columns[id.Value]; known && cols != nil && !slices.Contains(cols, prop.Value) && c.err == nil {
		c.err = fmt.Errorf("%s has no column %q; it has %s", id.Value, prop.Value, strings.Join(cols, ", "))
	}
}

func (s *scope) functions() []expr.Option {
	arith := func(name string, f func(a, b decimal.Decimal) decimal.Decimal) expr.Option {
		return expr.Function(name, func(args ...any) (any, error) {
			if list, ok := args[0].([]any); ok && len(args) == 1 {
				args = list
			}
			var result decimal.Decimal
			for i, a := range args {
				d, ok, err := number(a)
				if err != nil || !ok {
					return nil, err
				}
				if i == 0 {
					result = d
				} else {
					result = f(result, d)
				}
			}
			return json.Number(result.String()), nil
		})
	}
	return []expr.Option{
		arith("add", decimal.Decimal.Add), arith("sub", decimal.Decimal.Sub), arith("mul", decimal.Decimal.Mul),
		expr.DisableBuiltin("round"),
		expr.Function("num", func(args ...any) (any, error) {
			d, ok, err := number(args[0])
			if err != nil || !ok {
				return nil, err
			}
			return json.Number(d.String()), nil
		}, new(func(any) any)),
		expr.Function("round", func(args ...any) (any, error) {
			d, ok, err := number(args[0])
			if err != nil || !ok {
				return nil, err
			}
			return json.Number(d.Round(int32(args[1].(int))).String()), nil
		}, new(func(any, int) any)),
		expr.DisableBuiltin("date"),
		expr.Function("date", func(args ...any) (any, error) { return date(args[0].(string)) }, new(func(string) any)),
		expr.Function("days_after", func(args ...any) (any, error) {
			t, ok, err := parseDate(args[0].(string))
			if err != nil || !ok {
				return nil, err
			}
			return t.AddDate(0, 0, args[1].(int)).Format(time.RFC3339Nano), nil
		}, new(func(string, int) any)),
		expr.Function("flag", func(args ...any) (any, error) { return flag(args[0].(string)) }, new(func(string) any)),
		expr.DisableBuiltin("one"),
		expr.Function("one", func(args ...any) (any, error) {
			rows, err := s.lookup(args[0].(string), args[1].(string))
			if err != nil || len(rows) == 0 {
				return Row{}, err
			}
			return rows[0], nil
		}, new(func(string, string) Row)),
		expr.Function("many", func(args ...any) (any, error) { return s.lookup(args[0].(string), args[1].(string)) }, new(func(string, string) []Row)),
		expr.Function("ref", func(args ...any) (any, error) { return s.ref(args[0].(string)), nil }, new(func(string) any)),
	}
}

func (s *scope) lookup(name, key string) ([]Row, error) {
	ix, ok := s.indexes[name]
	if !ok {
		return nil, fmt.Errorf("there is no lookup %q", name)
	}
	if key = strings.TrimSpace(key); key == "" {
		return []Row{}, nil
	}
	return ix.rows[key], nil
}

func (s *scope) ref(id string) any {
	if id = strings.TrimSpace(id); id == "" {
		return nil
	}
	return connec.IDSet{{ID: id, Provider: s.m.Provider, Realm: s.m.Realm}}
}

// number reads what may stand for one; ok is false when it is blank.
func number(v any) (d decimal.Decimal, ok bool, err error) {
	switch v := v.(type) {
	case nil:
		return d, false, nil
	case string:
		if v = strings.TrimSpace(v); v == "" {
			return d, false, nil
		}
		d, err = decimal.NewFromString(v)
	case json.Number:
		d, err = decimal.NewFromString(string(v))
	case int:
		d = decimal.NewFromInt(int64(v))
	case float64:
		d = decimal.NewFromFloat(v)
	default:
		err = fmt.Errorf("%v is not a number", v)
	}
	if err != nil {
		return d, false, fmt.Errorf("%q is not a number", v)
	}
	return d, true, nil
}

var layouts = []string{time.DateOnly, time.DateTime, time.RFC3339, "2006-01-02T15:04:05", "01/02/2006"}

func date(s string) (any, error) {
	t, ok, err := parseDate(s)
	if err != nil || !ok {
		return nil, err
	}
	return t.Format(time.RFC3339Nano), nil
}

// parseDate reads a time; ok is false when it is blank.
func parseDate(s string) (t time.Time, ok bool, err error) {
	if s = strings.TrimSpace(s); s == "" {
		return t, false, nil
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			return t.UTC(), true, nil
		}
	}
	return t, false, fmt.Errorf("%q is not a date", s)
}

func flag(s string) (any, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "":
		return nil, nil
	case "t", "true", "y", "yes", "1":
		return true, nil
	case "f", "false", "n", "no", "0":
		return false, nil
	default:
		return nil, fmt.Errorf("%q is neither true nor false", s)
	}
}
