package hubhttp_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
)

// v2World is a hub as a frontend sees it.
type v2World struct {
	t      *testing.T
	base   string
	p      *hubtest.Platform
	tenant authz.Credential
}

func newV2World(t *testing.T) *v2World {
	t.Helper()
	p := platform(t)
	return &v2World{t: t, base: serve(t, p).URL + "/api/mnoe/v2", p: p, tenant: p.Identity.AddTenant("tnt-1")}
}

type v2Doc struct {
	Data     json.RawMessage `json:"data"`
	Included []v2Res         `json:"included"`
	Meta     struct {
		RecordCount int `json:"record_count"`
	} `json:"meta"`
	Links  map[string]string `json:"links"`
	Errors []struct {
		Title, Detail, Code, Status string
		Source                      struct{ Pointer string }
	} `json:"errors"`
}

type v2Res struct {
	Type          string                                    `json:"type"`
	ID            string                                    `json:"id"`
	Attributes    map[string]any                            `json:"attributes"`
	Relationships map[string]struct{ Data json.RawMessage } `json:"relationships"`
}

func (d *v2Doc) one(t *testing.T) v2Res {
	t.Helper()
	var r v2Res
	require.NoError(t, json.Unmarshal(d.Data, &r))
	return r
}

func (d *v2Doc) many(t *testing.T) []v2Res {
	t.Helper()
	var r []v2Res
	require.NoError(t, json.Unmarshal(d.Data, &r))
	return r
}

// call does what the Ruby client does: the media type on every request, with a body or without.
func (w *v2World) call(c authz.Credential, method, path string, body any, want int) *v2Doc {
	w.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		require.NoError(w.t, err)
		in = strings.NewReader(string(b))
	}
	req, err := http.NewRequest(method, w.base+path, in)
	require.NoError(w.t, err)
	req.Header.Set("Content-Type", "application/vnd.api+json")
	if c.Kind == authz.Session { // as the frontends pass a user through
		req.SetBasicAuth(c.Secret, "")
	} else {
		authz.SetRequest(req, c)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, resp.Body.Close()) }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	require.Equal(w.t, want, resp.StatusCode, "%s %s: %s", method, path, b)
	if resp.StatusCode == http.StatusNoContent {
		require.Empty(w.t, b)
		return nil
	}
	require.Equal(w.t, "application/vnd.api+json", resp.Header.Get("Content-Type"))
	var d v2Doc
	require.NoError(w.t, json.Unmarshal(b, &d), string(b))
	return &d
}

func attributes(kv ...any) map[string]any {
	a := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		a[kv[i].(string)] = kv[i+1]
	}
	return map[string]any{"data": map[string]any{"attributes": a}}
}

func (w *v2World) user(email string) v2Res {
	w.t.Helper()
	return w.call(w.tenant, "POST", "/users", attributes("email", email, "password", "a good password", "name", "Ada", "surname", "L"), http.StatusCreated).one(w.t)
}

func TestV2Login(t *testing.T) {
	t.Parallel()
	w := newV2World(t)
	u := w.user("ada@example.com")
	require.Equal(t, "users", u.Type)
	_, err := strconv.Atoi(u.ID)
	require.NoError(t, err, "ids are numbers")
	require.Contains(t, u.Attributes["uid"], "usr-")
	for _, name := range []string{"kpi_enabled", "account_frozen", "unconfirmed_otp_secret", "sso_session", "geo_city", "metadata"} {
		require.Contains(t, u.Attributes, name, "the frontends fail on an absent attribute")
	}
	require.NotContains(t, u.Attributes, "password")

	// The steps of a login: find by address, check the password, reload with what the session needs.
	found := w.call(w.tenant, "GET", "/users?filter[email]=ada@example.com&page[number]=1&page[size]=1&_locale=en", nil, http.StatusOK)
	require.Equal(t, u.ID, found.many(t)[0].ID)
	in := w.call(w.tenant, "POST", "/users/authenticate?_locale=fr", attributes("email", "ada@example.com", "password", "a good password"), http.StatusOK).one(t)
	require.Equal(t, u.ID, in.ID)
	session := authz.SessionToken(in.Attributes["sso_session"].(string))
	w.call(w.tenant, "POST", "/users/authenticate", attributes("email", "ada@example.com", "password", "wrong"), http.StatusNotFound)
	w.call(w.tenant, "POST", "/users/authenticate", attributes("email", "nobody@example.com", "password", "x"), http.StatusNotFound)
	w.call(session, "POST", "/users/authenticate", attributes("email", "ada@example.com", "password", "a good password"), http.StatusForbidden)
	w.call(authz.Credential{}, "POST", "/users/authenticate", attributes("email", "ada@example.com", "password", "a good password"), http.StatusUnauthorized)
	w.call(authz.Key("tnt-1", "wrong"), "GET", "/users", nil, http.StatusUnauthorized)

	doc := w.call(w.tenant, "GET", "/users/"+u.ID+"?include=deletion_requests,organizations,orga_relations,dashboards,teams,sub_tenant", nil, http.StatusOK)
	rel := doc.one(t).Relationships
	require.JSONEq(t, `[]`, string(rel["deletion_requests"].Data))
	require.JSONEq(t, `[]`, string(rel["organizations"].Data))
	require.JSONEq(t, `null`, string(rel["sub_tenant"].Data))
	require.Empty(t, doc.Included)

	me := w.call(session, "GET", "/users/"+u.ID, nil, http.StatusOK).one(t)
	require.Equal(t, session.Secret, me.Attributes["sso_session"])
	w.call(w.tenant, "GET", "/users/999", nil, http.StatusNotFound)
	taken := w.call(w.tenant, "POST", "/users", attributes("email", "ADA@example.com", "password", "a good password"), http.StatusUnprocessableEntity)
	require.Equal(t, "has already been taken", taken.Errors[0].Title)
	require.Equal(t, "email - has already been taken", taken.Errors[0].Detail)
	require.Equal(t, "/data/attributes/email", taken.Errors[0].Source.Pointer)
	require.Equal(t, "422", taken.Errors[0].Status)
	require.Equal(t, "100", taken.Errors[0].Code)

	reg := w.call(w.tenant, "POST", "/users", attributes("email", "bob@example.com", "password", "a good password", "orga_on_create", true, "company", "Bob Inc"), http.StatusCreated).one(t)
	mine := w.call(w.tenant, "GET", "/organizations?filter[users.id]="+reg.ID, nil, http.StatusOK).many(t)
	require.Len(t, mine, 1)
	require.Equal(t, "Bob Inc", mine[0].Attributes["name"])
}

func TestV2Organizations(t *testing.T) {
	t.Parallel()
	w := newV2World(t)
	ada, bob := w.user("ada@example.com"), w.user("bob@example.com")
	org := w.call(w.tenant, "POST", "/organizations", attributes("name", "Acme", "financial_year_end_month", 3, "billing_currency", "EUR"), http.StatusCreated).one(t)
	require.Equal(t, "organizations", org.Type)
	require.EqualValues(t, 3, org.Attributes["financial_year_end_month"])
	require.Equal(t, "EUR", org.Attributes["billing_currency"])
	none := w.call(w.tenant, "GET", "/orga_relations?filter[organization_id]="+org.ID, nil, http.StatusOK)
	require.Empty(t, none.many(t), "a tenant's organization has no member at first")
	require.Equal(t, "[]", string(none.Data))
	owner := w.call(w.tenant, "POST", "/orga_relations", attributes("organization_id", org.ID, "user_id", ada.ID, "role", "Super Admin"), http.StatusCreated).one(t)
	require.Equal(t, "Super Admin", owner.Attributes["role"])
	require.Equal(t, org.ID, fmt.Sprint(owner.Attributes["organization_id"]))
	rel := w.call(w.tenant, "POST", "/orga_relations", map[string]any{"data": map[string]any{
		"type": "orga_relations", "attributes": map[string]any{"role": "Member"}, "relationships": map[string]any{
			"organization": map[string]any{"data": map[string]any{"type": "organizations", "id": org.ID}},
			"user":         map[string]any{"data": map[string]any{"type": "users", "id": bob.ID}},
		},
	}}, http.StatusCreated).one(t)
	changed := w.call(w.tenant, "PATCH", "/orga_relations/"+rel.ID, map[string]any{"data": map[string]any{"id": rel.ID, "type": "orga_relations", "attributes": map[string]any{"role": "Admin"}}}, http.StatusOK).one(t)
	require.Equal(t, "Admin", changed.Attributes["role"])
	require.Equal(t, rel.ID, changed.ID)
	w.call(w.tenant, "PATCH", "/orga_relations/"+owner.ID, attributes("role", "Member"), http.StatusConflict)
	bad := w.call(w.tenant, "PATCH", "/orga_relations/"+rel.ID, attributes("role", "King"), http.StatusUnprocessableEntity)
	require.Equal(t, "/data/attributes/role", bad.Errors[0].Source.Pointer)

	doc := w.call(w.tenant, "GET", "/organizations/"+org.ID+"?include=orga_relations.user,users,invoices,credit_card&fields[users]=email", nil, http.StatusOK)
	types := map[string]int{}
	for _, r := range doc.Included {
		types[r.Type]++
		if r.Type == "users" {
			require.Len(t, r.Attributes, 1)
		}
	}
	require.Equal(t, map[string]int{"orga_relations": 2, "users": 2}, types, "each once")
	require.JSONEq(t, `[{"type":"users","id":"`+ada.ID+`"},{"type":"users","id":"`+bob.ID+`"}]`, string(doc.one(t).Relationships["users"].Data))
	require.JSONEq(t, `null`, string(doc.one(t).Relationships["credit_card"].Data))
	plain := w.call(w.tenant, "GET", "/organizations/"+org.Attributes["uid"].(string), nil, http.StatusOK).one(t)
	require.Empty(t, plain.Relationships, "no linkage without include")
	w.call(w.tenant, "GET", "/organizations/"+org.ID+"?include=nonsense", nil, http.StatusBadRequest)

	session := w.session("bob@example.com")
	require.Len(t, w.call(session, "GET", "/orga_relations?filter[user_id]="+bob.ID, nil, http.StatusOK).many(t), 1)
	w.call(session, "PATCH", "/orga_relations/"+owner.ID, attributes("role", "Member"), http.StatusForbidden)
	w.call(w.tenant, "DELETE", "/orga_relations/"+rel.ID, nil, http.StatusNoContent)
	w.call(w.tenant, "DELETE", "/orga_relations/"+rel.ID, nil, http.StatusNotFound)
	require.Empty(t, w.call(session, "GET", "/organizations", nil, http.StatusOK).many(t))
	w.call(session, "GET", "/organizations/"+org.ID, nil, http.StatusForbidden)

	other := w.p.Identity.AddTenant("tnt-2")
	require.Empty(t, w.call(other, "GET", "/organizations", nil, http.StatusOK).many(t), "tenants are apart")
	require.Empty(t, w.call(other, "GET", "/orga_relations?filter[organization_id]="+org.ID, nil, http.StatusOK).many(t))
	w.call(other, "GET", "/organizations/"+org.ID, nil, http.StatusForbidden)
	w.call(other, "GET", "/users/"+ada.ID, nil, http.StatusNotFound)
	w.call(other, "POST", "/orga_relations", attributes("organization_id", org.ID, "user_id", ada.ID, "role", "Member"), http.StatusForbidden)
}

func (w *v2World) session(email string) authz.Credential {
	w.t.Helper()
	s, err := w.p.Login(w.t.Context(), email, "a good password")
	require.NoError(w.t, err)
	return authz.SessionToken(s.Token)
}

func TestV2Lists(t *testing.T) {
	t.Parallel()
	w := newV2World(t)
	var ids, uids []string
	for n := range 35 {
		r := w.call(w.tenant, "POST", "/organizations", attributes("name", fmt.Sprintf("Org %02d", 34-n)), http.StatusCreated).one(t)
		ids, uids = append(ids, r.ID), append(uids, r.Attributes["uid"].(string))
	}
	first := w.call(w.tenant, "GET", "/organizations", nil, http.StatusOK)
	require.Len(t, first.many(t), 30, "the first thirty by creation")
	require.Equal(t, ids[0], first.many(t)[0].ID)
	require.Equal(t, 35, first.Meta.RecordCount)
	require.NotContains(t, first.Links, "prev")

	// A client that follows next must come to an end.
	var seen []string
	for path, pages := "/organizations?page[size]=10&sort=name", 0; path != ""; pages++ {
		require.Less(t, pages, 5)
		d := w.call(w.tenant, "GET", path, nil, http.StatusOK)
		for _, r := range d.many(t) {
			seen = append(seen, r.Attributes["name"].(string))
		}
		last, err := url.Parse(d.Links["last"])
		require.NoError(t, err)
		require.Equal(t, "4", last.Query().Get("page[number]"))
		path = strings.TrimPrefix(d.Links["next"], "/api/mnoe/v2")
	}
	require.Len(t, seen, 35)
	require.Equal(t, "Org 00", seen[0])
	require.Equal(t, "Org 34", seen[34])

	names := func(query string) (out []string) {
		for _, r := range w.call(w.tenant, "GET", "/organizations?"+query, nil, http.StatusOK).many(t) {
			out = append(out, r.Attributes["name"].(string))
		}
		return out
	}
	for query, want := range map[string][]string{
		"filter[uid]=" + uids[3]:                                 {"Org 31"},
		"filter[uid][]=" + uids[0] + "&filter[uid][]=" + uids[1]: {"Org 34", "Org 33"},
		"filter[uid.in]=" + uids[0] + "," + uids[1]:              {"Org 34", "Org 33"},
		"filter[id]=" + ids[2]:                                   {"Org 32"},
		"filter[name.like]=%25rg 1_":                             nil,
		"filter[name.like]=%25RG 33":                             {"Org 33"},
		"filter[name]=Org 05":                                    {"Org 05"},
		"filter[name.not]=Org 05&page[size]=1&sort=-name":        {"Org 34"},
		"filter[name.gt]=Org 33":                                 {"Org 34"},
		"filter[industry.none]=true&page[size]=1":                {"Org 34"},
		"filter[industry.none]=false":                            nil,
		"filter[created_at.gt]=2999-01-01":                       nil,
		"filter[created_at.lt]=2000-01-01T00:00:00Z":             nil,
		"page[number]=9":                                         nil,
		"first":                                                  {"Org 34"},
	} {
		require.Equal(t, want, names(strings.ReplaceAll(query, " ", "%20")), query)
	}
	for _, query := range []string{"page[number]=0", "page[size]=x", "page[size]=100000", "filter[nonsense]=1", "sort=nonsense", "filter[x=1", "include=a.b.c.d.e"} {
		w.call(w.tenant, "GET", "/organizations?"+query, nil, http.StatusBadRequest)
	}
}

func TestV2Apps(t *testing.T) {
	t.Parallel()
	w := newV2World(t)
	w.call(w.tenant, "POST", "/apps", attributes("nid", "crm", "name", "CRM", "stack", "cloud", "host", "http://crm.test"), http.StatusForbidden)
	app := w.call(hubtest.Operator, "POST", "/apps", attributes("nid", "crm", "name", "CRM", "stack", "cloud", "host", "http://crm.test", "sso_init_path", "/sso", "categories", []string{"CRM"}), http.StatusCreated).one(t)
	require.NotEmpty(t, app.Attributes["api_key"])
	require.Equal(t, true, app.Attributes["active"])
	require.Equal(t, true, app.Attributes["sso_enabled"])
	dup := w.call(hubtest.Operator, "POST", "/apps", attributes("nid", "crm", "name", "CRM", "stack", "cloud", "host", "http://crm.test"), http.StatusUnprocessableEntity)
	require.Equal(t, "/data/attributes/nid", dup.Errors[0].Source.Pointer)
	wrong := w.call(hubtest.Operator, "POST", "/apps", attributes("nid", "erp", "name", 5, "stack", "cloud"), http.StatusUnprocessableEntity)
	require.Equal(t, "/data/attributes/name", wrong.Errors[0].Source.Pointer)
	w.call(w.tenant, "PATCH", "/apps/"+app.ID, attributes("name", "Mine"), http.StatusForbidden)
	changed := w.call(hubtest.Operator, "PATCH", "/apps/"+app.ID, attributes("name", "CRM 2", "description", nil), http.StatusOK).one(t)
	require.Equal(t, "CRM 2", changed.Attributes["name"])
	require.Equal(t, "http://crm.test", changed.Attributes["host"], "what isn't sent stays")
	require.Nil(t, changed.Attributes["api_key"])
	list := w.call(w.tenant, "GET", "/apps?filter[active]=true&filter[nid][]=crm&filter[nid][]=none&sort=-updated_at&fields[apps]=updated_at", nil, http.StatusOK).many(t)
	require.Len(t, list, 1)
	require.Len(t, list[0].Attributes, 1)
	w.call(w.tenant, "GET", "/apps/none", nil, http.StatusNotFound)

	ada := w.user("ada@example.com")
	org := w.call(w.tenant, "POST", "/organizations", attributes("name", "Acme"), http.StatusCreated).one(t)
	w.call(w.tenant, "POST", "/orga_relations", attributes("organization_id", org.ID, "user_id", ada.ID, "role", "Member"), http.StatusCreated)
	w.call(w.tenant, "POST", "/app_instances/provision", attributes("app_nid", "crm", "owner_id", org.ID, "owner_type", "User"), http.StatusUnprocessableEntity)
	w.call(w.tenant, "POST", "/app_instances/provision", attributes("owner_id", org.ID, "owner_type", "Organization"), http.StatusUnprocessableEntity)
	w.call(w.session("ada@example.com"), "POST", "/app_instances/provision", attributes("app_nid", "crm", "owner_id", org.ID), http.StatusForbidden)
	i := w.call(w.tenant, "POST", "/app_instances/provision", attributes("app_nid", "crm", "owner_id", 1, "owner_type", "Organization"), http.StatusCreated).one(t)
	require.Equal(t, "app_instances", i.Type)
	require.EqualValues(t, 1, i.Attributes["owner_id"])
	uid := i.Attributes["uid"].(string)
	w.call(w.tenant, "POST", "/app_instances/provision", attributes("app_nid", "crm", "owner_id", org.ID), http.StatusConflict)
	status := func(want hub.Status) func() bool {
		return func() bool {
			found := w.call(w.tenant, "GET", "/app_instances?filter[uid]="+uid, nil, http.StatusOK).many(t)
			return len(found) == 1 && found[0].Attributes["status"] == string(want)
		}
	}
	require.Eventually(t, status(hub.Running), 30*time.Second, 10*time.Millisecond)
	doc := w.call(w.session("ada@example.com"), "GET", "/app_instances?filter[owner_id]="+org.ID+"&filter[status.in]=running,stopped&fulfilled_only=true&include=app,owner,sync_status", nil, http.StatusOK)
	require.Len(t, doc.many(t), 1)
	require.Len(t, doc.Included, 2)
	nested := w.call(w.tenant, "GET", "/organizations/"+org.ID+"?include=app_instances.app", nil, http.StatusOK)
	require.Len(t, nested.Included, 2)
	require.Empty(t, w.call(w.tenant, "GET", "/app_instances?filter[owner.id]=999", nil, http.StatusOK).many(t))
	ended := w.call(w.tenant, "DELETE", "/app_instances/"+i.ID+"/terminate", nil, http.StatusOK).one(t)
	require.Contains(t, []any{"terminating", "terminated"}, ended.Attributes["status"])
	require.Eventually(t, status(hub.Terminated), 30*time.Second, 10*time.Millisecond)
	require.Empty(t, w.call(w.tenant, "GET", "/app_instances?filter[owner_id]="+org.ID, nil, http.StatusOK).many(t))
}

func TestV2BadRequests(t *testing.T) {
	t.Parallel()
	w := newV2World(t)
	for body, want := range map[string]int{``: 400, `{`: 400, `[]`: 400, `{"data":5}`: 400, `{}`: 422, `{"data":{}}`: 422, `{"name":"Flat"}`: 201, `{"data":{"attributes":{"name":{}}}}`: 422} {
		req, err := http.NewRequest("POST", w.base+"/organizations", strings.NewReader(body))
		require.NoError(t, err)
		authz.SetRequest(req, w.tenant)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.StatusCode, body)
	}
	w.call(w.tenant, "POST", "/organizations", attributes("name", strings.Repeat("x", 2<<20)), http.StatusRequestEntityTooLarge)
	none := w.call(w.tenant, "GET", "/nonsense", nil, http.StatusNotFound)
	require.Equal(t, "hub.no_such_path", none.Errors[0].Code)
	w.call(w.tenant, "DELETE", "/users/1", nil, http.StatusMethodNotAllowed)
}
