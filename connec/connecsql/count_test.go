package connecsql_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/id"
)

// Counts that are remembered don't outlive a change, whoever makes it.
func TestCountsFollowChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		ctx := t.Context()
		db := openDB(t, entDialect)
		s, other := migrated(t, db, entDialect), migrated(t, db, entDialect)
		where := connec.FilterCompare{Path: connec.Path{{Name: "n"}}, Op: connec.FilterGt, Kind: connec.KindNumber, Values: []any{1.0}}
		total := func() int {
			for _, skip := range []int{0, 1, 100} {
				_, n, err := s.List(ctx, connec.ListQuery{Organization: "o", Collection: "c", Filter: where, Top: 1, Skip: skip})
				require.NoError(t, err)
				_, again, err := s.List(ctx, connec.ListQuery{Organization: "o", Collection: "c", Filter: where, Top: 1, Skip: skip})
				require.NoError(t, err)
				require.Equal(t, n, again)
				if skip == 100 {
					return n
				}
			}
			return -1
		}
		var rs []*connec.Resource
		for n := range 6 {
			rs = append(rs, &connec.Resource{
				ID: id.UUID(), Organization: "o", Collection: "c", Version: 1, CreatedAt: start, UpdatedAt: start,
				Attributes: map[string]any{"n": json.Number(fmt.Sprint(n))},
			})
		}
		require.Zero(t, total())
		insert(t, s, rs[:4]...)
		require.Equal(t, 2, total())
		insert(t, other, rs[4:]...)
		require.Equal(t, 4, total())
		require.NoError(t, other.Update(ctx, func(tx connec.Tx) error {
			r := rs[0]
			r.Version, r.Attributes = 2, map[string]any{"n": json.Number("7")}
			return tx.Update(ctx, r)
		}))
		require.Equal(t, 5, total())
		where.Values = []any{6.0}
		require.Equal(t, 1, total(), "another literal, another count")
	})
}
