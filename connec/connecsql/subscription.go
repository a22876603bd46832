package connecsql

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ensemble-platform/ensemble/connec"
)

const subscriptionColumns = "id, organization, app_id, collections, url, username, password, secret, external_ids, created_at"

// publicColumns is subscriptionColumns without what is sealed: changes of records need it not, and must not depend on the key.
const publicColumns = "id, organization, app_id, collections, url, username, '', '', external_ids, created_at"

func subscriptionsOf(d dialect, columns, organization string) *builder {
	return d.build().sql("SELECT "+columns+" FROM connec_subscriptions WHERE organization = ?", organization)
}

// scanSubscription leaves Password and Secret as they are stored.
func scanSubscription(row scanner) (*connec.Subscription, error) {
	s := &connec.Subscription{}
	var collections sql.NullString
	var created int64
	err := row.Scan(&s.ID, &s.Organization, &s.AppID, &collections, &s.URL, &s.Username, &s.Password, &s.Secret, &s.ExternalIDs, &created)
	if err != nil {
		return nil, err
	}
	s.CreatedAt = fromMicros(created)
	if collections.Valid {
		if err := json.Unmarshal([]byte(collections.String), &s.Collections); err != nil {
			return nil, fmt.Errorf("collections of subscription %s: %w", s.ID, err)
		}
	}
	return s, nil
}

// PutSubscription implements connec.Store.
func (s *Store) PutSubscription(ctx context.Context, sub *connec.Subscription) error {
	var collections any
	if sub.Collections != nil {
		j, err := json.Marshal(sub.Collections)
		if err != nil {
			return fmt.Errorf("put subscription: %w", err)
		}
		collections = string(j)
	}
	password, secret := s.sealed(sub.ID, passwordColumn, sub.Password), s.sealed(sub.ID, secretColumn, sub.Secret)
	b := s.dialect.build().sql("INSERT INTO connec_subscriptions ("+subscriptionColumns+") VALUES (?,?,?,?,?,?,?,?,?,?)"+
		" ON CONFLICT (id) DO UPDATE SET organization = excluded.organization, app_id = excluded.app_id, collections = excluded.collections,"+
		" url = excluded.url, username = excluded.username, password = excluded.password, secret = excluded.secret, external_ids = excluded.external_ids",
		sub.ID, sub.Organization, sub.AppID, collections, sub.URL, sub.Username, password, secret, sub.ExternalIDs, micros(sub.CreatedAt))
	return s.writes.do(ctx, func(t *tx) error {
		t.changes++
		clear(t.subscriptions)
		return t.exec("put subscription", b.String(), b.args)
	})
}

// GetSubscription implements connec.Store.
func (s *Store) GetSubscription(ctx context.Context, id string) (*connec.Subscription, error) {
	b := s.dialect.build().sql("SELECT "+subscriptionColumns+" FROM connec_subscriptions WHERE id = ?", id)
	var sub *connec.Subscription
	err := s.query(ctx, "get subscription", b.String(), b.args, func(row scanner) (err error) {
		sub, err = scanSubscription(row)
		return err
	})
	if err != nil {
		return nil, err
	}
	if sub == nil {
		return nil, connec.ErrNotFound
	}
	if err := s.unseal(sub); err != nil {
		return nil, fmt.Errorf("get subscription: %w", err)
	}
	return sub, nil
}

// DeleteSubscription implements connec.Store.
func (s *Store) DeleteSubscription(ctx context.Context, id string) error {
	return s.writes.do(ctx, func(t *tx) error {
		b := s.dialect.build().sql("DELETE FROM connec_subscriptions WHERE id = ? RETURNING id", id)
		found := ""
		if err := t.query("delete subscription", b.String(), b.args, func(row scanner) error { return row.Scan(&found) }); err != nil {
			return err
		}
		if found == "" {
			return connec.ErrNotFound
		}
		t.changes++
		clear(t.subscriptions)
		// Those that this transaction holds back are to go too.
		if err := t.flushDeliveries(); err != nil {
			return err
		}
		b = s.dialect.build().sql("DELETE FROM connec_deliveries WHERE subscription_id = ? AND pending", id)
		return t.exec("delete pending deliveries", b.String(), b.args)
	})
}

// ListSubscriptions implements connec.Store.
func (s *Store) ListSubscriptions(ctx context.Context, organization string) ([]*connec.Subscription, error) {
	b := subscriptionsOf(s.dialect, subscriptionColumns, organization)
	out := []*connec.Subscription{}
	err := s.query(ctx, "list subscriptions", b.String(), b.args, func(row scanner) error {
		sub, err := scanSubscription(row)
		out = append(out, sub)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, sub := range out {
		if err := s.unseal(sub); err != nil {
			return nil, fmt.Errorf("list subscriptions: %w", err)
		}
	}
	slices.SortFunc(out, func(a, b *connec.Subscription) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}
