package impac

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// Bounds of a Where expression. They keep one evaluation short: an evaluation can't be interrupted.
const (
	maxWhere       = 4096
	maxWhereNodes  = 500
	maxPredicates  = 2
	maxWhereMemory = 100_000
)

// where is a compiled condition. It is not safe for concurrent use.
type where struct {
	program *vm.Program
	vm      vm.VM
	// names are the top-level attributes that the expression can see: only those are converted for it.
	names []string

	kept, failed int
	err          error
}

func compileWhere(src string) (*where, error) {
	if len(src) > maxWhere {
		return nil, fmt.Errorf("is longer than %d characters", maxWhere)
	}
	tree, err := parser.Parse(src)
	if err != nil {
		return nil, err
	}
	var v whereVisitor
	ast.Walk(&tree.Node, &v)
	if v.err != nil {
		return nil, v.err
	}
	program, err := expr.Compile(src, expr.Env(map[string]any{}), expr.AllowUndefinedVariables(), expr.AsBool(),
		expr.MaxNodes(maxWhereNodes), expr.DisableBuiltin("now"), expr.DisableBuiltin("repeat"))
	if err != nil {
		return nil, err
	}
	return &where{program: program, vm: vm.VM{MemoryBudget: maxWhereMemory}, names: v.names}, nil
}

type whereVisitor struct {
	names      []string
	predicates int
	err        error
}

func (v *whereVisitor) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if !slices.Contains(v.names, n.Value) {
			v.names = append(v.names, n.Value)
		}
	case *ast.PredicateNode:
		if v.predicates++; v.predicates > maxPredicates {
			v.err = fmt.Errorf("has more than %d predicates", maxPredicates)
		}
	case *ast.BinaryNode:
		if n.Operator == ".." {
			v.err = fmt.Errorf("must not use the range operator")
		}
	}
}

// holds evaluates the condition. A row that it can't be evaluated for, such as one that lacks an attribute that it compares, is
// not kept. See [where.check].
func (w *where) holds(r *row) bool {
	env := make(map[string]any, len(w.names))
	for _, name := range w.names {
		var v any
		switch {
		case r.element == nil:
			v = r.record[name]
		case name == "record":
			v = map[string]any(r.record)
		default:
			v = r.element[name]
		}
		env[name] = plain(v)
	}
	out, err := w.vm.Run(w.program, env)
	if err != nil {
		if w.failed++; w.err == nil {
			w.err = err
		}
		return false
	}
	w.kept++
	ok, isBool := out.(bool)
	return isBool && ok
}

// check returns what went wrong when the condition could be evaluated for no row at all: then it, not the data, is at fault.
func (w *where) check() error {
	if w.failed > 0 && w.kept == 0 {
		return w.err
	}
	return nil
}

// plain turns exact numbers into the kinds that expressions reckon with.
func plain(v any) any {
	switch x := v.(type) {
	case json.Number:
		if i, err := strconv.Atoi(string(x)); err == nil {
			return i
		}
		if f, err := x.Float64(); err == nil {
			return f
		}
		return string(x)
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, v := range x {
			out[k] = plain(v)
		}
		return out
	case Record:
		return plain(map[string]any(x))
	case []any:
		out := make([]any, len(x))
		for i, v := range x {
			out[i] = plain(v)
		}
		return out
	}
	if d, ok := v.(interface{ InexactFloat64() float64 }); ok {
		return d.InexactFloat64()
	}
	return v
}
