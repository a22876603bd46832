package connecsql

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
)

const deliveryColumns = "d.id, d.subscription_id, d.organization, d.collection, d.resource_id, d.sequence, d.state, d.attempts," +
	" d.next_attempt_at, d.last_status, d.last_error, d.created_at, d.updated_at"

func scanDelivery(row scanner) (*connec.Delivery, error) {
	d := &connec.Delivery{}
	var state string
	var next, created, updated int64
	err := row.Scan(&d.ID, &d.SubscriptionID, &d.Organization, &d.Collection, &d.ResourceID, &d.Sequence, &state, &d.Attempts,
		&next, &d.LastStatus, &d.LastError, &created, &updated)
	d.State = connec.DeliveryState(state)
	d.NextAttemptAt, d.CreatedAt, d.UpdatedAt = fromMicros(next), fromMicros(created), fromMicros(updated)
	return d, err
}

// DueSubscriptions implements connec.Store. It asks for each subscription whether there is one due, which an index answers at once
// however many there are.
func (s *Store) DueSubscriptions(ctx context.Context, now time.Time) ([]string, error) {
	b := s.dialect.build().sql("SELECT s.id FROM connec_subscriptions s WHERE EXISTS"+
		" (SELECT 1 FROM connec_deliveries d WHERE d.subscription_id = s.id AND d.head AND d.due_at <= ?) ORDER BY s.id", micros(now))
	out := []string{}
	err := s.query(ctx, "find due subscriptions", b.String(), b.args, func(row scanner) error {
		var id string
		err := row.Scan(&id)
		out = append(out, id)
		return err
	})
	return out, err
}

// ClaimDeliveries implements connec.Store.
func (s *Store) ClaimDeliveries(ctx context.Context, subscription string, now time.Time, lease time.Duration, limit int) ([]*connec.Delivery, error) {
	out := []*connec.Delivery{}
	collect := func(row scanner) error {
		d, err := scanDelivery(row)
		out = append(out, d)
		return err
	}
	const what = "claim deliveries"
	b := s.dialect.build()
	var err error
	if s.dialect.sqlite {
		b.sql("UPDATE connec_deliveries AS d SET attempts = attempts + 1, due_at = ? WHERE id IN (SELECT id FROM connec_deliveries WHERE subscription_id = ?"+
			" AND head AND due_at <= ? ORDER BY sequence, id LIMIT ?) RETURNING "+strings.ReplaceAll(deliveryColumns, "d.", ""), micros(now.Add(lease)), subscription, micros(now), limit)
		err = s.writes.do(ctx, func(t *tx) error {
			out = out[:0]
			err := t.query(what, b.String(), b.args, collect)
			t.changes += len(out)
			return err
		})
	} else {
		// It needs no turn at the write lock: the rows' own locks keep two claims apart.
		b.sql("WITH c AS MATERIALIZED (SELECT id FROM connec_deliveries WHERE subscription_id = ? AND head AND due_at <= ?"+
			" ORDER BY sequence, id LIMIT ? FOR UPDATE SKIP LOCKED)", subscription, micros(now), limit)
		b.sql(" UPDATE connec_deliveries d SET attempts = attempts + 1, due_at = ? FROM c WHERE d.id = c.id RETURNING "+deliveryColumns, micros(now.Add(lease)))
		err = s.query(ctx, what, b.String(), b.args, collect)
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b *connec.Delivery) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// FinishDelivery implements connec.Store. It takes its turn with the updates, since it may make way for the next delivery of the
// record while an update adds one.
func (s *Store) FinishDelivery(ctx context.Context, d *connec.Delivery) error {
	pending := d.State == connec.Pending
	next := micros(d.NextAttemptAt)
	b := s.dialect.build().sql("UPDATE connec_deliveries SET state = ?, pending = ?, head = ?, next_attempt_at = ?, due_at = ?, last_status = ?, last_error = ?, updated_at = ?"+
		" WHERE id = ? AND pending AND attempts = ? RETURNING subscription_id, resource_id",
		string(d.State), pending, pending, next, next, d.LastStatus, d.LastError, micros(d.UpdatedAt), d.ID, d.Attempts)
	return s.writes.do(ctx, func(t *tx) error {
		var subscription, resource string
		err := t.query("finish delivery", b.String(), b.args, func(row scanner) error { return row.Scan(&subscription, &resource) })
		if err != nil || subscription == "" {
			return err
		}
		t.changes++
		if pending {
			return nil
		}
		b := s.dialect.build().sql("UPDATE connec_deliveries SET head = true WHERE id = (SELECT id FROM connec_deliveries"+
			" WHERE subscription_id = ? AND resource_id = ? AND pending ORDER BY sequence, id LIMIT 1)", subscription, resource)
		return t.exec("make way for the next delivery", b.String(), b.args)
	})
}

// ListDeliveries implements connec.Store.
func (s *Store) ListDeliveries(ctx context.Context, organization string, q connec.DeliveryQuery) ([]*connec.Delivery, error) {
	b := s.dialect.build().sql("SELECT "+deliveryColumns+" FROM connec_deliveries d WHERE d.organization = ?", organization)
	if q.SubscriptionID != "" {
		b.sql(" AND d.subscription_id = ?", q.SubscriptionID)
	}
	if q.State != "" {
		b.sql(" AND d.state = ?", string(q.State))
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	b.sql(" ORDER BY d.sequence DESC, d.id DESC LIMIT ?", min(limit, 1000))
	out := []*connec.Delivery{}
	err := s.query(ctx, "list deliveries", b.String(), b.args, func(row scanner) error {
		d, err := scanDelivery(row)
		out = append(out, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// PruneDeliveries implements connec.Store.
func (s *Store) PruneDeliveries(ctx context.Context, before time.Time, limit int) (int, error) {
	if limit <= 0 { // SQLite takes a negative one for none
		return 0, ctx.Err()
	}
	n := 0
	count := func(row scanner) error {
		n++
		return row.Scan(new(string))
	}
	const what = "prune deliveries"
	const finished = "SELECT id FROM connec_deliveries WHERE NOT pending AND updated_at < ? ORDER BY updated_at LIMIT ?"
	b := s.dialect.build()
	var err error
	if s.dialect.sqlite {
		b.sql("DELETE FROM connec_deliveries WHERE id IN ("+finished+") RETURNING id", micros(before), limit)
		err = s.writes.do(ctx, func(t *tx) error {
			n = 0
			err := t.query(what, b.String(), b.args, count)
			t.changes += n
			return err
		})
	} else {
		// It needs no turn at the write lock: nothing but this touches a finished delivery.
		b.sql("WITH c AS MATERIALIZED ("+finished+" FOR UPDATE SKIP LOCKED)"+
			" DELETE FROM connec_deliveries d USING c WHERE d.id = c.id RETURNING d.id", micros(before), limit)
		err = s.query(ctx, what, b.String(), b.args, count)
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}
