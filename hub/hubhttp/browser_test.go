package hubhttp_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubhttp"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
)

// browser is a user agent with cookies that doesn't follow redirects.
type browser struct {
	t    *testing.T
	base string
	http *http.Client
}

func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t, base, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (b *browser) do(method, path, body string, want int, headers ...string) (map[string]any, *http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.base+path, strings.NewReader(body))
	require.NoError(b.t, err)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.http.Do(req)
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, resp.Body.Close()) }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	require.Equal(b.t, want, resp.StatusCode, "%s %s: %s", method, path, raw)
	var doc map[string]any
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		require.NoError(b.t, json.Unmarshal(raw, &doc))
	}
	return doc, resp, string(raw)
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	p := platform(t)
	ctx := authz.WithCredential(t.Context(), hubtest.Operator)
	ada, err := p.CreateUser(ctx, hub.User{Email: "ada@example.com", Name: "Ada", Surname: "L"}, "a good password")
	require.NoError(t, err)
	_, _, err = p.PutApp(ctx, hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: "http://crm.test", SSOInitPath: "/sso", Categories: []string{"Sales", "CRM"}, Active: true})
	require.NoError(t, err)
	b := newBrowser(t, serve(t, p).URL)

	doc, resp, _ := b.do("GET", "/mnoe/jpi/v1/current_user", "", 200)
	require.Equal(t, map[string]any{"current_user": map[string]any{"logged_in": false, "organizations": []any{}}}, doc)
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	_, resp, _ = b.do("GET", "/mnoe/jpi/v1/organizations", "", 401)
	require.Equal(t, "Bearer", resp.Header.Get("WWW-Authenticate"), "browsers would ask for a Basic password in a window of their own")
	doc, _, _ = b.do("POST", "/mnoe/auth/users/sign_in", `{"user":{"email":"ada@example.com","password":"wrong"}}`, 401)
	require.Equal(t, "hub.credentials", doc["code"])
	b.do("POST", "/mnoe/auth/users/sign_in", `{"user":`, 400)
	b.do("POST", "/mnoe/auth/users/sign_in", `{"user":{"email":"ada@example.com","password":"a good password"}}`, 403, "Sec-Fetch-Site", "cross-site")
	doc, resp, _ = b.do("POST", "/mnoe/auth/users/sign_in", `{"user":{"email":"ada@example.com","password":"a good password"}}`, 200)
	require.Equal(t, true, doc["current_user"].(map[string]any)["logged_in"])
	c := resp.Cookies()[0]
	require.Equal(t, authz.SessionCookie, c.Name)
	require.True(t, c.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, c.SameSite)
	require.False(t, c.Secure)
	require.True(t, c.Expires.After(time.Now()))
	_, resp, _ = b.do("POST", "/mnoe/auth/users/sign_in", `{"user":{"email":"ada@example.com","password":"a good password"}}`, 200, "X-Forwarded-Proto", "https")
	require.True(t, resp.Cookies()[0].Secure)
	b.do("POST", "/mnoe/auth/users/sign_in", `{"user":{"email":"ada@example.com","password":"a good password"}}`, 200)

	doc, _, _ = b.do("POST", "/mnoe/jpi/v1/organizations", `{"organization":{"name":"Acme","currency":"EUR"}}`, 201)
	require.Len(t, doc["organization"].(map[string]any)["members"], 1)
	b.do("POST", "/mnoe/jpi/v1/organizations", `{"organization":{"name":"Acme"}}`, 401, "Sec-Fetch-Site", "cross-site")
	doc, _, _ = b.do("GET", "/mnoe/jpi/v1/current_user", "", 200)
	me := doc["current_user"].(map[string]any)
	require.Equal(t, ada.ID, me["uid"])
	require.EqualValues(t, ada.Number, me["id"])
	require.NotEmpty(t, me["sso_session"])
	org := me["organizations"].([]any)[0].(map[string]any)
	require.Equal(t, "EUR", org["currency"])
	require.Equal(t, "Super Admin", org["current_user_role"])
	require.EqualValues(t, 6, org["financial_year_end_month"])
	require.Equal(t, false, org["has_myob_essentials_only"])
	acl := org["acl"].(map[string]any)["related"].(map[string]any)
	for _, name := range []string{"impac", "dashboards", "widgets", "kpis"} {
		require.Equal(t, map[string]any{"show": true, "create": true, "update": true, "destroy": true}, acl[name], name)
	}
	uid := org["uid"].(string)
	who, err := p.Caller(authz.WithCredential(t.Context(), authz.SessionToken(me["sso_session"].(string))))
	require.NoError(t, err)
	require.Equal(t, ada.ID, who.ID)

	doc, resp, _ = b.do("GET", "/mnoe/jpi/v1/marketplace?organization_id="+uid, "", 200)
	require.Equal(t, "1", resp.Header.Get("X-Total-Count"))
	require.Equal(t, []any{"CRM", "Sales"}, doc["categories"])
	b.do("GET", "/mnoe/jpi/v1/marketplace/crm", "", 200)
	b.do("GET", "/mnoe/jpi/v1/marketplace/none", "", 404)
	b.do("GET", "/mnoe/jpi/v1/organizations/"+uid, "", 200)
	b.do("GET", "/mnoe/jpi/v1/organizations/1", "", 200)
	b.do("GET", "/mnoe/jpi/v1/organizations/2", "", 403)
	doc, _, _ = b.do("POST", "/mnoe/jpi/v1/organizations/"+uid+"/app_instances", `{"nid":"crm"}`, 201)
	i := doc["app_instance"].(map[string]any)
	id := i["uid"].(string)
	require.Equal(t, "crm", i["app_nid"])
	doc, _, _ = b.do("POST", "/mnoe/jpi/v1/organizations/"+uid+"/app_instances", `{"nid":"crm"}`, 409)
	require.Equal(t, "hub.conflict", doc["code"])
	b.do("POST", "/mnoe/jpi/v1/organizations/"+uid+"/app_instances", `{"nid":"none"}`, 404)
	require.Eventually(t, func() bool {
		doc, _, _ := b.do("GET", "/mnoe/jpi/v1/app_instances/"+id, "", 200)
		return doc["app_instance"].(map[string]any)["status"] == "running"
	}, 30*time.Second, 10*time.Millisecond)
	doc, _, _ = b.do("GET", "/mnoe/jpi/v1/organizations/"+uid+"/app_instances", "", 200)
	require.Len(t, doc["app_instances"], 1)

	_, resp, _ = b.do("GET", "/mnoe/launch/"+id, "", 302)
	require.Equal(t, "http://crm.test/sso?group_id="+id, resp.Header.Get("Location"))
	_, resp, page := newBrowser(t, b.base).do("GET", "/mnoe/launch/"+id+"?x=1", "", 302)
	require.Empty(t, page)
	require.Equal(t, "/login?return_to=%2Fmnoe%2Flaunch%2F"+id+"%3Fx%3D1", resp.Header.Get("Location"))
	_, _, page = b.do("GET", "/mnoe/launch/cld-none", "", 403)
	require.Contains(t, page, "<h1>No access</h1>")

	b.do("DELETE", "/mnoe/jpi/v1/app_instances/"+id, "", 401, "Sec-Fetch-Site", "cross-site")
	b.do("DELETE", "/mnoe/jpi/v1/app_instances/"+id, "", 200)
	_, _, page = b.do("GET", "/mnoe/launch/"+id, "", 410)
	require.Contains(t, page, "CRM was removed")
	doc, _, _ = b.do("GET", "/mnoe/jpi/v1/nothing", "", 404)
	require.Equal(t, "hub.no_such_path", doc["code"])
	_, resp, _ = b.do("PUT", "/mnoe/jpi/v1/current_user", "", 405)
	require.Contains(t, resp.Header.Get("Allow"), "GET")

	_, resp, _ = b.do("DELETE", "/mnoe/auth/users/sign_out", "", 204)
	require.Negative(t, resp.Cookies()[0].MaxAge)
	doc, _, _ = b.do("GET", "/mnoe/jpi/v1/current_user", "", 200)
	require.Equal(t, false, doc["current_user"].(map[string]any)["logged_in"])
	_, err = p.Caller(authz.WithCredential(t.Context(), authz.SessionToken(me["sso_session"].(string))))
	require.ErrorIs(t, err, authz.ErrUnauthenticated, "the session ended everywhere")
}

func TestLaunchWaits(t *testing.T) {
	t.Parallel()
	p := hubtest.NewPlatform(hubmem.New())
	p.Provisioner.Fail = func(string) error { return errors.New("secret detail <b>") }
	hubtest.Start(t, p.Run)
	ctx := authz.WithCredential(t.Context(), hubtest.Operator)
	_, err := p.CreateUser(ctx, hub.User{Email: "ada@example.com"}, "a good password")
	require.NoError(t, err)
	_, _, err = p.PutApp(ctx, hub.App{NID: "notes", Name: "<i>Notes</i>", Stack: hub.Cube, SSOInitPath: "/", Active: true})
	require.NoError(t, err)
	b := newBrowser(t, serve(t, p, hubhttp.WithSecureCookies(), hubhttp.WithLoginURL("/in?x=1")).URL)
	s, err := p.Login(ctx, "ada@example.com", "a good password")
	require.NoError(t, err)
	user := authz.WithCredential(t.Context(), authz.SessionToken(s.Token))
	o, err := p.CreateOrganization(user, hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	i, err := p.AddApp(user, o.ID, "notes")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		i, err := p.GetAppInstance(user, i.ID)
		return err == nil && len(i.Errors) > 0
	}, 30*time.Second, 10*time.Millisecond)
	_, resp, page := b.do("GET", "/mnoe/launch/"+i.ID, "", 200, "Authorization", "Bearer "+s.Token)
	require.Equal(t, "2", resp.Header.Get("Refresh"))
	require.Contains(t, page, "Preparing &lt;i&gt;Notes&lt;/i&gt;")
	require.Contains(t, page, "The app could not be started")
	require.NotContains(t, page, "secret detail")
	_, resp, _ = b.do("GET", "/mnoe/launch/"+i.ID, "", 302)
	require.Equal(t, "/in?x=1&return_to=%2Fmnoe%2Flaunch%2F"+i.ID, resp.Header.Get("Location"))
	_, resp, _ = b.do("POST", "/mnoe/auth/users/sign_in", `{"user":{"email":"ada@example.com","password":"a good password"}}`, 200)
	require.True(t, resp.Cookies()[0].Secure)
}

// TestInternalErrors proves that what goes wrong inside isn't told outside.
func TestInternalErrors(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		http.Error(w, "boom at 10.0.0.1", http.StatusInternalServerError)
	}))
	t.Cleanup(s.Close)
	b := newBrowser(t, serve(t, hubhttp.NewClient(s.URL, nil)).URL)
	for _, path := range []string{"/mnoe/jpi/v1/current_user", "/hub/v1/users", "/api/mnoe/v2/users"} {
		_, _, body := b.do("GET", path, "", 500)
		require.NotContains(t, body, "10.0.0.1")
	}
	_, _, page := b.do("GET", "/mnoe/launch/cld-1", "", 500)
	require.NotContains(t, page, "10.0.0.1")
	require.Positive(t, calls.Load())
}
