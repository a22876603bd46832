package connecsql

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	entdialect "entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
)

// Every statement of the hot paths finds what it wants through an index: SQLite says so of each one that was prepared.
func TestStatementsUseIndexes(t *testing.T) {
	t.Parallel()
	db, err := entsqlite.Open(filepath.Join(t.TempDir(), "connec.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := New(db, entdialect.SQLite)
	require.NoError(t, err)
	ctx := t.Context()
	require.NoError(t, s.Migrate(ctx))

	text := func(names ...string) connec.Filter {
		var p connec.Path
		for _, n := range names {
			p = append(p, connec.Step{Name: n})
		}
		return connec.FilterCompare{Path: p, Op: connec.FilterIn, Kind: connec.KindText, Values: []any{"x"}}
	}
	since := func(name string) connec.Filter {
		return connec.FilterCompare{Path: connec.Path{{Name: name}}, Op: connec.FilterGt, Kind: connec.KindTime, Values: []any{time.Now()}}
	}
	for range 2 { // the second time with statements prepared
		require.NoError(t, s.Update(ctx, func(tx connec.Tx) error {
			for _, f := range []connec.Filter{nil, text("code"), text("reference"), text("name"), text("email", "address"), text("first_name"), text("last_name")} {
				_, err := tx.First(ctx, "o", "c", f)
				require.ErrorIs(t, err, connec.ErrNotFound)
			}
			_, err := tx.Get(ctx, "o", "c", "i")
			require.ErrorIs(t, err, connec.ErrNotFound)
			_, err = tx.Collections(ctx, "o", []string{"a", "b"})
			require.NoError(t, err)
			_, err = tx.FindExternal(ctx, "o", []connec.ExternalKey{{Scope: "c", Provider: "p", ID: "1"}, {Scope: "c/lines", Provider: "p", ID: "1"}})
			require.NoError(t, err)
			r := resource("o")
			require.NoError(t, tx.Insert(ctx, r))
			c := &connec.Transaction{ID: r.ID, Organization: "o", Collection: "items", ResourceID: r.ID, Version: 1}
			require.NoError(t, tx.AppendTransaction(ctx, c))
			_, err = tx.NextNumber(ctx, "o", "items")
			require.NoError(t, err)
			_, err = tx.Subscriptions(ctx, "o")
			require.NoError(t, err)
			return tx.InsertDeliveries(ctx, []*connec.Delivery{{ID: r.ID, SubscriptionID: "s", Organization: "o", Collection: "items", ResourceID: r.ID, Sequence: c.Sequence}})
		}))
		_, err = s.ExternalIDs(ctx, "o", []string{"a", "b"})
		require.NoError(t, err)
		_, err = s.History(ctx, "o", "c", "i", 10)
		require.NoError(t, err)
		for _, collections := range [][]string{nil, {"a"}, {"a", "b"}} {
			_, err = s.Changes(ctx, "o", 0, collections, 10)
			require.NoError(t, err)
		}
		_, err = s.LastSequence(ctx, "o")
		require.NoError(t, err)
		_, err = s.DueSubscriptions(ctx, time.Now())
		require.NoError(t, err)
		ds, err := s.ClaimDeliveries(ctx, "s", time.Now(), time.Minute, 10)
		require.NoError(t, err)
		for _, d := range ds {
			d.State = connec.Delivered
			require.NoError(t, s.FinishDelivery(ctx, d))
		}
		_, err = s.ListDeliveries(ctx, "o", connec.DeliveryQuery{})
		require.NoError(t, err)
		_, err = s.PruneDeliveries(ctx, time.Now(), 10)
		require.NoError(t, err)
		for _, f := range []connec.Filter{
			nil, since("updated_at"), since("transaction_date"), text("code"), text("name"), text("status"),
			connec.FilterNot{Filter: text("status")},
			connec.FilterAnd{since("updated_at"), text("type")},
			text("id"),
		} {
			_, _, err = s.List(ctx, connec.ListQuery{Organization: "o", Collection: "c", Filter: f, Top: 10, Skip: 1})
			require.NoError(t, err)
		}
	}

	require.Greater(t, len(s.prepared), 30)
	for query := range s.prepared {
		rows, err := db.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, slices.Repeat([]any{""}, strings.Count(query, "?"))...)
		var plan []string
		require.NoError(t, each(rows, err, func(row scanner) error {
			var id, parent, unused int
			var detail string
			err := row.Scan(&id, &parent, &unused, &detail)
			plan = append(plan, detail)
			return err
		}))
		for _, step := range plan {
			table, found := strings.CutPrefix(step, "SCAN ")
			// The subscriptions are gone through for what is due; json_each is a list within a document.
			if found && table != "s USING COVERING INDEX sqlite_autoindex_connec_subscriptions_1" && !strings.Contains(table, "CONSTANT ROW") && table != "c" {
				t.Errorf("%s\n%s", query, strings.Join(plan, "\n"))
			}
		}
		if strings.Contains(query, "count(*)") && strings.Contains(query, "status") {
			require.Contains(t, strings.Join(plan, "\n"), "COVERING INDEX connec_resources_created", query)
		}
	}
}
