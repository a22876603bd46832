package connec

import (
	"context"
	"log/slog"
	"time"
)

const (
	pruneInterval = time.Hour
	// prunePortion is how many deliveries go in one transaction: few enough that writers hardly wait for it.
	prunePortion = 500
)

// WithDeliveryRetention sets how long after its end a Dispatcher keeps a delivery, delivered or failed, for the listing: 30 days by default.
// Zero keeps them for good. Pending deliveries stay in any case.
func WithDeliveryRetention(d time.Duration) Option {
	return func(s *settings) { s.delivery.retention = d }
}

// retain deletes old deliveries now and then every hour until ctx ends. It goes by the dispatcher's clock, at which it looks as often as Run
// looks for due deliveries.
func (d *Dispatcher) retain(ctx context.Context) {
	tick := time.NewTicker(min(d.delivery.poll, pruneInterval))
	defer tick.Stop()
	var next time.Time
	for ctx.Err() == nil {
		if now := d.now(); !now.Before(next) {
			next = now.Add(pruneInterval)
			d.prune(ctx, now.Add(-d.delivery.retention))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// prune deletes portion after portion, between which others get their turn to write.
func (d *Dispatcher) prune(ctx context.Context, before time.Time) {
	total := 0
	for ctx.Err() == nil {
		n, err := d.store.PruneDeliveries(ctx, before, prunePortion)
		if err != nil {
			d.logError(ctx, "delete old deliveries", err)
			break
		}
		if n == 0 {
			break
		}
		total += n
	}
	if total > 0 {
		d.log.InfoContext(ctx, "connec: deleted old deliveries", slog.Int("deliveries", total), slog.Time("before", before))
	}
}
