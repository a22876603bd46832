package connectest

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/id"
)

func num(s string) json.Number { return json.Number(s) }

func testExternalIDs(t *testing.T, f *fixture) {
	r, outcome := f.put("people", `{"first_name":"Ada"}`, withIDs("7"))
	require.Equal(t, connec.Created, outcome)
	again, outcome := f.put("people", `{"last_name":"L"}`, withIDs("7"))
	require.Equal(t, connec.Matched, outcome, "a known external id makes a create an update")
	require.Equal(t, r.ID, again.ID)
	f.has(again, `{"first_name":"Ada","last_name":"L","code":"PE1","status":"ACTIVE"}`)

	// The same id elsewhere is another one.
	for _, other := range []connec.ExternalID{{ID: "7", Provider: "x", Realm: "my-shop"}, {ID: "7", Provider: "shopify", Realm: "other"}, {ID: "07", Provider: "shopify", Realm: "my-shop"}} {
		_, outcome := f.put("people", `{}`, connec.WriteOptions{ExternalIDs: connec.IDSet{other}})
		require.Equal(t, connec.Created, outcome, other)
	}
	_, outcome = f.put("items", `{}`, withIDs("7"))
	require.Equal(t, connec.Created, outcome, "each collection has ids of its own")

	// Attaching.
	bare := f.create("people", `{}`)
	f.update(bare, `{}`, withIDs("8", "9"))
	got := f.get("people", bare.ID, withExternal)
	require.Equal(t, expanded(bare.ID, "8", "9"), got.ExternalIDs)
	require.Nil(t, f.get("people", bare.ID).ExternalIDs, "they come when asked for")
	_, outcome = f.put("people", `{}`, withIDs("new", "9"))
	require.Equal(t, connec.Matched, outcome, "one known id is enough")
	require.Equal(t, expanded(bare.ID, "8", "9", "new"), f.get("people", bare.ID, withExternal).ExternalIDs)

	_, err := f.s.Update(f.shop, Shop, "people", bare.ID, Attrs(t, `{"first_name":"no"}`), withIDs("7"))
	require.ErrorIs(t, err, connec.ErrConflict, "an id belongs to one record")
	_, _, err = f.s.Create(f.shop, Shop, "people", map[string]any{}, withIDs("7", "8"))
	require.ErrorIs(t, err, connec.ErrConflict, "ids of two records name none")
	require.NotContains(t, f.get("people", bare.ID).Attributes, "first_name")

	// A create may name a record by connec's id, if there is one.
	opts := connec.WriteOptions{ExternalIDs: append(connec.IDSet{{ID: bare.ID, Provider: connec.ProviderConnec, Realm: OrgA}}, ext("10")...)}
	same, outcome := f.put("people", `{}`, opts)
	require.Equal(t, connec.Matched, outcome)
	require.Equal(t, bare.ID, same.ID)
	weird := connec.ExternalID{ID: "né' \"%_\\;--", Provider: "p/q?x=1", Realm: "ré alm"}
	one, _ := f.put("people", `{}`, connec.WriteOptions{ExternalIDs: connec.IDSet{weird}})
	two, _ := f.put("people", `{}`, connec.WriteOptions{ExternalIDs: connec.IDSet{weird}})
	require.Equal(t, one.ID, two.ID)
}

func testReferences(t *testing.T, f *fixture) {
	org := f.create("organizations", `{"name":"Acme"}`, withIDs("o1"))
	item := f.create("items", `{"name":"Pen"}`, withIDs("i1"))
	r := f.create("invoices", `{"organization_id":[{"id":"o1","provider":"shopify","realm":"my-shop"}],"person_id":[{"id":"unknown","provider":"shopify","realm":"my-shop"}],
		"lines":[{"item_id":[{"id":"i1","provider":"shopify","realm":"my-shop"}]},{"item_id":"`+item.ID+`"}]}`)
	require.Equal(t, org.ID, r.Attributes["organization_id"])
	require.NotContains(t, r.Attributes, "person_id", "what can't be resolved is left unset")
	require.Equal(t, item.ID, lines(r)[0]["item_id"])
	require.Equal(t, item.ID, lines(r)[1]["item_id"])

	for _, form := range []string{`%q`, `[{"id":%q}]`, `{"id":%q}`, `[{"id":%q,"provider":"connec","realm":"org-a"}]`, `[{"id":"o1","provider":"shopify","realm":"my-shop"},{"id":%q,"provider":"connec"}]`} {
		r := f.create("invoices", `{"organization_id":`+fmt.Sprintf(form, org.ID)+`}`)
		require.Equal(t, org.ID, r.Attributes["organization_id"], form)
	}
	u := f.update(r, `{"organization_id":[{"id":"nobody","provider":"shopify","realm":"my-shop"}]}`)
	require.Equal(t, org.ID, u.Attributes["organization_id"], "nor does it clear what was there")
	u = f.update(r, `{"organization_id":"`+item.ID+`"}`)
	require.Equal(t, org.ID, u.Attributes["organization_id"], "a record of another collection is no organization")
	u = f.update(r, `{"organization_id":""}`)
	require.NotContains(t, u.Attributes, "organization_id", "an empty reference clears")

	foreign, _, err := f.s.Create(f.shop, Other, "organizations", map[string]any{}, withIDs("theirs"))
	require.NoError(t, err)
	u = f.update(r, `{"organization_id":"`+foreign.ID+`"}`)
	require.NotContains(t, u.Attributes, "organization_id", "records of other organizations are unknown")
	u = f.update(r, `{"organization_id":[{"id":"theirs","provider":"shopify","realm":"my-shop"}]}`)
	require.NotContains(t, u.Attributes, "organization_id")

	// References whose collection another attribute names.
	user, team := f.create("app_users", `{}`, withIDs("1")), f.create("teams", `{}`, withIDs("1"))
	for class, want := range map[string]string{"Entity::AppUser": user.ID, "AppUser": user.ID, "Entity::Team": team.ID} {
		o := f.create("opportunities", `{"assignee_type":"`+class+`","assignee_id":[{"id":"1","provider":"shopify","realm":"my-shop"}]}`)
		require.Equal(t, want, o.Attributes["assignee_id"], class)
	}
	order := f.create("sales_orders", `{}`, withIDs("s1"))
	p := f.create("payments", `{"payment_lines":[{"amount":1,"linked_transactions":[
		{"id":[{"id":"s1","provider":"shopify","realm":"my-shop"}],"class":"SalesOrder","applied_amount":1},{"id":"`+r.ID+`","class":"Invoice"}]}]}`)
	linked := p.Attributes["payment_lines"].([]any)[0].(map[string]any)["linked_transactions"].([]any)
	require.Equal(t, order.ID, linked[0].(map[string]any)["id"])
	require.Equal(t, r.ID, linked[1].(map[string]any)["id"])

	// References to nested records.
	project := f.create("projects", `{"tasks":[{"id":[{"id":"t1","provider":"shopify","realm":"my-shop"}],"name":"dig"}]}`)
	task := project.Attributes["tasks"].([]any)[0].(map[string]any)["id"]
	activity := f.create("time_activities", `{"project_task_id":[{"id":"t1","provider":"shopify","realm":"my-shop"}]}`)
	require.Equal(t, task, activity.Attributes["project_task_id"])
}

func testExpansion(t *testing.T, f *fixture) {
	org := f.create("organizations", `{}`)
	r := f.create("invoices", `{"organization_id":"`+org.ID+`","lines":[{"id":[{"id":"l1","provider":"shopify","realm":"my-shop"}]}]}`, withIDs("inv"))
	line := lines(r)[0]["id"].(string)
	got := f.get("invoices", r.ID, withExternal)
	require.Equal(t, expanded(r.ID, "inv"), got.ExternalIDs)
	require.Equal(t, expanded(org.ID), got.Attributes["organization_id"])
	require.Equal(t, expanded(line, "l1"), lines(got)[0]["id"])

	f.update(org, `{}`, withIDs("later"))
	got = f.get("invoices", r.ID, withExternal)
	require.Equal(t, expanded(org.ID, "later"), got.Attributes["organization_id"], "references are resolved when they are read")

	page, err := f.s.List(f.shop, Shop, "invoices", connec.Query{ReadOptions: withExternal})
	require.NoError(t, err)
	require.Equal(t, []*connec.Resource{got}, page.Resources)
	back, err := f.s.Update(f.shop, Shop, "invoices", r.ID, got.Attributes, connec.WriteOptions{ReadOptions: withExternal})
	require.NoError(t, err)
	require.Equal(t, got, back, "what was read expanded can be sent back")
	created, _, err := f.s.Create(f.shop, Shop, "invoices", map[string]any{"title": "x"}, connec.WriteOptions{ExternalIDs: ext("new"), ReadOptions: withExternal})
	require.NoError(t, err)
	require.Equal(t, expanded(created.ID, "new"), created.ExternalIDs)
}

func testChildIDs(t *testing.T, f *fixture) {
	const l1 = `[{"id":"1","provider":"shopify","realm":"my-shop"}]`
	r := f.create("invoices", `{"lines":[{"id":`+l1+`,"quantity":1}]}`, withIDs("a"))
	line := lines(r)[0]["id"]
	r = f.create("invoices", `{"lines":[{"id":`+l1+`,"quantity":2},{"quantity":3}]}`, withIDs("a"))
	require.Len(t, lines(r), 2, "a line is found by its external id")
	require.Equal(t, line, lines(r)[0]["id"])
	require.Equal(t, num("2"), lines(r)[0]["quantity"])

	other := f.create("invoices", `{"lines":[{"id":`+l1+`,"quantity":9}]}`, withIDs("b"))
	require.NotEqual(t, line, lines(other)[0]["id"], "another record's lines may have the same external ids")

	second := lines(r)[1]["id"].(string)
	r = f.update(r, fmt.Sprintf(`{"lines":[{"id":[{"id":%q,"provider":"connec","realm":"org-a"},{"id":"2","provider":"shopify","realm":"my-shop"}]}]}`, second))
	require.Len(t, lines(r), 2)
	got := f.get("invoices", r.ID, withExternal)
	require.Equal(t, expanded(line.(string), "1"), lines(got)[0]["id"])
	require.Equal(t, expanded(second, "2"), lines(got)[1]["id"], "an external id is attached to a line")

	gone := f.update(r, fmt.Sprintf(`{"lines":[{"id":%q}]}`, second), connec.WriteOptions{Authoritative: true})
	require.Len(t, lines(gone), 1)
	back := f.update(gone, `{"lines":[{"id":`+l1+`,"quantity":4}]}`)
	require.Len(t, lines(back), 2)
	require.NotEqual(t, line, lines(back)[1]["id"])
	again := f.update(back, `{"lines":[{"id":`+l1+`,"quantity":4}]}`)
	require.Equal(t, back, again, "a removed line that comes again is one new line")
}

func testMatchingFields(t *testing.T, f *fixture) {
	match := func(fields ...[]string) connec.WriteOptions {
		return connec.WriteOptions{MatchingFields: fields, ExternalIDs: ext(id.UUID())}
	}
	ada := f.create("people", `{"first_name":"Ada","last_name":"Lovelace","email":{"address":"ada@example.com"}}`)
	r, outcome := f.put("people", `{"first_name":" Ada ","last_name":"Lovelace","job_title":"x"}`, match([]string{"first_name", "last_name"}))
	require.Equal(t, connec.Matched, outcome)
	require.Equal(t, ada.ID, r.ID)
	require.Equal(t, "x", r.Attributes["job_title"])
	require.Len(t, f.get("people", ada.ID, withExternal).ExternalIDs, 2, "the caller's id is attached")
	_, outcome = f.put("people", `{"email":{"address":"ada@example.com"},"first_name":"A"}`, match([]string{"first_name"}, []string{"email.address"}))
	require.Equal(t, connec.Matched, outcome, "alternatives are tried in order")
	_, outcome = f.put("people", `{"first_name":"Ada","last_name":"Byron"}`, match([]string{"first_name", "last_name"}))
	require.Equal(t, connec.Created, outcome, "all fields of an alternative must be equal")
	for range 2 {
		_, outcome = f.put("people", `{"title":"","last_name":""}`, match([]string{"title"}, []string{"last_name"}, []string{"nothing"}, []string{}))
		require.Equal(t, connec.Created, outcome, "blanks match nothing")
	}
	_, outcome, err := f.s.Create(f.shop, Other, "people", Attrs(t, `{"first_name":"Ada"}`), match([]string{"first_name"}))
	require.NoError(t, err)
	require.Equal(t, connec.Created, outcome, "other organizations' records match nothing")
	org := f.create("organizations", `{}`)
	f.create("people", `{"organization_id":"`+org.ID+`","is_lead":true}`)
	_, outcome = f.put("people", `{"organization_id":"`+org.ID+`","is_lead":"true"}`, match([]string{"organization_id", "is_lead"}))
	require.Equal(t, connec.Matched, outcome)
}
