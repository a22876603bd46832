package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/examples/hostedapp/app"
)

const group, organization = "cld-1", "org-1"

// world is an app with an OpenID provider and a real Connec around it.
type world struct {
	t        *testing.T
	provider *provider
	connec   *connec.Engine
	own      context.Context // with the app's credential
	secret   string
	url      string
	browser  *http.Client
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, provider: newProvider(t), secret: connec.NewWebhookSecret()}
	key := authz.Key(w.provider.client, w.provider.secret)
	w.own = authz.WithCredential(t.Context(), key)
	w.connec = connec.New(connecmem.New(), authz.Func(func(_ context.Context, r authz.Request) (authz.Decision, error) {
		d := authz.Decision{Authenticated: r.Credential == key}
		if d.Authenticated && strings.HasPrefix(r.Resource.ID, group+"/") {
			d.Allowed, d.Organization, d.Group = true, organization, group
			d.Principal = authz.Principal{Type: authz.App, ID: key.ID}
		}
		return d, nil
	}))
	api := httptest.NewServer(authz.Middleware(connechttp.NewHandler(w.connec)))
	t.Cleanup(api.Close)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w.url = "http://" + l.Addr().String()
	cfg, err := app.FromEnv([]string{
		"PORT=1", "NEX_PUBLIC_URL=" + w.url, "GROUP_ID=" + group, "WEBHOOK_SECRET=" + w.secret, "MNO_CONNEC_API_URL=" + api.URL,
		"MNO_API_KEY=" + key.ID, "MNO_API_SECRET=" + key.Secret,
		"OIDC_ISSUER=" + w.provider.URL, "OIDC_CLIENT_ID=" + w.provider.client, "OIDC_CLIENT_SECRET=" + w.provider.secret,
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- app.New(cfg, nil).Run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	w.browser = newBrowser(t)
	return w
}

func newBrowser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Jar: jar, Timeout: 20 * time.Second}
}

func (w *world) get(path string) (int, string) {
	w.t.Helper()
	resp, err := w.browser.Get(w.url + path)
	return w.read(resp, err)
}

func (w *world) post(path string, form url.Values) (int, string) {
	w.t.Helper()
	resp, err := w.browser.PostForm(w.url+path, form)
	return w.read(resp, err)
}

func (w *world) read(resp *http.Response, err error) (int, string) {
	w.t.Helper()
	require.NoError(w.t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return resp.StatusCode, string(b)
}

func (w *world) signIn() string {
	w.t.Helper()
	code, text := w.get("/maestrano/auth/oidc/init")
	require.Equal(w.t, 200, code, text)
	require.Contains(w.t, text, "Ada Byrne")
	return text
}

func (w *world) create(collection string, attrs map[string]any) *connec.Resource {
	w.t.Helper()
	r, _, err := w.connec.Create(w.own, group, collection, attrs, connec.WriteOptions{})
	require.NoError(w.t, err)
	return r
}

func (w *world) list(collection string) []*connec.Resource {
	w.t.Helper()
	p, err := w.connec.List(w.own, group, collection, connec.Query{})
	require.NoError(w.t, err)
	return p.Resources
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.connec.Update(w.own, group, "company", "", map[string]any{"name": "Harbour & Co", "currency": "EUR"}, connec.WriteOptions{})
	require.NoError(t, err)
	w.create("people", map[string]any{"first_name": "Grace", "last_name": "Hopper", "job_title": "Rear Admiral"})

	code, text := w.get("/")
	require.Equal(t, 200, code)
	require.Contains(t, text, "/maestrano/auth/oidc/init")
	require.NotContains(t, text, "Hopper", "strangers see nothing")

	text = w.signIn()
	for _, want := range []string{"ada@harbour.example", "Harbour &amp; Co", "Grace Hopper", "Rear Admiral"} {
		require.Contains(t, text, want)
	}
	code, text = w.post("/sign-out", nil)
	require.Equal(t, 200, code)
	require.NotContains(t, text, "Hopper")
}

func TestSignInRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.provider.deny = true
	code, text := w.get("/maestrano/auth/oidc/init")
	require.Equal(t, 403, code, text)
	w.provider.deny = false

	w.provider.nonce = "of another sign-in"
	code, _ = w.get("/maestrano/auth/oidc/init")
	require.Equal(t, 502, code, "an id token for another sign-in")
	w.provider.nonce = ""

	w.provider.group = "cld-2"
	code, _ = w.get("/maestrano/auth/oidc/init")
	require.Equal(t, 403, code, "a sign-in for another organization's copy")
	w.provider.group = group

	code, _ = w.get("/maestrano/auth/oidc/callback?state=made-up&code=made-up")
	require.Equal(t, 400, code, "a sign-in that nobody began here")

	// Somebody else's answer: the state is right, but this browser didn't begin it.
	var back string
	other := newBrowser(t)
	other.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/maestrano/auth/oidc/callback") {
			back = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}
	resp, err := other.Get(w.url + "/maestrano/auth/oidc/init")
	_, _ = w.read(resp, err)
	require.NotEmpty(t, back)
	code, _ = w.get(back)
	require.Equal(t, 400, code)
	code, text = w.get("/")
	require.Equal(t, 200, code)
	require.NotContains(t, text, "Ada")

	w.provider.Close()
	w2 := newWorld(t)
	w2.provider.Close()
	code, _ = w2.get("/maestrano/auth/oidc/init")
	require.Equal(t, 502, code, "the provider can't be reached")
	code, _ = w2.get("/healthz")
	require.Equal(t, 200, code, "which is no reason to be unhealthy")
}

func TestQuoteBecomesInvoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.connec.Update(w.own, group, "company", "", map[string]any{"name": "Harbour", "currency": "EUR"}, connec.WriteOptions{})
	require.NoError(t, err)
	w.signIn()
	code, text := w.post("/customers", url.Values{"name": {"Brig <& Sons"}, "email": {"brig@example.com"}})
	require.Equal(t, 200, code, text)
	require.Contains(t, text, "Brig &lt;&amp; Sons")
	require.Contains(t, text, "The customer was added")
	customers := w.list("organizations")
	require.Len(t, customers, 1)
	require.Equal(t, true, customers[0].Attributes["is_customer"])

	for _, bad := range []url.Values{
		{"customer": {customers[0].ID}, "title": {""}, "price": {"1"}},
		{"customer": {customers[0].ID}, "title": {"Sails"}, "price": {"1,50"}},
		{"customer": {customers[0].ID}, "title": {"Sails"}, "price": {"007"}},
		{"customer": {""}, "title": {"Sails"}, "price": {"1"}},
		{"customer": {"no-such-customer"}, "title": {"Sails"}, "price": {"1"}},
	} {
		code, text = w.post("/quotes", bad)
		require.Equal(t, 422, code, bad)
		require.Contains(t, text, `role="alert"`)
	}
	require.Empty(t, w.list("quotes"))
	code, text = w.post("/quotes", url.Values{"customer": {customers[0].ID}, "title": {"Two sails"}, "price": {"1250.5"}})
	require.Equal(t, 200, code, text)
	require.Contains(t, text, "1250.50 EUR")
	quotes := w.list("quotes")
	require.Len(t, quotes, 1)

	for range 2 {
		code, text = w.post("/quotes/"+quotes[0].ID+"/accept", nil)
		require.Equal(t, 200, code, text)
	}
	require.Contains(t, text, "Accepted")
	invoices := w.list("invoices")
	require.Len(t, invoices, 1, "accepting twice makes one invoice")
	require.Equal(t, "Two sails", invoices[0].Attributes["title"])
	require.Equal(t, customers[0].ID, invoices[0].Attributes["organization_id"])
	require.Equal(t, "ACCEPTED", w.list("quotes")[0].Attributes["status"])

	code, _ = w.post("/quotes/missing/decline", nil)
	require.Equal(t, 422, code)
}

func TestForeignForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, _ := w.post("/customers", url.Values{"name": {"X"}})
	require.Equal(t, 200, code, "the welcome page")
	require.Empty(t, w.list("organizations"), "not signed in")
	w.signIn()
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/customers", strings.NewReader("name=X"))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := w.browser.Do(req)
	code, _ = w.read(resp, err)
	require.Equal(t, 403, code)
	require.Empty(t, w.list("organizations"))
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	send := func(id, body string, spoil func(*http.Request)) int {
		req, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/maestrano/connec/notifications", strings.NewReader(body))
		require.NoError(t, err)
		req.SetBasicAuth(w.provider.client, w.provider.secret)
		require.NoError(t, connec.SignWebhook(w.secret, req.Header, id, time.Now(), []byte(body)))
		if spoil != nil {
			spoil(req)
		}
		resp, err := http.DefaultClient.Do(req)
		code, _ := w.read(resp, err)
		return code
	}
	good := `{"organizations":[{"id":"1","group_id":"cld-1","name":"Brig & Sons"},{"id":"2","group_id":"cld-2","name":"Somebody else's"}]}`
	require.Equal(t, 401, send("a", good, func(r *http.Request) { r.SetBasicAuth(w.provider.client, "wrong") }))
	require.Equal(t, 401, send("a", good, func(r *http.Request) { r.Header.Del("Authorization") }))
	require.Equal(t, 401, send("a", good, func(r *http.Request) { r.Header.Del("Webhook-Signature") }))
	require.Equal(t, 401, send("a", good, func(r *http.Request) { r.Header.Set("Webhook-Id", "b") }))
	require.Equal(t, 400, send("x", "{", nil))
	require.Equal(t, 413, send("y", strings.Repeat(" ", 5<<20), nil))
	require.Equal(t, 200, send("a", good, nil))
	require.Equal(t, 200, send("a", good, nil), "at least once")
	text := w.signIn()
	require.Equal(t, 1, strings.Count(text, "Brig &amp; Sons"))
	require.NotContains(t, text, "Somebody else")
}

func TestAccountWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	remove := func(path string, key string) int {
		req, err := http.NewRequestWithContext(t.Context(), "DELETE", w.url+path, nil)
		require.NoError(t, err)
		req.SetBasicAuth(w.provider.client, key)
		resp, err := http.DefaultClient.Do(req)
		code, _ := w.read(resp, err)
		return code
	}
	in := func() bool {
		_, text := w.get("/")
		return strings.Contains(text, "Ada Byrne")
	}
	w.signIn()
	require.Equal(t, 401, remove("/maestrano/account/groups/cld-1", "wrong"))
	require.Equal(t, 200, remove("/maestrano/account/groups/cld-2", w.provider.secret))
	require.Equal(t, 200, remove("/maestrano/account/groups/cld-1/users/usr-ben", w.provider.secret))
	require.True(t, in())
	require.Equal(t, 200, remove("/maestrano/account/groups/cld-1/users/usr-ada", w.provider.secret))
	require.False(t, in())
	w.signIn()
	require.Equal(t, 200, remove("/maestrano/account/groups/cld-1", w.provider.secret))
	require.False(t, in())
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]string{
		nil,
		{"PORT=x", "NEX_PUBLIC_URL=http://a"},
		{"PORT=70000", "NEX_PUBLIC_URL=http://a"},
		{"PORT=1", "NEX_PUBLIC_URL=a"},
		{"PORT=1", "NEX_PUBLIC_URL=http://a", "OIDC_REDIRECT_PATH=/{x}/y"},
		{"PORT=1", "NEX_PUBLIC_URL=http://a", "OIDC_REDIRECT_PATH=/healthz"},
	} {
		_, err := app.FromEnv(bad)
		require.Error(t, err, bad)
	}
	cfg, err := app.FromEnv([]string{"PORT=8000", "NEX_PUBLIC_URL=https://a.example.com/"})
	require.NoError(t, err)
	require.Equal(t, app.Config{Listen: "127.0.0.1:8000", PublicURL: "https://a.example.com", RedirectPath: "/maestrano/auth/oidc/callback"}, cfg)
}

// TestAlone: an app that is told of nothing serves all the same.
func TestAlone(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(app.New(app.Config{PublicURL: "http://quotes.example.com"}, nil))
	t.Cleanup(srv.Close)
	for path, want := range map[string]int{"/healthz": 200, "/": 200, "/style.css": 200, "/maestrano/auth/oidc/init": 404, "/nothing": 404} {
		resp, err := http.Get(srv.URL + path)
		require.NoError(t, err)
		_ = resp.Body.Close()
		require.Equal(t, want, resp.StatusCode, path)
	}
	require.Error(t, app.Main(t.Context(), nil, io.Discard))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, app.Main(ctx, []string{"PORT=0", "NEX_PUBLIC_URL=http://a"}, io.Discard))
}
