package impacconnec_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/connec/connectest"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impacconnec"
	"github.com/ensemble-platform/ensemble/impac/impacmem"
)

// both runs a test with a Connec in this process and with one behind HTTP.
func both(t *testing.T, test func(t *testing.T, local, used connec.Service, a *connectest.Authorizer)) {
	t.Helper()
	t.Run("local", func(t *testing.T) {
		t.Parallel()
		a := connectest.NewAuthorizer()
		svc := connec.New(connecmem.New(), a)
		test(t, svc, svc, a)
	})
	t.Run("remote", func(t *testing.T) {
		t.Parallel()
		a := connectest.NewAuthorizer()
		svc := connec.New(connecmem.New(), a)
		s := httptest.NewServer(authz.Middleware(connechttp.NewHandler(svc)))
		t.Cleanup(s.Close)
		test(t, svc, connechttp.NewClient(s.URL, nil), a)
	})
}

func as(ctx context.Context) context.Context {
	return authz.WithCredential(ctx, connectest.UserSession())
}

func collect(t *testing.T, src impac.Source, collection, filter string) []impac.Record {
	t.Helper()
	var out []impac.Record
	for r, err := range src.Records(as(t.Context()), connectest.OrgA, collection, filter) {
		require.NoError(t, err)
		out = append(out, r)
	}
	return out
}

func fill(t *testing.T, svc connec.Service, n int) {
	t.Helper()
	var ops []connec.Op
	for i := range n {
		ops = append(ops, connec.Op{Group: connectest.OrgA, Collection: "people", Attributes: map[string]any{
			"first_name": fmt.Sprint("P", i), "is_lead": i%2 == 0, "job_title": []string{"Chef", "Waiter"}[i/2%2], "birth_date": "1990-01-01",
		}})
	}
	for len(ops) > 0 {
		n := min(len(ops), 1000)
		res, err := svc.Batch(as(t.Context()), ops[:n])
		require.NoError(t, err)
		for _, r := range res {
			require.NoError(t, r.Err)
		}
		ops = ops[n:]
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, local, used connec.Service, _ *connectest.Authorizer) {
		src := impacconnec.New(used)
		require.NoError(t, src.Ready(t.Context()))
		require.Empty(t, collect(t, src, "people", ""))
		fill(t, local, 2000)
		seen := map[any]bool{}
		for _, r := range collect(t, src, "people", "") {
			require.IsType(t, "", r["id"])
			require.Equal(t, "1990-01-01T00:00:00Z", r["birth_date"])
			seen[r["first_name"]] = true
		}
		require.Len(t, seen, 2000, "two full pages, and nothing after")
		require.Len(t, collect(t, src, "people", "is_lead eq true or job_title eq 'Chef'"), 1500, "the filter stands in parentheses")
	})
}

// What is written while a report reads neither hides a record from it nor shows one twice.
func TestWritesMeanwhile(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, local, used connec.Service, _ *connectest.Authorizer) {
		fill(t, local, 1500)
		all, err := local.List(as(t.Context()), connectest.OrgA, "people", connec.Query{OrderBy: "id", Top: 1000})
		require.NoError(t, err)
		seen, touched, n := map[any]int{}, map[any]bool{}, 0
		for r, err := range impacconnec.New(used).Records(as(t.Context()), connectest.OrgA, "people", "is_lead eq true") {
			require.NoError(t, err)
			seen[r["first_name"]]++
			if n++; n == 10 {
				// Records that were read leave the filter, so that an offset would skip as many others.
				for _, r := range all.Resources[:20] {
					touched[r.Attributes["first_name"]] = true
					_, err := local.Update(as(t.Context()), connectest.OrgA, "people", r.ID, map[string]any{"is_lead": false}, connec.WriteOptions{})
					require.NoError(t, err)
				}
				fill(t, local, 10)
			}
		}
		for i := 10; i < 1500; i += 2 {
			if name := fmt.Sprint("P", i); !touched[name] {
				require.Equal(t, 1, seen[name], name)
			}
		}
	})
}

func TestSingletonsAndErrors(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, local, used connec.Service, a *connectest.Authorizer) {
		src := impacconnec.New(used)
		require.Len(t, collect(t, src, "company", ""), 1, "Connec makes it")
		_, err := local.Update(as(t.Context()), connectest.OrgA, "company", "", map[string]any{"name": "Alpha", "currency": "EUR"}, connec.WriteOptions{})
		require.NoError(t, err)
		got := collect(t, src, "company", "")
		require.Len(t, got, 1)
		require.Equal(t, "Alpha", got[0]["name"])
		require.Empty(t, collect(t, src, "company", "name eq 'Beta'"))

		first := func(ctx context.Context, org, collection, filter string) error {
			for _, err := range src.Records(ctx, org, collection, filter) {
				return err
			}
			return nil
		}
		require.ErrorIs(t, first(as(t.Context()), connectest.OrgA, "unicorns", ""), impac.ErrUnknownCollection)
		err = first(as(t.Context()), connectest.OrgA, "people", "is_lead eq")
		require.ErrorIs(t, err, impac.ErrInvalid)
		var v *impac.ValidationError
		require.ErrorAs(t, err, &v)
		require.Equal(t, "filter", v.Fields[0].Path)
		require.ErrorIs(t, first(as(t.Context()), connectest.OrgB, "people", ""), authz.ErrDenied)
		require.ErrorIs(t, first(t.Context(), connectest.OrgA, "people", ""), authz.ErrUnauthenticated)
		a.SetDown(true)
		require.ErrorIs(t, first(as(t.Context()), connectest.OrgA, "people", ""), authz.ErrUnavailable)
	})
}

// The engine over Connec: a widget and a query, and both judges asked.
func TestEngineOverConnec(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, local, used connec.Service, a *connectest.Authorizer) {
		ctx := as(t.Context())
		one, _, err := local.Create(ctx, connectest.OrgA, "organizations", map[string]any{"name": "One Ltd"}, connec.WriteOptions{})
		require.NoError(t, err)
		for i, status := range []string{"PAID", "AUTHORISED", "DRAFT"} {
			_, _, err := local.Create(ctx, connectest.OrgA, "invoices", map[string]any{
				"type": "CUSTOMER", "status": status, "transaction_date": fmt.Sprintf("2026-0%d-15", i+1), "organization_id": one.ID,
				"amount": map[string]any{"net_amount": json.Number("10.10"), "tax_rate": json.Number("10"), "currency": "EUR"},
			}, connec.WriteOptions{})
			require.NoError(t, err)
		}
		e := impac.New(impacmem.New(), impacconnec.New(used), a)
		require.NoError(t, e.Ready(ctx))
		data, err := e.Show(ctx, "sales/summary", map[string]any{
			"organization_ids": []any{connectest.OrgA}, "criteria": "customer", "filter": "gross_value_sold", "currency": "EUR",
			"hist_parameters": map[string]any{"from": "2026-01-01", "to": "2026-03-31"},
		})
		require.NoError(t, err)
		first := data.Content["summary"].([]any)[0].(map[string]any)
		require.Equal(t, "One Ltd", first["name"])
		require.Equal(t, json.Number("22.22"), first["total"])
		f, err := e.Query(ctx, impac.Query{OrganizationIDs: []string{connectest.OrgA}, Collection: "invoices", Measures: []impac.Measure{{Func: impac.Count}}})
		require.NoError(t, err)
		require.Equal(t, int64(3), f.Rows[0][0].Number.IntPart())
		data, err = e.Show(ctx, "hr/workforce_summary", map[string]any{"organization_ids": []any{connectest.OrgA}})
		require.NoError(t, err)
		require.Empty(t, data.Content)
		_, err = e.Query(ctx, impac.Query{OrganizationIDs: []string{connectest.OrgB}, Collection: "invoices", Measures: []impac.Measure{{Func: impac.Count}}})
		require.ErrorIs(t, err, authz.ErrDenied)
	})
}
