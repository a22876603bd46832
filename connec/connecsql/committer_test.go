package connecsql

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	entdialect "entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/internal/id"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
)

func testStores(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db, err := entsqlite.Open(filepath.Join(t.TempDir(), "connec.db"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		s, err := New(db, entdialect.SQLite)
		require.NoError(t, err)
		require.NoError(t, s.Migrate(t.Context()))
		test(t, s)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		s, err := New(pgtest.Open(t), entdialect.Postgres)
		require.NoError(t, err)
		require.NoError(t, s.Migrate(t.Context()))
		test(t, s)
	})
}

// held runs an update that waits, lets others queue up behind it, and lets go of all.
func held(t *testing.T, s *Store, others int, start func()) {
	t.Helper()
	release, entered, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- s.Update(context.Background(), func(connec.Tx) error {
			close(entered)
			<-release
			return nil
		})
	}()
	<-entered
	start()
	require.Eventually(t, func() bool { return s.queued() == others }, 10*time.Second, time.Millisecond)
	close(release)
	require.NoError(t, <-done)
}

func (s *Store) queued() int {
	s.writes.mu.Lock()
	defer s.writes.mu.Unlock()
	return len(s.writes.queue)
}

func resource(org string) *connec.Resource {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return &connec.Resource{
		ID: id.UUID(), Organization: org, Collection: "items", Version: 1, Attributes: map[string]any{"name": "x"}, CreatedAt: now, UpdatedAt: now,
	}
}

func count(t *testing.T, s *Store, org string) int {
	t.Helper()
	all := connec.FilterConst(true) // counts rows, not by the counter
	rs, total, err := s.List(t.Context(), connec.ListQuery{Organization: org, Collection: "items", Filter: all, Top: 1})
	require.NoError(t, err)
	_, counted, err := s.List(t.Context(), connec.ListQuery{Organization: org, Collection: "items", Top: 1})
	require.NoError(t, err)
	require.Equal(t, total, counted, "the counter agrees with the rows")
	require.Len(t, rs, min(1, total))
	return total
}

func TestGroupSharesOneTransaction(t *testing.T) {
	t.Parallel()
	testStores(t, func(t *testing.T, s *Store) {
		org := id.New("org")
		const n = 40
		var wg sync.WaitGroup
		var mu sync.Mutex
		seen := map[*tx]int{}
		held(t, s, n, func() {
			for range n {
				wg.Go(func() {
					r := resource(org)
					err := s.Update(t.Context(), func(txn connec.Tx) error {
						mu.Lock()
						seen[txn.(*tx)]++
						mu.Unlock()
						return txn.Insert(t.Context(), r)
					})
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := s.Get(t.Context(), org, "items", r.ID); err != nil {
						t.Errorf("acknowledged, but not there: %v", err)
					}
				})
			}
		})
		wg.Wait()
		require.Len(t, seen, 1)
		require.Equal(t, n, count(t, s, org))
		require.False(t, s.writes.led)
	})
}

func TestOneOfAGroupFails(t *testing.T) {
	t.Parallel()
	errOwn := errors.New("own")
	taken := id.UUID()
	for name, fail := range map[string]func(tx connec.Tx, org string) error{
		"before writing": func(connec.Tx, string) error { return errOwn },
		"after writing": func(tx connec.Tx, org string) error {
			if err := tx.Insert(context.Background(), resource(org)); err != nil {
				return err
			}
			return errOwn
		},
		"in the database": func(tx connec.Tx, org string) error {
			r := resource(org)
			r.ID = taken
			return tx.Insert(context.Background(), r)
		},
		"by a panic": func(tx connec.Tx, org string) error {
			_ = tx.Insert(context.Background(), resource(org))
			panic("boom")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testStores(t, func(t *testing.T, s *Store) {
				org := id.New("org")
				other := resource(id.New("org"))
				other.ID = taken
				require.NoError(t, s.Update(t.Context(), func(tx connec.Tx) error { return tx.Insert(t.Context(), other) }))
				const n = 9
				errs := make([]error, n)
				var wg sync.WaitGroup
				var calls atomic.Int32
				held(t, s, n, func() {
					for i := range n {
						wg.Go(func() {
							defer func() {
								if v := recover(); v != nil {
									errs[i] = v.(error)
								}
							}()
							errs[i] = s.Update(t.Context(), func(tx connec.Tx) error {
								calls.Add(1)
								if i == n/2 {
									return fail(tx, org)
								}
								if err := tx.AppendTransaction(t.Context(), &connec.Transaction{
									ID: id.UUID(), Organization: org, Collection: "items", ResourceID: id.UUID(), Version: 1,
								}); err != nil {
									return err
								}
								return tx.Insert(t.Context(), resource(org))
							})
						})
					}
				})
				wg.Wait()
				for i, err := range errs {
					switch {
					case i != n/2:
						require.NoError(t, err)
					case name == "by a panic":
						require.ErrorContains(t, err, "boom")
					case name == "in the database":
						require.Error(t, err)
					default:
						require.Same(t, errOwn, err)
					}
				}
				require.Equal(t, n-1, count(t, s, org))
				changes, err := s.Changes(t.Context(), org, 0, nil, 100)
				require.NoError(t, err)
				require.Len(t, changes, n-1)
				for i, c := range changes {
					require.Equal(t, int64(i+1), c.Sequence, "nothing that was undone left a gap")
				}
				if name == "before writing" {
					require.Equal(t, int32(n), calls.Load(), "nothing runs twice for an error that left nothing behind")
				}
			})
		})
	}
}

func TestWaitingUpdateIsCancelled(t *testing.T) {
	t.Parallel()
	testStores(t, func(t *testing.T, s *Store) {
		org := id.New("org")
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 3)
		held(t, s, 1, func() {
			for range cap(errs) {
				go func() {
					errs <- s.Update(ctx, func(tx connec.Tx) error { return tx.Insert(context.Background(), resource(org)) })
				}()
			}
			require.Eventually(t, func() bool { return s.queued() == cap(errs) }, 10*time.Second, time.Millisecond)
			cancel()
			for range cap(errs) {
				require.ErrorIs(t, <-errs, context.Canceled)
			}
			go func() {
				errs <- s.Update(context.Background(), func(tx connec.Tx) error { return tx.Insert(context.Background(), resource(org)) })
			}()
		})
		require.NoError(t, <-errs, "the next one isn't held up by those that left")
		require.Equal(t, 1, count(t, s, org))
		require.ErrorIs(t, s.Update(ctx, func(connec.Tx) error { return fmt.Errorf("must not run") }), context.Canceled)
	})
}

// An update whose caller gives up once it runs is either stored or not, and the caller learns which.
func TestRunningUpdateIsCancelled(t *testing.T) {
	t.Parallel()
	testStores(t, func(t *testing.T, s *Store) {
		org := id.New("org")
		ctx, cancel := context.WithCancel(t.Context())
		require.NoError(t, s.Update(ctx, func(tx connec.Tx) error {
			err := tx.Insert(ctx, resource(org))
			cancel()
			return err
		}))
		require.Equal(t, 1, count(t, s, org))
		ctx, cancel = context.WithCancel(t.Context())
		require.ErrorIs(t, s.Update(ctx, func(tx connec.Tx) error {
			if err := tx.Insert(ctx, resource(org)); err != nil {
				return err
			}
			cancel()
			return tx.Insert(ctx, resource(org))
		}), context.Canceled)
		require.Equal(t, 1, count(t, s, org))
	})
}

func TestGoexitDoesNotStall(t *testing.T) {
	t.Parallel()
	testStores(t, func(t *testing.T, s *Store) {
		org := id.New("org")
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = s.Update(context.Background(), func(tx connec.Tx) error {
				_ = tx.Insert(context.Background(), resource(org))
				runtime.Goexit()
				return nil
			})
		})
		wg.Wait()
		require.Equal(t, 0, count(t, s, org))
		require.NoError(t, s.Update(t.Context(), func(tx connec.Tx) error { return tx.Insert(t.Context(), resource(org)) }))
		require.Equal(t, 1, count(t, s, org))
	})
}

func TestClosedDatabase(t *testing.T) {
	t.Parallel()
	testStores(t, func(t *testing.T, s *Store) {
		require.NoError(t, s.Ready(t.Context()))
		require.NoError(t, s.db.Close())
		require.Error(t, s.Ready(t.Context()))
		err := s.Update(t.Context(), func(connec.Tx) error { return nil })
		require.Error(t, err)
		_, _, err = s.List(t.Context(), connec.ListQuery{Organization: "o", Collection: "c", Top: 1})
		require.Error(t, err)
		require.NotErrorIs(t, err, connec.ErrNotFound)
	})
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	testStores(t, func(t *testing.T, s *Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Get(ctx, "o", "c", "i")
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, s.Ready(ctx), context.Canceled)
		_, err = s.ClaimDeliveries(ctx, "s", time.Now(), time.Minute, 1)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// A pool of one connection is enough.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	testStores(t, func(t *testing.T, s *Store) {
		s.db.SetMaxOpenConns(1)
		org := id.New("org")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					r := resource(org)
					if err := s.Update(t.Context(), func(tx connec.Tx) error {
						if _, err := tx.First(t.Context(), org, "items", nil); err != nil && !errors.Is(err, connec.ErrNotFound) {
							return err
						}
						return tx.Insert(t.Context(), r)
					}); err != nil {
						t.Error(err)
					}
					if _, err := s.Get(t.Context(), org, "items", r.ID); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		require.Equal(t, 40, count(t, s, org))
	})
}

// An update that doesn't mind a failed statement is not stored all the same.
func TestSwallowedFailure(t *testing.T) {
	t.Parallel()
	testStores(t, func(t *testing.T, s *Store) {
		org := id.New("org")
		r := resource(org)
		insert := func(tx connec.Tx) error { return tx.Insert(t.Context(), r) }
		require.NoError(t, s.Update(t.Context(), insert))
		require.Error(t, s.Update(t.Context(), func(tx connec.Tx) error {
			_ = tx.Insert(t.Context(), resource(org))
			_ = insert(tx)
			_, _ = tx.First(t.Context(), org, "items", nil)
			return nil
		}))
		require.Equal(t, 1, count(t, s, org))
	})
}
