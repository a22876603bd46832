package connecsql_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecsql"
	"github.com/ensemble-platform/ensemble/connec/connectest"
	"github.com/ensemble-platform/ensemble/internal/id"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
)

func TestStore(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		connectest.TestStore(t, func(t *testing.T) connec.Store { return newStore(t, entDialect) })
	})
}

func TestStoreWithoutGroups(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		connectest.TestStore(t, func(t *testing.T) connec.Store { return newStore(t, entDialect, connecsql.WithGroupLimit(1)) })
	})
}

func TestNewRefusesOtherDialects(t *testing.T) {
	t.Parallel()
	_, err := connecsql.New(nil, dialect.MySQL)
	require.Error(t, err)
	_, err = connecsql.Migrations(dialect.MySQL)
	require.Error(t, err)
	for _, d := range []string{dialect.SQLite, dialect.Postgres} {
		files, err := connecsql.Migrations(d)
		require.NoError(t, err)
		found, err := fs.Glob(files, "*.sql")
		require.NoError(t, err)
		require.NotEmpty(t, found)
	}
}

func TestMigrateTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		db := openDB(t, entDialect)
		s, err := connecsql.New(db, entDialect)
		require.NoError(t, err)
		require.Error(t, s.Ready(t.Context()), "there are no tables yet")
		migrated(t, db, entDialect)
		require.NoError(t, migrated(t, db, entDialect).Ready(t.Context()))
	})
}

// Two server processes share a PostgreSQL database: nothing is lost, sequences appear in their order, and no delivery is claimed twice.
func TestTwoStoresOnOneDatabase(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	stores := make([]*connecsql.Store, 2)
	for i := range stores {
		stores[i] = migrated(t, openDSN(t, dsn), dialect.Postgres)
	}
	ctx := t.Context()
	const org = "org-1"
	require.NoError(t, stores[0].PutSubscription(ctx, &connec.Subscription{ID: "cld-a", Organization: org, CreatedAt: start}))
	shared := &connec.Resource{
		ID: id.UUID(), Organization: org, Collection: "shared", Version: 1, Attributes: map[string]any{"n": json.Number("0")}, CreatedAt: start, UpdatedAt: start,
	}
	insert(t, stores[0], shared)

	const writers, each = 6, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			s := stores[w%2]
			for i := range each {
				err := s.Update(ctx, func(tx connec.Tx) error {
					if _, err := write(ctx, tx, org, "items", w*each+i, map[string]any{}); err != nil {
						return err
					}
					_, err := rewrite(ctx, tx, org, "shared", shared.ID, func(attrs map[string]any) {
						n, _ := attrs["n"].(json.Number).Int64()
						attrs["n"] = json.Number(fmt.Sprint(n + 1))
					})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	// Deliverers in both processes.
	var mu sync.Mutex
	delivered := map[string]int{}
	order := map[string]int64{}
	var deliverers sync.WaitGroup
	for i := range 4 {
		deliverers.Go(func() {
			s := stores[i%2]
			for ctx.Err() == nil {
				finished := isClosed(done) // asked before claiming
				ds, err := s.ClaimDeliveries(ctx, "cld-a", time.Now(), time.Hour, 7)
				if err != nil {
					t.Error(err)
					return
				}
				if len(ds) == 0 && finished {
					return
				}
				for _, d := range ds {
					mu.Lock()
					delivered[d.ID]++
					if d.Sequence <= order[d.ResourceID] {
						t.Errorf("sequence %d of %s comes after %d", d.Sequence, d.ResourceID, order[d.ResourceID])
					}
					order[d.ResourceID] = d.Sequence
					mu.Unlock()
					d.State = connec.Delivered
					if err := s.FinishDelivery(ctx, d); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	// A reader of the feed in each process.
	const total = writers * each * 2
	seen := make([][]int64, 2)
	var readers sync.WaitGroup
	for i := range seen {
		readers.Go(func() {
			after := int64(0)
			for ctx.Err() == nil {
				finished := isClosed(done)
				cs, err := stores[i].Changes(ctx, org, after, nil, 10)
				if err != nil {
					t.Error(err)
					return
				}
				if len(cs) == 0 && finished {
					return
				}
				for _, c := range cs {
					after = c.Sequence
					seen[i] = append(seen[i], c.Sequence)
				}
			}
		})
	}
	readers.Wait()
	deliverers.Wait()
	for i := range seen {
		require.Len(t, seen[i], total)
		for n, s := range seen[i] {
			require.Equal(t, int64(n+1), s, "no sequence appears after a higher one, and there are no gaps")
		}
	}
	require.Len(t, delivered, total)
	for d, n := range delivered {
		require.Equal(t, 1, n, d)
	}
	got, err := stores[1].Get(ctx, org, "shared", shared.ID)
	require.NoError(t, err)
	require.Equal(t, json.Number(fmt.Sprint(writers*each)), got.Attributes["n"], "no update is lost")
	_, n, err := stores[1].List(ctx, connec.ListQuery{Organization: org, Collection: "items", Top: 1})
	require.NoError(t, err)
	require.Equal(t, writers*each, n)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Long texts go past what an index takes.
func TestLongTexts(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		s := newStore(t, entDialect)
		ctx := t.Context()
		// Random enough that compression doesn't help.
		var b strings.Builder
		for range 300 {
			b.WriteString(id.UUID())
		}
		long := b.String()
		var rs []*connec.Resource
		for i, name := range []string{long, long + "x", strings.Repeat("ü", 200), strings.Repeat("x", 255), strings.Repeat("x", 256)} {
			rs = append(rs, &connec.Resource{
				ID: id.UUID(), Organization: "o", Collection: "c", Version: 1, CreatedAt: start.Add(time.Duration(i) * time.Second), UpdatedAt: start,
				Attributes: map[string]any{"name": name, "email": map[string]any{"address": name}, "code": json.Number("1")},
			})
		}
		insert(t, s, rs...)
		for _, r := range rs {
			for _, path := range []connec.Path{{{Name: "name"}}, {{Name: "email"}, {Name: "address"}}} {
				where := connec.FilterCompare{Path: path, Op: connec.FilterIn, Kind: connec.KindText, Values: []any{r.Attributes["name"]}}
				got, total, err := s.List(ctx, connec.ListQuery{Organization: "o", Collection: "c", Filter: where, Top: 10})
				require.NoError(t, err)
				require.Equal(t, 1, total)
				require.Equal(t, r, got[0])
			}
		}
		err := s.Update(ctx, func(tx connec.Tx) error {
			return tx.PutIDMaps(ctx, []connec.IDMap{{Organization: "o", ExternalKey: connec.ExternalKey{Scope: "c", Provider: "p", Realm: "r", ID: long}, RecordID: "1"}})
		})
		require.ErrorIs(t, err, connec.ErrInvalid)
	})
}

func TestTooManyValues(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		s := newStore(t, entDialect)
		values := make([]any, 40_000)
		for i := range values {
			values[i] = fmt.Sprint(i)
		}
		where := connec.FilterCompare{Path: connec.Path{{Name: "id"}}, Op: connec.FilterIn, Kind: connec.KindText, Values: values}
		_, _, err := s.List(t.Context(), connec.ListQuery{Organization: "o", Collection: "c", Filter: where, Top: 10})
		require.ErrorIs(t, err, connec.ErrInvalid)
		where.Values = values[:10_000]
		_, _, err = s.List(t.Context(), connec.ListQuery{Organization: "o", Collection: "c", Filter: where, Top: 10})
		require.NoError(t, err)
	})
}

// The feed of some collections is cut from the same sequence as that of all.
func TestChangesOfCollections(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		s := newStore(t, entDialect)
		ctx := t.Context()
		require.NoError(t, s.Update(ctx, func(tx connec.Tx) error {
			for i := range 120 {
				if _, err := write(ctx, tx, "o", fmt.Sprint("c", i%20), i, map[string]any{}); err != nil {
					return err
				}
			}
			return nil
		}))
		all, err := s.Changes(ctx, "o", 0, nil, 1000)
		require.NoError(t, err)
		require.Len(t, all, 120)
		for _, n := range []int{1, 2, 5, 16, 19} {
			var collections []string
			wanted := map[string]bool{}
			for i := range n {
				collections = append(collections, fmt.Sprint("c", i), fmt.Sprint("c", i))
				wanted[fmt.Sprint("c", i)] = true
			}
			for _, limit := range []int{1, 3, 1000} {
				var want []*connec.Transaction
				for _, c := range all[10:] {
					if wanted[c.Collection] && len(want) < limit {
						want = append(want, c)
					}
				}
				got, err := s.Changes(ctx, "o", all[9].Sequence, collections, limit)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		}
	})
}

func TestLeaseOutlivesItsHolder(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		s := newStore(t, entDialect)
		ctx := context.Background()
		require.NoError(t, s.PutSubscription(ctx, &connec.Subscription{ID: "s", Organization: "o", CreatedAt: start}))
		var first *connec.Transaction
		require.NoError(t, s.Update(ctx, func(tx connec.Tx) (err error) {
			if first, err = write(ctx, tx, "o", "c", 0, map[string]any{}); err != nil {
				return err
			}
			_, err = rewrite(ctx, tx, "o", "c", first.ResourceID, func(attrs map[string]any) { attrs["x"] = "y" })
			return err
		}))
		now := start.Add(time.Minute)
		due := func(at time.Time) []string {
			ids, err := s.DueSubscriptions(ctx, at)
			require.NoError(t, err)
			return ids
		}
		claim := func(at time.Time) []*connec.Delivery {
			ds, err := s.ClaimDeliveries(ctx, "s", at, time.Second, 10)
			require.NoError(t, err)
			return ds
		}
		require.Equal(t, []string{"s"}, due(now))
		held := claim(now)
		require.Len(t, held, 1, "the update waits behind the create")
		require.Equal(t, first.Sequence, held[0].Sequence)
		require.Empty(t, due(now))
		require.Empty(t, claim(now))
		again := claim(now.Add(2 * time.Second))
		require.Len(t, again, 1)
		require.Equal(t, 2, again[0].Attempts)
		held[0].State = connec.Failed
		require.NoError(t, s.FinishDelivery(ctx, held[0]), "too late")
		require.Empty(t, claim(now.Add(2*time.Second)))
		again[0].State = connec.Delivered
		require.NoError(t, s.FinishDelivery(ctx, again[0]))
		next := claim(now.Add(2 * time.Second))
		require.Len(t, next, 1)
		require.Greater(t, next[0].Sequence, first.Sequence)
		// A delivery of the record that comes while its last one is on its way is handed out after it.
		require.NoError(t, s.Update(ctx, func(tx connec.Tx) error {
			_, err := rewrite(ctx, tx, "o", "c", first.ResourceID, func(attrs map[string]any) { attrs["x"] = "z" })
			return err
		}))
		require.Empty(t, claim(now.Add(2*time.Second)))
		next[0].State, next[0].NextAttemptAt = connec.Pending, now.Add(time.Hour)
		require.NoError(t, s.FinishDelivery(ctx, next[0]))
		require.Empty(t, due(now.Add(time.Minute)), "what waits behind one that isn't due isn't due either")
		require.Len(t, claim(now.Add(time.Hour)), 1)
		require.NoError(t, s.DeleteSubscription(ctx, "s"))
		require.ErrorIs(t, s.DeleteSubscription(ctx, "s"), connec.ErrNotFound)
		ds, err := s.ListDeliveries(ctx, "o", connec.DeliveryQuery{})
		require.NoError(t, err)
		require.Len(t, ds, 1)
		require.Equal(t, connec.Delivered, ds[0].State)
	})
}
