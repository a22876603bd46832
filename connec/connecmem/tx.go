package connecmem

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ensemble-platform/ensemble/connec"
)

// tx changes the Store, which is locked, in place and knows how to undo what it did.
type tx struct {
	s    *Store
	undo []func()
}

func (t *tx) rollback() {
	for _, undo := range slices.Backward(t.undo) {
		undo()
	}
}

func (t *tx) onRollback(undo func()) { t.undo = append(t.undo, undo) }

func (t *tx) Get(ctx context.Context, organization, collection, id string) (*connec.Resource, error) {
	return t.s.get(ctx, organization, collection, id)
}

func (t *tx) First(ctx context.Context, organization, collection string, where connec.Filter) (*connec.Resource, error) {
	for _, r := range t.s.collections[collectionKey{organization, collection}] {
		if where == nil || where.Match(r) {
			return r.Clone(), ctx.Err()
		}
	}
	return nil, cmp.Or(ctx.Err(), connec.ErrNotFound)
}

func (t *tx) Collections(ctx context.Context, organization string, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		if c, ok := t.s.collection[idKey{organization, id}]; ok {
			out[id] = c
		}
	}
	return out, ctx.Err()
}

func (t *tx) FindExternal(ctx context.Context, organization string, keys []connec.ExternalKey) ([]connec.IDMap, error) {
	var out []connec.IDMap
	for _, key := range keys {
		k := keyKey{organization, key}
		for parent := range t.s.byKey[k] {
			out = append(out, t.s.maps[mapKey{k, parent}])
		}
	}
	return out, ctx.Err()
}

func (t *tx) Insert(ctx context.Context, r *connec.Resource) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	key := recordKey{r.Organization, r.Collection, r.ID}
	if t.s.records[key] != nil {
		return fmt.Errorf("connecmem: insert %s/%s: it exists", r.Collection, r.ID)
	}
	c := r.Clone()
	c.ExternalIDs, c.Group = nil, ""
	ck, ik := collectionKey{r.Organization, r.Collection}, idKey{r.Organization, r.ID}
	all := t.s.collections[ck]
	at, _ := slices.BinarySearchFunc(all, c, connec.Less(nil))
	t.s.records[key], t.s.collection[ik] = c, r.Collection
	t.s.collections[ck] = slices.Insert(all, at, c)
	t.onRollback(func() {
		delete(t.s.records, key)
		delete(t.s.collection, ik)
		t.s.collections[ck] = slices.DeleteFunc(t.s.collections[ck], func(r *connec.Resource) bool { return r == c })
	})
	return nil
}

func (t *tx) Update(ctx context.Context, r *connec.Resource) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	have := t.s.records[recordKey{r.Organization, r.Collection, r.ID}]
	if have == nil {
		return connec.ErrNotFound
	}
	before := *have
	have.Version, have.Attributes, have.UpdatedAt = r.Version, r.Clone().Attributes, r.UpdatedAt
	t.onRollback(func() { *have = before })
	return nil
}

func (t *tx) PutIDMaps(ctx context.Context, ms []connec.IDMap) error {
	for _, m := range ms {
		k := mapKey{keyKey{m.Organization, m.ExternalKey}, m.Parent}
		before, existed := t.s.maps[k]
		t.s.unlink(k)
		t.s.link(k, m)
		t.onRollback(func() {
			t.s.unlink(k)
			if existed {
				t.s.link(k, before)
			}
		})
	}
	return ctx.Err()
}

func (s *Store) link(k mapKey, m connec.IDMap) {
	ik := idKey{m.Organization, m.RecordID}
	if s.byRecord[ik] == nil {
		s.byRecord[ik] = map[mapKey]bool{}
	}
	if s.byKey[k.keyKey] == nil {
		s.byKey[k.keyKey] = map[string]bool{}
	}
	s.maps[k], s.byRecord[ik][k], s.byKey[k.keyKey][k.parent] = m, true, true
}

func (s *Store) unlink(k mapKey) {
	m, ok := s.maps[k]
	if !ok {
		return
	}
	delete(s.maps, k)
	delete(s.byRecord[idKey{m.Organization, m.RecordID}], k)
	delete(s.byKey[k.keyKey], k.parent)
}

func (t *tx) AppendTransaction(ctx context.Context, tr *connec.Transaction) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.s.sequence++
	tr.Sequence = t.s.sequence
	c := tr.Clone()
	rk := recordKey{tr.Organization, tr.Collection, tr.ResourceID}
	log, history := t.s.log[tr.Organization], t.s.history[rk]
	t.s.log[tr.Organization], t.s.history[rk] = append(log, c), append(history, c)
	t.onRollback(func() { t.s.log[tr.Organization], t.s.history[rk] = log, history })
	return nil
}

func (t *tx) InsertDeliveries(ctx context.Context, ds []*connec.Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, d := range ds {
		if t.s.deliveries[d.ID] != nil {
			return errors.New("connecmem: insert delivery " + d.ID + ": it exists")
		}
		c := &delivery{Delivery: *d}
		queue := t.s.pending[d.SubscriptionID]
		t.s.deliveries[d.ID] = c
		t.s.pending[d.SubscriptionID] = insertSorted(queue, c)
		n := len(t.s.queued)
		t.s.queued = append(t.s.queued, c)
		t.onRollback(func() {
			delete(t.s.deliveries, d.ID)
			t.s.pending[d.SubscriptionID] = slices.DeleteFunc(t.s.pending[d.SubscriptionID], func(p *delivery) bool { return p == c })
			t.s.queued = t.s.queued[:n]
		})
	}
	return nil
}

// insertSorted keeps a queue in sequence order; new deliveries mostly go to its end.
func insertSorted(queue []*delivery, d *delivery) []*delivery {
	at, _ := slices.BinarySearchFunc(queue, d, older)
	return slices.Insert(queue, at, d)
}

// older orders deliveries by sequence, then id.
func older(a, b *delivery) int {
	return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), strings.Compare(a.ID, b.ID))
}

func (t *tx) NextNumber(ctx context.Context, organization, collection string) (int64, error) {
	k := collectionKey{organization, collection}
	t.s.numbers[k]++
	return t.s.numbers[k], ctx.Err()
}

func (t *tx) Subscriptions(ctx context.Context, organization string) ([]*connec.Subscription, error) {
	return t.s.listSubscriptions(organization), ctx.Err()
}
