package connecsql_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecsql"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/internal/id"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)

// newStore makes an empty store of its own for a test.
func newStore(t testing.TB, entDialect string, opts ...connecsql.Option) *connecsql.Store {
	t.Helper()
	return migrated(t, openDB(t, entDialect), entDialect, opts...)
}

func openDB(t testing.TB, entDialect string) *sql.DB {
	t.Helper()
	if entDialect == dialect.Postgres {
		return pgtest.Open(t)
	}
	db, err := entsqlite.Open(filepath.Join(t.TempDir(), "connec.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func migrated(t testing.TB, db *sql.DB, entDialect string, opts ...connecsql.Option) *connecsql.Store {
	t.Helper()
	s, err := connecsql.New(db, entDialect, opts...)
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

// onBoth runs a test on SQLite and PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, entDialect string)) {
	for _, d := range []string{dialect.SQLite, dialect.Postgres} {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

func insert(t testing.TB, s *connecsql.Store, rs ...*connec.Resource) {
	t.Helper()
	require.NoError(t, s.Update(t.Context(), func(tx connec.Tx) error {
		for _, r := range rs {
			if err := tx.Insert(t.Context(), r); err != nil {
				return err
			}
		}
		return nil
	}))
}

// write does what the engine does for a create: record, id map, transaction and a delivery to each subscription.
func write(ctx context.Context, tx connec.Tx, org, collection string, n int, attrs map[string]any) (*connec.Transaction, error) {
	number, err := tx.NextNumber(ctx, org, collection)
	if err != nil {
		return nil, err
	}
	attrs["code"] = "N" + strconv.FormatInt(number, 10)
	r := &connec.Resource{
		ID: id.UUID(), Collection: collection, Organization: org, Version: 1, Attributes: attrs,
		CreatedAt: start.Add(time.Duration(n) * time.Second), UpdatedAt: start.Add(time.Duration(n) * time.Second),
	}
	key := connec.ExternalKey{Scope: collection, Provider: "crm", Realm: "r1", ID: strconv.Itoa(n)}
	if _, err := tx.FindExternal(ctx, org, []connec.ExternalKey{key}); err != nil {
		return nil, err
	}
	if err := tx.Insert(ctx, r); err != nil {
		return nil, err
	}
	if err := tx.PutIDMaps(ctx, []connec.IDMap{{Organization: org, ExternalKey: key, RecordID: r.ID, GroupID: "cld-1"}}); err != nil {
		return nil, err
	}
	c := &connec.Transaction{
		ID: id.UUID(), Organization: org, Collection: collection, ResourceID: r.ID, Version: 1, Action: connec.ActionCreate,
		ActorType: "app", ActorID: "a", ActorName: "An app", Group: "cld-1", RequestID: "q", After: attrs, At: r.UpdatedAt,
	}
	if err := tx.AppendTransaction(ctx, c); err != nil {
		return nil, err
	}
	return c, deliver(ctx, tx, c)
}

// rewrite does what the engine does for an update.
func rewrite(ctx context.Context, tx connec.Tx, org, collection, resource string, change func(attrs map[string]any)) (*connec.Transaction, error) {
	r, err := tx.Get(ctx, org, collection, resource)
	if err != nil {
		return nil, err
	}
	r.Version++
	change(r.Attributes)
	if err := tx.Update(ctx, r); err != nil {
		return nil, err
	}
	c := &connec.Transaction{
		ID: id.UUID(), Organization: org, Collection: collection, ResourceID: r.ID, Version: r.Version, Action: connec.ActionUpdate,
		After: r.Attributes, At: r.UpdatedAt,
	}
	if err := tx.AppendTransaction(ctx, c); err != nil {
		return nil, err
	}
	return c, deliver(ctx, tx, c)
}

func deliver(ctx context.Context, tx connec.Tx, c *connec.Transaction) error {
	subs, err := tx.Subscriptions(ctx, c.Organization)
	if err != nil {
		return err
	}
	var ds []*connec.Delivery
	for _, s := range subs {
		ds = append(ds, &connec.Delivery{
			ID: id.New("msg"), SubscriptionID: s.ID, Organization: c.Organization, Collection: c.Collection, ResourceID: c.ResourceID, Sequence: c.Sequence,
			State: connec.Pending, NextAttemptAt: c.At, CreatedAt: c.At, UpdatedAt: c.At,
		})
	}
	return tx.InsertDeliveries(ctx, ds)
}

func openDSN(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
