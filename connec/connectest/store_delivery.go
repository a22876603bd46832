package connectest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/id"
)

func testSubscriptions(t *testing.T, s connec.Store) {
	ctx := t.Context()
	_, err := s.GetSubscription(ctx, Shop)
	require.ErrorIs(t, err, connec.ErrNotFound)
	require.ErrorIs(t, s.DeleteSubscription(ctx, Shop), connec.ErrNotFound)

	full := &connec.Subscription{
		ID: Shop, Organization: OrgA, AppID: "app-shop", Collections: []string{"people", "items"}, URL: "https://shop.example/hook?a=1",
		Username: "app-shop", Password: "p'\"€", Secret: connec.NewWebhookSecret(), ExternalIDs: true, CreatedAt: at(1),
	}
	all := &connec.Subscription{ID: Books, Organization: OrgA, AppID: "app-books", URL: "http://books", CreatedAt: at(2)}
	none := &connec.Subscription{ID: "cld-none", Organization: OrgA, AppID: "app-x", Collections: []string{}, CreatedAt: at(2)}
	other := &connec.Subscription{ID: Other, Organization: OrgB, AppID: "app-shop", CreatedAt: at(2)}
	for _, sub := range []*connec.Subscription{full, all, none, other} {
		require.NoError(t, s.PutSubscription(ctx, sub))
	}
	got, err := s.GetSubscription(ctx, Shop)
	require.NoError(t, err)
	require.Equal(t, full, got)
	got.Collections[0] = "spoiled"

	// A transaction may leave the passwords and secrets out.
	bare := func(list []*connec.Subscription) []*connec.Subscription {
		for _, sub := range list {
			sub.Password, sub.Secret = "", ""
		}
		return list
	}
	public := *full
	public.Password, public.Secret = "", ""
	same := func(full *connec.Subscription, list []*connec.Subscription) {
		require.Len(t, list, 3)
		require.Equal(t, []*connec.Subscription{all, full}, []*connec.Subscription{list[0], list[2]})
		require.NotNil(t, list[1].Collections, "no collections is not the same as all")
		require.Empty(t, list[1].Collections)
	}
	list, err := s.ListSubscriptions(ctx, OrgA)
	require.NoError(t, err)
	same(full, list)
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		list, err := tx.Subscriptions(ctx, OrgA)
		same(&public, bare(list))
		return err
	})
	replaced := *all
	replaced.URL, replaced.CreatedAt, replaced.Collections = "http://new", at(9), []string{"items"}
	require.NoError(t, s.PutSubscription(ctx, &replaced))
	replaced.CreatedAt = all.CreatedAt
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		list, err := tx.Subscriptions(ctx, OrgA)
		require.Equal(t, &replaced, list[0], "an update that begins later sees a change")
		return err
	})
	require.NoError(t, s.DeleteSubscription(ctx, "cld-none"))
	require.NoError(t, s.DeleteSubscription(ctx, Other))
	list, err = s.ListSubscriptions(ctx, OrgB)
	require.NoError(t, err)
	require.Empty(t, list)
}

func deliveryOf(tr *connec.Transaction, subscription string) *connec.Delivery {
	return &connec.Delivery{
		ID: id.New("msg"), SubscriptionID: subscription, Organization: tr.Organization, Collection: tr.Collection, ResourceID: tr.ResourceID,
		Sequence: tr.Sequence, State: connec.Pending, NextAttemptAt: at(0), CreatedAt: at(0), UpdatedAt: at(0),
	}
}

// queue stores one delivery of a change for each named record.
func queue(t testing.TB, s connec.Store, subscription string, records ...string) []*connec.Delivery {
	t.Helper()
	var out []*connec.Delivery
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		out = nil
		for _, name := range records {
			r := record(0, map[string]any{})
			r.ID, r.Version = name, int64(len(out)+1)
			tr := transaction(r, nil)
			if err := tx.AppendTransaction(ctx, tr); err != nil {
				return err
			}
			out = append(out, deliveryOf(tr, subscription))
		}
		return tx.InsertDeliveries(ctx, out)
	})
	return out
}

func subscribe(t testing.TB, s connec.Store, ids ...string) {
	t.Helper()
	for _, one := range ids {
		require.NoError(t, s.PutSubscription(t.Context(), &connec.Subscription{ID: one, Organization: OrgA, AppID: "app-books", URL: "http://x", CreatedAt: at(0)}))
	}
}

func idsOf(ds []*connec.Delivery) []string {
	out := make([]string, len(ds))
	for i, d := range ds {
		out[i] = d.ID
	}
	return out
}

const lease = 30 * time.Second

func testDeliveries(t *testing.T, s connec.Store) {
	ctx := t.Context()
	subscribe(t, s, Books, Shop)
	r1, r2 := id.UUID(), id.UUID()
	ds := queue(t, s, Books, r1, r1, r2)
	other := queue(t, s, Shop, r1)
	list := func(q connec.DeliveryQuery) []*connec.Delivery {
		got, err := s.ListDeliveries(ctx, OrgA, q)
		require.NoError(t, err)
		return got
	}
	require.Equal(t, []*connec.Delivery{other[0], ds[2], ds[1], ds[0]}, list(connec.DeliveryQuery{}))
	require.Equal(t, []*connec.Delivery{ds[2], ds[1]}, list(connec.DeliveryQuery{SubscriptionID: Books, State: connec.Pending, Limit: 2}))
	elsewhere, err := s.ListDeliveries(ctx, OrgB, connec.DeliveryQuery{})
	require.NoError(t, err)
	require.Empty(t, elsewhere)

	due := func(now time.Time) []string {
		got, err := s.DueSubscriptions(ctx, now)
		require.NoError(t, err)
		return sorted(got)
	}
	require.Equal(t, []string{Books, Shop}, due(at(0)))
	require.Empty(t, due(at(-1)))

	claim := func(now time.Time, limit int) []*connec.Delivery {
		got, err := s.ClaimDeliveries(ctx, Books, now, lease, limit)
		require.NoError(t, err)
		return got
	}
	require.Empty(t, claim(at(-1), 10), "nothing is due yet")
	got := claim(at(0), 10)
	require.Equal(t, idsOf([]*connec.Delivery{ds[0], ds[2]}), idsOf(got), "one change of a record at a time")
	require.Equal(t, 1, got[0].Attempts)
	require.Empty(t, claim(at(0), 10), "claimed once")

	finish := func(d *connec.Delivery, state connec.DeliveryState, next time.Time) {
		d.State, d.NextAttemptAt, d.LastStatus, d.LastError, d.UpdatedAt = state, next, 503, "busy", at(3)
		require.NoError(t, s.FinishDelivery(ctx, d))
	}
	finish(got[0], connec.Pending, at(60))
	require.Empty(t, claim(at(3), 10), "what waits holds back the later changes of its record")
	require.Equal(t, got[0], list(connec.DeliveryQuery{SubscriptionID: Books})[2])
	finish(got[1], connec.Delivered, at(3))
	again := claim(at(60), 10)
	require.Equal(t, []string{ds[0].ID}, idsOf(again))
	require.Equal(t, 2, again[0].Attempts)
	finish(again[0], connec.Failed, at(60))
	last := claim(at(61), 10)
	require.Equal(t, []string{ds[1].ID}, idsOf(last), "after one was given up the next goes on")
	finish(last[0], connec.Delivered, at(61))
	require.Empty(t, claim(at(9999), 10))
	require.Equal(t, []string{Shop}, due(at(9999)))
	require.Equal(t, []string{ds[0].ID}, idsOf(list(connec.DeliveryQuery{State: connec.Failed})))

	require.NoError(t, s.DeleteSubscription(ctx, Shop))
	require.Empty(t, list(connec.DeliveryQuery{State: connec.Pending}), "pending deliveries go with their subscription")
	require.Len(t, list(connec.DeliveryQuery{}), 3)
	require.NoError(t, s.FinishDelivery(ctx, other[0]), "the end of an attempt for a dropped subscription is no error")
	require.Empty(t, due(at(9999)))
}

func testLeases(t *testing.T, s connec.Store) {
	ctx := t.Context()
	subscribe(t, s, Books)
	d := queue(t, s, Books, id.UUID())[0]
	slow, err := s.ClaimDeliveries(ctx, Books, at(0), lease, 1)
	require.NoError(t, err)
	require.Len(t, slow, 1)
	none, err := s.ClaimDeliveries(ctx, Books, at(29), lease, 1)
	require.NoError(t, err)
	require.Empty(t, none)
	taken, err := s.ClaimDeliveries(ctx, Books, at(30), lease, 1)
	require.NoError(t, err)
	require.Equal(t, []string{d.ID}, idsOf(taken), "an expired lease is claimed again")
	require.Equal(t, 2, taken[0].Attempts)

	slow[0].State, slow[0].LastError = connec.Failed, "too late"
	require.NoError(t, s.FinishDelivery(ctx, slow[0]))
	got, err := s.ListDeliveries(ctx, OrgA, connec.DeliveryQuery{})
	require.NoError(t, err)
	require.Equal(t, connec.Pending, got[0].State, "who lost the lease changes nothing")
	none, err = s.ClaimDeliveries(ctx, Books, at(31), lease, 1)
	require.NoError(t, err)
	require.Empty(t, none, "nor the new lease")
	taken[0].State = connec.Delivered
	require.NoError(t, s.FinishDelivery(ctx, taken[0]))
	taken[0].State = connec.Pending
	require.NoError(t, s.FinishDelivery(ctx, taken[0]))
	got, err = s.ListDeliveries(ctx, OrgA, connec.DeliveryQuery{})
	require.NoError(t, err)
	require.Equal(t, connec.Delivered, got[0].State, "done is done")

	// Many claim at once: each delivery goes to one.
	var records []string
	for range 40 {
		records = append(records, id.UUID())
	}
	want := idsOf(queue(t, s, Books, records...))
	var mu sync.Mutex
	var claimed []string
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				ds, err := s.ClaimDeliveries(ctx, Books, at(100), lease, 3)
				assert.NoError(t, err)
				mu.Lock()
				claimed = append(claimed, idsOf(ds)...)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(claimed)
	require.Equal(t, sorted(want), claimed)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = s.ClaimDeliveries(cancelled, Books, at(200), lease, 1)
	require.ErrorIs(t, err, context.Canceled)
}
