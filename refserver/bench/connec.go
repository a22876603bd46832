package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"entgo.io/ent/dialect"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecsql"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
	"github.com/ensemble-platform/ensemble/internal/pgserver"
)

const (
	organization = "org-bench"
	group        = "cld-bench"
	otherGroup   = "cld-other"
)

// judge is a real idm with one user, two apps and their groups.
func judge(ctx context.Context) (*idm.Engine, string, error) {
	e := idm.New(idmmem.New())
	if err := e.PutOrganization(ctx, idm.Organization{ID: organization}); err != nil {
		return nil, "", err
	}
	for app, g := range map[string]string{"app-bench": group, "app-other": otherGroup} {
		if _, err := e.PutClient(ctx, idm.Client{ID: app, Kind: idm.AppClient, Name: app}, "key-of-"+app+"-which-is-long-enough"); err != nil {
			return nil, "", err
		}
		if err := e.PutGroup(ctx, idm.Group{ID: g, ClientID: app, OrganizationID: organization}); err != nil {
			return nil, "", err
		}
	}
	u, err := e.CreateUser(ctx, idm.User{Email: "bench@example.com", Name: "B"}, "a long password for bench")
	if err != nil {
		return nil, "", err
	}
	if _, err := e.PutMembership(ctx, u.ID, organization, idm.SuperAdmin); err != nil {
		return nil, "", err
	}
	s, err := e.CreateSession(ctx, u.ID)
	if err != nil {
		return nil, "", err
	}
	return e, s.Token, nil
}

// databases opens an empty database of each kind.
func databases(s settings, name string) (dbs map[string]*sql.DB, closeAll func(), err error) {
	lite, err := entsqlite.Open(filepath.Join(s.dir, name+".db"))
	if err != nil {
		return nil, nil, err
	}
	dbs = map[string]*sql.DB{dialect.SQLite: lite}
	dsn, stop, err := pgserver.Start(pgserver.Durable)
	if err != nil {
		return dbs, func() { _ = lite.Close() }, nil // no PostgreSQL here: the report has no rows of it
	}
	pg, err := sql.Open("pgx", fmt.Sprintf(dsn, "postgres"))
	if err != nil {
		stop()
		return nil, nil, err
	}
	pg.SetMaxOpenConns(32)
	pg.SetMaxIdleConns(32)
	dbs[dialect.Postgres] = pg
	return dbs, func() { _ = lite.Close(); _ = pg.Close(); stop() }, nil
}

var names = map[string]string{dialect.SQLite: "SQLite", dialect.Postgres: "PostgreSQL"}

// rig is Connec behind HTTP on one database, with another app subscribed so that every change makes a delivery.
type rig struct {
	*caller
	server *httptest.Server
	engine *connec.Engine
	store  *connecsql.Store
	idm    *idm.Engine
}

func newRig(ctx context.Context, db *sql.DB, d string, webhookURL string, opts ...connec.Option) (*rig, error) {
	e, _, err := judge(ctx)
	if err != nil {
		return nil, err
	}
	st, err := connecsql.New(db, d)
	if err != nil {
		return nil, err
	}
	if err := st.Migrate(ctx); err != nil {
		return nil, err
	}
	engine := connec.New(st, e, opts...)
	platform := authz.WithCredential(ctx, authz.OnBehalfOf("svc-bench"))
	if _, err := e.PutClient(ctx, idm.Client{ID: "svc-bench", Kind: idm.ServiceClient, Name: "bench"}, ""); err != nil {
		return nil, err
	}
	if _, err := engine.PutSubscription(platform, connec.Subscription{ID: otherGroup, Organization: organization, AppID: "app-other", URL: webhookURL}); err != nil {
		return nil, err
	}
	srv := httptest.NewServer(authz.Middleware(connechttp.NewHandler(engine)))
	return &rig{
		server: srv, engine: engine, store: st, idm: e,
		caller: newCaller(srv.URL, func(r *http.Request) { r.SetBasicAuth("app-bench", "key-of-app-bench-which-is-long-enough") }),
	}, nil
}

func body(n int) []byte {
	return fmt.Appendf(nil, `{"organizations":{"name":"Customer %d","is_customer":%t,"email":{"address":"c%d@example.com"},"phone":{"landline":"+353 1 555 %04d"},"address":{"billing":{"line1":"%d High Street","city":"Dublin","country":"IE"}}}}`, n, n%2 == 0, n, n%10000, n)
}

const path = "/api/v2/" + group + "/organizations"

// fill makes the records that are shown and listed, and returns their ids.
func (r *rig) fill(ctx context.Context, n int) ([]string, error) {
	var ids []string
	cred := authz.WithCredential(ctx, authz.OnBehalfOf("app-bench"))
	for len(ids) < n {
		ops := make([]connec.Op, min(500, n-len(ids)))
		for i := range ops {
			var doc map[string]map[string]any
			if err := json.Unmarshal(body(len(ids)+i), &doc); err != nil {
				return nil, err
			}
			ops[i] = connec.Op{Group: group, Collection: "organizations", Attributes: doc["organizations"]}
		}
		results, err := r.engine.Batch(cred, ops)
		if err != nil {
			return nil, err
		}
		for _, res := range results {
			if res.Err != nil {
				return nil, res.Err
			}
			ids = append(ids, res.Resource.ID)
		}
	}
	return ids, nil
}

func measureConnec(ctx context.Context, s settings) ([]row, error) {
	dbs, closeAll, err := databases(s, "connec")
	if err != nil {
		return nil, err
	}
	defer closeAll()
	floorDBs, closeFloor, err := databases(s, "floor")
	if err != nil {
		return nil, err
	}
	defer closeFloor()
	var out []row
	for _, d := range []string{dialect.SQLite, dialect.Postgres} {
		if dbs[d] == nil {
			continue
		}
		r, err := newRig(ctx, dbs[d], d, "https://receiver.invalid/")
		if err != nil {
			return nil, err
		}
		defer r.server.Close()
		ids, err := r.fill(ctx, s.records)
		if err != nil {
			return nil, err
		}
		f, err := newFloor(ctx, floorDBs[d], d)
		if err != nil {
			return nil, err
		}
		fs := httptest.NewServer(f)
		defer fs.Close()
		fc := newCaller(fs.URL, nil)
		var mu sync.Mutex
		var keys []string
		if _, err := load(ctx, 8, s.each, func(ctx context.Context, n int) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, fs.URL, strings.NewReader(string(body(n))))
			if err != nil {
				return err
			}
			resp, err := fc.http.Do(req)
			if err != nil {
				return err
			}
			mu.Lock()
			keys = append(keys, resp.Header.Get("Location"))
			mu.Unlock()
			return resp.Body.Close()
		}); err != nil {
			return nil, err
		}
		query := path + "?%24filter=is_customer%20eq%20true&%24orderby=created_at%20desc&%24top=20"
		for _, op := range []struct {
			name        string
			ours, floor func(ctx context.Context, n int) error
		}{
			{
				"show",
				func(ctx context.Context, n int) error {
					_, err := r.do(ctx, http.MethodGet, path+"/"+ids[n%len(ids)], nil, 200)
					return err
				},
				func(ctx context.Context, n int) error {
					_, err := fc.do(ctx, http.MethodGet, keys[n%len(keys)], nil, 200)
					return err
				},
			},
			{
				"filtered list",
				func(ctx context.Context, _ int) error {
					_, err := r.do(ctx, http.MethodGet, query, nil, 200)
					return err
				},
				func(ctx context.Context, _ int) error {
					_, err := fc.do(ctx, http.MethodGet, "/list", nil, 200)
					return err
				},
			},
			{
				"create",
				func(ctx context.Context, n int) error {
					_, err := r.do(ctx, http.MethodPost, path, body(n), 201)
					return err
				},
				func(ctx context.Context, n int) error {
					_, err := fc.do(ctx, http.MethodPost, "/", body(n), 201)
					return err
				},
			},
		} {
			for _, c := range s.clients {
				ours, err := load(ctx, c, s.each, op.ours)
				if err != nil {
					return nil, fmt.Errorf("%s on %s: %w", op.name, names[d], err)
				}
				least, err := load(ctx, c, s.each, op.floor)
				if err != nil {
					return nil, fmt.Errorf("floor of %s on %s: %w", op.name, names[d], err)
				}
				out = append(out, row{names[d], op.name, c, ours, least})
			}
		}
	}
	return out, nil
}

func measureBatch(ctx context.Context, s settings) ([]row, error) {
	dbs, closeAll, err := databases(s, "batch")
	if err != nil {
		return nil, err
	}
	defer closeAll()
	var out []row
	for _, d := range []string{dialect.SQLite, dialect.Postgres} {
		if dbs[d] == nil {
			continue
		}
		r, err := newRig(ctx, dbs[d], d, "https://receiver.invalid/")
		if err != nil {
			return nil, err
		}
		defer r.server.Close()
		res, err := load(ctx, 1, s.each, func(ctx context.Context, n int) error {
			var b strings.Builder
			b.WriteString(`{"sequential":true,"ops":[`)
			for i := range 100 {
				if i > 0 {
					b.WriteString(",")
				}
				fmt.Fprintf(&b, `{"method":"post","url":%q,"params":%s}`, path+"/", body(n*100+i))
			}
			b.WriteString("]}")
			_, err := r.do(ctx, http.MethodPost, "/batch", []byte(b.String()), 200)
			return err
		})
		if err != nil {
			return nil, err
		}
		res.rate *= 100
		out = append(out, row{database: names[d], operation: "batch", clients: 1, ours: res})
	}
	return out, nil
}

// measureWebhooks measures from the answer to a create to the receiver's handler.
func measureWebhooks(ctx context.Context, s settings) (result, error) {
	db, err := entsqlite.Open(filepath.Join(s.dir, "webhooks.db"))
	if err != nil {
		return result{}, err
	}
	defer func() { _ = db.Close() }()
	arrived := make(chan time.Time, 1<<20)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- time.Now()
		w.WriteHeader(http.StatusOK)
	}))
	defer receiver.Close()
	e, _, err := judge(ctx)
	if err != nil {
		return result{}, err
	}
	st, err := connecsql.New(db, dialect.SQLite)
	if err != nil {
		return result{}, err
	}
	d := connec.NewDispatcher(st, e, connec.WithPrivateNetworks(), connec.WithDeliveryLimits(64, 64, 15*time.Second))
	r, err := newRig(ctx, db, dialect.SQLite, receiver.URL, connec.WithDispatcher(d))
	if err != nil {
		return result{}, err
	}
	defer r.server.Close()
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(working) }()
	defer func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			log.Print(err)
		}
	}()

	// A trickle: one change at a time.
	res, err := load(ctx, 1, s.each, func(ctx context.Context, n int) error {
		if _, err := r.do(ctx, http.MethodPost, path, body(n), 201); err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		return res, err
	}
	drain(ctx, arrived, 300*time.Millisecond)
	var lat []time.Duration
	for n := range 200 {
		if _, err := r.do(ctx, http.MethodPost, path, body(1_000_000+n), 201); err != nil {
			return res, err
		}
		answered := time.Now()
		select {
		case at := <-arrived:
			lat = append(lat, max(at.Sub(answered), 0))
		case <-time.After(5 * time.Second):
			return res, fmt.Errorf("a webhook didn't arrive within 5 s")
		}
	}
	res = percentiles(lat)
	// A backlog: as fast as they come.
	const backlog = 4000
	start := time.Now()
	if _, err := r.fill(ctx, backlog); err != nil {
		return res, err
	}
	for got := range backlog {
		select {
		case <-arrived:
		case <-time.After(20 * time.Second):
			return res, fmt.Errorf("only %d of %d webhooks arrived", got, backlog)
		}
	}
	res.rate = backlog / time.Since(start).Seconds()
	return res, nil
}

func drain(ctx context.Context, c <-chan time.Time, quiet time.Duration) {
	for {
		select {
		case <-c:
		case <-ctx.Done():
			return
		case <-time.After(quiet):
			return
		}
	}
}
