package idmhttp_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2/clientcredentials"
	"gopkg.in/yaml.v3"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmhttp"
	"github.com/ensemble-platform/ensemble/internal/apitest"
	"github.com/ensemble-platform/ensemble/internal/deptest"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

const password = "correct horse battery"

// office is an engine with a member of one organization and an app in it, served.
type office struct {
	*idm.Engine
	url    string
	caller authz.Credential
	user   *idm.User
	token  string
	appKey string
}

func newOffice(t testing.TB) *office {
	t.Helper()
	ctx := t.Context()
	o := &office{Engine: newEngine()}
	o.url, o.caller = serve(t, o.Engine)
	var err error
	o.user, err = o.CreateUser(ctx, idm.User{Email: "ann@example.com", Name: "Ann"}, password)
	require.NoError(t, err)
	require.NoError(t, o.PutOrganization(ctx, idm.Organization{ID: "org-1"}))
	_, err = o.PutMembership(ctx, o.user.ID, "org-1", idm.Member)
	require.NoError(t, err)
	o.appKey, err = o.PutClient(ctx, idm.Client{ID: "app-1", Kind: idm.AppClient, Name: "CRM"}, "")
	require.NoError(t, err)
	require.NoError(t, o.PutGroup(ctx, idm.Group{ID: "cld-1", ClientID: "app-1", OrganizationID: "org-1"}))
	s, err := o.CreateSession(ctx, o.user.ID)
	require.NoError(t, err)
	o.token = s.Token
	return o
}

// send makes a request as the caller, unless edit says otherwise.
func (o *office) send(t testing.TB, method, path, media, body string, edit ...func(*http.Request)) (status int, header http.Header, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, o.url+path, strings.NewReader(body))
	require.NoError(t, err)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	authz.SetRequest(r, o.caller)
	for _, e := range edit {
		e(r)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, resp.Header, string(b)
}

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
)

func as(c authz.Credential) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del("Authorization")
		authz.SetRequest(r, c)
	}
}

func code(t testing.TB, body string) string {
	t.Helper()
	var p problem.Problem
	require.NoError(t, json.Unmarshal([]byte(body), &p), body)
	return p.Code
}

func TestEvaluation(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	const path = "/access/v1/evaluation"
	for _, c := range []struct{ name, subject, action, resource, want string }{
		{
			"session", `{"type":"session","id":"` + o.token + `"}`, "read", `{"type":"organization","id":"org-1"}`,
			`{"decision":true,"context":{"authenticated":true,"organization":"org-1","role":"Member","principal":{"type":"user","id":"` + o.user.ID + `","name":"ann@example.com"}}}`,
		},
		{
			"denied", `{"type":"session","id":"` + o.token + `"}`, "update", `{"type":"organization","id":"org-1"}`,
			`{"decision":false,"context":{"authenticated":true,"reason":"the role Member does not allow this","principal":{"type":"user","id":"` + o.user.ID + `","name":"ann@example.com"}}}`,
		},
		{
			"api key", `{"type":"api_key","id":"app-1:` + o.appKey + `"}`, "write", `{"type":"connec_entity","id":"org-1/invoices"}`,
			`{"decision":true,"context":{"authenticated":true,"organization":"org-1","group":"cld-1","principal":{"type":"app","id":"app-1","name":"CRM"}}}`,
		},
		{
			"wrong key", `{"type":"api_key","id":"app-1:x"}`, "write", `{"type":"connec_entity","id":"org-1/invoices"}`,
			`{"decision":false,"context":{"authenticated":false,"reason":"the id or the key is wrong"}}`,
		},
		{
			"user", `{"type":"user","id":"` + o.user.ID + `"}`, "access", `{"type":"app_instance","id":"cld-1"}`,
			`{"decision":true,"context":{"authenticated":true,"organization":"org-1","group":"cld-1","role":"Member","principal":{"type":"user","id":"` + o.user.ID + `","name":"ann@example.com"}}}`,
		},
		{
			"group", `{"type":"group","id":"cld-1"}`, "read", `{"type":"connec_entity","id":"cld-1/items"}`,
			`{"decision":true,"context":{"authenticated":true,"organization":"org-1","group":"cld-1","principal":{"type":"app","id":"app-1","name":"CRM"}}}`,
		},
		{
			"service", `{"type":"service","id":"svc-x"}`, "manage_platform", `{"type":"platform","id":"platform"}`,
			`{"decision":true,"context":{"authenticated":true,"principal":{"type":"service","id":"svc-x"}}}`,
		},
		{
			"a type that is not the id's", `{"type":"user","id":"svc-x"}`, "read", `{"type":"platform","id":"platform"}`,
			`{"decision":false,"context":{"authenticated":false,"reason":"this kind of credential is not known"}}`,
		},
		{
			"unknown subject type", `{"type":"robot","id":"x"}`, "read", `{"type":"platform","id":"platform"}`,
			`{"decision":false,"context":{"authenticated":false,"reason":"this kind of credential is not known"}}`,
		},
		{
			"properties decide nothing", `{"type":"user","id":"` + o.user.ID + `","properties":{"role":"Super Admin"}}`, "destroy",
			`{"type":"organization","id":"org-1","properties":{"owner":"` + o.user.ID + `"}}`,
			`{"decision":false,"context":{"authenticated":true,"reason":"the role Member does not allow this","principal":{"type":"user","id":"` + o.user.ID + `","name":"ann@example.com"}}}`,
		},
	} {
		body := `{"subject":` + c.subject + `,"action":{"name":"` + c.action + `","properties":{}},"resource":` + c.resource + `,"context":{"time":"now"},"more":1}`
		status, header, answer := o.send(t, http.MethodPost, path, asJSON+"; charset=utf-8", body, func(r *http.Request) { r.Header.Set("X-Request-ID", "abc-1") })
		require.Equal(t, http.StatusOK, status, c.name)
		require.JSONEq(t, c.want, answer, c.name)
		require.Equal(t, "abc-1", header.Get("X-Request-ID"))
		require.Equal(t, "no-store", header.Get("Cache-Control"))
		require.Contains(t, header["Content-Type"], asJSON)
	}

	good := `{"subject":{"type":"session","id":"x"},"action":{"name":"read"},"resource":{"type":"organization","id":"org-1"}}`
	for _, c := range []struct {
		name, media, body string
		want              int
	}{
		{"empty", asJSON, "", 400},
		{"not JSON", asJSON, "{", 400},
		{"not JSON", asJSON, "nonsense", 400},
		{"an array", asJSON, "[]", 400},
		{"null", asJSON, "null", 400},
		{"no subject", asJSON, `{"action":{"name":"read"},"resource":{"type":"a","id":"b"}}`, 400},
		{"no subject type", asJSON, strings.Replace(good, `"type":"session",`, "", 1), 400},
		{"no subject id", asJSON, strings.Replace(good, `,"id":"x"`, "", 1), 400},
		{"no action", asJSON, strings.Replace(good, `"action":{"name":"read"},`, "", 1), 400},
		{"no action name", asJSON, strings.Replace(good, `"name":"read"`, "", 1), 400},
		{"no resource", asJSON, `{"subject":{"type":"a","id":"b"},"action":{"name":"read"}}`, 400},
		{"no resource id", asJSON, strings.Replace(good, `,"id":"org-1"`, "", 1), 400},
		{"ill-typed", asJSON, strings.Replace(good, `"name":"read"`, `"name":1`, 1), 400},
		{"ill-typed", asJSON, strings.Replace(good, `{"type":"session","id":"x"}`, `"ann"`, 1), 400},
		{"wrong content type", "text/plain", good, 400},
		{"no content type", "", good, 400},
		{"too large", asJSON, strings.Replace(good, `"x"`, `"`+strings.Repeat("x", 70<<10)+`"`, 1), 413},
		{"good", asJSON, good, 200},
	} {
		status, _, answer := o.send(t, http.MethodPost, path, c.media, c.body)
		require.Equal(t, c.want, status, "%s: %s", c.name, answer)
		if status != 200 {
			require.NotEmpty(t, code(t, answer))
		}
	}
	status, header, _ := o.send(t, http.MethodPost, path, asJSON, good)
	require.Equal(t, 200, status)
	require.Empty(t, header.Get("X-Request-ID"), "no id in, no id out")
}

func TestCallersMustBeServices(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ctx := t.Context()
	tenantKey, err := o.PutClient(ctx, idm.Client{ID: "tnt-1", Kind: idm.TenantClient}, "")
	require.NoError(t, err)
	operator, err := o.CreateUser(ctx, idm.User{Email: "op@example.com", Operator: true}, password)
	require.NoError(t, err)
	opSession, err := o.CreateSession(ctx, operator.ID)
	require.NoError(t, err)
	svc, err := o.ClientToken(ctx, "svc-caller", callerKey)
	require.NoError(t, err)

	var doc struct {
		Paths map[string]map[string]any
	}
	spec, err := os.ReadFile("../../openapi/idm.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(spec, &doc))
	tried := 0
	for path, ops := range doc.Paths {
		for method, op := range ops {
			operation, ok := op.(map[string]any)
			if !ok {
				continue
			}
			if _, own := operation["security"]; own {
				continue // needs no credential, or brings a proof of its own
			}
			tried++
			method, path := strings.ToUpper(method), strings.NewReplacer("{id}", "x-1", "{user_id}", "usr-1").Replace(path)
			for _, c := range []struct {
				name string
				c    authz.Credential
				want int
			}{
				{"anonymous", authz.Credential{}, 401},
				{"nonsense", authz.SessionToken("x"), 401},
				{"wrong key", authz.Key("svc-caller", "wrong"), 401},
				{"user", authz.SessionToken(o.token), 403},
				{"operator", authz.SessionToken(opSession.Token), 403},
				{"app", authz.Key("app-1", o.appKey), 403},
				{"tenant", authz.Key("tnt-1", tenantKey), 403},
			} {
				status, header, _ := o.send(t, method, path, asJSON, "{", as(c.c))
				require.Equal(t, c.want, status, "%s %s as %s", method, path, c.name)
				if status == 401 {
					require.NotEmpty(t, header.Get("WWW-Authenticate"))
				}
			}
			for _, c := range []authz.Credential{o.caller, authz.SessionToken(svc.Token)} {
				status, _, answer := o.send(t, method, path, asJSON, "{", as(c))
				require.NotContains(t, []int{401, 403}, status, "%s %s: %s", method, path, answer)
				require.Less(t, status, 500)
			}
		}
	}
	require.Greater(t, tried, 20)
}

func TestNoSuchPathOrMethod(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, path := range []string{"/", "/idm/v1/nothing", "/access/v1", "/idm/v1/users/"} {
		status, header, answer := o.send(t, http.MethodGet, path, "", "")
		require.Equal(t, 404, status, path)
		require.Equal(t, problem.ContentType, header.Get("Content-Type"))
		require.Equal(t, "idm.no_such_path", code(t, answer))
	}
	status, header, answer := o.send(t, http.MethodGet, "/access/v1/evaluation", "", "")
	require.Equal(t, 405, status)
	require.Equal(t, "POST", header.Get("Allow"))
	require.Equal(t, "idm.method_not_allowed", code(t, answer))
}

func TestAuthZENConfiguration(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	status, _, answer := o.send(t, http.MethodGet, "/.well-known/authzen-configuration", "", "", as(authz.Credential{}))
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"policy_decision_point":"`+o.url+`","access_evaluation_endpoint":"`+o.url+`/access/v1/evaluation"}`, answer)

	rec := httptest.NewRecorder()
	idmhttp.NewHandler(o.Engine, idmhttp.WithPublicURL("https://idm.example.com/")).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/.well-known/authzen-configuration", nil))
	require.JSONEq(t, `{"policy_decision_point":"https://idm.example.com","access_evaluation_endpoint":"https://idm.example.com/access/v1/evaluation"}`, rec.Body.String())
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ctx := t.Context()
	for _, key := range []string{callerKey, "a key: 100% our+own & more"} {
		_, err := o.PutClient(ctx, idm.Client{ID: "svc-caller", Kind: idm.ServiceClient}, key)
		require.NoError(t, err)
		o.caller = authz.Key("svc-caller", key)
		cc := clientcredentials.Config{ClientID: "svc-caller", ClientSecret: key, TokenURL: o.url + "/oauth2/token"}
		client := idmhttp.NewClient(o.url, cc.Client(ctx))
		u, err := client.GetUser(ctx, o.user.ID)
		require.NoError(t, err, key)
		require.Equal(t, o.user, u)
		d, err := client.Authorize(ctx, authz.Request{Credential: authz.SessionToken(o.token), Action: authz.Read, Resource: authz.Resource{Type: authz.Organization, ID: "org-1"}})
		require.NoError(t, err)
		require.True(t, d.Allowed)
	}

	for _, c := range []struct {
		name, media, body string
		edit              func(*http.Request)
		status            int
		want              string
	}{
		{"no client", asForm, "grant_type=client_credentials", as(authz.Credential{}), 401, "invalid_client"},
		{"a session is no client", asForm, "grant_type=client_credentials", as(authz.SessionToken(o.token)), 401, "invalid_client"},
		{"wrong key", asForm, "grant_type=client_credentials", as(authz.Key("svc-caller", "x")), 401, "invalid_client"},
		{"wrong key in the form", asForm, "grant_type=client_credentials&client_id=svc-caller&client_secret=x", as(authz.Credential{}), 401, "invalid_client"},
		{"two ways at once", asForm, "grant_type=client_credentials&client_id=app-1&client_secret=" + o.appKey, as(authz.Key("app-1", o.appKey)), 401, "invalid_client"},
		{"another grant", asForm, "grant_type=password", nil, 400, "unsupported_grant_type"},
		{"no grant", asForm, "", nil, 400, "invalid_request"},
		{"JSON", asJSON, `{"grant_type":"client_credentials"}`, nil, 400, "invalid_request"},
	} {
		edits := []func(*http.Request){}
		if c.edit != nil {
			edits = append(edits, c.edit)
		}
		status, header, answer := o.send(t, http.MethodPost, "/oauth2/token", c.media, c.body, edits...)
		require.Equal(t, c.status, status, c.name)
		var e struct{ Error string }
		require.NoError(t, json.Unmarshal([]byte(answer), &e))
		require.Equal(t, c.want, e.Error, c.name)
		require.Equal(t, status == 401, header.Get("WWW-Authenticate") != "")
	}
	status, header, answer := o.send(t, http.MethodPost, "/oauth2/token", asForm, "grant_type=client_credentials&client_id=app-1&client_secret="+o.appKey, as(authz.Credential{}))
	require.Equal(t, 200, status)
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	var tok struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	require.NoError(t, json.Unmarshal([]byte(answer), &tok))
	require.Equal(t, "Bearer", tok.TokenType)
	require.InDelta(t, 3600, tok.ExpiresIn, 60)
	d, err := o.Authorize(ctx, authz.Request{Credential: authz.SessionToken(tok.AccessToken), Action: authz.Read, Resource: authz.Resource{Type: authz.ConnecEntity, ID: "cld-1/items"}})
	require.NoError(t, err)
	require.True(t, d.Allowed)
}

func TestIntrospectionAndRevocation(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	introspect := func(form string) map[string]any {
		status, header, answer := o.send(t, http.MethodPost, "/oauth2/introspect", asForm, form)
		require.Equal(t, 200, status, answer)
		require.Equal(t, "no-store", header.Get("Cache-Control"))
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(answer), &m))
		return m
	}
	m := introspect(url.Values{"token": {o.token}, "token_type_hint": {"access_token"}}.Encode())
	require.Equal(t, true, m["active"])
	require.Equal(t, o.user.ID, m["sub"])
	require.Equal(t, "ann@example.com", m["username"])
	require.Equal(t, map[string]any{"org-1": "Member"}, m["organizations"])
	require.Greater(t, m["exp"], m["iat"])
	inactive := map[string]any{"active": false}
	for _, form := range []string{"token=", "token=nonsense", "token=" + o.appKey} {
		require.Equal(t, inactive, introspect(form), "nothing else is said")
	}
	for _, form := range []string{"", "tokens=x", "token=a&token=b", "token=%zz"} {
		status, _, answer := o.send(t, http.MethodPost, "/oauth2/introspect", asForm, form)
		require.Equal(t, 400, status, answer)
	}
	status, _, _ := o.send(t, http.MethodPost, "/oauth2/introspect?token="+o.token, asForm, "")
	require.Equal(t, 400, status, "a token in the URL is not read")

	anonymous := as(authz.Credential{})
	for _, tok := range []string{"nonsense", o.token, o.token} {
		status, _, answer := o.send(t, http.MethodPost, "/oauth2/revoke", asForm, "token="+tok, anonymous)
		require.Equal(t, 200, status)
		require.Empty(t, answer)
	}
	require.Equal(t, inactive, introspect("token="+o.token))
}

func TestPutUserNeedsTheNewestVersion(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	path := "/idm/v1/users/" + o.user.ID
	_, _, answer := o.send(t, http.MethodGet, path, "", "")
	var u struct{ Etag string }
	require.NoError(t, json.Unmarshal([]byte(answer), &u))
	match := func(r *http.Request) { r.Header.Set("If-Match", u.Etag) }
	status, _, _ := o.send(t, http.MethodPut, path, asJSON, `{"email":"ann@example.com","name":"One"}`, match)
	require.Equal(t, 200, status)
	status, _, answer = o.send(t, http.MethodPut, path, asJSON, `{"email":"ann@example.com","name":"Two"}`, match)
	require.Equal(t, 412, status)
	require.Equal(t, "idm.changed", code(t, answer))
	status, _, _ = o.send(t, http.MethodPut, path, asJSON, `{"email":"ann@example.com","name":"Three"}`)
	require.Equal(t, 200, status, "without a condition")
}

func TestLoginOverHTTP(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	anonymous := as(authz.Credential{})
	status, _, answer := o.send(t, http.MethodPost, "/idm/v1/login", asJSON, `{"email":"ann@example.com","password":"`+password+`"}`, anonymous)
	require.Equal(t, 200, status)
	require.NotContains(t, answer, "hash")
	for i := range 6 {
		status, _, answer = o.send(t, http.MethodPost, "/idm/v1/login", asJSON, `{"email":"ann@example.com","password":"wrong"}`, anonymous)
		if i < 5 {
			require.Equal(t, 401, status)
			require.Equal(t, "idm.credentials", code(t, answer))
		}
	}
	require.Equal(t, 429, status)
}

func TestDescription(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	apitest.Walk(t, apitest.Config{
		Spec:    "idm",
		Handler: authz.Middleware(idmhttp.NewHandler(o.Engine)),
		Known: map[string][]any{
			"id":              {o.user.ID, "org-1", "app-1", "cld-1", "usr-none"},
			"user_id":         {o.user.ID},
			"organization_id": {"org-1"},
			"client_id":       {"app-1"},
			"role":            {"Member", "Super Admin"},
			"kind":            {"app"},
			"email":           {"ann@example.com", "new@example.com"},
			"password":        {password},
			"token":           {o.token},
			"grant_type":      {"client_credentials"},
			"client_secret":   {o.appKey},
			"key":             {o.appKey},
		},
		Bodies: map[string][]any{
			"Evaluate": {map[string]any{
				"subject": map[string]any{"type": "session", "id": o.token}, "action": map[string]any{"name": "read"},
				"resource": map[string]any{"type": "organization", "id": "org-1"},
			}},
		},
		Prepare: func(r *http.Request) { authz.SetRequest(r, authz.Key("svc-caller", callerKey)) },
	})
}

func TestDeps(t *testing.T) {
	deptest.Never(t, "idm/idmhttp", "entgo.io/ent", "modernc.org/sqlite", "github.com/getkin/kin-openapi", "github.com/stretchr/testify", "github.com/zitadel/oidc")
}
