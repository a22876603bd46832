package impac

import (
	"encoding/json"
	"errors"
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
	maxWhereMemory = 100_000 // elements that it may make
	maxPlus        = 16
	maxWhereSteps  = 5_000_000 // evaluations of a predicate
	maxWhereText   = 128 << 20 // bytes of text that it may make
)

// unbounded are the builtins whose results grow beyond what goes in by more than the bounds can tell.
var unbounded = []string{"now", "repeat", "replace", "reduce"}

// where is a compiled condition. It is not safe for concurrent use.
type where struct {
	program *vm.Program
	vm      vm.VM
	// names are the top-level attributes that the expression can see: only those are converted for it.
	names []string
	// predicates and plus are how often they occur.
	predicates, plus int

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
	options := []expr.Option{expr.Env(map[string]any{}), expr.AllowUndefinedVariables(), expr.AsBool(), expr.MaxNodes(maxWhereNodes)}
	for _, name := range unbounded {
		options = append(options, expr.DisableBuiltin(name))
	}
	program, err := expr.Compile(src, options...)
	if err != nil {
		return nil, err
	}
	return &where{program: program, vm: vm.VM{MemoryBudget: maxWhereMemory}, names: v.names, predicates: v.predicates, plus: v.plus}, nil
}

type whereVisitor struct {
	names            []string
	predicates, plus int
	err              error
}

func (v *whereVisitor) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if !slices.Contains(v.names, n.Value) {
			v.names = append(v.names, n.Value)
		}
	case *ast.BuiltinNode:
		if slices.Contains(unbounded, n.Name) {
			v.err = fmt.Errorf("must not use %s", n.Name)
		}
	case *ast.PredicateNode:
		if v.predicates++; v.predicates > maxPredicates {
			v.err = fmt.Errorf("has more than %d predicates", maxPredicates)
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "..":
			v.err = fmt.Errorf("must not use the range operator")
		case "+":
			if v.plus++; v.plus > maxPlus {
				v.err = fmt.Errorf("has more than %d additions", maxPlus)
			}
		}
	}
}

// holds evaluates the condition. A row that it can't be evaluated for, such as one that lacks an attribute that it compares, is
// not kept. See [where.check].
func (w *where) holds(r *row) bool {
	env := make(map[string]any, len(w.names))
	var size extent
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
		env[name] = size.plain(v)
	}
	out, err := any(nil), error(nil)
	if w.fits(size) {
		out, err = w.vm.Run(w.program, env)
	} else {
		err = errLarge
	}
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

var errLarge = errors.New("the record is too large for it")

// fits reports whether an evaluation over values of such an extent stays within bounds. Each predicate may run over all elements, and for
// each make a text of the longest there is; each addition may double that.
func (w *where) fits(size extent) bool {
	steps := 1
	for range w.predicates {
		if steps *= max(size.elements, 1); steps > maxWhereSteps {
			return false
		}
	}
	return size.longest <= maxWhereText/min(steps, maxWhereMemory)>>w.plus
}

// extent is how much an expression gets to see.
type extent struct {
	elements int // of lists and objects
	longest  int // text, in bytes
}

// plain turns exact numbers into the kinds that expressions reckon with, and takes their measure.
func (e *extent) plain(v any) any {
	switch x := v.(type) {
	case string:
		e.longest = max(e.longest, len(x))
		return x
	case json.Number:
		if i, err := strconv.Atoi(string(x)); err == nil {
			return i
		}
		if f, err := x.Float64(); err == nil {
			return f
		}
		return string(x)
	case map[string]any:
		e.elements += len(x)
		out := make(map[string]any, len(x))
		for k, v := range x {
			out[k] = e.plain(v)
		}
		return out
	case Record:
		return e.plain(map[string]any(x))
	case []any:
		e.elements += len(x)
		out := make([]any, len(x))
		for i, v := range x {
			out[i] = e.plain(v)
		}
		return out
	}
	if d, ok := v.(interface{ InexactFloat64() float64 }); ok {
		return d.InexactFloat64()
	}
	return v
}
