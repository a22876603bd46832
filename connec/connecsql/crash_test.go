package connecsql_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecsql"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
)

// crashVariable names the database that a child process of TestKilled writes to.
const crashVariable = "CONNECSQL_TEST_CRASH"

// acknowledged is what the child prints for each update that returned without an error.
type acknowledged struct {
	Resource, Transaction string
	Version, Sequence     int64
}

// writeUntilKilled creates and updates records, and takes deliveries through, in several goroutines.
func writeUntilKilled(path string) {
	ctx := context.Background()
	db, err := entsqlite.Open(path)
	if err != nil {
		panic(err)
	}
	store, err := connecsql.New(db, dialect.SQLite)
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			var mine []string
			for n := 0; ; n++ {
				var c *connec.Transaction
				err := store.Update(ctx, func(tx connec.Tx) (err error) {
					if len(mine) > 0 && n%3 == 2 {
						c, err = rewrite(ctx, tx, "org-1", "items", mine[n%len(mine)], func(attrs map[string]any) {
							attrs["n"] = json.Number(fmt.Sprint(n))
						})
						return err
					}
					c, err = write(ctx, tx, "org-1", "items", os.Getpid()*1_000_000+w*100_000+n, map[string]any{"name": strings.Repeat("x", n%50)})
					return err
				})
				if err != nil {
					panic(err)
				}
				if c.Version == 1 {
					mine = append(mine, c.ResourceID)
				}
				line, _ := json.Marshal(acknowledged{c.ResourceID, c.ID, c.Version, c.Sequence})
				mu.Lock()
				fmt.Println(string(line))
				mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		for {
			ds, err := store.ClaimDeliveries(ctx, "cld-a", time.Now(), time.Minute, 5)
			if err != nil {
				panic(err)
			}
			for _, d := range ds {
				d.State = connec.Delivered
				if err := store.FinishDelivery(ctx, d); err != nil {
					panic(err)
				}
			}
		}
	})
	wg.Wait()
}

// A process that is killed at any moment leaves all that it acknowledged, and nothing by halves.
func TestKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "connec.db")
	func() {
		db, err := entsqlite.Open(path)
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		store := migrated(t, db, dialect.SQLite)
		for _, sub := range []string{"cld-a", "cld-b"} {
			require.NoError(t, store.PutSubscription(t.Context(), &connec.Subscription{ID: sub, Organization: "org-1", CreatedAt: start}))
		}
	}()
	var acks []acknowledged
	for round := range 8 {
		acks = append(acks, killed(t, path)...)
		db, err := entsqlite.Open(path)
		require.NoError(t, err)
		checkWhole(t, db, acks)
		require.NoError(t, db.Close())
		t.Logf("round %d: %d updates acknowledged so far", round, len(acks))
	}
	require.NotEmpty(t, acks)
}

// killed runs a child until a random moment and returns what it acknowledged.
func killed(t *testing.T, path string) []acknowledged {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashVariable+"="+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var acks []acknowledged
	lines := bufio.NewScanner(out)
	var timer *time.Timer
	for lines.Scan() {
		var a acknowledged
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			break // cut off by the kill: it may have been acknowledged, or not
		}
		acks = append(acks, a)
		if timer == nil {
			timer = time.AfterFunc(rand.N(150*time.Millisecond), func() { _ = cmd.Process.Kill() })
		}
	}
	if timer != nil {
		timer.Stop()
	}
	_ = cmd.Process.Kill()
	err = cmd.Wait()
	require.ErrorContains(t, err, "killed", stderr.String())
	return acks
}

func checkWhole(t *testing.T, db *sql.DB, acks []acknowledged) {
	t.Helper()
	none := func(what, query string) {
		t.Helper()
		var n int
		require.NoError(t, db.QueryRow("SELECT count(*) FROM ("+query+")").Scan(&n))
		require.Zero(t, n, what)
	}
	var ok string
	require.NoError(t, db.QueryRow("PRAGMA integrity_check").Scan(&ok))
	require.Equal(t, "ok", ok)
	none("records whose version has no transaction", `SELECT 1 FROM connec_resources r WHERE NOT EXISTS
		(SELECT 1 FROM connec_transactions t WHERE t.resource_id = r.id AND t.version = r.version AND t.after = r.attributes)`)
	none("transactions without their record, or ahead of it", `SELECT 1 FROM connec_transactions t WHERE NOT EXISTS
		(SELECT 1 FROM connec_resources r WHERE r.id = t.resource_id AND r.version >= t.version)`)
	none("transactions without one of their deliveries", `SELECT 1 FROM connec_transactions t WHERE
		(SELECT count(DISTINCT subscription_id) FROM connec_deliveries d WHERE d.sequence = t.sequence AND d.resource_id = t.resource_id) <> 2`)
	none("deliveries without a transaction", `SELECT 1 FROM connec_deliveries d WHERE NOT EXISTS
		(SELECT 1 FROM connec_transactions t WHERE t.sequence = d.sequence AND t.resource_id = d.resource_id)`)
	none("records without their id map", `SELECT 1 FROM connec_resources r WHERE NOT EXISTS (SELECT 1 FROM connec_id_maps m WHERE m.record_id = r.id)`)
	none("id maps without their record", `SELECT 1 FROM connec_id_maps m WHERE NOT EXISTS (SELECT 1 FROM connec_resources r WHERE m.record_id = r.id)`)
	none("queues whose head is not the oldest pending delivery", `SELECT 1 FROM connec_deliveries d WHERE pending AND head <> NOT EXISTS
		(SELECT 1 FROM connec_deliveries o WHERE o.subscription_id = d.subscription_id AND o.resource_id = d.resource_id AND o.pending AND o.sequence < d.sequence)`)
	none("finished deliveries that are still handed out", `SELECT 1 FROM connec_deliveries WHERE head AND NOT pending OR pending <> (state = 'pending')`)
	none("a counter that is wrong", `SELECT 1 FROM connec_counters WHERE records <> (SELECT count(*) FROM connec_resources) OR number < records`)
	none("a code given twice", `SELECT code FROM connec_resources GROUP BY code HAVING count(*) > 1`)
	none("a gap between sequences", `SELECT 1 FROM (SELECT count(*) AS n, min(sequence) AS first, max(sequence) AS last FROM connec_transactions) WHERE n > 0 AND (first <> 1 OR last <> n)`)
	found := map[string]int64{}
	rows, err := db.Query("SELECT uid, resource_id, version, sequence FROM connec_transactions")
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var a acknowledged
		require.NoError(t, rows.Scan(&a.Transaction, &a.Resource, &a.Version, &a.Sequence))
		found[fmt.Sprint(a)] = a.Sequence
	}
	require.NoError(t, rows.Err())
	for _, a := range acks {
		require.Contains(t, found, fmt.Sprint(a), "an acknowledged update is lost")
	}
}
