package connectest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/id"
)

func testSingleton(t *testing.T, f *fixture) {
	c := f.get("company", "")
	require.NotEmpty(t, c.ID)
	require.Empty(t, c.Attributes)
	require.Equal(t, c, f.get("company", ""), "it is made once")
	u, err := f.s.Update(f.shop, Shop, "company", "", Attrs(t, `{"name":"Acme"}`), connec.WriteOptions{})
	require.NoError(t, err)
	require.Equal(t, c.ID, u.ID)
	u, err = f.s.Update(f.shop, Shop, "company", id.UUID(), Attrs(t, `{"currency":"EUR"}`), connec.WriteOptions{})
	require.NoError(t, err, "any id means the one record")
	r, outcome := f.put("company", `{"note":"x"}`, withIDs("c1"))
	require.Equal(t, connec.Matched, outcome)
	require.Equal(t, u.ID, r.ID)
	f.has(f.get("company", c.ID), `{"name":"Acme","currency":"EUR","note":"x"}`)

	other, outcome, err := f.s.Create(f.shop, Other, "company", Attrs(t, `{"name":"B"}`), connec.WriteOptions{})
	require.NoError(t, err)
	require.Equal(t, connec.Created, outcome)
	require.NotEqual(t, c.ID, other.ID)
	page, err := f.s.List(f.shop, Shop, "company", connec.Query{})
	require.NoError(t, err)
	require.Equal(t, 1, page.Total)
}

func testCountries(t *testing.T, f *fixture) {
	for sent, want := range map[string]string{"France": "FR", "fr": "FR", "FRA": "FR", "United States": "US", "USA": "US", "UK": "GB", "the Netherlands": "NL", "Atlantis": "Atlantis", "": ""} {
		r := f.create("people", `{"address_work":{"billing":{"country":"`+sent+`"}}}`)
		require.Equal(t, Attrs(t, `{"billing":{"country":"`+sent+`"}}`), r.Attributes["address_work"], "kept as it was sent")
		got := f.get("people", r.ID, connec.ReadOptions{CountryAlpha2: true})
		require.Equal(t, Attrs(t, `{"billing":{"country":"`+want+`"}}`), got.Attributes["address_work"])
	}
}

func testList(t *testing.T, f *fixture) {
	for i := range 120 {
		f.create("items", fmt.Sprintf(`{"name":"n%03d","average_cost":%d,"type":%q}`, i, 120-i, []string{"PRODUCT", "SERVICE"}[i%2]))
	}
	list := func(q connec.Query) *connec.Page {
		page, err := f.s.List(f.shop, Shop, "items", q)
		require.NoError(t, err)
		return page
	}
	page := list(connec.Query{})
	require.Len(t, page.Resources, 100)
	require.Equal(t, [3]int{0, 100, 120}, [3]int{page.Skip, page.Top, page.Total})
	require.Equal(t, "n000", page.Resources[0].Attributes["name"], "by creation")
	require.Equal(t, Shop, page.Resources[0].Group)
	page = list(connec.Query{Skip: 100, Top: 50})
	require.Len(t, page.Resources, 20)
	page = list(connec.Query{Skip: 500})
	require.Empty(t, page.Resources)
	require.Equal(t, 120, page.Total)
	require.Equal(t, 1000, list(connec.Query{Top: 5000}).Top)

	page = list(connec.Query{Filter: "type eq 'SERVICE' and average_cost lte 10", OrderBy: "average_cost desc", Top: 3})
	require.Equal(t, []string{"n111", "n113", "n115"}, names(page.Resources))
	require.Equal(t, 5, page.Total)
	require.Equal(t, []string{"n119"}, names(list(connec.Query{OrderBy: "average_cost", Top: 1}).Resources))
	require.Equal(t, []string{"n119"}, names(list(connec.Query{OrderBy: "name DESC", Top: 1}).Resources))
	r := page.Resources[0]
	require.Equal(t, 1, list(connec.Query{Filter: "_id in ['" + r.ID + "']"}).Total)
	require.Equal(t, 120, list(connec.Query{Filter: "updated_at gt '2020-01-01T00:00:00Z' and status ne 'ARCHIVED' and group_id eq '" + Shop + "' and channel_id eq 'org-a'"}).Total)
	require.Zero(t, list(connec.Query{Filter: "group_id eq '" + Books + "'"}).Total)
	require.Equal(t, 1, list(connec.Query{Filter: "name match /N11[9]|n118$/"}).Total)
}

func testBadQueries(t *testing.T, f *fixture) {
	for filter, position := range map[string]string{
		"name":                  "byte 4",
		"name eq":               "byte 7",
		"name eq 'x":            "byte 8",
		"name is 'x'":           "byte 5",
		"name eq 'x' and":       "byte 15",
		"name eq 'x' xor b":     "byte 8",
		"(name eq 'x'":          "byte 12",
		"name eq 'x')":          "byte 11",
		"name in 'x'":           "byte 8",
		"name in ['x'":          "byte 12",
		"eq 'x'":                "byte 3",
		"created_at gt 'later'": "byte 14",
		"name gt null":          "byte 8",
		"name match null":       "byte 11",
		"name..x eq 1":          "byte 5",
		"a='b'":                 "byte 1",
		";drop table":           "byte 0",
		"name eq 'a\x00b'":      "byte 10",
	} {
		_, err := f.s.List(f.shop, Shop, "items", connec.Query{Filter: filter})
		require.ErrorIs(t, err, connec.ErrInvalid, filter)
		var v *connec.ValidationError
		require.ErrorAs(t, err, &v, filter)
		require.Equal(t, "$filter", v.Fields[0].Path)
		require.Contains(t, v.Fields[0].Reason, position, filter)
	}
	for _, q := range []connec.Query{
		{Filter: strings.Repeat("(", 1000) + "a eq 1" + strings.Repeat(")", 1000)},
		{Filter: strings.Repeat("a eq 1 and ", 1000) + "a eq 1"},
		{Filter: strings.Repeat("not ", 1000) + "a eq 1"},
		{OrderBy: "name up"},
		{OrderBy: "na'me"},
		{OrderBy: "a b c"},
		{Top: -1},
		{Skip: -1},
		{Skip: 1 << 40},
	} {
		_, err := f.s.List(f.shop, Shop, "invoices", q)
		require.ErrorIs(t, err, connec.ErrInvalid)
	}
	_, err := f.s.List(f.shop, Shop, "invoices", connec.Query{OrderBy: "lines.quantity"})
	require.ErrorIs(t, err, connec.ErrInvalid)
	_, err = f.s.List(f.shop, Shop, "nothing", connec.Query{})
	require.ErrorIs(t, err, connec.ErrUnknownCollection)
}

func testBatch(t *testing.T, f *fixture) {
	existing := f.create("people", `{"first_name":"Old"}`)
	ops := []connec.Op{
		{Group: Shop, Collection: "organizations", Attributes: Attrs(t, `{"name":"Acme"}`), WriteOptions: connec.WriteOptions{ExternalIDs: ext("o1"), ReadOptions: withExternal}},
		{Group: Shop, Collection: "people", Attributes: Attrs(t, `{"organization_id":[{"id":"o1","provider":"shopify","realm":"my-shop"}]}`)},
		{Group: Shop, Collection: "people", Attributes: Attrs(t, `{"birth_date":"never"}`)},
		{Group: Shop, Collection: "people", ID: existing.ID, Attributes: Attrs(t, `{"first_name":"New"}`)},
		{Group: Shop, Collection: "people", ID: existing.ID},
		{Group: Shop, Collection: "people", ID: id.UUID(), Attributes: Attrs(t, `{"first_name":"x"}`)},
		{Group: Other, Collection: "people", Attributes: Attrs(t, `{"first_name":"B"}`)},
		{Group: Books, Collection: "people", Attributes: Attrs(t, `{}`)},
		{Group: Shop, Collection: "spaceships", Attributes: Attrs(t, `{}`)},
		{Group: Shop, Collection: "organizations", Attributes: Attrs(t, `{"name":"Acme 2"}`), WriteOptions: withIDs("o1")},
		{Group: Shop, Collection: "company", Attributes: Attrs(t, `{"name":"C"}`)},
		{Group: Shop, Collection: "company"},
		{Group: Shop, Collection: "people", ID: id.UUID()},
		{Group: Shop, Collection: "organizations", ID: existing.ID, Attributes: Attrs(t, `{}`), WriteOptions: withIDs("o9")},
	}
	rs, err := f.s.Batch(f.shop, ops)
	require.NoError(t, err)
	require.Len(t, rs, len(ops))
	want := []error{nil, nil, connec.ErrInvalid, nil, nil, connec.ErrNotFound, nil, authz.ErrDenied, connec.ErrUnknownCollection, nil, nil, nil, connec.ErrNotFound, connec.ErrNotFound}
	for i, r := range rs {
		if want[i] != nil {
			require.ErrorIs(t, r.Err, want[i], "op %d", i)
			require.Nil(t, r.Resource, "op %d", i)
			continue
		}
		require.NoError(t, r.Err, "op %d", i)
	}
	require.Equal(t, connec.Created, rs[0].Outcome)
	require.Equal(t, expanded(rs[0].Resource.ID, "o1"), rs[0].Resource.ExternalIDs)
	require.Equal(t, rs[0].Resource.ID, rs[1].Resource.Attributes["organization_id"], "an operation sees those before it")
	require.Equal(t, "New", rs[4].Resource.Attributes["first_name"])
	require.Equal(t, OrgB, rs[6].Resource.Organization)
	require.Equal(t, connec.Matched, rs[9].Outcome)
	require.Equal(t, rs[0].Resource.ID, rs[9].Resource.ID)
	require.Equal(t, rs[10].Resource.ID, rs[11].Resource.ID)
	require.Equal(t, "C", rs[11].Resource.Attributes["name"])

	rs, err = f.s.Batch(f.shop, nil)
	require.NoError(t, err)
	require.Empty(t, rs)
	_, err = f.s.Batch(f.shop, make([]connec.Op, 1001))
	require.ErrorIs(t, err, connec.ErrInvalid)

	many := make([]connec.Op, 250)
	for i := range many {
		many[i] = connec.Op{Group: Shop, Collection: "items", Attributes: map[string]any{"name": fmt.Sprint(i)}, WriteOptions: withIDs(fmt.Sprint(i % 200))}
	}
	rs, err = f.s.Batch(f.shop, many)
	require.NoError(t, err)
	for i, r := range rs {
		require.NoError(t, r.Err)
		if i < 200 {
			require.Equal(t, connec.Created, r.Outcome)
			require.Equal(t, fmt.Sprint("IT", i+1), r.Resource.Attributes["code"], "in order")
		} else {
			require.Equal(t, connec.Matched, r.Outcome)
			require.Equal(t, rs[i-200].Resource.ID, r.Resource.ID)
		}
	}
}

func testHistory(t *testing.T, f *fixture) {
	r := f.create("items", `{"name":"a"}`)
	_, err := f.s.Update(f.user, OrgA, "items", r.ID, Attrs(t, `{"name":"b"}`), connec.WriteOptions{})
	require.NoError(t, err)
	ts, err := f.s.History(f.books, Books, "items", r.ID)
	require.NoError(t, err)
	require.Len(t, ts, 2)
	update, create := ts[0], ts[1]
	require.Equal(t, connec.ActionCreate, create.Action)
	require.Equal(t, [4]string{authz.App, "app-shop", "shop", Shop}, [4]string{create.ActorType, create.ActorID, create.ActorName, create.Group})
	require.Nil(t, create.Before)
	require.Equal(t, Attrs(t, `{"name":"a","code":"IT1","status":"ACTIVE"}`), create.After)
	require.Equal(t, connec.ActionUpdate, update.Action)
	require.Equal(t, [4]string{authz.User, "usr-1", "ada@example.com", ""}, [4]string{update.ActorType, update.ActorID, update.ActorName, update.Group})
	require.Equal(t, create.After, update.Before)
	require.Equal(t, "b", update.After["name"])
	require.EqualValues(t, 2, update.Version)
	require.Greater(t, update.Sequence, create.Sequence)
	require.NotEqual(t, update.ID, create.ID)
	require.Equal(t, f.get("items", r.ID).UpdatedAt, update.At)
	for _, tr := range ts {
		require.Equal(t, [3]string{OrgA, "items", r.ID}, [3]string{tr.Organization, tr.Collection, tr.ResourceID})
	}
	_, err = f.s.History(f.shop, Shop, "items", id.UUID())
	require.ErrorIs(t, err, connec.ErrNotFound)
	_, err = f.s.History(f.shop, Other, "items", r.ID)
	require.ErrorIs(t, err, connec.ErrNotFound, "another organization's history stays there")
}

func testChanges(t *testing.T, f *fixture) {
	start, err := f.s.Changes(f.shop, Shop, connec.FeedQuery{})
	require.NoError(t, err)
	require.Empty(t, start.Changes)
	require.NotEmpty(t, start.Cursor)
	require.False(t, start.More)
	var want []string
	for i := range 5 {
		want = append(want, f.create("items", fmt.Sprintf(`{"name":"%d"}`, i)).ID)
	}
	person := f.create("people", `{}`)
	_, _, err = f.s.Create(f.shop, Other, "people", map[string]any{}, connec.WriteOptions{})
	require.NoError(t, err)

	var got []string
	cursor := start.Cursor
	for more := true; more; {
		feed, err := f.s.Changes(f.books, Books, connec.FeedQuery{Cursor: cursor, Limit: 2})
		require.NoError(t, err)
		require.LessOrEqual(t, len(feed.Changes), 2)
		for _, tr := range feed.Changes {
			got = append(got, tr.ResourceID)
		}
		cursor, more = feed.Cursor, feed.More
	}
	require.Equal(t, append(want, person.ID), got)
	feed, err := f.s.Changes(f.shop, Shop, connec.FeedQuery{Collections: []string{"people", "invoices"}})
	require.NoError(t, err)
	require.Len(t, feed.Changes, 1)
	require.Equal(t, person.ID, feed.Changes[0].ResourceID)

	now, err := f.s.Changes(f.user, OrgA, connec.FeedQuery{Cursor: "now"})
	require.NoError(t, err)
	require.Empty(t, now.Changes)
	f.update(person, `{"first_name":"x"}`)
	feed, err = f.s.Changes(f.user, OrgA, connec.FeedQuery{Cursor: now.Cursor})
	require.NoError(t, err)
	require.Len(t, feed.Changes, 1)
	require.Equal(t, "x", feed.Changes[0].After["first_name"])
	end, err := f.s.Changes(f.user, OrgA, connec.FeedQuery{Cursor: feed.Cursor})
	require.NoError(t, err)
	require.Empty(t, end.Changes)
	require.Equal(t, feed.Cursor, end.Cursor, "the end stays where it is")

	for _, bad := range []string{"rubbish", "e30", cursor + "x"} {
		_, err = f.s.Changes(f.shop, Shop, connec.FeedQuery{Cursor: bad})
		require.ErrorIs(t, err, connec.ErrCursor, bad)
	}
	_, err = f.s.Changes(f.shop, Other, connec.FeedQuery{Cursor: cursor})
	require.ErrorIs(t, err, connec.ErrCursor, "a cursor belongs to its organization")
	_, err = f.s.Changes(f.shop, Shop, connec.FeedQuery{Collections: []string{"spaceships"}})
	require.ErrorIs(t, err, connec.ErrUnknownCollection)
	_, err = f.s.Changes(f.shop, Books, connec.FeedQuery{})
	require.ErrorIs(t, err, authz.ErrDenied)
}

func testServiceSubscriptions(t *testing.T, f *fixture) {
	in := connec.Subscription{ID: Shop, Organization: OrgA, AppID: "app-shop", URL: "https://shop.example/hook", Username: "app-shop", Password: "pw", ExternalIDs: true, Collections: []string{"items"}}
	_, err := f.s.PutSubscription(f.shop, in)
	require.ErrorIs(t, err, authz.ErrDenied, "subscriptions are for the platform's services")
	require.ErrorIs(t, f.s.DeleteSubscription(f.user, Shop), authz.ErrDenied)

	out, err := f.s.PutSubscription(f.service, in)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(out.Secret, "whsec_"))
	require.False(t, out.CreatedAt.IsZero())
	want := in
	want.Secret, want.CreatedAt = out.Secret, out.CreatedAt
	require.Equal(t, &want, out)

	in.URL = "https://shop.example/new"
	again, err := f.s.PutSubscription(f.service, in)
	require.NoError(t, err)
	require.Equal(t, out.Secret, again.Secret, "a secret stays until another is given")
	require.Equal(t, out.CreatedAt, again.CreatedAt)

	_, err = f.s.PutSubscription(f.service, connec.Subscription{ID: Books, Organization: OrgA, AppID: "app-books"})
	require.NoError(t, err)
	list, err := f.s.ListSubscriptions(f.shop, Shop)
	require.NoError(t, err)
	want.URL, want.Password, want.Secret = in.URL, "", ""
	require.Equal(t, []*connec.Subscription{&want}, list, "an app sees its own, without secrets")
	list, err = f.s.ListSubscriptions(f.user, OrgA)
	require.NoError(t, err)
	require.Len(t, list, 2)

	for field, bad := range map[string]connec.Subscription{
		"url":          {ID: "a", Organization: OrgA, AppID: "x", URL: "ftp://x"},
		"id":           {Organization: OrgA, AppID: "x"},
		"organization": {ID: "a", AppID: "x"},
		"app_id":       {ID: "a", Organization: OrgA},
		"secret":       {ID: "a", Organization: OrgA, AppID: "x", Secret: "whsec_short"},
		"collections":  {ID: "a", Organization: OrgA, AppID: "x", Collections: []string{"spaceships"}},
	} {
		_, err = f.s.PutSubscription(f.service, bad)
		var v *connec.ValidationError
		require.True(t, errors.As(err, &v) && v.Fields[0].Path == field, "%s: %v", field, err)
	}
	require.NoError(t, f.s.DeleteSubscription(f.service, Books))
	require.ErrorIs(t, f.s.DeleteSubscription(f.service, Books), connec.ErrNotFound)
}

func testDeliveryRules(t *testing.T, f *fixture) {
	for group, collections := range map[string][]string{Shop: nil, Books: {"items"}} {
		_, err := f.s.PutSubscription(f.service, connec.Subscription{ID: group, Organization: OrgA, AppID: "app-x", URL: "https://x.example/", Collections: collections})
		require.NoError(t, err)
	}
	_, err := f.s.PutSubscription(f.service, connec.Subscription{ID: Other, Organization: OrgB, AppID: "app-shop", URL: "https://x.example/"})
	require.NoError(t, err)
	f.get("company", "")
	item := f.create("items", `{}`)
	f.create("people", `{}`)
	_, err = f.s.Update(f.books, Books, "items", item.ID, Attrs(t, `{"name":"x"}`), connec.WriteOptions{})
	require.NoError(t, err)
	_, err = f.s.Update(f.user, OrgA, "items", item.ID, Attrs(t, `{"name":"y"}`), connec.WriteOptions{})
	require.NoError(t, err)

	ds, err := f.s.ListDeliveries(f.user, OrgA, connec.DeliveryQuery{})
	require.NoError(t, err)
	var got []string
	for _, d := range ds {
		require.Equal(t, connec.Pending, d.State)
		require.True(t, strings.HasPrefix(d.ID, "msg-"))
		got = append(got, fmt.Sprintf("%s %s %d", d.SubscriptionID, d.Collection, d.Attempts))
	}
	require.ElementsMatch(t, []string{Books + " items 0", Shop + " items 0", Shop + " items 0", Books + " items 0"}, got,
		"a change goes to every other app that wants its collection, and a user's to all")
	own, err := f.s.ListDeliveries(f.books, Books, connec.DeliveryQuery{Limit: 1})
	require.NoError(t, err)
	require.Len(t, own, 1)
	require.Equal(t, Books, own[0].SubscriptionID)
	none, err := f.s.ListDeliveries(f.books, Books, connec.DeliveryQuery{SubscriptionID: Shop})
	require.NoError(t, err)
	require.Empty(t, none, "an app sees its own")
	require.NoError(t, f.s.DeleteSubscription(f.service, Shop))
	ds, err = f.s.ListDeliveries(f.user, OrgA, connec.DeliveryQuery{State: connec.Pending})
	require.NoError(t, err)
	require.Len(t, ds, 2)
}

func testAuthorization(t *testing.T, f *fixture) {
	anyone := t.Context()
	wrong := authz.WithCredential(t.Context(), authz.Key("app-shop", "wrong"))
	r := f.create("people", `{}`)
	calls := map[string]func(group string) error{
		"get":  func(g string) error { _, err := f.s.Get(f.shop, g, "people", r.ID, connec.ReadOptions{}); return err },
		"list": func(g string) error { _, err := f.s.List(f.shop, g, "people", connec.Query{}); return err },
		"create": func(g string) error {
			_, _, err := f.s.Create(f.shop, g, "people", map[string]any{}, connec.WriteOptions{})
			return err
		},
		"update": func(g string) error {
			_, err := f.s.Update(f.shop, g, "people", r.ID, map[string]any{}, connec.WriteOptions{})
			return err
		},
		"history":       func(g string) error { _, err := f.s.History(f.shop, g, "people", r.ID); return err },
		"changes":       func(g string) error { _, err := f.s.Changes(f.shop, g, connec.FeedQuery{}); return err },
		"subscriptions": func(g string) error { _, err := f.s.ListSubscriptions(f.shop, g); return err },
		"deliveries":    func(g string) error { _, err := f.s.ListDeliveries(f.shop, g, connec.DeliveryQuery{}); return err },
	}
	shop := f.shop
	for name, call := range calls {
		for ctx, want := range map[*authz.Credential]error{nil: authz.ErrUnauthenticated, new(authz.Key("app-shop", "wrong")): authz.ErrUnauthenticated} {
			f.shop = anyone
			if ctx != nil {
				f.shop = wrong
			}
			require.ErrorIs(t, call(Shop), want, name)
		}
		f.shop = shop
		require.ErrorIs(t, call(Books), authz.ErrDenied, name)
		require.ErrorIs(t, call("cld-unknown"), authz.ErrDenied, name)
		require.NoError(t, call(Shop), name)
	}
	f.auth.SetDown(true)
	for name, call := range calls {
		require.ErrorIs(t, call(Shop), authz.ErrUnavailable, name)
	}
	f.auth.SetDown(false)
	f.auth.Revoke(Shop)
	for name, call := range calls {
		require.ErrorIs(t, call(Shop), authz.ErrDenied, name)
	}
}

func testIsolation(t *testing.T, f *fixture) {
	r := f.create("people", `{"first_name":"Ada"}`, withIDs("1"))
	_, err := f.s.Get(f.shop, Other, "people", r.ID, connec.ReadOptions{})
	require.ErrorIs(t, err, connec.ErrNotFound)
	_, err = f.s.Update(f.shop, Other, "people", r.ID, Attrs(t, `{"first_name":"x"}`), connec.WriteOptions{})
	require.ErrorIs(t, err, connec.ErrNotFound)
	page, err := f.s.List(f.shop, Other, "people", connec.Query{})
	require.NoError(t, err)
	require.Zero(t, page.Total)
	other, outcome, err := f.s.Create(f.shop, Other, "people", map[string]any{}, withIDs("1"))
	require.NoError(t, err)
	require.Equal(t, connec.Created, outcome)
	require.NotEqual(t, r.ID, other.ID)
	require.Equal(t, "PE1", other.Attributes["code"])

	// All groups of an organization share its records.
	got, err := f.s.Get(f.books, Books, "people", r.ID, connec.ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, Books, got.Group, "the reader's group")
	got.Group = Shop
	require.Equal(t, r, got)
	got, err = f.s.Get(f.user, OrgA, "people", r.ID, connec.ReadOptions{})
	require.NoError(t, err)
	require.Empty(t, got.Group)
}
