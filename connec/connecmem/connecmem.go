// Package connecmem is a connec.Store in memory, for tests and for programs that need their data no longer than they run.
//
//	engine := connec.New(connecmem.New(), authorizer)
package connecmem

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
)

// Store is a connec.Store in memory.
type Store struct {
	mu sync.RWMutex

	records     map[recordKey]*connec.Resource
	collections map[collectionKey][]*connec.Resource // by creation
	collection  map[idKey]string

	maps     map[mapKey]connec.IDMap
	byKey    map[keyKey]map[string]bool // parents
	byRecord map[idKey]map[mapKey]bool

	sequence int64
	log      map[string][]*connec.Transaction // by organization
	history  map[recordKey][]*connec.Transaction
	numbers  map[collectionKey]int64

	subscriptions map[string]*connec.Subscription
	deliveries    map[string]*delivery
	pending       map[string][]*delivery // by subscription, in sequence order
	queued        []*delivery            // all, in the order in which they came
}

type (
	collectionKey struct{ organization, collection string }
	recordKey     struct{ organization, collection, id string }
	idKey         struct{ organization, id string }
	keyKey        struct {
		organization string
		connec.ExternalKey
	}
	mapKey struct {
		keyKey
		parent string
	}
	delivery struct {
		connec.Delivery
		leased time.Time
	}
)

var _ connec.Store = (*Store)(nil)

// New returns an empty Store.
func New() *Store {
	return &Store{
		records: map[recordKey]*connec.Resource{}, collections: map[collectionKey][]*connec.Resource{}, collection: map[idKey]string{},
		maps: map[mapKey]connec.IDMap{}, byKey: map[keyKey]map[string]bool{}, byRecord: map[idKey]map[mapKey]bool{},
		log: map[string][]*connec.Transaction{}, history: map[recordKey][]*connec.Transaction{}, numbers: map[collectionKey]int64{},
		subscriptions: map[string]*connec.Subscription{}, deliveries: map[string]*delivery{}, pending: map[string][]*delivery{},
	}
}

// Update implements connec.Store.
func (s *Store) Update(ctx context.Context, fn func(connec.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &tx{s: s}
	committed := false
	defer func() {
		if !committed { // also when fn panics
			t.rollback()
		}
	}()
	if err := fn(t); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	committed = true
	return nil
}

// Get implements connec.Store.
func (s *Store) Get(ctx context.Context, organization, collection, id string) (*connec.Resource, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.get(ctx, organization, collection, id)
}

func (s *Store) get(ctx context.Context, organization, collection, id string) (*connec.Resource, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := s.records[recordKey{organization, collection, id}]
	if r == nil {
		return nil, connec.ErrNotFound
	}
	return r.Clone(), nil
}

// List implements connec.Store.
func (s *Store) List(ctx context.Context, q connec.ListQuery) ([]*connec.Resource, int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	var found []*connec.Resource
	for _, r := range s.collections[collectionKey{q.Organization, q.Collection}] {
		if q.Filter == nil || q.Filter.Match(r) {
			found = append(found, r)
		}
	}
	slices.SortStableFunc(found, connec.Less(q.Order))
	total := len(found)
	found = found[min(q.Skip, total):]
	found = found[:min(q.Top, len(found))]
	out := make([]*connec.Resource, len(found))
	for i, r := range found {
		out[i] = r.Clone()
	}
	return out, total, nil
}

// ExternalIDs implements connec.Store.
func (s *Store) ExternalIDs(ctx context.Context, organization string, ids []string) (map[string]connec.IDSet, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := map[string]connec.IDSet{}
	for _, id := range ids {
		keys := s.byRecord[idKey{organization, id}]
		if len(keys) == 0 {
			continue
		}
		set := make(connec.IDSet, 0, len(keys))
		for k := range keys {
			set = append(set, connec.ExternalID{ID: k.ID, Provider: k.Provider, Realm: k.Realm, GroupID: s.maps[k].GroupID})
		}
		slices.SortFunc(set, func(a, b connec.ExternalID) int {
			return cmp.Or(strings.Compare(a.Provider, b.Provider), strings.Compare(a.Realm, b.Realm), strings.Compare(a.ID, b.ID))
		})
		out[id] = set
	}
	return out, nil
}

// History implements connec.Store.
func (s *Store) History(ctx context.Context, organization, collection, id string, limit int) ([]*connec.Transaction, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all := s.history[recordKey{organization, collection, id}]
	var out []*connec.Transaction
	for i := len(all) - 1; i >= 0 && len(out) < limit; i-- {
		out = append(out, all[i].Clone())
	}
	return out, nil
}

// Changes implements connec.Store.
func (s *Store) Changes(ctx context.Context, organization string, after int64, collections []string, limit int) ([]*connec.Transaction, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all := s.log[organization]
	from, _ := slices.BinarySearchFunc(all, after+1, func(t *connec.Transaction, n int64) int { return cmp.Compare(t.Sequence, n) })
	var out []*connec.Transaction
	for _, t := range all[from:] {
		if len(out) == limit {
			break
		}
		if len(collections) == 0 || slices.Contains(collections, t.Collection) {
			out = append(out, t.Clone())
		}
	}
	return out, nil
}

// LastSequence implements connec.Store.
func (s *Store) LastSequence(ctx context.Context, organization string) (int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if all := s.log[organization]; len(all) > 0 {
		return all[len(all)-1].Sequence, ctx.Err()
	}
	return 0, ctx.Err()
}

// PutSubscription implements connec.Store.
func (s *Store) PutSubscription(ctx context.Context, sub *connec.Subscription) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	c := cloneSubscription(sub)
	if before := s.subscriptions[c.ID]; before != nil {
		c.CreatedAt = before.CreatedAt
	}
	s.subscriptions[c.ID] = c
	return nil
}

func cloneSubscription(s *connec.Subscription) *connec.Subscription {
	c := *s
	c.Collections = slices.Clone(s.Collections)
	return &c
}

// GetSubscription implements connec.Store.
func (s *Store) GetSubscription(ctx context.Context, id string) (*connec.Subscription, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sub := s.subscriptions[id]
	if sub == nil {
		return nil, connec.ErrNotFound
	}
	return cloneSubscription(sub), nil
}

// DeleteSubscription implements connec.Store.
func (s *Store) DeleteSubscription(ctx context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.subscriptions[id] == nil {
		return connec.ErrNotFound
	}
	delete(s.subscriptions, id)
	for _, d := range s.pending[id] {
		delete(s.deliveries, d.ID)
	}
	delete(s.pending, id)
	s.queued = slices.DeleteFunc(s.queued, func(d *delivery) bool { return s.deliveries[d.ID] == nil })
	return nil
}

// ListSubscriptions implements connec.Store.
func (s *Store) ListSubscriptions(ctx context.Context, organization string) ([]*connec.Subscription, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.listSubscriptions(organization), ctx.Err()
}

func (s *Store) listSubscriptions(organization string) []*connec.Subscription {
	var out []*connec.Subscription
	for _, id := range slices.Sorted(maps.Keys(s.subscriptions)) {
		if sub := s.subscriptions[id]; sub.Organization == organization {
			out = append(out, cloneSubscription(sub))
		}
	}
	return out
}

// Ready implements connec.Store.
func (s *Store) Ready(ctx context.Context) error { return ctx.Err() }
