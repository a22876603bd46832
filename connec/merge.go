package connec

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/ensemble-platform/ensemble/internal/id"
)

// merge applies a patch to attributes and returns new ones. Absent members keep their values, nil ones are cleared, objects merge, lists of nested
// records merge by id, and everything else is replaced. parent is the id of the record, or nested record, that is being merged.
func (p *plan) merge(a *attr, scope, parent string, current, patch map[string]any) map[string]any {
	out := maps.Clone(current)
	if out == nil {
		out = make(map[string]any, len(patch))
	}
	for name, v := range patch {
		declared := a.prop(name)
		switch x := v.(type) {
		case nil:
			delete(out, name)
		case map[string]any:
			was, _ := out[name].(map[string]any)
			out[name] = p.merge(declared, scope+"/"+name, parent, was, x)
		case []any:
			if declared.children {
				was, _ := out[name].([]any)
				out[name] = p.mergeChildren(declared.item(), scope+"/"+name, parent, was, x)
				continue
			}
			out[name] = withoutNil(x)
		default:
			out[name] = v
		}
	}
	if a.amount {
		deriveAmount(out, patch, current)
	}
	return out
}

// withoutNil copies a value without the nils that clear attributes: there is nothing to clear in what is replaced as a whole.
func withoutNil(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, e := range x {
			if e != nil {
				out[name] = withoutNil(e)
			}
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = withoutNil(e)
		}
		return out
	}
	return v
}

// mergeChildren merges nested records: known ones in place, new ones behind them. An authoritative list leaves just what it names, in its order.
func (p *plan) mergeChildren(a *attr, scope, parent string, current, patch []any) []any {
	known := map[string]map[string]any{}
	var order []string
	for _, c := range current {
		if child, ok := c.(map[string]any); ok {
			childID, _ := child["id"].(string)
			known[childID] = child
			order = append(order, childID)
		}
	}
	local := map[ExternalKey]string{} // new children of this very list
	var named []string
	seen := map[string]bool{}
	for _, c := range patch {
		child := maps.Clone(c.(map[string]any)) // the normalizer saw to it
		set, _ := child["id"].(IDSet)
		delete(child, "id")
		childID := p.childID(scope, parent, set, known, local)
		if _, ok := known[childID]; !ok {
			childID = id.UUID()
			order = append(order, childID)
		}
		for _, e := range set {
			if e.Provider != ProviderConnec {
				key := ExternalKey{scope, e.Provider, e.Realm, e.ID}
				local[key] = childID
				p.tie(key, parent, childID, e.GroupID)
			}
		}
		merged := p.merge(a, scope, childID, known[childID], child)
		merged["id"] = childID
		known[childID] = merged
		if !seen[childID] {
			seen[childID] = true
			named = append(named, childID)
		}
	}
	if p.opts.Authoritative {
		order = named
	}
	if len(order) > maxChildren {
		p.crowded = scope
	}
	out := make([]any, len(order))
	for i, childID := range order {
		out[i] = known[childID]
	}
	return out
}

// childID finds the nested record that a set of ids means, or returns "".
func (p *plan) childID(scope, parent string, set IDSet, known map[string]map[string]any, local map[ExternalKey]string) string {
	for _, e := range set {
		if _, ok := known[e.ID]; ok && e.Provider == ProviderConnec {
			return e.ID
		}
	}
	for _, e := range set {
		key := ExternalKey{scope, e.Provider, e.Realm, e.ID}
		if childID, ok := local[key]; ok {
			return childID
		}
		for _, m := range p.found[key] {
			if _, ok := known[m.RecordID]; ok && m.Parent == parent {
				return m.RecordID
			}
		}
	}
	return ""
}

// applyDefaults fills in what the schema says about absent attributes.
func applyDefaults(a *attr, obj map[string]any) {
	for name, p := range a.props {
		v, ok := obj[name]
		switch x := v.(type) {
		case map[string]any:
			applyDefaults(p, x)
		case []any:
			for _, e := range x {
				if child, ok := e.(map[string]any); ok && p.items != nil {
					applyDefaults(p.items, child)
				}
			}
		}
		if !ok && p.def != nil {
			obj[name] = clone(p.def)
		}
	}
}

// deriveAmount completes an amount from total = net + tax and tax = net * rate / 100. What the patch gives stands; the rest follows from it, then
// from the rate, net, tax and total that the record had. A patch that says nothing new changes nothing.
func deriveAmount(out, patch, current map[string]any) {
	const net, tax, total, rate = "net_amount", "tax_amount", "total_amount", "tax_rate"
	have := map[string]decimal.Decimal{}
	take := func(from map[string]any, name string) {
		if n, ok := from[name].(json.Number); ok {
			if _, there := have[name]; !there {
				if d, err := decimal.NewFromString(string(n)); err == nil {
					have[name] = d
				}
			}
		}
	}
	news := false
	for _, name := range []string{net, tax, total, rate} {
		take(patch, name)
		if v, sent := patch[name]; sent && !equalJSON(v, current[name]) {
			news = true
		}
	}
	if len(have) == 0 {
		return
	}
	if !news {
		for _, name := range []string{net, tax, total, rate} {
			take(current, name)
		}
	}
	derive := func() {
		n, hasNet := have[net]
		x, hasTax := have[tax]
		t, hasTotal := have[total]
		r, hasRate := have[rate]
		switch {
		case hasNet && hasTax && !hasTotal:
			have[total] = n.Add(x)
		case hasTotal && hasTax && !hasNet:
			have[net] = t.Sub(x)
		case hasTotal && hasNet && !hasTax:
			have[tax] = t.Sub(n)
		case hasNet && hasRate && !hasTax && !hasTotal:
			have[tax] = n.Mul(r).Shift(-2)
			have[total] = n.Add(have[tax])
		case hasTotal && hasRate && !hasNet && !hasTax && !r.Equal(decimal.NewFromInt(-100)):
			have[net] = t.DivRound(decimal.NewFromInt(1).Add(r.Shift(-2)), max(2, -t.Exponent()))
			have[tax] = t.Sub(have[net])
		}
	}
	derive()
	for _, name := range []string{rate, net, tax, total} {
		take(out, name)
		derive()
	}
	for _, name := range []string{net, tax, total} {
		d, ok := have[name]
		if !ok {
			continue
		}
		if was, isNumber := out[name].(json.Number); !isNumber || !sameNumber(was, json.Number(d.String())) {
			out[name] = json.Number(d.String())
		}
	}
}

// equalJSON compares attributes; 10.50 equals 10.5.
func equalJSON(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for name, e := range x {
			f, ok := y[name]
			if !ok || !equalJSON(e, f) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, equalJSON)
	case json.Number:
		y, ok := b.(json.Number)
		return ok && sameNumber(x, y)
	}
	return a == b
}

func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, err1 := decimal.NewFromString(string(a))
	y, err2 := decimal.NewFromString(string(b))
	return err1 == nil && err2 == nil && x.Equal(y)
}

// clone copies JSON values.
func clone(v any) any {
	switch x := v.(type) {
	case map[string]any:
		return cloneMap(x)
	case []any:
		if x == nil {
			return x
		}
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = clone(e)
		}
		return out
	case IDSet:
		return slices.Clone(x)
	}
	return v
}

func cloneMap(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = clone(v)
	}
	return out
}
