package connec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/id"
)

// write is one create or update that has been authorised and normalized.
type write struct {
	col       *collection
	decision  authz.Decision
	requestID string
	// now is asked within the transaction, so that times go with the order of commits.
	now func() time.Time

	create bool
	id     string // of an update
	ids    IDSet  // the caller's ids of the record
	patch  map[string]any
	opts   WriteOptions
	// silent writes are not delivered.
	silent bool
}

// written is what a write did.
type written struct {
	resource *Resource
	outcome  Outcome
	changed  bool
}

// plan is a write in the making within a transaction. It reads first and refuses what it must; only then does apply write, so a
// refused write leaves nothing behind.
type plan struct {
	*write
	model *model
	tx    Tx
	at    time.Time

	found map[ExternalKey][]IDMap
	known map[string]string // the collections of records that the patch refers to
	maps  []IDMap           // to be put

	crowded string // a list of nested records that has become too long
}

// maxChildren bounds a list of nested records, so that a record stays something that can be read and written at once.
const maxChildren = 10_000

// run executes the write in tx. It may be called again with another tx.
func (w *write) run(ctx context.Context, m *model, tx Tx) (*written, error) {
	p := &plan{write: w, model: m, tx: tx, at: w.now()}
	if err := p.lookUp(ctx); err != nil {
		return nil, err
	}
	patch, _ := p.references(w.col.attr, w.patch, nil).(map[string]any)
	current, err := p.target(ctx, patch)
	if err != nil {
		return nil, err
	}
	next := &Resource{ID: id.UUID(), Collection: w.col.Name, Organization: w.decision.Organization, CreatedAt: p.at}
	var before map[string]any
	if current != nil {
		next.ID, next.CreatedAt, next.Version, before = current.ID, current.CreatedAt, current.Version, current.Attributes
	}
	if err := p.attach(next.ID, current != nil); err != nil {
		return nil, err
	}
	next.Attributes = p.merge(w.col.attr, w.col.Name, next.ID, before, patch)
	if p.crowded != "" {
		_, list, _ := strings.Cut(p.crowded, "/")
		return nil, invalid(strings.ReplaceAll(list, "/", "."), "must not have more than %d elements", maxChildren)
	}
	applyDefaults(w.col.attr, next.Attributes)
	if err := w.col.validate(next.Attributes); err != nil {
		return nil, err
	}
	return p.apply(ctx, current, next)
}

// lookUp finds everything that the ids in the patch may mean, at once.
func (p *plan) lookUp(ctx context.Context) error {
	var keys []ExternalKey
	var ids []string
	seen := map[ExternalKey]bool{}
	add := func(scope string, e ExternalID) {
		if e.Provider == ProviderConnec {
			ids = append(ids, e.ID)
			return
		}
		if k := (ExternalKey{scope, e.Provider, e.Realm, e.ID}); !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	for _, e := range p.ids {
		if e.Provider != ProviderConnec {
			add(p.col.Name, e)
		}
	}
	walkIDs(p.col.attr, p.patch, nil, p.col.Name, func(a *attr, set IDSet, siblings map[string]any, scope string) {
		scopes := []string{scope}
		if a != nil {
			scopes = p.scopes(a, siblings)
		}
		for _, e := range set {
			if a == nil && e.Provider == ProviderConnec {
				continue // the id of a nested record: merge looks for it in the record
			}
			for _, s := range scopes {
				add(s, e)
			}
		}
	})
	p.found = map[ExternalKey][]IDMap{}
	if len(keys) > 0 {
		maps, err := p.tx.FindExternal(ctx, p.decision.Organization, keys)
		if err != nil {
			return err
		}
		for _, m := range maps {
			p.found[m.ExternalKey] = append(p.found[m.ExternalKey], m)
		}
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		var err error
		if p.known, err = p.tx.Collections(ctx, p.decision.Organization, slices.Compact(ids)); err != nil {
			return err
		}
	}
	return nil
}

// walkIDs calls fn with each IDSet in a normalized patch: with a for a reference, without for the id of a nested record, whose scope it gives.
func walkIDs(a *attr, v any, siblings map[string]any, scope string, fn func(a *attr, set IDSet, siblings map[string]any, scope string)) {
	switch x := v.(type) {
	case IDSet:
		if len(a.refs) == 0 {
			a = nil
		}
		fn(a, x, siblings, scope)
	case map[string]any:
		for name, e := range x {
			if set, ok := e.(IDSet); ok && name == "id" && len(a.prop(name).refs) == 0 {
				fn(nil, set, x, scope)
				continue
			}
			walkIDs(a.prop(name), e, x, scope+"/"+name, fn)
		}
	case []any:
		for _, e := range x {
			walkIDs(a.item(), e, siblings, scope, fn)
		}
	}
}

// scopes are the collections in which a reference may be.
func (p *plan) scopes(a *attr, siblings map[string]any) []string {
	if a.refType != "" {
		if class, ok := siblings[a.refType].(string); ok {
			if name, ok := p.model.class(class); ok {
				return []string{name}
			}
		}
	}
	return a.refs
}

// references returns a copy of the patch in which each reference is the plain id of a record of the organization. One that can't be resolved is
// left out, so the write doesn't touch it: apps send references to records that haven't arrived yet.
func (p *plan) references(a *attr, v any, siblings map[string]any) any {
	switch x := v.(type) {
	case IDSet:
		if len(a.refs) == 0 {
			return x
		}
		if s := p.resolve(a, x, siblings); s != "" {
			return s
		}
		return IDSet(nil)
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, e := range x {
			r := p.references(a.prop(name), e, x)
			if set, ok := r.(IDSet); ok && len(set) == 0 {
				continue
			}
			out[name] = r
		}
		return out
	case []any:
		out := make([]any, 0, len(x))
		for _, e := range x {
			r := p.references(a.item(), e, siblings)
			if set, ok := r.(IDSet); ok && len(set) == 0 {
				continue
			}
			out = append(out, r)
		}
		return out
	}
	return v
}

func (p *plan) resolve(a *attr, set IDSet, siblings map[string]any) string {
	scopes := p.scopes(a, siblings)
	for _, e := range set {
		if e.Provider != ProviderConnec {
			continue
		}
		nested := slices.ContainsFunc(scopes, func(s string) bool { return strings.Contains(s, "/") })
		if name, ok := p.known[e.ID]; ok && (slices.Contains(scopes, name) || slices.Contains(a.refs, name)) || !ok && nested && isUUID(e.ID) {
			return e.ID
		}
	}
	for _, e := range set {
		for _, s := range scopes {
			if maps := p.found[ExternalKey{s, e.Provider, e.Realm, e.ID}]; len(maps) > 0 {
				return maps[0].RecordID
			}
		}
	}
	return ""
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// target finds the record to update. It returns nil when one is to be created.
func (p *plan) target(ctx context.Context, patch map[string]any) (*Resource, error) {
	org, name := p.decision.Organization, p.col.Name
	switch {
	case p.col.Singleton:
		return optional(p.tx.First(ctx, org, name, nil))
	case !p.create:
		return p.tx.Get(ctx, org, name, p.id)
	}
	for _, e := range p.ids {
		if e.Provider != ProviderConnec {
			continue
		}
		r, err := optional(p.tx.Get(ctx, org, name, e.ID))
		if err == nil && r == nil {
			err = fmt.Errorf("%w: connec assigns ids itself, and has no record %q", ErrIDGiven, e.ID)
		}
		return r, err
	}
	for _, e := range p.ids {
		for _, m := range p.found[ExternalKey{name, e.Provider, e.Realm, e.ID}] {
			if r, err := optional(p.tx.Get(ctx, org, name, m.RecordID)); err != nil || r != nil {
				return r, err
			}
		}
	}
	for _, fields := range p.opts.MatchingFields {
		where := p.matching(fields, patch)
		if where == nil {
			continue
		}
		if r, err := optional(p.tx.First(ctx, org, name, where)); err != nil || r != nil {
			return r, err
		}
	}
	return nil, nil
}

func optional(r *Resource, err error) (*Resource, error) {
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return r, err
}

// matching makes the condition that a record has the same values as the patch. It is nil when a value is blank.
func (p *plan) matching(fields []string, patch map[string]any) Filter {
	var and FilterAnd
	for _, field := range fields {
		var v any = patch
		path := Path{}
		for name := range strings.FieldsFuncSeq(field, func(r rune) bool { return r == '.' || r == '/' }) {
			obj, _ := v.(map[string]any)
			v = obj[name]
			path = append(path, Step{Name: name})
		}
		eq := FilterCompare{Path: path, Op: FilterIn}
		switch x := v.(type) {
		case string:
			if strings.TrimSpace(x) == "" {
				return nil
			}
			eq.Kind, eq.Values = KindText, []any{x}
		case json.Number:
			f, _ := toFloat(x)
			eq.Kind, eq.Values = KindNumber, []any{f}
		case bool:
			eq.Kind, eq.Values = KindBool, []any{x}
		default:
			return nil
		}
		and = append(and, eq)
	}
	if len(and) == 0 {
		return nil
	}
	return and
}

// attach notes the record's external ids, and refuses those of other records.
func (p *plan) attach(recordID string, exists bool) error {
	for _, e := range p.ids {
		if e.Provider == ProviderConnec {
			continue
		}
		key := ExternalKey{p.col.Name, e.Provider, e.Realm, e.ID}
		for _, m := range p.found[key] {
			if m.RecordID != recordID && exists {
				return fmt.Errorf("%w: the id %q of %s (realm %q) belongs to another record of %s", ErrConflict, e.ID, e.Provider, e.Realm, p.col.Name)
			}
		}
		p.tie(key, "", recordID, e.GroupID)
	}
	return nil
}

// tie notes an id map unless it is there already.
func (p *plan) tie(key ExternalKey, parent, recordID, group string) {
	if group == "" {
		group = p.decision.Group
	}
	for _, m := range p.found[key] {
		if m.Parent == parent && m.RecordID == recordID && (m.GroupID == group || group == "") {
			return
		}
	}
	p.maps = append(p.maps, IDMap{Organization: p.decision.Organization, ExternalKey: key, Parent: parent, RecordID: recordID, GroupID: group})
}

// apply stores the record, its transaction and its deliveries, unless nothing changed.
func (p *plan) apply(ctx context.Context, current, next *Resource) (*written, error) {
	out := &written{resource: next, outcome: Created}
	action := ActionCreate
	var before map[string]any
	if current != nil {
		out.outcome, action, before = Matched, ActionUpdate, current.Attributes
	}
	if len(p.maps) > 0 {
		if err := p.tx.PutIDMaps(ctx, p.maps); err != nil {
			return nil, err
		}
	}
	if current != nil && equalJSON(before, next.Attributes) {
		out.resource = current
		return out, nil
	}
	if code, _ := next.Attributes["code"].(string); code == "" && p.col.CodePrefix != "" {
		n, err := p.tx.NextNumber(ctx, next.Organization, next.Collection)
		if err != nil {
			return nil, err
		}
		next.Attributes["code"] = fmt.Sprintf("%s%d", p.col.CodePrefix, n)
	}
	next.Version++
	next.UpdatedAt = p.at
	if current != nil && !next.UpdatedAt.After(current.UpdatedAt) {
		next.UpdatedAt = current.UpdatedAt.Add(time.Microsecond) // clocks go back; a record's times don't
	}
	store := p.tx.Insert
	if current != nil {
		store = p.tx.Update
	}
	if err := store(ctx, next); err != nil {
		return nil, err
	}
	t := &Transaction{
		ID: id.UUID(), Organization: next.Organization, Collection: next.Collection, ResourceID: next.ID, Version: next.Version, Action: action,
		ActorType: p.decision.Principal.Type, ActorID: p.decision.Principal.ID, ActorName: p.decision.Principal.Name, Group: p.decision.Group,
		RequestID: p.requestID, Before: before, After: next.Attributes, At: next.UpdatedAt,
	}
	if err := p.tx.AppendTransaction(ctx, t); err != nil {
		return nil, err
	}
	out.changed = true
	return out, p.deliver(ctx, next, t.Sequence)
}

// deliver queues the change for every other app of the organization that wants it.
func (p *plan) deliver(ctx context.Context, r *Resource, sequence int64) error {
	if p.silent {
		return nil
	}
	subscriptions, err := p.tx.Subscriptions(ctx, r.Organization)
	if err != nil {
		return err
	}
	var ds []*Delivery
	for _, s := range subscriptions {
		if s.ID == p.decision.Group || s.Collections != nil && !slices.Contains(s.Collections, r.Collection) {
			continue
		}
		ds = append(ds, &Delivery{
			ID: id.New("msg"), SubscriptionID: s.ID, Organization: r.Organization, Collection: r.Collection, ResourceID: r.ID, Sequence: sequence,
			State: Pending, NextAttemptAt: p.at, CreatedAt: p.at, UpdatedAt: p.at,
		})
	}
	if len(ds) == 0 {
		return nil
	}
	return p.tx.InsertDeliveries(ctx, ds)
}
