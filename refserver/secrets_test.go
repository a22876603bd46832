package refserver

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecsql"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/hub"
)

// The secrets that the server must be able to read again are nowhere in its databases, and those from before there was a key are
// sealed when it starts.
func TestStoredSecretsAreSealed(t *testing.T) {
	t.Parallel()
	cfg := Defaults()
	cfg.DataDir, cfg.Listen = t.TempDir(), "127.0.0.1:0"
	path := filepath.Join(cfg.DataDir, "connec.db")
	db, err := entsqlite.Open(path)
	require.NoError(t, err)
	before, err := connecsql.New(db, dialect.SQLite)
	require.NoError(t, err)
	require.NoError(t, before.Migrate(t.Context()))
	old := &connec.Subscription{ID: "cld-old", Organization: "org-1", AppID: "app-1", Password: "from-before", Secret: connec.NewWebhookSecret(), CreatedAt: time.Now()}
	require.NoError(t, before.PutSubscription(t.Context(), old))
	require.NoError(t, db.Close())

	s, err := New(t.Context(), cfg, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	asService := authz.WithCredential(t.Context(), authz.OnBehalfOf("svc-hub"))
	_, appKey, err := s.Hub.PutApp(asService, hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: "http://crm.test", Active: true})
	require.NoError(t, err)
	require.NotEmpty(t, appKey)
	sub, err := s.Connec.PutSubscription(asService, connec.Subscription{ID: "cld-1", Organization: "org-1", AppID: "app-1", URL: "http://crm.test/hook", Username: "app-1", Password: appKey})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/oidc/keys", nil))
	require.Equal(t, 200, w.Code, "the provider makes a signing key")

	var all []byte
	files, err := filepath.Glob(filepath.Join(cfg.DataDir, "*.db*"))
	require.NoError(t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		all = append(all, b...)
	}
	require.True(t, bytes.Contains(all, []byte("http://crm.test/hook")), "the test looks at the right files")
	for _, hidden := range []string{appKey, sub.Secret, strings.TrimPrefix(sub.Secret, "whsec_")} {
		require.False(t, bytes.Contains(all, []byte(hidden)), hidden)
	}
	rsa := []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0} // its identifier, which PKCS #8 begins with
	require.False(t, bytes.Contains(all, rsa), "a signing key")

	connecDB, _, err := s.storage.database("connec")
	require.NoError(t, err)
	var unsealed int
	require.NoError(t, connecDB.QueryRow("SELECT count(*) FROM connec_subscriptions WHERE password NOT LIKE '$seal$1$%' OR secret NOT LIKE '$seal$1$%'").Scan(&unsealed))
	require.Zero(t, unsealed)
	store, err := connecsql.New(connecDB, dialect.SQLite, connecsql.WithKey(s.secret))
	require.NoError(t, err)
	got, err := store.GetSubscription(t.Context(), old.ID)
	require.NoError(t, err)
	require.Equal(t, []string{old.Password, old.Secret}, []string{got.Password, got.Secret})
	idmDB, _, err := s.storage.database("idm")
	require.NoError(t, err)
	var key []byte
	require.NoError(t, idmDB.QueryRow("SELECT private_key FROM idm_oidc_keys").Scan(&key))
	require.True(t, bytes.HasPrefix(key, []byte("$seal$1$")))
}
