package connecsql_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/id"
)

// A number is found by its own value, however its double is written: databases must not round otherwise than Go.
func TestNumbersAreComparedAsDoubles(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		store := newStore(t, entDialect)
		rapid.Check(t, func(rt *rapid.T) {
			org := id.New("org")
			rs := make([]*connec.Resource, 20)
			for i := range rs {
				f := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-1e6, 1e6)).Draw(rt, "number")
				text := strconv.FormatFloat(f, 'f', rapid.SampledFrom([]int{-1, -1, 0, 2, 19}).Draw(rt, "digits"), 64)
				rs[i] = &connec.Resource{
					ID: id.UUID(), Collection: "n", Organization: org, Version: 1, CreatedAt: start, UpdatedAt: start,
					Attributes: map[string]any{"x": json.Number(text)},
				}
			}
			insert(t, store, rs...)
			for _, r := range rs {
				text := r.Attributes["x"].(json.Number)
				f, err := text.Float64()
				require.NoError(rt, err)
				for _, op := range []connec.FilterOp{connec.FilterIn, connec.FilterGte, connec.FilterGt} {
					where := connec.FilterCompare{Path: connec.Path{{Name: "x"}}, Op: op, Kind: connec.KindNumber, Values: []any{f}}
					got, total, err := store.List(t.Context(), connec.ListQuery{Organization: org, Collection: "n", Filter: where, Top: 100})
					require.NoError(rt, err)
					want := 0
					for _, r := range rs {
						if where.Match(r) {
							want++
						}
					}
					require.Equal(rt, want, total, "%s %s", op, text)
					for _, g := range got {
						require.True(rt, where.Match(g), "%s %s finds %s", op, text, g.Attributes["x"])
					}
				}
			}
		})
	})
}

// A number that no double can tell from zero is zero.
func TestTinyNumbers(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		store := newStore(t, entDialect)
		for _, zeros := range []int{300, 322, 323, 324, 325, 350, 390} {
			insert(t, store, &connec.Resource{
				ID: id.UUID(), Collection: "n", Organization: "o", Version: 1, CreatedAt: start, UpdatedAt: start,
				Attributes: map[string]any{"x": json.Number("0." + strings.Repeat("0", zeros-1) + "3")},
			})
		}
		for _, limit := range []float64{0, 1e-310} {
			where := connec.FilterCompare{Path: connec.Path{{Name: "x"}}, Op: connec.FilterGt, Kind: connec.KindNumber, Values: []any{limit}}
			got, total, err := store.List(t.Context(), connec.ListQuery{
				Organization: "o", Collection: "n", Filter: where, Order: []connec.OrderKey{{Path: where.Path, Kind: connec.KindNumber}}, Top: 100,
			})
			require.NoError(t, err)
			require.Len(t, got, total)
			for _, r := range got {
				require.True(t, where.Match(r))
			}
			if limit == 0 {
				require.Equal(t, 4, total, "3e-324 is the last that isn't zero")
			}
		}
	})
}
