package connecsql

import (
	"context"
	"errors"
	"fmt"

	"github.com/ensemble-platform/ensemble/connec"
)

const (
	passwordColumn = "password"
	secretColumn   = "secret"
)

// owner is what a sealed value is bound to.
func owner(subscription, column string) string { return "subscription/" + subscription + "/" + column }

func (s *Store) sealed(subscription, column, plain string) string {
	return string(s.sealer.Seal(owner(subscription, column), []byte(plain)))
}

// unseal makes Password and Secret of a stored subscription readable.
func (s *Store) unseal(sub *connec.Subscription) error {
	for column, value := range map[string]*string{passwordColumn: &sub.Password, secretColumn: &sub.Secret} {
		plain, err := s.sealer.Open(owner(sub.ID, column), []byte(*value))
		if err != nil {
			return fmt.Errorf("%s of subscription %s: %w", column, sub.ID, err)
		}
		*value = string(plain)
	}
	return nil
}

// resealBatch is how many subscriptions Reseal reads at a time.
const resealBatch = 500

// Reseal encrypts passwords and secrets that are stored plain or under an old key, and returns how many subscriptions had such. After
// that the old keys are no longer needed. It may run beside everything else. What it can't open it leaves and names in the error.
func (s *Store) Reseal(ctx context.Context) (int, error) {
	n, last := 0, ""
	var trouble []error
	for {
		b := s.dialect.build().sql("SELECT "+subscriptionColumns+" FROM connec_subscriptions WHERE id > ? ORDER BY id LIMIT ?", last, resealBatch)
		var page []*connec.Subscription
		err := s.query(ctx, "read subscriptions to seal", b.String(), b.args, func(row scanner) error {
			sub, err := scanSubscription(row)
			page = append(page, sub)
			return err
		})
		if err != nil {
			return n, err
		}
		for _, sub := range page {
			last = sub.ID
			if s.sealer.Current([]byte(sub.Password)) && s.sealer.Current([]byte(sub.Secret)) {
				continue
			}
			changed, err := s.reseal(ctx, sub)
			switch {
			case ctx.Err() != nil:
				return n, ctx.Err()
			case err != nil:
				trouble = append(trouble, err)
			case changed:
				n++
			}
		}
		if len(page) < resealBatch {
			return n, errors.Join(trouble...)
		}
	}
}

// reseal replaces what is stored, unless it has changed since it was read.
func (s *Store) reseal(ctx context.Context, sub *connec.Subscription) (changed bool, err error) {
	password, secret := sub.Password, sub.Secret
	if err := s.unseal(sub); err != nil {
		return false, err
	}
	b := s.dialect.build().sql("UPDATE connec_subscriptions SET password = ?, secret = ? WHERE id = ? AND password = ? AND secret = ? RETURNING id",
		s.sealed(sub.ID, passwordColumn, sub.Password), s.sealed(sub.ID, secretColumn, sub.Secret), sub.ID, password, secret)
	err = s.writes.do(ctx, func(t *tx) error {
		changed = false
		err := t.query("seal subscription", b.String(), b.args, func(row scanner) error {
			changed = true
			return row.Scan(&sub.ID)
		})
		t.changes++
		return err
	})
	return changed && err == nil, err
}
