package connechttp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
)

// Each request of the clients that exist, as they send it, against an organization with one person, one account and nothing else.
func TestRequestsOfClients(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, connechttp.WithVersion(connechttp.Version{Branch: "v1.9", Commit: "abc", Build: "7"}))
	person := p.call(t, shop, "POST", "/api/v2/cld-shop/people/",
		`{"people":{"first_name":"Jo","last_name":"Doe","id":[{"id":"7","provider":"crm","realm":"r1"}]}}`, externalIDs).want(201)
	id := connecID(t, person.record("people")["id"])

	none := authz.Credential{}
	for _, c := range []struct {
		name         string
		cred         authz.Credential
		method, path string
		body         string
		headers      string
		status       int
		contains     string
	}{
		// maestrano-ruby and what connector-rails does through it
		{"ruby get", shop, "GET", "/api/v2/cld-shop/people?%24filter=first_name+eq+%27Jo%27", "", "", 200, `{"people":[{"id":"` + id},
		{"ruby get a record", shop, "GET", "/api/v2/cld-shop/people/" + id, "", externalIDs, 200, `"provider":"crm"`},
		{"ruby put", shop, "PUT", "/api/v2/cld-shop/people/" + id, `{"people":{"title":"Dr"}}`, "", 200, `"title":"Dr"`},
		{"framework version", none, "GET", "/version", "", "Accept: application/json", 200, `{"ci_branch":"v1.9","ci_build_number":"7","ci_commit":"abc"}`},
		{"framework delta", shop, "GET", "/api/v2/cld-shop/people?%24filter=updated_at+gt+%272017-03-01T10:00:00Z%27", "", externalIDs, 200, `"total":1`},
		{"framework delta of leads", shop, "GET", "/api/v2/cld-shop/people?$filter=updated_at%20gt%20'2017-03-01T10:00:00Z'%20and%20is_lead%20eq%20true", "", externalIDs, 200, `"total":0`},
		{"framework first page", shop, "GET", "/api/v2/cld-shop/people?%24skip=0&%24top=50", "", externalIDs, 200, `"pagination":{"skip":0,"top":50,"total":1}`},
		{"framework singleton", shop, "GET", "/api/v2/cld-shop/company?%24filter=updated_at+gt+%272017-03-01T10:00:00Z%27", "", externalIDs, 200, `{"company":{"id":[`},
		{"framework credit notes", shop, "GET", "/api/v2/cld-shop/credit_notes", "", externalIDs, 200, `{"credit_notes":[],"pagination"`},
		// maestrano-java
		{"java list", shop, "GET", "/api/v2/cld-shop/people?$top=1&$filter=updated_at gt '2017-01-01T00:00:00.000Z'", "", "method: GET", 200, `"total":1`},
		{"java post", shop, "POST", "/api/v2/cld-shop/items", `{"resource":"items","items":{"name":"Pen"}}`, "Accept: application/json", 201, `"name":"Pen"`},
		{"java put", shop, "PUT", "/api/v2/cld-shop/people/" + id, `{"resource":"people","people":{"birth_date":"2001-01-01T00:00:00.000Z"}}`, "", 200, `"birth_date":"2001-01-01T00:00:00Z"`},
		// maestrano-php
		{"php get", shop, "GET", "/api/v2/cld-shop/people", "", "Connec-Country-Format: alpha2", 200, `"group_id":"cld-shop"`},
		{"php delta", shop, "GET", "/api/v2/cld-shop/people?$filter=updated_at%20gte%20'1970-01-01T00:00:00+00:00'", "", "", 200, `"total":1`},
		{"php strings for numbers", shop, "POST", "/api/v2/cld-shop/items", `{"items":{"name":"Ink","sale_price":{"net_amount":"12.50"}}}`, "", 201, `"net_amount":12.50`},
		// connec-ui
		{"ui collections", jo, "GET", "/api/v2//org-1.json", "", "", 200, `{"people":{"href":"/api/v2/org-1/people"}}`},
		{"ui table", jo, "GET", "/api/v2/org-1/people.json?$top=20&$skip=0&$filter=status ne 'ARCHIVED' and name match /foo/ AND total eq 3&$orderby=name ", "", externalIDs, 200, `{"people":[],"pagination"`},
		{"ui table not archived", jo, "GET", "/api/v2/org-1/people.json?$filter=status%20ne%20'ARCHIVED'", "", externalIDs, 200, `"total":1`},
		{"ui order without direction", jo, "GET", "/api/v2/org-1/people.json?$orderby=first_name%20", "", "", 200, `"total":1`},
		{"ui ids in", jo, "GET", "/api/v2/org-1/people.json?$filter=_id in ['" + id + "','x']", "", "CONNEC-EXTERNAL-IDS: false", 200, `"total":1`},
		{"ui ids in, bare", jo, "GET", "/api/v2/org-1/people.json?$filter=_id in [" + id + ",x]", "", "", 200, `"total":1`},
		{"ui quote inside", jo, "GET", "/api/v2/org-1/people.json?$filter=last_name eq 'O'Neil'", "", "", 200, `"total":0`},
		{"ui detail", jo, "GET", "/api/v2/org-1/people/" + id + ".json?$expand=matching_records", "", externalIDs, 200, `"channel_id":"org-1"`},
		{"ui create", jo, "POST", "/api/v2/org-1/people/.json", `{"people":{"first_name":"Al"}}`, "CONNEC-EXTERNAL-IDS: false", 201, `"first_name":"Al"`},
		{"ui archive", jo, "PUT", "/api/v2/org-1/people/" + id + ".json", `{"people":{"status":"ARCHIVED"}}`, "", 200, `"status":"ARCHIVED"`},
		{"ui restore", jo, "PUT", "/api/v2/org-1/people/" + id + ".json", `{"people":{"status":""}}`, "", 200, `"status":"ACTIVE"`},
		{"ui schema", none, "GET", "/api/v2/json_schema/people.json", "", "Accept: application/json", 200, `"properties":{"people":`},
		{"ui merge is absent", jo, "PUT", "/api/v2/org-1/people/" + id + "/merge.json", `{"ids":[]}`, "", 404, "Resource not found"},
		{"ui commit is absent", jo, "PUT", "/api/v2/org-1/people/" + id + "/commit.json", `{"mappings":[]}`, "", 404, "Resource not found"},
		// mno-api-js and others
		{"previewer discovery", shop, "GET", "/api/v2/cld-shop/", "", "", 200, `"_links":[`},
		{"previewer example", shop, "GET", "/api/v2/cld-shop/company/example", "", "", 200, `{"company":{`},
		{"previewer people example", shop, "GET", "/api/v2/cld-shop/people/example", "", "", 200, `"first_name"`},
		{"previewer post", shop, "POST", "/api/v2/cld-shop/organizations", `{"organizations":{"name":"ACME"}}`, "", 201, `"name":"ACME"`},
		{"impac accounts", jo, "GET", "/api/v2/org-1/accounts?$skip=0", "", "Accept: application/json", 200, `{"accounts":[],"pagination":{"skip":0,"top":100,"total":0}}`},
		{"reports are absent", shop, "GET", "/api/reports/cld-shop/accounts_summary", "", "", 404, "Resource not found"},
		// spelling
		{"singular", shop, "GET", "/api/v2/cld-shop/person/" + id, "", "", 200, `{"people":{`},
		{"camel case", shop, "GET", "/api/v2/cld-shop/TaxCode", "", "", 200, `{"tax_codes":[]`},
		{"doubled slashes", shop, "GET", "//api//v2/cld-shop//people/" + id + "/", "", "", 200, `{"people":{`},
		{"delete", shop, "DELETE", "/api/v2/cld-shop/people/" + id, "", "", 200, `"status":"INACTIVE"`},
		{"history", shop, "GET", "/api/v2/cld-shop/people/" + id + "/history", "", "", 200, `"action":"CREATE"`},
		// who may not
		{"no credential", none, "GET", "/api/v2/cld-shop/people", "", "", 401, "Unauthorized Access"},
		{"wrong key", authz.Key("app-shop", "x"), "GET", "/api/v2/cld-shop/people", "", "", 401, "Unauthorized Access"},
		{"foreign group", other, "GET", "/api/v2/cld-shop/people", "", "", 401, "Unauthorized Access"},
		{"foreign group's collections", other, "GET", "/api/v2/cld-shop", "", "", 401, "Unauthorized Access"},
		{"foreign batch", authz.Key("app-shop", "x"), "POST", "/batch", `{"ops":[{"method":"post","url":"/api/v2/cld-shop/people/","params":{"people":{}}}]}`, "", 401, "Unauthorized Access"},
		{"judge unavailable", shop, "GET", "/api/v2/cld-unavailable/people", "", "", 503, "Authorization unavailable"},
		// what is not there
		{"unknown collection", shop, "GET", "/api/v2/cld-shop/leads", "", "", 400, "Unknown Resource"},
		{"unknown schema", none, "GET", "/api/v2/json_schema/leads", "", "", 400, "Unknown Resource"},
		{"unknown id", shop, "GET", "/api/v2/cld-shop/people/0199d0c4-6f8e-7c3a-9f53-1f2a3b4c5d6e", "", "", 404, "Resource not found"},
		{"unknown method", shop, "PATCH", "/api/v2/cld-shop/people/" + id, "{}", "", 405, "Method not allowed"},
		// bad input
		{"malformed JSON", shop, "POST", "/api/v2/cld-shop/people", `{"people":{`, "", 400, "malformed JSON"},
		{"more than JSON", shop, "POST", "/api/v2/cld-shop/people", `{"people":{}} x`, "", 400, "malformed JSON at byte"},
		{"empty body", shop, "POST", "/api/v2/cld-shop/people", ``, "", 400, "the body is empty"},
		{"a list for a body", shop, "POST", "/api/v2/cld-shop/people", `[]`, "", 400, "must be a JSON object"},
		{"no record", shop, "POST", "/api/v2/cld-shop/people", `{"persons_":{}}`, "", 400, "people is missing"},
		{"a list for a record", shop, "POST", "/api/v2/cld-shop/people", `{"people":[{},{}]}`, "", 400, "people must be an object"},
		{"wrong type", shop, "POST", "/api/v2/cld-shop/invoices", `{"invoices":{"lines":[{"quantity":"many"}]}}`, "", 400, "lines.0.quantity must be a number"},
		{"plain id", shop, "POST", "/api/v2/cld-shop/people", `{"people":{"id":"abc"}}`, "", 409, "Creation of resource with id"},
		{"plain number as id", shop, "POST", "/api/v2/cld-shop/people", `{"people":{"id":12}}`, "", 409, "Creation of resource with id"},
		{"bad filter", shop, "GET", "/api/v2/cld-shop/people?$filter=name%20likes%20'x'", "", "", 400, "at byte"},
		{"bad page", shop, "GET", "/api/v2/cld-shop/people?$top=many", "", "", 400, "$top is malformed"},
		{"negative skip", shop, "GET", "/api/v2/cld-shop/people?$skip=-1", "", "", 400, "$skip must be between"},
		{"malformed regular expression", jo, "GET", "/api/v2/org-1/people?$filter=name%20match%20/(/", "", "", 200, `"total":0`},
		{"bad options", shop, "POST", "/api/v2/cld-shop/people", `{"people":{"opts":{"matching_fields":[3]}}}`, "", 400, "opts.matching_fields must be"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var headers []string
			if c.headers != "" {
				headers = append(headers, c.headers)
			}
			path := strings.ReplaceAll(c.path, " ", "%20")
			a := p.call(t, c.cred, c.method, path, c.body, headers...)
			require.Equal(t, c.status, a.Status, "%s", a.Body)
			require.Contains(t, string(a.Body), c.contains)
			require.Equal(t, "*", a.Header.Get("Access-Control-Allow-Origin"))
			if c.status >= 400 {
				a.errors()
			}
		})
	}
}

func TestSessionInQuery(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.call(t, authz.Credential{}, "GET", "/api/v2/org-1/people.json?sso_session=session-jo", "").want(200)
	p.call(t, authz.Credential{}, "GET", "/api/v2/org-1/people.json?sso_session=gone", "").want(401)
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	a := p.call(t, authz.Credential{}, "OPTIONS", "/api/v2/org-1/people.json", "", "Origin: https://ui.example.com",
		"Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization, connec-external-ids").want(204)
	require.Empty(t, a.Body)
	require.Equal(t, "*", a.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, a.Header.Get("Access-Control-Allow-Methods"), "PUT")
	require.Contains(t, a.Header.Get("Access-Control-Allow-Headers"), "CONNEC-EXTERNAL-IDS")
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for accept, want := range map[string]string{
		"application/vnd.api+json":                   "application/vnd.api+json",
		"application/json":                           "application/json",
		"application/json, application/vnd.api+json": "application/json",
		"*/*":       "application/json",
		"text/html": "application/json",
		"application/vnd.api+json; charset=utf-8": "application/vnd.api+json",
	} {
		for _, content := range []string{"application/json", "application/vnd.api+json", "text/plain", ""} {
			a := p.call(t, shop, "POST", "/api/v2/cld-shop/people", `{"people":{"first_name":"Jo"}}`, "Accept: "+accept, "Content-Type: "+content).want(201)
			require.Equal(t, want, a.Header.Get("Content-Type"))
		}
	}
}

func TestOversizedBody(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, connechttp.WithMaxBody(1000))
	big := fmt.Sprintf(`{"people":{"first_name":"%s"}}`, strings.Repeat("x", 1000))
	require.Contains(t, p.call(t, shop, "POST", "/api/v2/cld-shop/people", big).want(413).errors()[0], "larger than 1000 bytes")
	p.call(t, shop, "POST", "/batch", big).want(413).errors()
	p.call(t, shop, "POST", "/api/v2/cld-shop/people", `{"people":{"first_name":"x"}}`).want(201)
}

func TestMetaAttributes(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	a := p.call(t, shop, "POST", "/api/v2/cld-shop/people", `{"people":{"first_name":"Jo","connecId":"x","friendlyName":"Jo","group_id":"cld-evil","created_at":"1999-01-01T00:00:00Z","opts":{"create_default_organization":true}}}`).want(201)
	r := a.record("people")
	require.Equal(t, "cld-shop", r["group_id"])
	require.Equal(t, "org-1", r["channel_id"])
	require.Equal(t, "people", r["resource_type"])
	require.Equal(t, "ACTIVE", r["status"])
	require.Equal(t, "x", r["connecId"], "unknown attributes are kept")
	require.NotEmpty(t, r["code"])
	require.NotContains(t, r, "opts")
	require.NotContains(t, r, "_version")
	utc := regexp.MustCompile(`^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$`)
	require.Regexp(t, utc, r["created_at"])
	require.Regexp(t, utc, r["updated_at"])
	require.Equal(t, p.server.URL+"/api/v2/cld-shop/people/"+r["id"].(string), a.Header.Get("Location"))

	byOrganization := p.call(t, tenant, "GET", "/api/v2/org-1/people/"+r["id"].(string), "").want(200).record("people")
	require.Equal(t, "org-1", byOrganization["group_id"], "without an app instance the organization stands in")
	byOther := p.call(t, books, "GET", "/api/v2/cld-books/people/"+r["id"].(string), "", connechttp.HeaderVersions+": true").want(200).record("people")
	require.Equal(t, "cld-books", byOther["group_id"], "the reader's")
	require.EqualValues(t, "1", byOther["_version"])

	// connec-ui puts whole records back.
	back := strings.Replace(string(p.call(t, jo, "GET", "/api/v2/org-1/people/"+r["id"].(string), "", externalIDs).Body), `"Jo"`, `"Joe"`, 1)
	again := p.call(t, jo, "PUT", "/api/v2/org-1/people/"+r["id"].(string)+".json", back, externalIDs).want(200).record("people")
	require.Equal(t, r["id"], connecID(t, again["id"]))
	require.Equal(t, "Joe", again["first_name"])
	require.Equal(t, r["created_at"], again["created_at"])
}

func TestExactNumbers(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	const price = "10.50"
	const huge = "12345678901234567890.123456789"
	a := p.call(t, shop, "POST", "/api/v2/cld-shop/items", `{"items":{"name":"x","sale_price":{"net_amount":`+price+`},"extra":`+huge+`,"product_id":42}}`).want(201)
	require.Contains(t, string(a.Body), `"net_amount":10.50`)
	require.Contains(t, string(a.Body), `"extra":`+huge)
	id := a.record("items")["id"].(string)
	require.Contains(t, string(p.call(t, shop, "GET", "/api/v2/cld-shop/items/"+id, "").Body), `"extra":`+huge)
}

func TestPagination(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, connechttp.WithBaseURL("https://connec.example.com/"))
	for i := range 5 {
		p.call(t, shop, "POST", "/api/v2/cld-shop/people", fmt.Sprintf(`{"people":{"first_name":"P%d","company_name":"a/people b"}}`, i)).want(201)
	}
	start := "/api/v2/cld-shop/people?%24filter=company_name+eq+%27a%2Fpeople+b%27&%24orderby=first_name+desc&%24top=2&sso_session=secret"
	var seen []string
	address := start
	for page := 0; ; page++ {
		a := p.call(t, shop, "GET", address, "").want(200)
		require.True(t, strings.HasPrefix(string(a.Body), `{"people":[`), "the collection comes first")
		for _, r := range a.records("people") {
			seen = append(seen, r["first_name"].(string))
		}
		pagination := a.json()["pagination"].(map[string]any)
		require.EqualValues(t, "5", pagination["total"])
		next, there := pagination["next"]
		if !there {
			require.Equal(t, 2, page)
			break
		}
		u, err := url.Parse(next.(string))
		require.NoError(t, err)
		require.Equal(t, "https://connec.example.com/api/v2/cld-shop/people", u.Scheme+"://"+u.Host+u.Path)
		require.Equal(t, "company_name eq 'a/people b'", u.Query().Get("$filter"))
		require.Equal(t, "first_name desc", u.Query().Get("$orderby"))
		require.Equal(t, "2", u.Query().Get("$top"))
		require.NotContains(t, next, "secret")
		// The connector framework cuts everything up to the last "/people" and asks for the rest.
		rest := regexp.MustCompile(`^(.*)/people`).ReplaceAllString(next.(string), "people")
		require.True(t, strings.HasPrefix(rest, "people?"), rest)
		address = "/api/v2/cld-shop/" + rest
	}
	require.Equal(t, []string{"P4", "P3", "P2", "P1", "P0"}, seen)

	whole := p.call(t, shop, "GET", "/api/v2/cld-shop/people", "").want(200).json()["pagination"].(map[string]any)
	require.EqualValues(t, "100", whole["top"])
	require.NotContains(t, whole, "next")
	beyond := p.call(t, shop, "GET", "/api/v2/cld-shop/people?$skip=10", "").want(200).json()["pagination"].(map[string]any)
	require.NotContains(t, beyond, "next")
	spelt := p.call(t, shop, "GET", "/api/v2/cld-shop/Person.json?$top=1", "").want(200).json()["pagination"].(map[string]any)
	require.Contains(t, spelt["next"], "/api/v2/cld-shop/Person?", "spelt as requested")
}

func TestHeadAndAllow(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.call(t, shop, http.MethodHead, "/api/v2/cld-shop/people", "").want(200)
	a := p.call(t, shop, http.MethodPatch, "/api/v2/cld-shop/people/x", "").want(405)
	require.Equal(t, "DELETE, GET, PUT, OPTIONS", a.Header.Get("Allow"))
}
