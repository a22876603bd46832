package idmoidc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmhttp"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
	"github.com/ensemble-platform/ensemble/idm/idmoidc"
	"github.com/ensemble-platform/ensemble/idm/idmoidcsql"
	"github.com/ensemble-platform/ensemble/idm/idmsql"
)

const (
	password = "correct horse battery"
	redirect = "http://127.0.0.1:9/callback" // nobody listens: the browser stops there
)

// TestMain keeps the library's own log lines out of the tests' output.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// clock is real time plus what a test adds.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// world is a platform with a user, an app in his organization, and a browser.
type world struct {
	t        *testing.T
	svc      idm.Service
	engine   *idm.Engine
	store    idmoidc.Store
	provider *idmoidc.Provider
	clock    *clock
	url      string
	issuer   string
	user     *idm.User
	key      string
	browser  *http.Client
	logs     *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

type setup struct {
	store  idmoidc.Store
	engine idm.Store
	remote bool
}

func newWorld(t *testing.T, o setup) *world {
	t.Helper()
	ctx := t.Context()
	if o.store == nil {
		o.store = idmoidc.NewMemStore()
	}
	if o.engine == nil {
		o.engine = idmmem.New()
	}
	w := &world{t: t, store: o.store, clock: &clock{}, logs: &syncBuffer{}}
	w.engine = idm.New(o.engine, idm.WithPasswordCost(64, 1, 1), idm.WithClock(w.clock.now))
	w.svc = w.engine
	var err error
	w.user, err = w.engine.CreateUser(ctx, idm.User{Email: "ann@example.com", Name: "Ann", Surname: "Lee"}, password)
	require.NoError(t, err)
	for _, org := range []string{"org-1", "org-2"} {
		require.NoError(t, w.engine.PutOrganization(ctx, idm.Organization{ID: org}))
	}
	_, err = w.engine.PutMembership(ctx, w.user.ID, "org-1", idm.Member)
	require.NoError(t, err)
	w.key, err = w.engine.PutClient(ctx, idm.Client{ID: "app-1", Kind: idm.AppClient, Name: "Notes & Co", RedirectURIs: []string{redirect}}, "")
	require.NoError(t, err)
	require.NoError(t, w.engine.PutGroup(ctx, idm.Group{ID: "cld-1", ClientID: "app-1", OrganizationID: "org-1"}))
	_, err = w.engine.PutClient(ctx, idm.Client{ID: "svc-oidc", Kind: idm.ServiceClient}, "the key of the provider")
	require.NoError(t, err)

	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	w.url, w.issuer = srv.URL, srv.URL+"/oidc"
	mux.Handle("/idm/", authz.Middleware(idmhttp.NewHandler(w.engine)))
	mux.Handle("/access/", authz.Middleware(idmhttp.NewHandler(w.engine)))
	mux.Handle("/oauth2/", authz.Middleware(idmhttp.NewHandler(w.engine)))
	if o.remote {
		w.svc = idmhttp.NewClient(srv.URL, nil, idmhttp.WithCredential(authz.Key("svc-oidc", "the key of the provider")))
	}
	w.provider, err = idmoidc.New(w.svc, w.store, w.issuer, idmoidc.WithInsecureIssuer(), idmoidc.WithClock(w.clock.now),
		idmoidc.WithLogger(slog.New(slog.NewTextHandler(w.logs, nil))),
		idmoidc.WithGroupName(func(_ context.Context, g idm.Group) string { return "<" + g.OrganizationID + ">" }))
	require.NoError(t, err)
	mux.Handle("/oidc/", w.provider)
	// The console signs Ann in at once.
	mux.HandleFunc("/login", func(rw http.ResponseWriter, r *http.Request) {
		s, _, err := w.engine.Login(r.Context(), "ann@example.com", password)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		http.SetCookie(rw, &http.Cookie{Name: authz.SessionCookie, Value: s.Token, Path: "/", HttpOnly: true})
		http.Redirect(rw, r, r.URL.Query().Get("return_to"), http.StatusFound)
	})
	w.newBrowser()
	return w
}

// newBrowser is a browser without cookies that follows redirects up to the app.
func (w *world) newBrowser() {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	w.browser = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), "http://127.0.0.1:9/") {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

func (w *world) relyingParty() (*oidc.Provider, *oauth2.Config) {
	w.t.Helper()
	p, err := oidc.NewProvider(w.t.Context(), w.issuer)
	require.NoError(w.t, err)
	return p, &oauth2.Config{
		ClientID: "app-1", ClientSecret: w.key, Endpoint: p.Endpoint(), RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
	}
}

// visit opens an address and returns what the app gets in the end, or the page that the browser stops at.
func (w *world) visit(address string) (toApp url.Values, status int, body string) {
	w.t.Helper()
	resp, err := w.browser.Get(address)
	require.NoError(w.t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	if to := resp.Header.Get("Location"); strings.HasPrefix(to, redirect) {
		u, err := url.Parse(to)
		require.NoError(w.t, err)
		return u.Query(), resp.StatusCode, ""
	}
	return nil, resp.StatusCode, string(b)
}

// signIn goes through the whole flow up to the code.
func (w *world) signIn(c *oauth2.Config, opts ...oauth2.AuthCodeOption) (code, verifier string) {
	w.t.Helper()
	verifier = oauth2.GenerateVerifier()
	got, status, body := w.visit(c.AuthCodeURL("the state", append(opts, oauth2.S256ChallengeOption(verifier), oidc.Nonce("the nonce"))...))
	require.NotNil(w.t, got, "%d: %s", status, body)
	require.Empty(w.t, got.Get("error"), got.Get("error_description"))
	require.Equal(w.t, "the state", got.Get("state"))
	require.Equal(w.t, w.issuer, got.Get("iss"))
	require.NotEmpty(w.t, got.Get("code"))
	return got.Get("code"), verifier
}

func oauthCode(t *testing.T, err error) string {
	t.Helper()
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	require.True(t, ok, "%v", err)
	require.NotContains(t, string(e.Body), "server_error")
	return e.ErrorCode
}

func eachSetup(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, setup{}))
	})
	t.Run("remote idm", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, setup{remote: true}))
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db, err := entsqlite.Open(filepath.Join(t.TempDir(), "idm.db"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		s := idmsql.New(db, dialect.SQLite)
		require.NoError(t, s.Migrate(t.Context()))
		test(t, newWorld(t, setup{store: idmoidcsql.New(db, dialect.SQLite), engine: s}))
	})
}
