package refserver_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/conneccsv"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/hub"
)

const people = `
name: people
provider: csv
realm: crash
entities:
  - collection: people
    file: people.csv
    id: =row.id
    attributes: {first_name: =row.first, last_name: =row.last, notes: [{id: =ref(row.id), description: =row.note}]}
`

// acknowledged remembers what the server said it had stored.
type acknowledged struct {
	connec.Service
	ids map[string]string // Connec ids by external id
}

func (a *acknowledged) Batch(ctx context.Context, ops []connec.Op) ([]connec.OpResult, error) {
	results, err := a.Service.Batch(ctx, ops)
	if err == nil && len(results) == len(ops) {
		for i, r := range results {
			if r.Err == nil {
				a.ids[ops[i].ExternalIDs[0].ID] = r.Resource.ID
			}
		}
	}
	return results, err
}

// TestImportSurvivesKills kills the server at twenty random moments of an import. Afterwards all that was acknowledged is there, nothing
// is half-written or there twice, and every change has been delivered.
func TestImportSurvivesKills(t *testing.T) {
	const rows, kills = 6000, 20
	p := onePlatform(t)
	crm := p.publish(hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud})
	books := p.publish(hub.App{NID: "books", Name: "Books", Stack: hub.Cloud})
	at := p.add("crm")
	p.add("books")

	var csv strings.Builder
	csv.WriteString("id,first,last,note\n")
	for i := range rows {
		fmt.Fprintf(&csv, "%d,First %d,Last %d,%s\n", i, i, i, strings.Repeat("n", i%200))
	}
	m, err := conneccsv.Parse([]byte(people))
	require.NoError(t, err)
	seen := &acknowledged{Service: connechttp.NewClient(p.url, &http.Client{Timeout: 10 * time.Second}), ids: map[string]string{}}
	step := make(chan struct{}, rows)
	im := &conneccsv.Importer{
		Service: seen, Group: at.ID, Mapping: m, Source: fstest.MapFS{"people.csv": {Data: []byte(csv.String())}}, BatchSize: 20,
		Progress: func(conneccsv.Progress) { step <- struct{}{} },
	}
	done := make(chan error, 1)
	var rep *conneccsv.Report
	go func() {
		var err error
		rep, err = im.Run(crm.as(t))
		done <- err
	}()

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range kills {
		// A few batches on, and then at any moment of the next.
		for range 2 + rng.IntN(8) {
			select {
			case <-step:
			case err := <-done:
				require.NoError(t, err)
				t.Fatal("the import ended before the kills did")
			case <-time.After(30 * time.Second):
				t.Fatal("the import stands still")
			}
		}
		<-time.After(time.Duration(rng.IntN(int(15 * time.Millisecond))))
		p.hub.kill()
		p.hub.start()
	}
	require.NoError(t, <-done)
	require.Empty(t, rep.Errors)
	require.Equal(t, rows, rep.Created+rep.Found)
	t.Logf("%d created, %d found again after %d kills", rep.Created, rep.Found, kills)

	// Every acknowledged record is there, once, and whole.
	byID := map[string]*connec.Resource{}
	for skip := 0; ; skip += 1000 {
		page, err := p.connecClient().List(p.ada.ctx, p.org1, "people", connec.Query{Top: 1000, Skip: skip})
		require.NoError(t, err)
		for _, r := range page.Resources {
			byID[r.ID] = r
		}
		if skip+len(page.Resources) >= page.Total {
			require.Equal(t, rows, page.Total, "no record twice")
			break
		}
	}
	require.Len(t, seen.ids, rows)
	for ext, id := range seen.ids {
		require.Contains(t, byID, id, "acknowledged and lost")
		require.Equal(t, "Last "+ext, byID[id].Attributes["last_name"])
	}
	// Each has exactly one transaction, which holds what the record holds.
	versions := map[string]int64{}
	var last int64
	for cursor := ""; ; {
		feed, err := p.connecClient().Changes(p.ada.ctx, p.org1, connec.FeedQuery{Cursor: cursor, Collections: []string{"people"}, Limit: 1000})
		require.NoError(t, err)
		for _, c := range feed.Changes {
			require.Greater(t, c.Sequence, last)
			last = c.Sequence
			versions[c.ResourceID]++
			require.Contains(t, byID, c.ResourceID, "a change without its record")
			require.Equal(t, byID[c.ResourceID].Attributes["last_name"], c.After["last_name"])
		}
		if cursor = feed.Cursor; !feed.More {
			break
		}
	}
	require.Len(t, versions, rows)
	for id, n := range versions {
		require.EqualValues(t, 1, n, "%s was written %d times", id, n)
	}
	// And every one was delivered: at least once, always with the same webhook id.
	require.Eventually(t, func() bool { return len(deliveries(books)) == rows }, 120*time.Second, 100*time.Millisecond)
	for id, hooks := range deliveries(books) {
		require.Len(t, hooks, 1, "record %s was delivered under several webhook ids", id)
	}
	require.Empty(t, crm.hook.all())
}

// deliveries are the webhook ids by record.
func deliveries(a *app) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, h := range a.hook.all() {
		for _, rec := range h.body["people"] {
			id, _ := rec["id"].(string)
			if out[id] == nil {
				out[id] = map[string]bool{}
			}
			out[id][h.id] = true
		}
	}
	return out
}

// TestHostedAppOutlivesTheServer kills the server and expects the next one to take the running app over.
func TestHostedAppOutlivesTheServer(t *testing.T) {
	p := onePlatform(t)
	p.publishHosted()
	quotes := p.add("quotes")
	b := browser(t)
	code, _ := fetch(t, b, "GET", quotes.URL+"/healthz", "")
	require.Equal(t, 200, code)
	p.hub.kill()
	p.hub.start()
	require.Eventually(t, func() bool {
		resp, err := b.Get(quotes.URL + "/healthz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == 200
	}, 30*time.Second, 50*time.Millisecond)
	inst, err := p.hubClient().GetAppInstance(p.ada.ctx, quotes.ID)
	require.NoError(t, err)
	require.Equal(t, hub.Running, inst.Status)
	// So that nothing is left when the test ends.
	_, err = p.hubClient().RemoveApp(p.ada.ctx, quotes.ID)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := p.hubClient().GetAppInstance(p.ada.ctx, quotes.ID)
		list, lerr := p.hubClient().ListAppInstances(p.ada.ctx, p.org1)
		return lerr == nil && len(list) == 0 && (err == nil || errors.Is(err, hub.ErrNotFound) || errors.Is(err, authz.ErrUnauthenticated))
	}, 30*time.Second, 50*time.Millisecond)
}
