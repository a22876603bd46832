package connectest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
)

// filterRecords are the records that the filter cases look at, by name.
const filterRecords = `[
	{"name":"a", "code":"INV1", "status":"PAID", "balance":10, "due_date":"2026-01-01T00:00:00Z", "apply_tax_after_discount":true,
	 "organization_id":"o1", "amount":{"total_amount":100.5,"currency":"EUR"}, "extra":"5", "title":"Alpha 50% off",
	 "lines":[{"id":"l1","item_id":"i1","quantity":1,"unit_price":{"net_amount":5}},{"id":"l2","item_id":"i2","quantity":20}]},
	{"name":"b", "code":"INV2", "status":"DRAFT", "balance":9, "due_date":"2026-01-01T00:00:00.5Z", "apply_tax_after_discount":false,
	 "organization_id":"o2", "amount":{"total_amount":20,"currency":"usd"}, "extra":5, "title":"beta_max",
	 "lines":[{"id":"l3","item_id":"i2","quantity":3}]},
	{"name":"c", "code":"inv3", "status":"ARCHIVED", "balance":-1.5, "due_date":"2026-01-02T00:00:00Z", "title":"GAMMA (C++) $5",
	 "extra":true, "lines":[], "notes_extra":{"deep":{"er":"x"}}, "list_extra":["p","q"]},
	{"name":"d", "title":"It's d", "extra":{"is":"object"}, "balance":9007199254740993},
	{"name":"e", "title":"", "code":"Ünï", "extra":"", "balance":0},
	{"name":"f", "title":"line1\nline2 back\\slash", "due_date":"2025-12-31T23:59:59.999999Z", "extra":"5.0", "balance":0.30000000000000004}
]`

// filterCases are filters over invoices and the names of the records that they select, in order of creation.
var filterCases = []struct{ filter, want string }{
	{"", "abcdef"},
	// text
	{"code eq 'INV1'", "a"},
	{"code eq 'inv1'", ""},
	{"code ne 'INV1'", "bcdef"},
	{"status ne 'ARCHIVED'", "abdef"},
	{"status in ['PAID','DRAFT']", "ab"},
	{"status in [PAID, ARCHIVED]", "ac"},
	{"status in []", ""},
	{"not (status in [])", "abcdef"},
	{"code gt 'INV1'", "bce"},
	{"code gte 'INV1'", "abce"},
	{"code lt 'INV2'", "a"},
	{"code lte 'INV2'", "ab"},
	{"code gt 'Z'", "ce"},
	{"title eq 'It's d'", "d"},
	{"title eq 'It''s d'", "d"},
	{"title eq ''", "e"},
	{"code eq 'Ünï'", "e"},
	{"title eq 'line1\nline2 back\\slash'", "f"},
	// presence
	{"status eq null", "def"},
	{"status ne null", "abc"},
	{"lines ne null", "ab"},
	{"extra ne null", "abcdef"},
	{"extra.is ne null", "d"},
	{"amount ne null", "ab"},
	{"nothing eq null", "abcdef"},
	{"code in ['INV1', null]", "adf"},
	{"not (status eq null)", "abc"},
	// numbers
	{"balance eq 10", "a"},
	{"balance eq '10'", "a"},
	{"balance eq 10.00", "a"},
	{"balance eq 1e1", "a"},
	{"balance gt 9", "ad"},
	{"balance gt '9'", "ad"},
	{"balance lt 0", "c"},
	{"balance ne 9", "acdef"},
	{"balance in [9, -1.5, 3]", "bc"},
	{"balance eq 9007199254740992", "d"},
	{"balance eq 0.30000000000000004", "f"},
	{"balance eq 0", "e"},
	{"balance eq 'much'", ""},
	{"balance ne 'much'", "abcdef"},
	{"amount.total_amount gte 20", "ab"},
	{"amount/total_amount gt 20", "a"},
	// booleans
	{"apply_tax_after_discount eq true", "a"},
	{"apply_tax_after_discount eq false", "b"},
	{"apply_tax_after_discount ne true", "bcdef"},
	{"apply_tax_after_discount eq 'TRUE'", "a"},
	// dates, as instants
	{"due_date eq '2026-01-01T00:00:00Z'", "a"},
	{"due_date eq 2026-01-01T00:00:00+00:00", "a"},
	{"due_date eq '2026-01-01T01:00:00+01:00'", "a"},
	{"due_date eq '2026-01-01'", "a"},
	{"due_date gt '2026-01-01T00:00:00Z'", "bc"},
	{"due_date gte '2026-01-01T00:00:00.500Z'", "bc"},
	{"due_date lt '2026-01-01T00:00:00Z'", "f"},
	{"due_date lte '2026-01-01T00:00:00.499999Z'", "af"},
	{"due_date ne '2026-01-01T00:00:00Z'", "bcdef"},
	{"due_date eq null", "de"},
	{"created_at gt '2026-03-01T10:00:02Z'", "bcdef"},
	{"created_at gt '2026-03-01T10:00:02.123456Z'", "cdef"},
	{"created_at lte '2026-03-01T10:00:02.123456Z'", "ab"},
	{"created_at eq '2026-03-01T10:00:01.123456Z'", "a"},
	{"created_at ne '2026-03-01T10:00:01.123456Z'", "bcdef"},
	{"updated_at gt '2026-03-01T11:00:05+01:00'", "ef"},
	{"updated_at ne null", "abcdef"},
	// ids and references
	{"_id eq 'nobody'", ""},
	{"id ne 'nobody'", "abcdef"},
	{"organization_id eq 'o1'", "a"},
	{"organization_id ne 'o1'", "bcdef"},
	// lists
	{"lines.item_id eq 'i2'", "ab"},
	{"lines.item_id eq 'i1'", "a"},
	{"lines/item_id ne 'i1'", "bcdef"},
	{"lines.id in ['l2','l3']", "ab"},
	{"lines.quantity gt 5", "a"},
	{"lines.quantity lt 2 and lines.quantity gt 10", "a"},
	{"lines.unit_price.net_amount eq 5", "a"},
	{"lines.item_id eq null", "cdef"},
	{"lines.item_id match /I2/", "ab"},
	// patterns
	{"title match /alpha/", "a"},
	{"title match /A/", "abcf"},
	{"title match /50%/", "a"},
	{"title match /%/", "a"},
	{"title match /a_m/", "b"},
	{"title match /^b/", "b"},
	{"title match /d$/", "d"},
	{"title match /^$/", "e"},
	{"title match //", "abcdef"},
	{"title match /b.ta/", "b"},
	{"title match /^.eta_max$/", "b"},
	{"title match /line1.*back/", "f"},
	{"title match /alpha|beta/", "ab"},
	{"title match /^a|d$/", "ad"},
	{"title match /(C++)/", "c"},
	{"title match /\\$5/", "c"},
	{"title match /k\\\\s/", "f"},
	{"title match /[a-z]/", ""},
	{"title match 'ALPHA'", "a"},
	{"code match /ün/", ""},
	{"code match /Ün/", "e"},
	{"status match /raf/", "b"},
	{"not title match /a/", "de"},
	{"balance match /1/", ""},
	// undeclared attributes have the type that they come with
	{"extra eq '5'", "ab"},
	{"extra eq 5", "ab"},
	{"extra eq 5.0", "bf"},
	{"extra ne 5", "cdef"},
	{"extra eq true", "c"},
	{"extra gt 4", "b"},
	{"extra lt 'a'", "aef"},
	{"extra.is eq 'object'", "d"},
	{"notes_extra.deep.er eq 'x'", "c"},
	{"list_extra eq 'p'", ""},
	{"list_extra ne null", "c"},
	// logic
	{"status eq 'PAID' or status eq 'DRAFT'", "ab"},
	{"status eq 'PAID' or status eq 'DRAFT' and balance eq 0", "a"},
	{"(status eq 'PAID' or status eq 'DRAFT') and balance gt 9", "a"},
	{"status ne 'ARCHIVED' and title match /a/ AND balance gt 9.5", "a"},
	{"not (status eq 'PAID') and balance gt 0", "bdf"},
	{"not (status eq 'PAID' or balance gt 0)", "ce"},
	{"NOT status eq 'PAID' OR balance EQ 10", "abcdef"},
	{"resource_type eq 'invoices' and code eq 'INV1'", "a"},
	{"resource_type ne 'invoices'", ""},
}

func filterScope(t *testing.T) connec.FilterScope {
	t.Helper()
	for _, rt := range connec.CanonicalTypes() {
		if rt.Name == "invoices" {
			scope, err := rt.FilterScope()
			require.NoError(t, err)
			return scope
		}
	}
	t.Fatal("no invoices")
	return connec.FilterScope{}
}

func filterStore(t *testing.T, s connec.Store) []*connec.Resource {
	t.Helper()
	var rs []*connec.Resource
	for i, a := range Attrs(t, `{"all":`+filterRecords+`}`)["all"].([]any) {
		rs = append(rs, record(i+1, a.(map[string]any)))
	}
	insert(t, s, rs...)
	foreign, elsewhere := rs[0].Clone(), rs[0].Clone()
	foreign.ID, foreign.Organization = "0b7e0c3e-0000-7000-8000-000000000001", OrgB
	elsewhere.ID, elsewhere.Collection = "0b7e0c3e-0000-7000-8000-000000000002", "quotes"
	insert(t, s, foreign, elsewhere)
	return rs
}

func testFilters(t *testing.T, s connec.Store) {
	rs := filterStore(t, s)
	scope := filterScope(t)
	cases := append(filterCases, struct{ filter, want string }{fmt.Sprintf("_id eq '%s'", rs[1].ID), "b"},
		struct{ filter, want string }{fmt.Sprintf("id in ['%s',%s]", rs[0].ID, rs[2].ID), "ac"},
		struct{ filter, want string }{fmt.Sprintf("_id ne '%s'", rs[1].ID), "acdef"},
		struct{ filter, want string }{"code in ['" + strings.Repeat("x','", 2000) + "INV1']", "a"},
		struct{ filter, want string }{strings.Repeat("code eq 'x' or ", 400) + "code eq 'INV1'", "a"})
	for _, c := range cases {
		var f connec.Filter
		if c.filter != "" {
			var err error
			f, err = connec.ParseFilter(c.filter, scope)
			require.NoError(t, err, c.filter)
		}
		got, total, err := s.List(t.Context(), connec.ListQuery{Organization: OrgA, Collection: "invoices", Filter: f, Top: 100})
		label := c.filter[:min(len(c.filter), 100)]
		require.NoError(t, err, label)
		assert.Equal(t, c.want, strings.Join(names(got), ""), label)
		require.Equal(t, len(c.want), total, label)
		update(t, s, func(ctx context.Context, tx connec.Tx) error {
			one, err := tx.First(ctx, OrgA, "invoices", f)
			if c.want == "" {
				require.ErrorIs(t, err, connec.ErrNotFound, label)
				return nil
			}
			require.NoError(t, err, label)
			require.Equal(t, c.want[:1], one.Attributes["name"], label)
			return nil
		})
	}
}

func testOrder(t *testing.T, s connec.Store) {
	filterStore(t, s)
	scope := filterScope(t)
	for _, c := range []struct{ order, want string }{
		{"", "abcdef"},
		{"created_at desc", "fedcba"},
		{"updated_at ASC", "abcdef"},
		{"code", "abcedf"}, // INV1 INV2 inv3 Ünï, then those without
		{"code desc", "ecbafd"},
		{"balance", "cefbad"},
		{"balance Desc", "dabfec"},
		{"due_date", "fabcde"},
		{"due_date desc", "cbafed"},
		{"apply_tax_after_discount", "bacdef"},
		{"apply_tax_after_discount desc", "abfedc"},
		{"amount.total_amount", "bacdef"},
		{"amount.currency", "abcdef"},
		{"extra", "beafcd"}, // the number, then "" "5" "5.0", then the rest
		{"nothing desc", "fedcba"},
		{"status, balance desc", "cbadfe"},
		{"resource_type desc", "abcdef"},
	} {
		keys, err := connec.ParseOrder(c.order, scope)
		require.NoError(t, err, c.order)
		got, _, err := s.List(t.Context(), connec.ListQuery{Organization: OrgA, Collection: "invoices", Order: keys, Top: 100})
		require.NoError(t, err, c.order)
		require.Equal(t, c.want, strings.Join(names(got), ""), c.order)
	}
}

func testPaging(t *testing.T, s connec.Store) {
	var rs []*connec.Resource
	for i := range 25 {
		rs = append(rs, record(0, map[string]any{"name": fmt.Sprintf("%02d", i)})) // all at the same moment
	}
	insert(t, s, rs...)
	var seen []string
	for skip := 0; skip < 30; skip += 7 {
		page, total, err := s.List(t.Context(), connec.ListQuery{Organization: OrgA, Collection: "invoices", Top: 7, Skip: skip})
		require.NoError(t, err)
		require.Equal(t, 25, total)
		seen = append(seen, names(page)...)
	}
	require.Equal(t, names(rs), seen, "pages neither overlap nor leave out, and ids break ties")
	page, total, err := s.List(t.Context(), connec.ListQuery{Organization: "org-nobody", Collection: "invoices", Top: 7})
	require.NoError(t, err)
	require.Zero(t, total)
	require.Empty(t, page)
}
