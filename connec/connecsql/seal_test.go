package connecsql_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecsql"
	"github.com/ensemble-platform/ensemble/connec/connectest"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/internal/seal"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, seal.KeySize) }

func TestStoreWithKey(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		connectest.TestStore(t, func(t *testing.T) connec.Store { return newStore(t, entDialect, connecsql.WithKey(key(1))) })
	})
}

func TestNewRefusesOtherKeys(t *testing.T) {
	t.Parallel()
	for _, o := range []connecsql.Option{connecsql.WithKey(nil), connecsql.WithKey([]byte("short")), connecsql.WithKey(key(1), nil)} {
		_, err := connecsql.New(nil, dialect.SQLite, o)
		require.ErrorContains(t, err, "32 are needed")
	}
}

// Neither password nor secret is anywhere in the files of the database.
func TestNoSecretInFiles(t *testing.T) {
	t.Parallel()
	for _, sealed := range []bool{true, false} {
		dir := t.TempDir()
		db, err := entsqlite.Open(filepath.Join(dir, "connec.db"))
		require.NoError(t, err)
		var opts []connecsql.Option
		if sealed {
			opts = append(opts, connecsql.WithKey(key(1)))
		}
		s := migrated(t, db, dialect.SQLite, opts...)
		sub := &connec.Subscription{ID: "cld-a", Organization: "o", Username: "app-1", Password: "key_correcthorsebattery", Secret: connec.NewWebhookSecret(), CreatedAt: start}
		require.NoError(t, s.PutSubscription(t.Context(), sub))
		require.NoError(t, s.PutSubscription(t.Context(), sub), "again")
		got, err := s.GetSubscription(t.Context(), "cld-a")
		require.NoError(t, err)
		require.Equal(t, sub, got)
		check := func() {
			t.Helper()
			var all []byte
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			for _, f := range files {
				b, err := os.ReadFile(filepath.Join(dir, f.Name()))
				require.NoError(t, err)
				all = append(all, b...)
			}
			require.True(t, bytes.Contains(all, []byte(sub.Username)), "the test looks at the right files")
			for _, hidden := range []string{sub.Password, sub.Secret, strings.TrimPrefix(sub.Secret, "whsec_")} {
				require.Equal(t, !sealed, bytes.Contains(all, []byte(hidden)))
			}
		}
		check() // with the write-ahead log
		require.NoError(t, db.Close())
		check()
	}
}

// Values from before there was a key, and under former keys, are read, and sealed with the present one by Reseal.
func TestReseal(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		ctx := t.Context()
		db := openDB(t, entDialect)
		plain := migrated(t, db, entDialect)
		first := migrated(t, db, entDialect, connecsql.WithKey(key(1)))
		second := migrated(t, db, entDialect, connecsql.WithKey(key(2), key(1)))
		last := migrated(t, db, entDialect, connecsql.WithKey(key(2)))
		put := func(s *connecsql.Store, id, password string) *connec.Subscription {
			sub := &connec.Subscription{ID: id, Organization: "o", Password: password, Secret: connec.NewWebhookSecret(), CreatedAt: start}
			require.NoError(t, s.PutSubscription(ctx, sub))
			return sub
		}
		want := []*connec.Subscription{put(plain, "cld-a", "open"), put(plain, "cld-b", "$seal$1$odd"), put(first, "cld-c", "once"), put(second, "cld-d", "now")}
		n, err := plain.Reseal(ctx)
		require.NoError(t, err)
		require.Zero(t, n, "nothing to seal with")

		got, err := second.ListSubscriptions(ctx, "o")
		require.NoError(t, err)
		require.Equal(t, want, got)
		_, err = last.ListSubscriptions(ctx, "o")
		require.ErrorIs(t, err, seal.ErrNoKey)
		_, err = last.GetSubscription(ctx, "cld-c")
		require.ErrorIs(t, err, seal.ErrNoKey)
		require.ErrorContains(t, err, "of subscription cld-c")
		_, err = plain.GetSubscription(ctx, "cld-d")
		require.ErrorIs(t, err, seal.ErrNoKey)

		n, err = last.Reseal(ctx)
		require.ErrorIs(t, err, seal.ErrNoKey)
		require.ErrorContains(t, err, "cld-c")
		require.Equal(t, 2, n, "what can't be opened stops no other")
		n, err = second.Reseal(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = second.Reseal(ctx)
		require.NoError(t, err)
		require.Zero(t, n)
		got, err = last.ListSubscriptions(ctx, "o")
		require.NoError(t, err, "the old key has had its day")
		require.Equal(t, want, got)
		var unsealed int
		require.NoError(t, db.QueryRowContext(ctx, "SELECT count(*) FROM connec_subscriptions WHERE password NOT LIKE '$seal$1$%' OR secret NOT LIKE '$seal$1$%'").Scan(&unsealed))
		require.Zero(t, unsealed)
	})
}

func TestResealPages(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := openDB(t, dialect.SQLite)
	plain, s := migrated(t, db, dialect.SQLite), migrated(t, db, dialect.SQLite, connecsql.WithKey(key(1)))
	const subscriptions = 1001
	tx, err := db.BeginTx(ctx, nil)
	require.NoError(t, err)
	for i := range subscriptions {
		_, err := tx.ExecContext(ctx, "INSERT INTO connec_subscriptions (id, organization, app_id, url, username, password, secret, external_ids, created_at)"+
			" VALUES (?, 'o', '', '', '', 'p', 's', false, 0)", fmt.Sprint("cld-", i))
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
	n, err := s.Reseal(ctx)
	require.NoError(t, err)
	require.Equal(t, subscriptions, n)
	_, err = plain.GetSubscription(ctx, "cld-1000")
	require.ErrorIs(t, err, seal.ErrNoKey)
}

// A sealed value is bound to its place, and a lost key holds up no change of records.
func TestSealedValuesAreBound(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		ctx := t.Context()
		db := openDB(t, entDialect)
		s := migrated(t, db, entDialect, connecsql.WithKey(key(1)))
		for _, id := range []string{"cld-a", "cld-b"} {
			require.NoError(t, s.PutSubscription(ctx, &connec.Subscription{ID: id, Organization: "o", Password: id, Secret: "whsec_x", CreatedAt: start}))
		}
		_, err := db.ExecContext(ctx, "UPDATE connec_subscriptions SET password = (SELECT password FROM connec_subscriptions WHERE id = 'cld-b') WHERE id = 'cld-a'")
		require.NoError(t, err)
		_, err = s.GetSubscription(ctx, "cld-a")
		require.ErrorIs(t, err, seal.ErrChanged)
		_, err = db.ExecContext(ctx, "UPDATE connec_subscriptions SET password = secret WHERE id = 'cld-b'")
		require.NoError(t, err)
		_, err = s.GetSubscription(ctx, "cld-b")
		require.ErrorIs(t, err, seal.ErrChanged)

		other := migrated(t, db, entDialect, connecsql.WithKey(key(2)))
		require.NoError(t, other.Update(ctx, func(tx connec.Tx) error {
			_, err := write(ctx, tx, "o", "items", 1, map[string]any{})
			return err
		}))
		ds, err := other.ListDeliveries(ctx, "o", connec.DeliveryQuery{})
		require.NoError(t, err)
		require.Len(t, ds, 2)
	})
}
