package connecmem

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
)

// DueSubscriptions implements connec.Store.
func (s *Store) DueSubscriptions(ctx context.Context, now time.Time) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []string
	for _, id := range slices.Sorted(maps.Keys(s.pending)) {
		if slices.ContainsFunc(s.pending[id], func(d *delivery) bool { return d.due(now) }) {
			out = append(out, id)
		}
	}
	return out, ctx.Err()
}

func (d *delivery) due(now time.Time) bool {
	return !d.NextAttemptAt.After(now) && !d.leased.After(now)
}

// ClaimDeliveries implements connec.Store.
func (s *Store) ClaimDeliveries(ctx context.Context, subscription string, now time.Time, lease time.Duration, limit int) ([]*connec.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []*connec.Delivery
	behind := map[recordKey]bool{} // records with an older pending delivery
	for _, d := range s.pending[subscription] {
		if len(out) == limit {
			break
		}
		record := recordKey{d.Organization, d.Collection, d.ResourceID}
		if !behind[record] && d.due(now) {
			d.leased = now.Add(lease)
			d.Attempts++
			out = append(out, new(d.Delivery))
		}
		behind[record] = true
	}
	return out, nil
}

// FinishDelivery implements connec.Store.
func (s *Store) FinishDelivery(ctx context.Context, d *connec.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	have := s.deliveries[d.ID]
	if have == nil || have.State != connec.Pending || have.Attempts != d.Attempts {
		return nil
	}
	have.State, have.NextAttemptAt, have.LastStatus, have.LastError, have.UpdatedAt = d.State, d.NextAttemptAt, d.LastStatus, d.LastError, d.UpdatedAt
	have.leased = time.Time{}
	if have.State != connec.Pending {
		s.pending[have.SubscriptionID] = slices.DeleteFunc(s.pending[have.SubscriptionID], func(p *delivery) bool { return p == have })
		if len(s.pending[have.SubscriptionID]) == 0 {
			delete(s.pending, have.SubscriptionID)
		}
	}
	return nil
}

// ListDeliveries implements connec.Store.
func (s *Store) ListDeliveries(ctx context.Context, organization string, q connec.DeliveryQuery) ([]*connec.Delivery, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var found []*delivery
	for _, d := range s.queued {
		if d.Organization == organization && (q.SubscriptionID == "" || q.SubscriptionID == d.SubscriptionID) && (q.State == "" || q.State == d.State) {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(a, b *delivery) int { return older(b, a) })
	n := q.Limit
	if n <= 0 {
		n = 100
	}
	found = found[:min(n, 1000, len(found))]
	out := make([]*connec.Delivery, len(found))
	for i, d := range found {
		out[i] = new(d.Delivery)
	}
	return out, nil
}

// PruneDeliveries implements connec.Store.
func (s *Store) PruneDeliveries(ctx context.Context, before time.Time, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n := 0
	s.queued = slices.DeleteFunc(s.queued, func(d *delivery) bool {
		if n >= limit || d.State == connec.Pending || !d.UpdatedAt.Before(before) {
			return false
		}
		delete(s.deliveries, d.ID)
		n++
		return true
	})
	return n, nil
}
