package connecsql

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/ensemble-platform/ensemble/connec"
)

// Update implements connec.Store.
func (s *Store) Update(ctx context.Context, fn func(connec.Tx) error) error {
	return s.writes.do(ctx, func(t *tx) error { return fn(t) })
}

// tx is a transaction of the database, which one job after the other uses. It holds back what they write until flush, so that
// a group needs few statements, and looks there first when they read.
type tx struct {
	ctx   context.Context
	store *Store
	sql   *sql.Tx
	// changes counts what was written, so that a failed job is known to have left nothing behind.
	changes int
	// broken is the first statement's failure: PostgreSQL takes no more after that, and nothing may be committed.
	broken error
	// unprepared are statements that are to be prepared after the transaction, which may hold the pool's only connection.
	unprepared []string

	records       map[string]*record // those read or written so far
	inserts       []*record
	updates       []*record
	transactions  []row
	idMaps        map[mapKey]connec.IDMap
	deliveries    []*connec.Delivery
	counters      map[counterKey]*counter
	subscriptions map[string][]*connec.Subscription
	last          int64 // sequence; -1 is not known yet
}

// record is a row of connec_resources.
type record struct {
	id, organization, collection string
	version, created, updated    int64
	doc                          string
	columns                      []any
	held                         bool // in inserts or updates
}

type row []any

type mapKey struct {
	organization string
	connec.ExternalKey
	parent string
}

type counterKey struct{ organization, collection string }

type counter struct {
	known           bool
	number, records int64 // records is what comes in addition
	changed         bool  // records were written
}

func newTx(ctx context.Context, s *Store, t *sql.Tx) *tx {
	return &tx{
		ctx: ctx, store: s, sql: t, last: -1,
		records:       map[string]*record{},
		idMaps:        map[mapKey]connec.IDMap{},
		counters:      map[counterKey]*counter{},
		subscriptions: map[string][]*connec.Subscription{},
	}
}

// query reads within the transaction. The statement doesn't end with the caller's ctx, which would take the others' work along.
func (t *tx) query(what, query string, args []any, scan func(scanner) error) error {
	var rows *sql.Rows
	var err error
	if st := t.statement(query); st != nil {
		rows, err = st.QueryContext(t.ctx, args...)
	} else {
		rows, err = t.sql.QueryContext(t.ctx, query, args...)
	}
	return t.check(what, each(rows, err, scan))
}

func (t *tx) exec(what, query string, args []any) error {
	var err error
	if st := t.statement(query); st != nil {
		_, err = st.ExecContext(t.ctx, args...)
	} else {
		_, err = t.sql.ExecContext(t.ctx, query, args...)
	}
	return t.check(what, err)
}

func (t *tx) check(what string, err error) error {
	if err == nil {
		return nil
	}
	err = failed(t.ctx, what, err)
	if t.broken == nil {
		t.broken = err
	}
	return err
}

func (t *tx) statement(query string) *sql.Stmt {
	if !t.store.dialect.sqlite {
		return nil
	}
	st := t.store.known(query)
	if st == nil {
		t.unprepared = append(t.unprepared, query)
		return nil
	}
	return t.sql.StmtContext(t.ctx, st)
}

// record finds a record, or returns ErrNotFound.
func (t *tx) record(organization, collection, id string) (*record, error) {
	r := t.records[id]
	if r == nil {
		b := recordByID(t.store.dialect, id)
		err := t.query("read record", b.String(), b.args, func(row scanner) (err error) {
			r, err = scanRecord(row)
			return err
		})
		if err != nil {
			return nil, err
		}
		if r == nil {
			return nil, connec.ErrNotFound
		}
		t.records[id] = r
	}
	if r.organization != organization || r.collection != collection {
		return nil, connec.ErrNotFound
	}
	return r, nil
}

// Get implements connec.Tx.
func (t *tx) Get(ctx context.Context, organization, collection, id string) (*connec.Resource, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := t.record(organization, collection, id)
	if err != nil {
		return nil, err
	}
	return r.resource()
}

// First implements connec.Tx.
func (t *tx) First(ctx context.Context, organization, collection string, where connec.Filter) (*connec.Resource, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q := connec.ListQuery{Organization: organization, Collection: collection, Filter: where, Top: 1}
	b, err := t.store.dialect.list(q)
	if err != nil {
		return nil, err
	}
	if err := t.flushRecords(); err != nil {
		return nil, err
	}
	var r *record
	err = t.query("find record", b.String(), b.args, func(row scanner) (err error) {
		r, err = scanRecord(row)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, connec.ErrNotFound
	}
	if known := t.records[r.id]; known != nil {
		r = known
	} else {
		t.records[r.id] = r
	}
	return r.resource()
}

// Collections implements connec.Tx.
func (t *tx) Collections(ctx context.Context, organization string, ids []string) (map[string]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := map[string]string{}
	var ask []string
	for _, id := range ids {
		switch r := t.records[id]; {
		case r == nil:
			ask = append(ask, id)
		case r.organization == organization:
			out[id] = r.collection
		}
	}
	for some := range slices.Chunk(ask, maxList) {
		b := t.store.dialect.build().sql("SELECT id, organization, collection FROM connec_resources WHERE id IN ")
		b.list(some)
		err := t.query("find collections", b.String(), b.args, func(row scanner) error {
			var id, owner, collection string
			err := row.Scan(&id, &owner, &collection)
			if owner == organization {
				out[id] = collection
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// FindExternal implements connec.Tx.
func (t *tx) FindExternal(ctx context.Context, organization string, keys []connec.ExternalKey) ([]connec.IDMap, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found := map[mapKey]connec.IDMap{}
	// The keys of one place are looked up together: mostly there is one place, or one for each list of nested records.
	places := map[connec.ExternalKey][]string{}
	for _, k := range keys {
		place := connec.ExternalKey{Scope: k.Scope, Provider: k.Provider, Realm: k.Realm}
		places[place] = append(places[place], k.ID)
	}
	b := t.store.dialect.build()
	ask := func() error {
		if len(b.args) == 0 {
			return nil
		}
		err := t.query("find external ids", b.String(), b.args, func(row scanner) error {
			m := connec.IDMap{Organization: organization}
			err := row.Scan(&m.Scope, &m.Provider, &m.Realm, &m.ID, &m.Parent, &m.RecordID, &m.GroupID)
			found[keyOfMap(m)] = m
			return err
		})
		b = t.store.dialect.build()
		return err
	}
	for place, ids := range places {
		for some := range slices.Chunk(ids, maxList) {
			if len(b.args) > 0 {
				b.WriteString(" UNION ALL ")
			}
			b.sql("SELECT scope, provider, realm, external_id, parent, record_id, group_id FROM connec_id_maps"+
				" WHERE organization = ? AND scope = ? AND provider = ? AND realm = ? AND external_id IN ", organization, place.Scope, place.Provider, place.Realm)
			b.list(some)
			if len(b.args) > maxList {
				if err := ask(); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := ask(); err != nil {
		return nil, err
	}
	if len(t.idMaps) > 0 {
		wanted := make(map[connec.ExternalKey]bool, len(keys))
		for _, k := range keys {
			wanted[k] = true
		}
		for k, m := range t.idMaps {
			if k.organization == organization && wanted[k.ExternalKey] {
				found[k] = m
			}
		}
	}
	return slices.Collect(maps.Values(found)), nil
}

func keyOfMap(m connec.IDMap) mapKey { return mapKey{m.Organization, m.ExternalKey, m.Parent} }

// Insert implements connec.Tx.
func (t *tx) Insert(ctx context.Context, r *connec.Resource) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.records[r.ID] != nil {
		return fmt.Errorf("insert %s/%s: the id is taken", r.Collection, r.ID)
	}
	doc, err := encode(r.Attributes)
	if err != nil {
		return err
	}
	rec := &record{
		id: r.ID, organization: r.Organization, collection: r.Collection, version: r.Version,
		created: micros(r.CreatedAt), updated: micros(r.UpdatedAt), doc: doc, columns: columns(r.Attributes), held: true,
	}
	t.changes++
	t.records[r.ID] = rec
	t.inserts = append(t.inserts, rec)
	c := t.counter(r.Organization, r.Collection)
	c.records++
	c.changed = true
	return nil
}

// Update implements connec.Tx.
func (t *tx) Update(ctx context.Context, r *connec.Resource) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rec, err := t.record(r.Organization, r.Collection, r.ID)
	if err != nil {
		return err
	}
	doc, err := encode(r.Attributes)
	if err != nil {
		return err
	}
	t.changes++
	t.counter(r.Organization, r.Collection).changed = true
	rec.version, rec.updated, rec.doc, rec.columns = r.Version, micros(r.UpdatedAt), doc, columns(r.Attributes)
	if !rec.held {
		rec.held = true
		t.updates = append(t.updates, rec)
	}
	return nil
}

// maxMapKey bounds the texts of an id map together: PostgreSQL refuses index entries above 2.7 kB.
const maxMapKey = 2000

// PutIDMaps implements connec.Tx.
func (t *tx) PutIDMaps(ctx context.Context, ms []connec.IDMap) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, m := range ms {
		if len(m.Organization)+len(m.Scope)+len(m.Provider)+len(m.Realm)+len(m.ID)+len(m.Parent) > maxMapKey {
			return fmt.Errorf("external id of %s: %w: longer than %d bytes", m.Scope, connec.ErrInvalid, maxMapKey)
		}
	}
	t.changes += len(ms)
	for _, m := range ms {
		t.idMaps[keyOfMap(m)] = m
	}
	return nil
}

// AppendTransaction implements connec.Tx.
func (t *tx) AppendTransaction(ctx context.Context, c *connec.Transaction) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	after, err := encode(c.After)
	if err != nil {
		return err
	}
	if t.last < 0 {
		err := t.query("read the last sequence", "SELECT coalesce(max(sequence), 0) FROM connec_transactions", nil, func(row scanner) error {
			return row.Scan(&t.last)
		})
		if err != nil {
			return err
		}
	}
	t.changes++
	t.last++
	c.Sequence = t.last
	t.transactions = append(t.transactions, row{
		c.Sequence, c.ID, c.Organization, c.Collection, c.ResourceID, c.Version, c.Action,
		c.ActorType, c.ActorID, c.ActorName, c.Group, c.RequestID, after, micros(c.At),
	})
	return nil
}

// InsertDeliveries implements connec.Tx.
func (t *tx) InsertDeliveries(ctx context.Context, ds []*connec.Delivery) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.changes += len(ds)
	for _, d := range ds {
		copied := *d
		t.deliveries = append(t.deliveries, &copied)
	}
	return nil
}

func (t *tx) counter(organization, collection string) *counter {
	k := counterKey{organization, collection}
	c := t.counters[k]
	if c == nil {
		c = &counter{}
		t.counters[k] = c
	}
	return c
}

// NextNumber implements connec.Tx.
func (t *tx) NextNumber(ctx context.Context, organization, collection string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c := t.counter(organization, collection)
	if !c.known {
		b := t.store.dialect.build().sql("SELECT number FROM connec_counters WHERE organization = ? AND collection = ?", organization, collection)
		err := t.query("read counter", b.String(), b.args, func(row scanner) error { return row.Scan(&c.number) })
		if err != nil {
			return 0, err
		}
		c.known = true
	}
	t.changes++
	c.number++
	return c.number, nil
}

// Subscriptions implements connec.Tx. It leaves Password and Secret out.
func (t *tx) Subscriptions(ctx context.Context, organization string) ([]*connec.Subscription, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	known, ok := t.subscriptions[organization]
	if !ok {
		b := subscriptionsOf(t.store.dialect, publicColumns, organization)
		err := t.query("read subscriptions", b.String(), b.args, func(row scanner) error {
			s, err := scanSubscription(row)
			known = append(known, s)
			return err
		})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(known, func(a, b *connec.Subscription) int { return cmp.Compare(a.ID, b.ID) })
		t.subscriptions[organization] = known
	}
	out := make([]*connec.Subscription, len(known))
	for i, s := range known {
		copied := *s
		copied.Collections = slices.Clone(s.Collections)
		out[i] = &copied
	}
	return out, nil
}
