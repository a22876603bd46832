package idmoidcsql_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/idm/idmoidc"
	"github.com/ensemble-platform/ensemble/idm/idmoidcsql"
	"github.com/ensemble-platform/ensemble/idm/idmoidctest"
	"github.com/ensemble-platform/ensemble/internal/seal"
)

func secret(b byte) []byte { return bytes.Repeat([]byte{b}, seal.KeySize) }

func TestStoreWithKey(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string, open func(t *testing.T) *sql.DB) {
		idmoidctest.TestStore(t, func(t *testing.T) idmoidc.Store {
			return idmoidcsql.New(open(t), entDialect, idmoidcsql.WithKey(secret(1)))
		})
	})
}

func TestWithKeyRefusesOtherLengths(t *testing.T) {
	require.Panics(t, func() { idmoidcsql.WithKey(nil) })
	require.Panics(t, func() { idmoidcsql.WithKey(secret(1), []byte("short")) })
}

// Signing keys are stored encrypted. Those from before there was a key, or under a former one, are read, and encrypted by Reseal.
func TestSigningKeysAreSealed(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string, open func(t *testing.T) *sql.DB) {
		ctx := t.Context()
		db := open(t)
		plain := idmoidcsql.New(db, entDialect)
		first := idmoidcsql.New(db, entDialect, idmoidcsql.WithKey(secret(1)))
		second := idmoidcsql.New(db, entDialect, idmoidcsql.WithKey(secret(2), secret(1)))
		last := idmoidcsql.New(db, entDialect, idmoidcsql.WithKey(secret(2)))
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		var want []idmoidc.Key
		add := func(s *idmoidcsql.Store, id string) {
			_, private, err := ed25519.GenerateKey(nil)
			require.NoError(t, err)
			der, err := x509.MarshalPKCS8PrivateKey(private)
			require.NoError(t, err)
			at = at.Add(time.Second)
			k := idmoidc.Key{ID: id, PrivateKey: der, CreatedAt: at}
			require.NoError(t, s.AddKey(ctx, k, false))
			want = append([]idmoidc.Key{k}, want...)
		}
		stored := func(id string) (b []byte) {
			require.NoError(t, db.QueryRowContext(ctx, "SELECT private_key FROM idm_oidc_keys WHERE id = '"+id+"'").Scan(&b))
			return b
		}
		add(plain, "key-1")
		require.Equal(t, want[0].PrivateKey, stored("key-1"))
		add(first, "key-2")
		add(second, "key-3")
		got, err := second.Keys(ctx)
		require.NoError(t, err)
		require.Equal(t, want, got)
		_, err = last.Keys(ctx)
		require.ErrorIs(t, err, seal.ErrNoKey)
		require.ErrorContains(t, err, "key-2")
		_, err = plain.Keys(ctx)
		require.ErrorIs(t, err, seal.ErrNoKey)

		n, err := plain.Reseal(ctx)
		require.NoError(t, err)
		require.Zero(t, n, "nothing to seal with")
		n, err = last.Reseal(ctx)
		require.ErrorIs(t, err, seal.ErrNoKey)
		require.ErrorContains(t, err, "key-2")
		require.Equal(t, 1, n, "what can't be opened stops no other")
		for _, rest := range []int{1, 0} {
			n, err = second.Reseal(ctx)
			require.NoError(t, err)
			require.Equal(t, rest, n)
		}
		got, err = last.Keys(ctx)
		require.NoError(t, err, "the old key has had its day")
		require.Equal(t, want, got)
		for _, k := range want {
			require.NotContains(t, string(stored(k.ID)), string(k.PrivateKey[16:]))
			require.Contains(t, string(stored(k.ID)), "$seal$1$")
		}

		// A key that is passed off as another isn't taken.
		_, err = db.ExecContext(ctx, "UPDATE idm_oidc_keys SET private_key = (SELECT private_key FROM idm_oidc_keys WHERE id = 'key-1') WHERE id = 'key-3'")
		require.NoError(t, err)
		_, err = last.Keys(ctx)
		require.ErrorIs(t, err, seal.ErrChanged)
	})
}
