package connectest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/id"
)

// TestStore proves that newStore returns empty stores that keep the contract of connec.Store.
func TestStore(t *testing.T, newStore func(t *testing.T) connec.Store) {
	for name, test := range map[string]func(*testing.T, connec.Store){
		"Records":       testRecords,
		"WeirdValues":   testWeirdValues,
		"Copies":        testCopies,
		"Undo":          testUndo,
		"Cancel":        testCancel,
		"First":         testFirst,
		"IDMaps":        testIDMaps,
		"Numbers":       testNumbers,
		"Transactions":  testTransactions,
		"Concurrent":    testConcurrentUpdates,
		"FeedReader":    testFeedReader,
		"Subscriptions": testSubscriptions,
		"Deliveries":    testDeliveries,
		"Leases":        testLeases,
		"Prune":         testPruneDeliveries,
		"Filters":       testFilters,
		"Order":         testOrder,
		"Paging":        testPaging,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			require.NoError(t, s.Ready(t.Context()))
			test(t, s)
		})
	}
}

func update(t testing.TB, s connec.Store, fn func(context.Context, connec.Tx) error) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, s.Update(ctx, func(tx connec.Tx) error { return fn(ctx, tx) }))
}

func record(n int, attrs map[string]any) *connec.Resource {
	return &connec.Resource{
		ID: id.UUID(), Organization: OrgA, Collection: "invoices", Version: 1, Attributes: attrs, CreatedAt: at(n), UpdatedAt: at(n),
	}
}

func insert(t testing.TB, s connec.Store, rs ...*connec.Resource) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		for _, r := range rs {
			if err := tx.Insert(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func testRecords(t *testing.T, s connec.Store) {
	ctx := t.Context()
	r := record(1, Attrs(t, `{"code":"INV1","amount":{"total_amount":10.50},"lines":[{"id":"l1","quantity":3}],"flag":true,"empty":{},"none":[]}`))
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		if err := tx.Insert(ctx, r); err != nil {
			return err
		}
		got, err := tx.Get(ctx, OrgA, "invoices", r.ID)
		require.NoError(t, err, "a transaction sees its own writes")
		require.Equal(t, r, got)
		known, err := tx.Collections(ctx, OrgA, []string{r.ID, id.UUID(), "nonsense"})
		require.NoError(t, err)
		require.Equal(t, map[string]string{r.ID: "invoices"}, known)
		return nil
	})
	got, err := s.Get(ctx, OrgA, "invoices", r.ID)
	require.NoError(t, err)
	require.Equal(t, r, got)

	for _, key := range [][3]string{{OrgB, "invoices", r.ID}, {OrgA, "people", r.ID}, {OrgA, "invoices", id.UUID()}, {OrgA, "invoices", ""}, {OrgA, "invoices", "no uuid"}} {
		_, err = s.Get(ctx, key[0], key[1], key[2])
		require.ErrorIs(t, err, connec.ErrNotFound, key)
	}
	next := r.Clone()
	next.Version, next.UpdatedAt, next.Attributes = 2, at(9), Attrs(t, `{"code":"INV1","x":null}`)
	delete(next.Attributes, "x")
	update(t, s, func(ctx context.Context, tx connec.Tx) error { return tx.Update(ctx, next) })
	got, err = s.Get(ctx, OrgA, "invoices", r.ID)
	require.NoError(t, err)
	require.Equal(t, next, got)

	missing := record(2, map[string]any{})
	require.ErrorIs(t, s.Update(ctx, func(tx connec.Tx) error { return tx.Update(ctx, missing) }), connec.ErrNotFound)
	require.Error(t, s.Update(ctx, func(tx connec.Tx) error { return tx.Insert(ctx, r) }), "an id is taken once")
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		known, err := tx.Collections(ctx, OrgB, []string{r.ID})
		require.Empty(t, known, "another organization's records are unknown")
		return err
	})
}

func testWeirdValues(t *testing.T, s connec.Store) {
	attrs := Attrs(t, `{"name":"O'Brien \"%_\\' -- ; DROP TABLE x","emoji":"👩‍👩‍👧 é é","rtl":"שלום","ctl":"a\tb\nc","esc":"\\u0000","empty":"",
		"big":123456789012345678901234567890,"small":0.000000000000000000000000000001,"neg":-12.3400,"zero":0,"wide":1e3,
		"we.ird key['\"]":"v","$where":"1","":"unnamed?","deep":{"a":[[1,[2]],{"b":[{"c":false}]}]}}`)
	attrs["wide"] = attrs["zero"]
	delete(attrs, "")
	r := record(1, attrs)
	insert(t, s, r)
	got, err := s.Get(t.Context(), OrgA, "invoices", r.ID)
	require.NoError(t, err)
	require.Equal(t, attrs, got.Attributes, "attributes come back as they are, numbers digit by digit")
	rs, total, err := s.List(t.Context(), connec.ListQuery{Organization: OrgA, Collection: "invoices", Top: 10})
	require.NoError(t, err)
	require.Equal(t, 1, total)
	require.Equal(t, r, rs[0])
}

func testCopies(t *testing.T, s connec.Store) {
	ctx := t.Context()
	r := record(1, Attrs(t, `{"name":"before","lines":[{"id":"1","n":1}]}`))
	tr := transaction(r, nil)
	insert(t, s, r)
	update(t, s, func(ctx context.Context, tx connec.Tx) error { return tx.AppendTransaction(ctx, tr) })
	spoil := func(m map[string]any) {
		m["name"] = "spoiled"
		m["lines"].([]any)[0].(map[string]any)["n"] = "spoiled"
	}
	spoil(r.Attributes)
	for range 2 {
		got, err := s.Get(ctx, OrgA, "invoices", r.ID)
		require.NoError(t, err)
		require.Equal(t, Attrs(t, `{"name":"before","lines":[{"id":"1","n":1}]}`), got.Attributes)
		spoil(got.Attributes)
		ts, err := s.Changes(ctx, OrgA, 0, nil, 10)
		require.NoError(t, err)
		require.Equal(t, "before", ts[0].After["name"])
		spoil(ts[0].After)
		rs, _, err := s.List(ctx, connec.ListQuery{Organization: OrgA, Collection: "invoices", Top: 1})
		require.NoError(t, err)
		require.Equal(t, "before", rs[0].Attributes["name"])
		spoil(rs[0].Attributes)
		update(t, s, func(ctx context.Context, tx connec.Tx) error {
			got, err := tx.Get(ctx, OrgA, "invoices", r.ID)
			require.Equal(t, "before", got.Attributes["name"])
			spoil(got.Attributes)
			return err
		})
	}
}

func testUndo(t *testing.T, s connec.Store) {
	ctx := t.Context()
	kept := record(1, map[string]any{"name": "kept"})
	insert(t, s, kept)
	require.NoError(t, s.PutSubscription(ctx, &connec.Subscription{ID: Books, Organization: OrgA, AppID: "app-books", CreatedAt: at(0)}))
	boom := errors.New("boom")
	gone := record(2, map[string]any{"name": "gone"})
	key := connec.ExternalKey{Scope: "invoices", Provider: "p", Realm: "r", ID: "1"}
	err := s.Update(ctx, func(tx connec.Tx) error {
		changed := kept.Clone()
		changed.Version, changed.Attributes = 2, map[string]any{"name": "changed"}
		tr := transaction(gone, nil)
		return errors.Join(tx.Insert(ctx, gone), tx.Update(ctx, changed), tx.AppendTransaction(ctx, tr),
			tx.PutIDMaps(ctx, []connec.IDMap{{Organization: OrgA, ExternalKey: key, RecordID: gone.ID}}),
			tx.InsertDeliveries(ctx, []*connec.Delivery{deliveryOf(tr, Books)}), boom)
	})
	require.ErrorIs(t, err, boom, "the function's error comes back")
	_, err = s.Get(ctx, OrgA, "invoices", gone.ID)
	require.ErrorIs(t, err, connec.ErrNotFound)
	got, err := s.Get(ctx, OrgA, "invoices", kept.ID)
	require.NoError(t, err)
	require.Equal(t, kept, got)
	ts, err := s.Changes(ctx, OrgA, 0, nil, 10)
	require.NoError(t, err)
	require.Empty(t, ts)
	ds, err := s.ListDeliveries(ctx, OrgA, connec.DeliveryQuery{})
	require.NoError(t, err)
	require.Empty(t, ds)
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		found, err := tx.FindExternal(ctx, OrgA, []connec.ExternalKey{key})
		require.Empty(t, found)
		return err
	})

	// Failures among concurrent successes harm nobody else.
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			r := record(i, map[string]any{"name": fmt.Sprint("n", i)})
			err := s.Update(ctx, func(tx connec.Tx) error {
				if err := tx.Insert(ctx, r); err != nil {
					return err
				}
				if i%2 == 1 {
					return boom
				}
				return nil
			})
			if i%2 == 1 {
				assert.ErrorIs(t, err, boom)
			} else {
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	_, total, err := s.List(ctx, connec.ListQuery{Organization: OrgA, Collection: "invoices", Top: 1})
	require.NoError(t, err)
	require.Equal(t, 21, total)
}

func testCancel(t *testing.T, s connec.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := record(1, map[string]any{})
	err := s.Update(ctx, func(tx connec.Tx) error { return tx.Insert(context.WithoutCancel(ctx), r) })
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Get(ctx, OrgA, "invoices", r.ID)
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = s.List(ctx, connec.ListQuery{Organization: OrgA, Collection: "invoices", Top: 1})
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Get(t.Context(), OrgA, "invoices", r.ID)
	require.ErrorIs(t, err, connec.ErrNotFound, "a cancelled update leaves nothing")
}

func testFirst(t *testing.T, s connec.Store) {
	young, old := record(5, map[string]any{"name": "x", "n": "young"}), record(1, map[string]any{"name": "x", "n": "old"})
	elsewhere := record(0, map[string]any{"name": "x"})
	elsewhere.Organization = OrgB
	insert(t, s, young, old, elsewhere)
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		eq := connec.FilterCompare{Path: connec.Path{{Name: "name"}}, Op: connec.FilterIn, Kind: connec.KindText, Values: []any{"x"}}
		got, err := tx.First(ctx, OrgA, "invoices", connec.FilterAnd{eq})
		require.NoError(t, err)
		require.Equal(t, old, got)
		eq.Values = []any{"y"}
		_, err = tx.First(ctx, OrgA, "invoices", eq)
		require.ErrorIs(t, err, connec.ErrNotFound)
		got, err = tx.First(ctx, OrgA, "invoices", nil)
		require.NoError(t, err)
		require.Equal(t, old.ID, got.ID)
		_, err = tx.First(ctx, OrgA, "company", nil)
		require.ErrorIs(t, err, connec.ErrNotFound)
		return nil
	})
}

func testIDMaps(t *testing.T, s connec.Store) {
	ctx := t.Context()
	r, other := id.UUID(), id.UUID()
	key := func(scope, ext string) connec.ExternalKey {
		return connec.ExternalKey{Scope: scope, Provider: "shop", Realm: "o'realm", ID: ext}
	}
	maps := []connec.IDMap{
		{Organization: OrgA, ExternalKey: key("invoices", "1"), RecordID: r, GroupID: Shop},
		{Organization: OrgA, ExternalKey: key("invoices", "2"), RecordID: r},
		{Organization: OrgA, ExternalKey: key("people", "1"), RecordID: other},
		{Organization: OrgA, ExternalKey: key("invoices/lines", "1"), Parent: r, RecordID: "line-1"},
		{Organization: OrgA, ExternalKey: key("invoices/lines", "1"), Parent: other, RecordID: "line-2"},
		{Organization: OrgB, ExternalKey: key("invoices", "1"), RecordID: "b"},
	}
	update(t, s, func(ctx context.Context, tx connec.Tx) error { return tx.PutIDMaps(ctx, maps) })
	find := func(keys ...connec.ExternalKey) []connec.IDMap {
		var found []connec.IDMap
		update(t, s, func(ctx context.Context, tx connec.Tx) error {
			var err error
			found, err = tx.FindExternal(ctx, OrgA, keys)
			return err
		})
		return found
	}
	require.ElementsMatch(t, maps[:1], find(key("invoices", "1"), key("invoices", "nope")))
	require.ElementsMatch(t, maps[3:5], find(key("invoices/lines", "1")))
	require.Empty(t, find(key("items", "1")))
	require.Empty(t, find())

	sets, err := s.ExternalIDs(ctx, OrgA, []string{r, "line-1", "b", id.UUID()})
	require.NoError(t, err)
	require.Equal(t, map[string]connec.IDSet{
		r:        {{ID: "1", Provider: "shop", Realm: "o'realm", GroupID: Shop}, {ID: "2", Provider: "shop", Realm: "o'realm"}},
		"line-1": {{ID: "1", Provider: "shop", Realm: "o'realm"}},
	}, sets)

	// A known key goes over to another record.
	maps[0].RecordID, maps[0].GroupID = other, Books
	update(t, s, func(ctx context.Context, tx connec.Tx) error { return tx.PutIDMaps(ctx, maps[:1]) })
	require.Equal(t, maps[:1], find(key("invoices", "1")))

	// Thousands at once.
	var many []connec.IDMap
	var keys []connec.ExternalKey
	ids := []string{}
	for i := range 3000 {
		m := connec.IDMap{Organization: OrgA, ExternalKey: key("items", fmt.Sprint(i)), RecordID: id.UUID()}
		many, keys, ids = append(many, m), append(keys, m.ExternalKey), append(ids, m.RecordID)
	}
	update(t, s, func(ctx context.Context, tx connec.Tx) error { return tx.PutIDMaps(ctx, many) })
	require.Len(t, find(keys...), len(many))
	sets, err = s.ExternalIDs(ctx, OrgA, ids)
	require.NoError(t, err)
	require.Len(t, sets, len(many))
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		known, err := tx.Collections(ctx, OrgA, ids)
		require.Empty(t, known)
		return err
	})
}

func testNumbers(t *testing.T, s connec.Store) {
	next := func(organization, collection string) (n int64) {
		update(t, s, func(ctx context.Context, tx connec.Tx) error {
			var err error
			n, err = tx.NextNumber(ctx, organization, collection)
			return err
		})
		return n
	}
	require.EqualValues(t, 1, next(OrgA, "invoices"))
	require.EqualValues(t, 2, next(OrgA, "invoices"))
	require.EqualValues(t, 1, next(OrgB, "invoices"))
	require.EqualValues(t, 1, next(OrgA, "items"))
	var mu sync.Mutex
	seen := map[int64]bool{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			n := next(OrgA, "invoices")
			mu.Lock()
			defer mu.Unlock()
			assert.False(t, seen[n], "a number is given once")
			seen[n] = true
		})
	}
	wg.Wait()
}

func transaction(r *connec.Resource, before map[string]any) *connec.Transaction {
	action := connec.ActionUpdate
	if before == nil {
		action = connec.ActionCreate
	}
	return &connec.Transaction{
		ID: id.UUID(), Organization: r.Organization, Collection: r.Collection, ResourceID: r.ID, Version: r.Version, Action: action,
		ActorType: "app", ActorID: "app-shop", ActorName: "Shop", Group: Shop, RequestID: "req-1", Before: before, After: r.Attributes, At: r.UpdatedAt,
	}
}

func testTransactions(t *testing.T, s connec.Store) {
	ctx := t.Context()
	last, err := s.LastSequence(ctx, OrgA)
	require.NoError(t, err)
	require.Zero(t, last)
	a, b := record(1, map[string]any{"n": "1"}), record(1, map[string]any{"n": "b"})
	b.Collection = "people"
	foreign := record(1, map[string]any{})
	foreign.Organization = OrgB
	insert(t, s, a, b, foreign)
	t1, t2, t3 := transaction(a, nil), transaction(b, nil), transaction(foreign, nil)
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		return errors.Join(tx.AppendTransaction(ctx, t1), tx.AppendTransaction(ctx, t2), tx.AppendTransaction(ctx, t3))
	})
	require.Positive(t, t1.Sequence)
	require.Greater(t, t2.Sequence, t1.Sequence)
	require.Greater(t, t3.Sequence, t2.Sequence)
	a2 := a.Clone()
	a2.Version, a2.Attributes, a2.UpdatedAt = 2, map[string]any{"n": "2"}, at(5)
	t4 := transaction(a2, a.Attributes)
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		return errors.Join(tx.Update(ctx, a2), tx.AppendTransaction(ctx, t4))
	})
	require.Greater(t, t4.Sequence, t3.Sequence)

	got, err := s.Changes(ctx, OrgA, 0, nil, 10)
	require.NoError(t, err)
	require.Equal(t, []*connec.Transaction{t1, t2, t4}, got)
	got, err = s.Changes(ctx, OrgA, 0, nil, 2)
	require.NoError(t, err)
	require.Equal(t, []*connec.Transaction{t1, t2}, got)
	got, err = s.Changes(ctx, OrgA, t1.Sequence, []string{"invoices", "items"}, 10)
	require.NoError(t, err)
	require.Equal(t, []*connec.Transaction{t4}, got)
	got, err = s.Changes(ctx, OrgA, t4.Sequence, nil, 10)
	require.NoError(t, err)
	require.Empty(t, got)
	last, err = s.LastSequence(ctx, OrgA)
	require.NoError(t, err)
	require.Equal(t, t4.Sequence, last)

	got, err = s.History(ctx, OrgA, "invoices", a.ID, 10)
	require.NoError(t, err)
	require.Equal(t, []*connec.Transaction{t4, t1}, got)
	got, err = s.History(ctx, OrgA, "invoices", a.ID, 1)
	require.NoError(t, err)
	require.Equal(t, []*connec.Transaction{t4}, got)
	for _, key := range [][3]string{{OrgB, "invoices", a.ID}, {OrgA, "people", a.ID}, {OrgA, "invoices", id.UUID()}} {
		got, err = s.History(ctx, key[0], key[1], key[2], 10)
		require.NoError(t, err)
		require.Empty(t, got)
	}
}

// testConcurrentUpdates adds to one record from many goroutines: transactions must not interleave.
func testConcurrentUpdates(t *testing.T, s connec.Store) {
	ctx := t.Context()
	r := record(1, map[string]any{})
	insert(t, s, r)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			assert.NoError(t, s.Update(ctx, func(tx connec.Tx) error {
				got, err := tx.Get(ctx, OrgA, "invoices", r.ID)
				if err != nil {
					return err
				}
				got.Version++
				return tx.Update(ctx, got)
			}))
		})
	}
	wg.Wait()
	got, err := s.Get(ctx, OrgA, "invoices", r.ID)
	require.NoError(t, err)
	require.EqualValues(t, 51, got.Version, "no update is lost")
}

// testFeedReader follows the feed while many write: it must see each sequence once, in order.
func testFeedReader(t *testing.T, s connec.Store) {
	ctx := t.Context()
	const writers, each = 8, 15
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := range each {
				r := record(i, map[string]any{})
				assert.NoError(t, s.Update(ctx, func(tx connec.Tx) error {
					if err := tx.Insert(ctx, r); err != nil {
						return err
					}
					return tx.AppendTransaction(ctx, transaction(r, nil))
				}))
			}
		})
	}
	written := make(chan struct{})
	go func() { wg.Wait(); close(written) }()
	var seen []int64
	after := int64(0)
	for ended := false; ; {
		ts, err := s.Changes(ctx, OrgA, after, nil, 7)
		require.NoError(t, err)
		for _, tr := range ts {
			require.Greater(t, tr.Sequence, after)
			after = tr.Sequence
			seen = append(seen, tr.Sequence)
		}
		if len(ts) > 0 {
			continue
		}
		if ended {
			break
		}
		select {
		case <-written:
			ended = true // one more look
		case <-time.After(time.Millisecond):
		}
	}
	all, err := s.Changes(ctx, OrgA, 0, nil, 1000)
	require.NoError(t, err)
	var want []int64
	for _, tr := range all {
		want = append(want, tr.Sequence)
	}
	require.Len(t, want, writers*each)
	require.Equal(t, want, seen)
	require.True(t, slices.IsSorted(seen))
}
