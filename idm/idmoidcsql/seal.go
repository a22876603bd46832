package idmoidcsql

import (
	"context"
	"errors"
	"fmt"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/ensemble-platform/ensemble/ent/idmdb"
	"github.com/ensemble-platform/ensemble/ent/idmdb/oidckey"
)

// owner is what a sealed private key is bound to.
func owner(id string) string { return "signing key/" + id }

// Reseal encrypts signing keys that are stored plain or under an old key, and returns how many there were. After that the old keys are no
// longer needed. It may run beside everything else. What it can't open it leaves and names in the error.
func (s *Store) Reseal(ctx context.Context) (int, error) {
	rows, err := s.client.OIDCKey.Query().All(ctx)
	if err != nil {
		return 0, wrap("reseal", err)
	}
	n := 0
	var trouble []error
	for _, k := range rows {
		if s.sealer.Current(k.PrivateKey) {
			continue
		}
		private, err := s.sealer.Open(owner(k.ID), k.PrivateKey)
		if err != nil {
			trouble = append(trouble, fmt.Errorf("signing key %s: %w", k.ID, err))
			continue
		}
		// ent doesn't change the column, which for everybody else is what it was made with.
		update, args := entsql.Dialect(s.dialect).Update(oidckey.Table).Set(oidckey.FieldPrivateKey, s.sealer.Seal(owner(k.ID), private)).
			Where(entsql.And(entsql.EQ(oidckey.FieldID, k.ID), entsql.EQ(oidckey.FieldPrivateKey, k.PrivateKey))).Query()
		err = s.tx(ctx, "reseal", func(tx *idmdb.Tx) error {
			result, err := tx.ExecContext(ctx, update, args...)
			if err != nil {
				return err
			}
			changed, err := result.RowsAffected()
			n += int(changed)
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, wrap("reseal", errors.Join(trouble...))
}
