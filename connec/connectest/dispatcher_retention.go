package connectest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
)

// testClock stands still until it is set, and counts how often it was looked at since.
type testClock struct {
	mu    sync.Mutex
	t     time.Time
	looks int
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	return c.t
}

func (c *testClock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t, c.looks = t, 0
}

// seen waits until a dispatcher must have noticed what time it is.
func (c *testClock) seen(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.looks > 20
	}, patience, time.Millisecond)
}

// pruneStore notes what it is asked to prune, and does no more than two at once.
type pruneStore struct {
	connec.Store
	mu     sync.Mutex
	fail   error     // of the next prune
	limits []int     // of all prunes
	prunes []pruning // that came to their end
}

// pruning is a series of prunes until nothing was left, with the numbers of deliveries; -1 is a failure.
type pruning struct {
	before   time.Time
	portions []int
}

func (s *pruneStore) PruneDeliveries(ctx context.Context, before time.Time, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = append(s.limits, limit)
	if err := s.fail; err != nil {
		s.fail = nil
		s.prunes = append(s.prunes, pruning{before, []int{-1}})
		return 0, err
	}
	if len(s.prunes) == 0 || s.prunes[len(s.prunes)-1].before != before {
		s.prunes = append(s.prunes, pruning{before: before})
	}
	n, err := s.Store.PruneDeliveries(ctx, before, min(limit, 2))
	last := &s.prunes[len(s.prunes)-1]
	last.portions = append(last.portions, n)
	return n, err
}

// ended waits until n prunings came to an end.
func (s *pruneStore) ended(t *testing.T, n int) (out []pruning) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		out = slices.Clone(s.prunes)
		return len(out) >= n && len(out[n-1].portions) > 0 && out[n-1].portions[len(out[n-1].portions)-1] == 0
	}, patience, time.Millisecond)
	return out
}

func testRetention(t *testing.T, f *deliveryFixture) {
	const month = 30 * 24 * time.Hour
	s := &pruneStore{Store: f.store}
	f.store = s
	subscribe(t, s, Books)
	ds := claimed(t, s, Books, 8)
	end(t, s, connec.Delivered, at(0), ds[0], ds[1], ds[2])
	end(t, s, connec.Failed, at(0), ds[3], ds[4])
	end(t, s, connec.Delivered, at(3600), ds[5])
	end(t, s, connec.Failed, at(3600), ds[6])
	// Pending for long, and never due here.
	ds[7].NextAttemptAt, ds[7].UpdatedAt = at(0).Add(2*month), at(0)
	require.NoError(t, s.FinishDelivery(t.Context(), ds[7]))
	listed := func() []string {
		t.Helper()
		got, err := s.ListDeliveries(t.Context(), OrgA, connec.DeliveryQuery{})
		require.NoError(t, err)
		return sorted(idsOf(got))
	}

	clock := &testClock{t: at(0).Add(month)}
	stop := f.run(connec.WithClock(clock.now))
	want := []pruning{{at(0), []int{0}}}
	require.Equal(t, want, s.ended(t, 1), "it looks at once")
	require.Len(t, listed(), 8, "nothing is too old yet")
	clock.set(at(3599).Add(month))
	clock.seen(t)
	clock.set(at(3600).Add(month))
	want = append(want, pruning{at(3600), []int{2, 2, 1, 0}})
	require.Equal(t, want, s.ended(t, 2), "again after an hour, not before, in portions until nothing is left")
	require.Equal(t, sorted(idsOf(ds[5:])), listed())
	clock.set(at(7200).Add(month))
	want = append(want, pruning{at(7200), []int{2, 0}})
	require.Equal(t, want, s.ended(t, 3))
	require.Equal(t, []string{ds[7].ID}, listed(), "what is pending stays")
	stop()
	for _, limit := range s.limits {
		require.Positive(t, limit)
		require.LessOrEqual(t, limit, 1000, "a portion is small")
	}

	// A store that fails is asked again the next hour.
	end(t, s, connec.Delivered, at(0), claimed(t, s, Books, 1)...)
	s.prunes, s.fail = nil, errors.New("the disk is full")
	stop = f.run(connec.WithClock(clock.now), connec.WithDeliveryRetention(time.Hour))
	clock.seen(t)
	clock.set(at(10800).Add(month))
	want = []pruning{{at(3600).Add(month), []int{-1}}, {at(7200).Add(month), []int{1, 0}}}
	require.Equal(t, want, s.ended(t, 2), "the retention is as set")
	stop()
	require.Equal(t, []string{ds[7].ID}, listed())
}

func testKeepForGood(t *testing.T, f *deliveryFixture) {
	s := &pruneStore{Store: f.store}
	f.store = s
	subscribe(t, s, Books)
	end(t, s, connec.Delivered, at(0), claimed(t, s, Books, 1)...)
	clock := &testClock{t: at(0).AddDate(10, 0, 0)}
	stop := f.run(connec.WithClock(clock.now), connec.WithDeliveryRetention(0))
	clock.seen(t)
	stop()
	require.Empty(t, s.limits)
}
