package connectest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/id"
)

// TestService proves that newService returns services over empty stores that behave as connec.Service says, in process or from afar. They must judge by
// the authorizer and take the credential from the context.
func TestService(t *testing.T, newService func(t *testing.T, authorizer authz.Authorizer) connec.Service) {
	for name, test := range map[string]func(*testing.T, *fixture){
		"Create":         testCreate,
		"Normalize":      testNormalize,
		"Validate":       testValidate,
		"Meta":           testMeta,
		"Merge":          testMerge,
		"Children":       testChildren,
		"Amounts":        testAmounts,
		"Unchanged":      testUnchanged,
		"ExternalIDs":    testExternalIDs,
		"References":     testReferences,
		"Expansion":      testExpansion,
		"ChildIDs":       testChildIDs,
		"MatchingFields": testMatchingFields,
		"Singleton":      testSingleton,
		"Countries":      testCountries,
		"List":           testList,
		"BadQueries":     testBadQueries,
		"Batch":          testBatch,
		"History":        testHistory,
		"Changes":        testChanges,
		"Subscriptions":  testServiceSubscriptions,
		"DeliveryRules":  testDeliveryRules,
		"Authorization":  testAuthorization,
		"Isolation":      testIsolation,
		"Race":           testRace,
		"Cancellation":   testCancellation,
		"Types":          testTypes,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := NewAuthorizer()
			f := &fixture{T: t, auth: a, s: newService(t, a)}
			f.shop = authz.WithCredential(t.Context(), AppKey("app-shop"))
			f.books = authz.WithCredential(t.Context(), AppKey("app-books"))
			f.user = authz.WithCredential(t.Context(), UserSession())
			f.service = authz.WithCredential(t.Context(), ServiceKey())
			test(t, f)
		})
	}
}

// fixture is a service and who calls it.
type fixture struct {
	*testing.T
	s                          connec.Service
	auth                       *Authorizer
	shop, books, user, service context.Context
}

func (f *fixture) create(collection, attrs string, opts ...connec.WriteOptions) *connec.Resource {
	f.Helper()
	r, _ := f.put(collection, attrs, opts...)
	return r
}

func (f *fixture) put(collection, attrs string, opts ...connec.WriteOptions) (*connec.Resource, connec.Outcome) {
	f.Helper()
	r, outcome, err := f.s.Create(f.shop, Shop, collection, Attrs(f, attrs), only(opts))
	require.NoError(f, err, attrs)
	return r, outcome
}

func only(opts []connec.WriteOptions) connec.WriteOptions {
	if len(opts) == 0 {
		return connec.WriteOptions{}
	}
	return opts[0]
}

func (f *fixture) update(r *connec.Resource, attrs string, opts ...connec.WriteOptions) *connec.Resource {
	f.Helper()
	out, err := f.s.Update(f.shop, Shop, r.Collection, r.ID, Attrs(f, attrs), only(opts))
	require.NoError(f, err, attrs)
	return out
}

func (f *fixture) get(collection, id string, opts ...connec.ReadOptions) *connec.Resource {
	f.Helper()
	var o connec.ReadOptions
	if len(opts) > 0 {
		o = opts[0]
	}
	r, err := f.s.Get(f.shop, Shop, collection, id, o)
	require.NoError(f, err)
	return r
}

// has checks attributes, all of them.
func (f *fixture) has(r *connec.Resource, attrs string) {
	f.Helper()
	require.Equal(f, Attrs(f, attrs), r.Attributes)
}

func ext(ids ...string) connec.IDSet {
	var out connec.IDSet
	for _, one := range ids {
		out = append(out, connec.ExternalID{ID: one, Provider: "shopify", Realm: "my-shop"})
	}
	return out
}

func withIDs(ids ...string) connec.WriteOptions { return connec.WriteOptions{ExternalIDs: ext(ids...)} }

// expanded is a record's full set of ids.
func expanded(recordID string, ids ...string) connec.IDSet {
	out := connec.IDSet{{ID: recordID, Provider: connec.ProviderConnec, Realm: OrgA}}
	for _, e := range ext(ids...) {
		e.GroupID = Shop
		out = append(out, e)
	}
	return out
}

var withExternal = connec.ReadOptions{ExternalIDs: true}

func testCreate(t *testing.T, f *fixture) {
	before := time.Now().Add(-time.Second)
	r, outcome := f.put("people", `{"first_name":"Ada","unknown":{"kept":[1,2.50]}}`)
	require.Equal(t, connec.Created, outcome)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-`, r.ID)
	require.Equal(t, "people", r.Collection)
	require.Equal(t, OrgA, r.Organization)
	require.Equal(t, Shop, r.Group)
	require.EqualValues(t, 1, r.Version)
	f.has(r, `{"first_name":"Ada","unknown":{"kept":[1,2.50]},"code":"PE1","status":"ACTIVE"}`)
	require.Nil(t, r.ExternalIDs)
	require.True(t, r.CreatedAt.After(before) && r.CreatedAt.Before(time.Now().Add(time.Second)))
	require.Equal(t, time.UTC, r.CreatedAt.Location())
	require.Zero(t, r.CreatedAt.Nanosecond()%1000, "microseconds")
	require.Equal(t, r.CreatedAt, r.UpdatedAt)
	require.Equal(t, r, f.get("people", r.ID))

	require.Equal(t, "PE2", f.create("people", `{}`).Attributes["code"])
	require.Equal(t, "mine", f.create("people", `{"code":"mine"}`).Attributes["code"], "a code that is sent stands")
	require.Equal(t, "IT1", f.create("items", `{}`).Attributes["code"], "each collection counts for itself")

	_, _, err := f.s.Create(f.shop, Shop, "spaceships", map[string]any{}, connec.WriteOptions{})
	require.ErrorIs(t, err, connec.ErrUnknownCollection)
	_, _, err = f.s.Create(f.shop, Shop, "people", map[string]any{}, connec.WriteOptions{ExternalIDs: connec.IDSet{{ID: id.UUID(), Provider: connec.ProviderConnec}}})
	require.ErrorIs(t, err, connec.ErrIDGiven)
	_, err = f.s.Get(f.shop, Shop, "people", id.UUID(), connec.ReadOptions{})
	require.ErrorIs(t, err, connec.ErrNotFound)
	_, err = f.s.Update(f.shop, Shop, "people", id.UUID(), map[string]any{}, connec.WriteOptions{})
	require.ErrorIs(t, err, connec.ErrNotFound)
	_, err = f.s.Get(f.shop, Shop, "items", r.ID, connec.ReadOptions{})
	require.ErrorIs(t, err, connec.ErrNotFound, "a record belongs to its collection")
}

func testNormalize(t *testing.T, f *fixture) {
	r := f.create("invoices", `{"code":"  X1 ","balance":" 12.50 ","deposit":"-007","discount_percent":"","apply_tax_after_discount":"1","status":"paid","type":"customer",
		"transaction_date":"2026-01-31","due_date":"2026-02-01T12:30:00+02:00","title":42,"billing_address":[],
		"lines":[{"line_number":"3","quantity":"1e2","is_shipping":0}],"foo":" 12 ","bar":null,"public_note":""}`)
	line := r.Attributes["lines"].([]any)[0].(map[string]any)
	require.Regexp(t, `^[0-9a-f-]{36}$`, line["id"])
	delete(line, "id")
	f.has(r, `{"code":"X1","balance":12.50,"deposit":-7,"apply_tax_after_discount":true,"status":"PAID","type":"CUSTOMER",
		"transaction_date":"2026-01-31T00:00:00Z","due_date":"2026-02-01T10:30:00Z","title":"42",
		"lines":[{"line_number":3,"quantity":100,"is_shipping":false,"status":"ACTIVE"}],"foo":" 12 ","public_note":""}`)
}

func testValidate(t *testing.T, f *fixture) {
	for attrs, path := range map[string]string{
		`{"status":"NONSENSE"}`:                       "status",
		`{"balance":"much"}`:                          "balance",
		`{"balance":true}`:                            "balance",
		`{"balance":1e999}`:                           "balance",
		`{"due_date":"someday"}`:                      "due_date",
		`{"due_date":12}`:                             "due_date",
		`{"lines":"none"}`:                            "lines",
		`{"lines":[{},{"quantity":[]}]}`:              "lines.1.quantity",
		`{"lines":[{"line_number":1.5}]}`:             "lines.0.line_number",
		`{"lines":[7]}`:                               "lines.0",
		`{"billing_address":{"line1":{"a":1}}}`:       "billing_address.line1",
		`{"amount":{"total_amount":"1,5"}}`:           "amount.total_amount",
		`{"title":"a\u0000b"}`:                        "title",
		`{"free":{"x":["a\u0000b"]}}`:                 "free.x.0",
		`{"organization_id":{"a":[1]},"balance":"x"}`: "balance",
		`{"organization_id":true}`:                    "organization_id",
		`{"apply_tax_after_discount":"maybe"}`:        "apply_tax_after_discount",
	} {
		_, _, err := f.s.Create(f.shop, Shop, "invoices", Attrs(t, attrs), connec.WriteOptions{})
		require.ErrorIs(t, err, connec.ErrInvalid, attrs)
		var v *connec.ValidationError
		require.ErrorAs(t, err, &v, attrs)
		require.Equal(t, path, v.Fields[0].Path, attrs)
		require.NotEmpty(t, v.Fields[0].Reason, attrs)
	}
	_, _, err := f.s.Create(f.shop, Shop, "invoices", Attrs(t, `{"balance":"x","due_date":"y","lines":[{"quantity":"z"}]}`), connec.WriteOptions{})
	var v *connec.ValidationError
	require.ErrorAs(t, err, &v)
	require.Len(t, v.Fields, 3, "every wrong field is named")
	page, err := f.s.List(f.shop, Shop, "invoices", connec.Query{})
	require.NoError(t, err)
	require.Zero(t, page.Total, "what is refused leaves nothing")

	r := f.create("invoices", `{"status":"DRAFT"}`)
	_, err = f.s.Update(f.shop, Shop, "invoices", r.ID, Attrs(t, `{"status":"NO","title":"x"}`), connec.WriteOptions{})
	require.ErrorIs(t, err, connec.ErrInvalid)
	require.Equal(t, r, f.get("invoices", r.ID))
}

// testMeta sends a record back as it was read, as user interfaces do.
func testMeta(t *testing.T, f *fixture) {
	r := f.create("items", `{"name":"Pen","type":"PRODUCT"}`)
	back := f.update(r, `{"id":"`+r.ID+`","created_at":"2001-01-01T00:00:00Z","updated_at":"2001-01-01T00:00:00Z","group_id":"cld-x","channel_id":"org-x",
		"resource_type":"items","matching_records":[],"opts":{"x":1},"name":"Pen","type":"PRODUCT"}`)
	require.Equal(t, r, back, "members that are not the record's own are left out")
}

func testMerge(t *testing.T, f *fixture) {
	r := f.create("organizations", `{"name":"Acme","industry":"Steel","address":{"billing":{"line1":"1 Road","city":"Paris"},"shipping":{"city":"Lyon"}},"x":{"a":1,"b":{"c":2}},"l":[1,2],"annual_revenue":5}`)
	u := f.update(r, `{"industry":"Coal","address":{"billing":{"city":"Lille","line1":null}},"x":{"b":{"d":3}},"l":[3],"annual_revenue":""}`)
	f.has(u, `{"code":"OR1","status":"ACTIVE","name":"Acme","industry":"Coal","address":{"billing":{"city":"Lille"},"shipping":{"city":"Lyon"}},"x":{"a":1,"b":{"c":2,"d":3}},"l":[3]}`)
	require.EqualValues(t, 2, u.Version)
	require.Equal(t, r.CreatedAt, u.CreatedAt)
	require.True(t, u.UpdatedAt.After(r.UpdatedAt))
	require.Equal(t, u, f.get("organizations", r.ID))

	u = f.update(u, `{"status":"ARCHIVED"}`)
	require.Equal(t, "ARCHIVED", u.Attributes["status"])
	u = f.update(u, `{"status":""}`)
	require.Equal(t, "ACTIVE", u.Attributes["status"], "an empty status is the default again")
}

func lines(r *connec.Resource) (out []map[string]any) {
	list, _ := r.Attributes["lines"].([]any)
	for _, l := range list {
		out = append(out, l.(map[string]any))
	}
	return out
}

func testChildren(t *testing.T, f *fixture) {
	r := f.create("invoices", `{"lines":[{"description":"a","quantity":1},{"description":"b","quantity":2}]}`)
	a, b := lines(r)[0]["id"].(string), lines(r)[1]["id"].(string)
	require.NotEqual(t, a, b)

	u := f.update(r, fmt.Sprintf(`{"lines":[{"id":%q,"quantity":5},{"description":"c"}]}`, b))
	require.Len(t, lines(u), 3, "lines that are left out stay")
	require.Equal(t, map[string]any{"id": a, "description": "a", "quantity": num("1"), "status": "ACTIVE"}, lines(u)[0])
	require.Equal(t, map[string]any{"id": b, "description": "b", "quantity": num("5"), "status": "ACTIVE"}, lines(u)[1])
	c := lines(u)[2]["id"].(string)

	u = f.update(u, fmt.Sprintf(`{"lines":[{"id":%q},{"id":%q,"quantity":7}]}`, c, a), connec.WriteOptions{Authoritative: true})
	require.Len(t, lines(u), 2, "an authoritative list is complete")
	require.Equal(t, c, lines(u)[0]["id"])
	require.Equal(t, map[string]any{"id": a, "description": "a", "quantity": num("7"), "status": "ACTIVE"}, lines(u)[1])

	u = f.update(u, `{"title":"x"}`, connec.WriteOptions{Authoritative: true})
	require.Len(t, lines(u), 2, "a list that isn't sent is not complete")

	u = f.update(u, `{"lines":[{"id":"`+id.UUID()+`","description":"ghost"}]}`)
	require.Len(t, lines(u), 3, "an unknown id is a new line with an id of connec's own")

	_, err := f.s.Update(f.shop, Shop, "invoices", u.ID, Attrs(t, `{"lines":[`+strings.Repeat(`{},`, 10_000)+`{}]}`), connec.WriteOptions{})
	require.ErrorIs(t, err, connec.ErrInvalid, "a list has its bounds")
	u = f.update(u, `{"lines":[]}`, connec.WriteOptions{Authoritative: true})
	require.Empty(t, lines(u))

	sheet := f.create("time_sheets", `{"time_sheet_lines":[{"line_order":1,"time_activities":[{"hours":1},{"hours":2}]}]}`)
	line := sheet.Attributes["time_sheet_lines"].([]any)[0].(map[string]any)
	activity := line["time_activities"].([]any)[1].(map[string]any)
	sheet = f.update(sheet, fmt.Sprintf(`{"time_sheet_lines":[{"id":%q,"time_activities":[{"id":%q,"hours":"9"}]}]}`, line["id"], activity["id"]))
	got := sheet.Attributes["time_sheet_lines"].([]any)[0].(map[string]any)["time_activities"].([]any)
	require.Len(t, got, 2)
	require.Equal(t, map[string]any{"id": activity["id"], "hours": num("9")}, got[1], "nested records nest")
}

func testAmounts(t *testing.T, f *fixture) {
	for sent, want := range map[string]string{
		`{"net_amount":"100.10","tax_amount":19.9}`:                      `{"net_amount":100.10,"tax_amount":19.9,"total_amount":120}`,
		`{"net_amount":99.99,"tax_rate":7.7}`:                            `{"net_amount":99.99,"tax_rate":7.7,"tax_amount":7.69923,"total_amount":107.68923}`,
		`{"total_amount":120,"tax_rate":20}`:                             `{"total_amount":120,"tax_rate":20,"net_amount":100,"tax_amount":20}`,
		`{"total_amount":120,"net_amount":100}`:                          `{"total_amount":120,"net_amount":100,"tax_amount":20}`,
		`{"total_amount":120,"tax_amount":20}`:                           `{"total_amount":120,"tax_amount":20,"net_amount":100}`,
		`{"total_amount":0.3,"net_amount":0.1}`:                          `{"total_amount":0.3,"net_amount":0.1,"tax_amount":0.2}`,
		`{"total_amount":120}`:                                           `{"total_amount":120}`,
		`{"net_amount":5,"currency":"EUR"}`:                              `{"net_amount":5,"currency":"EUR"}`,
		`{"total_amount":1,"net_amount":5,"tax_amount":3,"tax_rate":10}`: `{"total_amount":1,"net_amount":5,"tax_amount":3,"tax_rate":10}`,
		`{"total_amount":5,"tax_rate":-100}`:                             `{"total_amount":5,"tax_rate":-100}`,
	} {
		r := f.create("invoices", `{"amount":`+sent+`}`)
		require.Equal(t, Attrs(t, want), r.Attributes["amount"], sent)
	}
	r := f.create("invoices", `{"amount":{"net_amount":100,"tax_rate":10,"currency":"EUR"},"lines":[{"unit_price":{"net_amount":1,"tax_amount":1}}]}`)
	require.Equal(t, Attrs(t, `{"net_amount":1,"tax_amount":1,"total_amount":2}`), lines(r)[0]["unit_price"])
	r = f.update(r, `{"amount":{"net_amount":200}}`)
	require.Equal(t, Attrs(t, `{"net_amount":200,"tax_rate":10,"tax_amount":20,"total_amount":220,"currency":"EUR"}`), r.Attributes["amount"], "what depends on it follows")
	p := f.create("payments", `{"payment_lines":[{"amount":"12.5"},{"amount":{"net_amount":1,"tax_amount":1}}]}`)
	first := p.Attributes["payment_lines"].([]any)[0].(map[string]any)
	require.Equal(t, num("12.5"), first["amount"], "an amount may be a number where apps send one")
}

func testUnchanged(t *testing.T, f *fixture) {
	_, err := f.s.PutSubscription(f.service, connec.Subscription{ID: Books, Organization: OrgA, AppID: "app-books", URL: "http://books.example/"})
	require.NoError(t, err)
	r := f.create("invoices", `{"title":"x","balance":10.50,"due_date":"2026-01-01","lines":[{"quantity":1}]}`)
	same := f.update(r, fmt.Sprintf(`{"title":" x ","balance":"10.5","due_date":"2026-01-01T01:00:00+01:00","lines":[{"id":%q,"quantity":1.0}]}`, lines(r)[0]["id"]))
	require.Equal(t, r, same, "a write that changes nothing makes no version")
	ids := f.update(r, `{}`, withIDs("77"))
	require.Equal(t, r, ids, "external ids alone are no change of the record")
	history, err := f.s.History(f.shop, Shop, "invoices", r.ID)
	require.NoError(t, err)
	require.Len(t, history, 1)
	ds, err := f.s.ListDeliveries(f.books, Books, connec.DeliveryQuery{})
	require.NoError(t, err)
	require.Len(t, ds, 1)
	require.Equal(t, expanded(r.ID, "77"), f.get("invoices", r.ID, withExternal).ExternalIDs, "but they are kept")
}

func testRace(t *testing.T, f *fixture) {
	const n = 100
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids, created := map[string]bool{}, 0
	for i := range n {
		wg.Go(func() {
			r, outcome, err := f.s.Create(f.shop, Shop, "people", map[string]any{"first_name": fmt.Sprint(i)}, withIDs("same"))
			if !assert.NoError(t, err) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids[r.ID] = true
			if outcome == connec.Created {
				created++
			}
		})
	}
	wg.Wait()
	require.Len(t, ids, 1, "one external id, one record")
	require.Equal(t, 1, created)
	var recordID string
	for recordID = range ids {
	}
	require.EqualValues(t, n, f.get("people", recordID).Version, "and no update is lost")

	// The feed tells each of the versions once, in order.
	feed, err := f.s.Changes(f.shop, Shop, connec.FeedQuery{Limit: 1000})
	require.NoError(t, err)
	require.Len(t, feed.Changes, n)
	for i, tr := range feed.Changes {
		require.EqualValues(t, i+1, tr.Version)
	}
}

func testCancellation(t *testing.T, f *fixture) {
	ctx, cancel := context.WithCancel(f.shop)
	cancel()
	_, _, err := f.s.Create(ctx, Shop, "people", map[string]any{}, connec.WriteOptions{})
	require.Error(t, err)
	_, err = f.s.Get(ctx, Shop, "people", id.UUID(), connec.ReadOptions{})
	require.Error(t, err)
	page, err := f.s.List(f.shop, Shop, "people", connec.Query{})
	require.NoError(t, err)
	require.Zero(t, page.Total)
	require.NoError(t, f.s.Ready(t.Context()))
}

func testTypes(t *testing.T, f *fixture) {
	types, err := f.s.ResourceTypes(t.Context())
	require.NoError(t, err, "needs no credential")
	known := map[string]*connec.ResourceType{}
	for i, rt := range types {
		known[rt.Name] = rt
		require.NotEmpty(t, rt.Schema)
		if i > 0 {
			require.Less(t, types[i-1].Name, rt.Name, "by name")
		}
	}
	for _, name := range []string{"organizations", "people", "items", "invoices", "payments", "employees", "accounts", "journals", "company"} {
		require.Contains(t, known, name)
	}
	require.True(t, known["company"].Singleton)
	require.False(t, known["people"].Singleton)
}
