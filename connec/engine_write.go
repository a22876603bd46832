package connec

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// batchChunk is how many writes of a batch share one transaction of the store.
const batchChunk = 100

func invalid(path, format string, args ...any) error {
	return problem.Invalid(ErrInvalid, path, format, args...)
}

// Create implements Service.
func (e *Engine) Create(ctx context.Context, group, collection string, attrs map[string]any, opts WriteOptions) (*Resource, Outcome, error) {
	w, err := e.prepare(ctx, Op{Group: group, Collection: collection, Attributes: attrs, WriteOptions: opts}, e.allow)
	if err != nil {
		return nil, 0, err
	}
	res, err := e.commit(ctx, w)
	if err != nil {
		return nil, 0, fmt.Errorf("create %s: %w", collection, err)
	}
	return res.resource, res.outcome, e.present(ctx, w.decision, opts.ReadOptions, res.resource)
}

// Update implements Service.
func (e *Engine) Update(ctx context.Context, group, collection, id string, attrs map[string]any, opts WriteOptions) (*Resource, error) {
	w, err := e.prepare(ctx, Op{Group: group, Collection: collection, ID: id, Attributes: attrs, WriteOptions: opts}, e.allow)
	if err != nil {
		return nil, err
	}
	w.create = false
	res, err := e.commit(ctx, w)
	if err != nil {
		return nil, fmt.Errorf("update %s/%s: %w", collection, id, err)
	}
	return res.resource, e.present(ctx, w.decision, opts.ReadOptions, res.resource)
}

// allower judges access to a collection.
type allower func(ctx context.Context, action authz.Action, group, name string) (authz.Decision, error)

// prepare does all of a write that needs no transaction: it judges it and brings its attributes into their form.
func (e *Engine) prepare(ctx context.Context, op Op, allow allower) (*write, error) {
	d, err := allow(ctx, authz.Write, op.Group, op.Collection)
	if err != nil {
		return nil, err
	}
	c, err := e.collection(op.Collection)
	if err != nil {
		return nil, err
	}
	w := &write{col: c, decision: d, requestID: httpx.RequestIDFrom(ctx), now: e.now, create: op.ID == "", id: op.ID, opts: op.WriteOptions}
	n := &normalizer{}
	if ids, keep := n.ids("id", op.ExternalIDs); keep {
		w.ids, _ = ids.(IDSet)
	}
	if given, there := op.Attributes["id"]; there {
		if _, plain := given.(string); plain && w.create && !c.Singleton && given != "" {
			return nil, fmt.Errorf("create %s: %w: connec assigns ids itself", op.Collection, ErrIDGiven)
		}
		if ids, keep := n.ids("id", given); keep {
			set, _ := ids.(IDSet)
			w.ids = clean(slices.Concat(w.ids, set))
		}
	}
	w.patch = n.object(c.attr, "", op.Attributes, 0)
	return w, n.err()
}

// commit runs one write and wakes the dispatcher.
func (e *Engine) commit(ctx context.Context, w *write) (*written, error) {
	var res *written
	err := e.store.Update(ctx, func(tx Tx) error {
		var err error
		res, err = w.run(ctx, e.model, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	e.wake(res)
	return res, nil
}

func (e *Engine) wake(results ...*written) {
	if e.dispatcher != nil && slices.ContainsFunc(results, func(r *written) bool { return r != nil && r.changed }) {
		e.dispatcher.Wake()
	}
}

// Batch implements Service. Writes that follow one another share a transaction of the store, so that a batch costs little more than
// a single write, but each stands for itself: a refusal comes before anything is written.
func (e *Engine) Batch(ctx context.Context, ops []Op) ([]OpResult, error) {
	if len(ops) > maxBatch {
		return nil, invalid("ops", "must not be more than %d", maxBatch)
	}
	results := make([]OpResult, len(ops))
	allow := e.remember()
	var writes []*write
	var at []int
	for i, op := range ops {
		if op.Attributes == nil {
			e.flush(ctx, ops, &writes, &at, results)
			results[i].Resource, results[i].Err = e.Get(ctx, op.Group, op.Collection, op.ID, op.ReadOptions)
			continue
		}
		w, err := e.prepare(ctx, op, allow)
		if err != nil {
			results[i].Err = err
			continue
		}
		writes, at = append(writes, w), append(at, i)
		if len(writes) == batchChunk {
			e.flush(ctx, ops, &writes, &at, results)
		}
	}
	e.flush(ctx, ops, &writes, &at, results)
	return results, ctx.Err()
}

// remember judges each (action, group, collection) of one call once.
func (e *Engine) remember() allower {
	type key struct {
		action      authz.Action
		group, name string
	}
	type answer struct {
		d   authz.Decision
		err error
	}
	answers := map[key]answer{}
	return func(ctx context.Context, action authz.Action, group, name string) (authz.Decision, error) {
		k := key{action, group, name}
		a, ok := answers[k]
		if !ok {
			a.d, a.err = e.allow(ctx, action, group, name)
			answers[k] = a
		}
		return a.d, a.err
	}
}

// flush runs the collected writes of a batch and fills in their results.
func (e *Engine) flush(ctx context.Context, ops []Op, writes *[]*write, at *[]int, results []OpResult) {
	ws, indexes := *writes, *at
	*writes, *at = nil, nil
	if len(ws) == 0 {
		return
	}
	done := make([]*written, len(ws))
	errs := make([]error, len(ws))
	err := e.store.Update(ctx, func(tx Tx) error {
		for i, w := range ws {
			done[i], errs[i] = w.run(ctx, e.model, tx)
			if errs[i] != nil && !refused(errs[i]) {
				return errs[i]
			}
		}
		return nil
	})
	if err != nil {
		// One write made the store fail, or the store is down: let each write find out for itself.
		for i, w := range ws {
			done[i], errs[i] = e.commit(ctx, w)
		}
	}
	e.wake(done...)
	type shape struct {
		organization, group string
		opts                ReadOptions
	}
	shapes := map[shape][]*Resource{}
	for i, w := range ws {
		r := &results[indexes[i]]
		op := ops[indexes[i]]
		if errs[i] != nil {
			r.Err = fmt.Errorf("write %s: %w", w.col.Name, errs[i])
			continue
		}
		r.Resource = done[i].resource
		if w.create {
			r.Outcome = done[i].outcome
		}
		s := shape{w.decision.Organization, w.decision.Group, op.ReadOptions}
		shapes[s] = append(shapes[s], r.Resource)
	}
	for s, rs := range shapes {
		if err := e.present(ctx, authz.Decision{Organization: s.organization, Group: s.group}, s.opts, rs...); err != nil {
			for i := range indexes {
				if r := &results[indexes[i]]; r.Resource != nil && slices.Contains(rs, r.Resource) {
					r.Err = err
				}
			}
		}
	}
}

// present brings stored records into the form that the caller asked for.
func (e *Engine) present(ctx context.Context, d authz.Decision, opts ReadOptions, rs ...*Resource) error {
	for _, r := range rs {
		r.Group = d.Group
	}
	if opts.CountryAlpha2 {
		for _, r := range rs {
			if c := e.model.types[r.Collection]; c != nil {
				r.Attributes, _ = alpha2(c.attr, r.Attributes).(map[string]any)
			}
		}
	}
	if opts.ExternalIDs {
		return expand(ctx, e.store, e.model, d.Organization, rs)
	}
	return nil
}

// expand turns the ids in records of one organization into IDSets, in place and with one question to the store.
func expand(ctx context.Context, store Store, m *model, organization string, rs []*Resource) error {
	ids := map[string]bool{}
	for _, r := range rs {
		ids[r.ID] = true
		if c := m.types[r.Collection]; c != nil {
			storedIDs(c.attr, r.Attributes, func(id string) IDSet { ids[id] = true; return nil })
		}
	}
	if len(ids) == 0 {
		return nil
	}
	sets, err := store.ExternalIDs(ctx, organization, slices.Sorted(maps.Keys(ids)))
	if err != nil {
		return fmt.Errorf("external ids: %w", err)
	}
	all := func(id string) IDSet {
		return append(IDSet{{ID: id, Provider: ProviderConnec, Realm: organization}}, sets[id]...)
	}
	for _, r := range rs {
		r.ExternalIDs = all(r.ID)
		if c := m.types[r.Collection]; c != nil {
			storedIDs(c.attr, r.Attributes, all)
		}
	}
	return nil
}

// storedIDs calls fn with every reference and every id of a nested record in stored attributes, and puts what it returns, unless nil, in its place.
func storedIDs(a *attr, v any, fn func(id string) IDSet) {
	switch x := v.(type) {
	case map[string]any:
		for name, e := range x {
			p := a.prop(name)
			if id, ok := e.(string); !ok {
				storedIDs(p, e, fn)
			} else if len(p.refs) > 0 {
				if set := fn(id); set != nil {
					x[name] = set
				}
			}
		}
	case []any:
		p := a.item()
		for i, e := range x {
			switch e := e.(type) {
			case string:
				if len(p.refs) > 0 {
					if set := fn(e); set != nil {
						x[i] = set
					}
				}
			case map[string]any:
				storedIDs(p, e, fn)
				if id, ok := e["id"].(string); ok && a.children {
					if set := fn(id); set != nil {
						e["id"] = set
					}
				}
			default:
				storedIDs(p, e, fn)
			}
		}
	}
}
