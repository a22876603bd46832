package connecsql

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/ensemble-platform/ensemble/connec"
)

// transactionColumns are those of t, and what the record was after the change before.
const transactionColumns = "t.uid, t.sequence, t.organization, t.collection, t.resource_id, t.version, t.action," +
	" t.actor_type, t.actor_id, t.actor_name, t.group_id, t.request_id," +
	" (SELECT p.after FROM connec_transactions p WHERE p.resource_id = t.resource_id AND p.version = t.version - 1 ORDER BY p.sequence DESC LIMIT 1)," +
	" t.after, t.at"

func scanTransaction(row scanner) (*connec.Transaction, error) {
	c := &connec.Transaction{}
	var before sql.NullString
	var after string
	var at int64
	err := row.Scan(&c.ID, &c.Sequence, &c.Organization, &c.Collection, &c.ResourceID, &c.Version, &c.Action,
		&c.ActorType, &c.ActorID, &c.ActorName, &c.Group, &c.RequestID, &before, &after, &at)
	if err != nil {
		return nil, err
	}
	c.At = fromMicros(at)
	if before.Valid && c.Action != connec.ActionCreate {
		if c.Before, err = decode(before.String); err != nil {
			return nil, err
		}
	}
	c.After, err = decode(after)
	return c, err
}

func (s *Store) transactions(ctx context.Context, what string, b *builder) ([]*connec.Transaction, error) {
	out := []*connec.Transaction{}
	err := s.query(ctx, what, b.String(), b.args, func(row scanner) error {
		c, err := scanTransaction(row)
		out = append(out, c)
		return err
	})
	return out, err
}

// History implements connec.Store.
func (s *Store) History(ctx context.Context, organization, collection, id string, limit int) ([]*connec.Transaction, error) {
	b := s.dialect.build().sql("SELECT "+transactionColumns+" FROM connec_transactions t"+
		" WHERE t.resource_id = ? AND t.organization = ? AND t.collection = ? ORDER BY t.version DESC LIMIT ?", id, organization, collection, limit)
	return s.transactions(ctx, "read history", b)
}

// manyCollections is from where on a feed of some collections reads all and skips the others, instead of merging.
const manyCollections = 16

// Changes implements connec.Store. The writers' lock makes sequences appear in their order.
func (s *Store) Changes(ctx context.Context, organization string, after int64, collections []string, limit int) ([]*connec.Transaction, error) {
	collections = slices.Compact(slices.Sorted(slices.Values(collections)))
	b := s.dialect.build()
	b.WriteString("SELECT " + transactionColumns + " FROM connec_transactions t")
	switch {
	case len(collections) == 0:
		b.sql(" WHERE t.organization = ? AND t.sequence > ?", organization, after)
	case len(collections) == 1:
		b.sql(" WHERE t.organization = ? AND t.collection = ? AND t.sequence > ?", organization, collections[0], after)
	case len(collections) < manyCollections:
		// The first of each collection, from the index, contain the first of all.
		b.WriteString(" WHERE t.sequence IN (")
		for i, c := range collections {
			if i > 0 {
				b.WriteString(" UNION ALL ")
			}
			b.sql("SELECT * FROM (SELECT sequence FROM connec_transactions WHERE organization = ? AND collection = ? AND sequence > ? ORDER BY sequence LIMIT ?) c",
				organization, c, after, limit)
		}
		b.WriteByte(')')
	default:
		b.sql(" WHERE t.organization = ? AND t.sequence > ? AND t.collection IN ", organization, after)
		b.list(collections)
	}
	b.sql(" ORDER BY t.sequence LIMIT ?", limit)
	out, err := s.transactions(ctx, "read changes", b)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b *connec.Transaction) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return out, nil
}

// LastSequence implements connec.Store.
func (s *Store) LastSequence(ctx context.Context, organization string) (n int64, err error) {
	b := s.dialect.build().sql("SELECT coalesce(max(sequence), 0) FROM connec_transactions WHERE organization = ?", organization)
	err = s.query(ctx, "read the last sequence", b.String(), b.args, func(row scanner) error { return row.Scan(&n) })
	return n, err
}
