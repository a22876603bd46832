package connechttp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
)

// result is one answer of a batch.
type result struct {
	Status json.Number    `json:"status"`
	Body   map[string]any `json:"body"`
}

func (p *platform) batch(t testing.TB, cred authz.Credential, body string, headers ...string) []result {
	t.Helper()
	var doc struct {
		Results []result `json:"results"`
	}
	a := p.call(t, cred, "POST", "/batch", body, headers...).want(200)
	require.NoError(t, json.Unmarshal(a.Body, &doc))
	return doc.Results
}

func rec(r result, key string) map[string]any {
	m, _ := r.Body[key].(map[string]any)
	return m
}

// What the connector framework does for one company: push what it has, learn the ids, push again, put ids on what came from elsewhere.
func TestConnectorSynchronises(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)

	first := p.batch(t, shop, `{"sequential":true,"ops":[
	  {"method":"post","url":"/api/v2/cld-shop/company/","params":{"company":{"name":"ACME","id":[{"id":"c1","provider":"crm","realm":"r1"}]}}},
	  {"method":"post","url":"/api/v2/cld-shop/organizations/","params":{"organizations":{"name":"Initech","id":[{"id":"o1","provider":"crm","realm":"r1"}]}}},
	  {"method":"post","url":"/api/v2/cld-shop/people/","params":{"people":{"first_name":"Jo","last_name":"Doe",
	    "organization_id":[{"id":"o1","provider":"crm","realm":"r1"}],
	    "id":[{"id":7,"provider":"crm","realm":"r1"}],"opts":{"matching_fields":[["first_name","last_name"]]}}}},
	  {"method":"post","url":"/api/v2/cld-shop/people/","params":{"people":{"first_name":"Nobody","birth_date":"never","id":[{"id":"8","provider":"crm","realm":"r1"}]}}},
	  {"method":"post","url":"/api/v2/cld-shop/items/","params":{"items":{"name":"Pen","id":[{"id":"i1","provider":"crm","realm":"r1"}]}}}
	]}`, externalIDs)
	require.Len(t, first, 5)
	require.Contains(t, []string{"200", "201"}, first[0].Status.String())
	company := connecID(t, rec(first[0], "company")["id"])
	require.Equal(t, "201", first[1].Status.String())
	organization := connecID(t, rec(first[1], "organizations")["id"])
	require.Equal(t, "201", first[2].Status.String())
	person := connecID(t, rec(first[2], "people")["id"])
	require.Equal(t, "7", idOf(rec(first[2], "people")["id"], "crm"), "numbers become texts")
	require.Equal(t, "o1", idOf(rec(first[2], "people")["organization_id"], "crm"), "operations see those before them")
	require.Equal(t, organization, connecID(t, rec(first[2], "people")["organization_id"]))
	require.Equal(t, "400", first[3].Status.String(), "one refusal")
	require.Contains(t, fmt.Sprint(first[3].Body["errors"]), "birth_date must be a date")
	require.Equal(t, "201", first[4].Status.String(), "doesn't stop the others")

	// The same records again are updates, by external id.
	again := p.batch(t, shop, `{"sequential":true,"ops":[
	  {"method":"post","url":"/api/v2/cld-shop/people/","params":{"people":{"first_name":"Joanna","id":[{"id":"7","provider":"crm","realm":"r1"}]}}},
	  {"method":"put","url":"/api/v2/cld-shop/company/`+company+`","params":{"company":{"timezone":"Europe/Paris"}}},
	  {"method":"PUT","url":"https://connec.example.com/api/v2/cld-shop/company.json","params":{"company":{"currency":"EUR"}}}
	]}`, externalIDs)
	require.Equal(t, "200", again[0].Status.String())
	require.Equal(t, person, connecID(t, rec(again[0], "people")["id"]))
	require.Equal(t, "Doe", rec(again[0], "people")["last_name"], "what a write leaves out stays")
	require.Equal(t, company, connecID(t, rec(again[1], "company")["id"]))
	require.Equal(t, "ACME", rec(again[2], "company")["name"])
	require.Equal(t, "Europe/Paris", rec(again[2], "company")["timezone"])

	// Another app, which matches by name, gets the same person, and both ids are on it.
	matched := p.batch(t, books, `{"sequential":true,"ops":[
	  {"method":"post","url":"/api/v2/cld-books/people/","params":{"people":{"first_name":"Joanna","last_name":"Doe","id":[{"id":"P-1","provider":"books","realm":"b"}],
	    "opts":{"matching_fields":[["email.address"],["first_name","last_name"]]}}}},
	  {"method":"put","url":"/api/v2/cld-books/organizations/`+organization+`","params":{"organizations":{"id":[{"id":"ORG-1","provider":"books","realm":"b"}]}}}
	]}`, externalIDs)
	require.Equal(t, "200", matched[0].Status.String())
	require.Equal(t, person, connecID(t, rec(matched[0], "people")["id"]))
	require.Equal(t, "200", matched[1].Status.String())

	// References show every id of what they refer to, also those that came later.
	shown := p.call(t, books, "GET", "/api/v2/cld-books/people/"+person, "", externalIDs).want(200).record("people")
	require.Equal(t, "P-1", idOf(shown["id"], "books"))
	require.Equal(t, "7", idOf(shown["id"], "crm"))
	require.Equal(t, "ORG-1", idOf(shown["organization_id"], "books"))
	require.Equal(t, "o1", idOf(shown["organization_id"], "crm"))
	plain := p.call(t, books, "GET", "/api/v2/cld-books/people/"+person, "").want(200).record("people")
	require.Equal(t, person, plain["id"])
	require.Equal(t, organization, plain["organization_id"])

	// '' clears a reference.
	cleared := p.call(t, shop, "PUT", "/api/v2/cld-shop/people/"+person, `{"people":{"organization_id":""}}`).want(200).record("people")
	require.NotContains(t, cleared, "organization_id")
}

func TestNestedRecords(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	created := p.batch(t, shop, `{"sequential":true,"ops":[
	  {"method":"post","url":"/api/v2/cld-shop/items/","params":{"items":{"name":"Pen","id":[{"id":"i1","provider":"crm","realm":"r1"}]}}},
	  {"method":"post","url":"/api/v2/cld-shop/invoices/","params":{"invoices":{"title":"INV-1","type":"CUSTOMER","status":"AUTHORISED",
	    "id":[{"id":"v1","provider":"crm","realm":"r1"}],
	    "lines":[
	      {"id":[{"id":"l1","provider":"crm","realm":"r1"}],"quantity":2,"item_id":[{"id":"i1","provider":"crm","realm":"r1"}],"unit_price":{"net_amount":"3.50"}},
	      {"description":"shipping","is_shipping":true,"quantity":"1"}]}}},
	  {"method":"post","url":"/api/v2/cld-shop/payments/","params":{"payments":{"title":"PAY-1","type":"CUSTOMER","amount":{"total_amount":7},
	    "id":[{"id":"y1","provider":"crm","realm":"r1"}],
	    "payment_lines":[{"amount":7,"linked_transactions":[{"id":[{"id":"v1","provider":"crm","realm":"r1"}],"class":"Invoice","applied_amount":7}]}]}}}
	]}`, externalIDs)
	for _, r := range created {
		require.Equal(t, "201", r.Status.String(), "%v", r.Body)
	}
	invoice := rec(created[1], "invoices")
	id := connecID(t, invoice["id"])
	lines := invoice["lines"].([]any)
	require.Len(t, lines, 2)
	line := lines[0].(map[string]any)
	require.Equal(t, "l1", idOf(line["id"], "crm"))
	require.Equal(t, "i1", idOf(line["item_id"], "crm"))
	lineID := connecID(t, line["id"])
	connecID(t, lines[1].(map[string]any)["id"])

	linked := rec(created[2], "payments")["payment_lines"].([]any)[0].(map[string]any)["linked_transactions"].([]any)[0].(map[string]any)
	require.Equal(t, id, connecID(t, linked["id"]), "the class names the collection")

	// The framework posts the line's own id back.
	p.batch(t, books, `{"ops":[{"method":"put","url":"/api/v2/cld-books/invoices/`+id+`","params":{"invoices":{"id":[{"id":"BV","provider":"books","realm":"b"}],
	  "lines":[{"id":[{"id":"`+lineID+`","provider":"connec","realm":"org-1"},{"id":"BL","provider":"books","realm":"b"}]}]}}}]}`, externalIDs)
	shown := p.call(t, shop, "GET", "/api/v2/cld-shop/invoices/"+id, "", externalIDs).want(200).record("invoices")
	require.Len(t, shown["lines"], 2)
	require.Equal(t, "BL", idOf(shown["lines"].([]any)[0].(map[string]any)["id"], "books"))
	require.Equal(t, "l1", idOf(shown["lines"].([]any)[0].(map[string]any)["id"], "crm"))

	// Lines that a write leaves out stay, unless it says that it has them all.
	kept := p.call(t, shop, "PUT", "/api/v2/cld-shop/invoices/"+id, `{"invoices":{"lines":[{"id":"`+lineID+`","quantity":5}]}}`).want(200).record("invoices")
	require.Len(t, kept["lines"], 2)
	gone := p.call(t, shop, "PUT", "/api/v2/cld-shop/invoices/"+id, `{"invoices":{"lines":[{"id":"`+lineID+`"}],"opts":{"sparse":false}}}`).want(200).record("invoices")
	require.Len(t, gone["lines"], 1)
	require.Equal(t, lineID, gone["lines"].([]any)[0].(map[string]any)["id"])
	require.Equal(t, "5", gone["lines"].([]any)[0].(map[string]any)["quantity"].(json.Number).String())
}

func TestBatchRefusals(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, c := range []struct{ op, status, detail string }{
		{`7`, "400", "an operation must be an object"},
		{`{}`, "400", "url must be the path"},
		{`{"method":"post","url":"people","params":{"people":{}}}`, "400", "url must be the path"},
		{`{"method":"post","url":"/api/v2/cld-shop/people/"}`, "400", "params must be an object"},
		{`{"method":"post","url":"/api/v2/cld-shop/people/","params":{"items":{}}}`, "400", "people is missing"},
		{`{"method":"patch","url":"/api/v2/cld-shop/people/1","params":{"people":{}}}`, "400", "method must be"},
		{`{"method":"post","url":"/api/v2/cld-shop/people/1","params":{"people":{}}}`, "405", "Method not allowed"},
		{`{"method":"put","url":"/api/v2/cld-shop/people/","params":{"people":{}}}`, "400", "url must name a record"},
		{`{"method":"get","url":"/api/v2/cld-shop/people/"}`, "400", "url must name a record"},
		{`{"method":"get","url":"/api/v2/cld-shop/people/1/history"}`, "404", "Resource not found"},
		{`{"method":"put","url":"/api/v2/cld-shop/people/1","params":{"people":{"first_name":"x"}}}`, "404", "Resource not found"},
		{`{"method":"post","url":"/api/v2/cld-shop/leads/","params":{"leads":{}}}`, "400", "Unknown Resource"},
		{`{"method":"post","url":"/api/v2/cld-shop/people/","params":{"people":{"id":"x"}}}`, "409", "Creation of resource with id"},
		{`{"method":"post","url":"/api/v2/cld-books/people/","params":{"people":{}}}`, "401", "no access to cld-books"},
	} {
		results := p.batch(t, shop, `{"ops":[`+c.op+`,{"method":"get","url":"/api/v2/cld-shop/company/"}]}`)
		require.Len(t, results, 2, c.op)
		require.Equal(t, c.status, results[0].Status.String(), "%s: %v", c.op, results[0].Body)
		require.Contains(t, fmt.Sprint(results[0].Body["errors"]), c.detail, c.op)
		require.Equal(t, "200", results[1].Status.String(), "%v", results[1].Body)
	}
	for body, detail := range map[string]string{
		``: "the body is empty", `[]`: "must be a JSON object", `{"ops":{}}`: "ops must be a list", `{`: "malformed JSON",
		`{"ops":[` + strings.Repeat("1,", 1000) + `1]}`: "must not be more than 1000 operations",
	} {
		require.Contains(t, p.call(t, shop, "POST", "/batch", body).want(400).errors()[0], detail)
	}
	require.JSONEq(t, `{"results":[]}`, string(p.call(t, shop, "POST", "/batch", `{"sequential":true,"ops":[]}`).want(200).Body))
	p.call(t, authz.Credential{}, "POST", "/batch", `{"ops":[]}`).want(401).errors()
}

func TestBatchDeletesAndReads(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := p.call(t, shop, "POST", "/api/v2/cld-shop/people", `{"people":{"first_name":"Jo"}}`).want(201).record("people")["id"].(string)
	results := p.batch(t, shop, `{"ops":[
	  {"method":"delete","url":"/api/v2/cld-shop/people/`+id+`"},
	  {"method":"get","url":"/api/v2/cld-shop/Person/`+id+`.json"}]}`)
	require.Equal(t, "INACTIVE", rec(results[0], "people")["status"])
	require.Equal(t, "INACTIVE", rec(results[1], "people")["status"])
}
