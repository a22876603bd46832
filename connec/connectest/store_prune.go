package connectest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/id"
)

// end ends the attempts that ds were claimed for, at the given time. Those that stay pending are due again at once.
func end(t testing.TB, s connec.Store, state connec.DeliveryState, now time.Time, ds ...*connec.Delivery) {
	t.Helper()
	var wg sync.WaitGroup
	for _, d := range ds {
		d.State, d.NextAttemptAt, d.UpdatedAt = state, now, now
		wg.Go(func() { assert.NoError(t, s.FinishDelivery(t.Context(), d)) })
	}
	wg.Wait()
}

// claimed queues n deliveries of different records and claims them.
func claimed(t testing.TB, s connec.Store, subscription string, n int) []*connec.Delivery {
	t.Helper()
	records := make([]string, n)
	for i := range records {
		records[i] = id.UUID()
	}
	queue(t, s, subscription, records...)
	ds, err := s.ClaimDeliveries(t.Context(), subscription, at(0), lease, n)
	require.NoError(t, err)
	require.Len(t, ds, n)
	return ds
}

func testPruneDeliveries(t *testing.T, s connec.Store) {
	ctx := t.Context()
	prune := func(before time.Time, limit int) int {
		t.Helper()
		n, err := s.PruneDeliveries(ctx, before, limit)
		require.NoError(t, err)
		return n
	}
	listed := func(organization string) []string {
		t.Helper()
		ds, err := s.ListDeliveries(ctx, organization, connec.DeliveryQuery{})
		require.NoError(t, err)
		return sorted(idsOf(ds))
	}
	require.Zero(t, prune(at(9999), 10), "there are none")

	subscribe(t, s, Books, Shop)
	ds := claimed(t, s, Books, 6)
	end(t, s, connec.Delivered, at(10), ds[0])
	end(t, s, connec.Failed, at(11), ds[1])
	end(t, s, connec.Delivered, at(20), ds[2])
	end(t, s, connec.Failed, at(21), ds[3])
	end(t, s, connec.Pending, at(5), ds[4]) // ds[5] stays leased
	waiting := queue(t, s, Books, ds[4].ResourceID, ds[0].ResourceID)
	var other *connec.Delivery
	update(t, s, func(ctx context.Context, tx connec.Tx) error {
		r := record(0, map[string]any{})
		r.Organization = OrgB
		tr := transaction(r, nil)
		if err := tx.AppendTransaction(ctx, tr); err != nil {
			return err
		}
		other = deliveryOf(tr, Other)
		return tx.InsertDeliveries(ctx, []*connec.Delivery{other})
	})
	others, err := s.ClaimDeliveries(ctx, Other, at(0), lease, 1)
	require.NoError(t, err)
	require.Len(t, others, 1)
	end(t, s, connec.Delivered, at(12), others[0])

	require.Zero(t, prune(at(10), 10), "what ended just then isn't old yet")
	require.Zero(t, prune(at(9999), 0))
	require.Zero(t, prune(at(9999), -1))
	require.Len(t, listed(OrgA), 8)
	require.Equal(t, 2, prune(at(20), 2))
	require.Equal(t, 1, prune(at(20), 2), "those of all organizations")
	require.Zero(t, prune(at(20), 2))
	require.Empty(t, listed(OrgB))
	require.Equal(t, sorted(idsOf(append(waiting, ds[2:]...))), listed(OrgA))
	require.NoError(t, s.FinishDelivery(ctx, ds[0]), "the end of an attempt for a pruned delivery is no error")

	require.Equal(t, 2, prune(at(9999), 10))
	require.Equal(t, sorted(idsOf(append(waiting, ds[4:]...))), listed(OrgA), "what is pending stays")
	again, err := s.ClaimDeliveries(ctx, Books, at(40), lease, 10)
	require.NoError(t, err)
	require.Equal(t, sorted(idsOf([]*connec.Delivery{ds[4], ds[5], waiting[1]})), sorted(idsOf(again)), "and goes its way")

	// Several at once: each delivery is counted once, and none is left over.
	end(t, s, connec.Delivered, at(50), claimed(t, s, Shop, 40)...)
	var total atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				n, err := s.PruneDeliveries(ctx, at(51), 3)
				total.Add(int64(n))
				if !assert.NoError(t, err) || !assert.LessOrEqual(t, n, 3) || n == 0 {
					return
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 40, total.Load())
	require.Len(t, listed(OrgA), 4)

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = s.PruneDeliveries(cancelled, at(9999), 10)
	require.ErrorIs(t, err, context.Canceled)
}
