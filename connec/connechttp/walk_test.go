package connechttp_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/internal/apitest"
)

// Every operation, with sense and nonsense for input, answers as openapi/connec.yaml says.
func TestWalk(t *testing.T) {
	t.Parallel()
	engine := connec.New(connecmem.New(), authz.Func(judge))
	ctx := authz.WithCredential(t.Context(), service)
	person, _, err := engine.Create(ctx, "org-1", "people", map[string]any{"first_name": "Jo"}, connec.WriteOptions{})
	require.NoError(t, err)
	_, err = engine.PutSubscription(ctx, connec.Subscription{ID: "cld-shop", Organization: "org-1", AppID: "app-shop", URL: "https://shop.example.com/hook"})
	require.NoError(t, err)
	_, _, err = engine.Create(ctx, "org-1", "invoices", map[string]any{"lines": []any{map[string]any{"quantity": json.Number("2")}}}, connec.WriteOptions{})
	require.NoError(t, err)

	op := func(method, url, collection string, attrs map[string]any) any {
		return map[string]any{"method": method, "url": url, "params": map[string]any{collection: attrs}}
	}
	apitest.Walk(t, apitest.Config{
		Spec:    "connec",
		Handler: authz.Middleware(connechttp.NewHandler(engine)),
		Known: map[string][]any{
			"group":                 {"org-1", "cld-shop", "org-2"},
			"collection":            {"people", "invoices", "company", "Item"},
			"id":                    {person.ID, "cld-shop"},
			"$filter":               {"status ne 'ARCHIVED'", "first_name match /j/", "x in ["},
			"$orderby":              {"created_at desc", "name ", "name sideways"},
			"CONNEC-EXTERNAL-IDS":   {"true", "false"},
			"CONNEC-COUNTRY-FORMAT": {"alpha2"},
			"CONNEC-VERSIONS":       {"true"},
			"url":                   {"/api/v2/org-1/people/", "/api/v2/org-1/people/" + person.ID, "/api/v2/org-1/company/"},
			"organization":          {"org-1"},
			"app_id":                {"app-shop"},
			"cursor":                {"now", ""},
			"collections":           {[]any{"people", "invoices"}},
		},
		Bodies: map[string][]any{
			"CreateRecord": {
				map[string]any{"people": map[string]any{"first_name": "Al", "id": []any{map[string]any{"id": "1", "provider": "crm", "realm": "r"}}}},
				map[string]any{"invoices": map[string]any{"lines": []any{map[string]any{"quantity": "1"}}}},
				map[string]any{"items": map[string]any{"name": "Pen"}},
			},
			"UpdateRecord":    {map[string]any{"people": map[string]any{"address_home": map[string]any{"billing": map[string]any{"country": "France"}}}}},
			"UpdateSingleton": {map[string]any{"company": map[string]any{"name": "ACME"}}},
			"Batch": {map[string]any{"ops": []any{
				op("post", "/api/v2/org-1/people/", "people", map[string]any{"first_name": "X"}),
				op("put", "/api/v2/org-1/people/"+person.ID, "people", map[string]any{"first_name": "Y"}),
				op("put", "/api/v2/org-1/company/x", "company", map[string]any{"name": "Z"}),
				op("post", "/api/v2/org-1/nothing/", "nothing", nil),
			}}},
			"PutSubscription": {map[string]any{"organization": "org-1", "app_id": "app-shop", "url": "https://example.com", "collections": []any{"people"}}},
		},
		Prepare: func(r *http.Request) { authz.SetRequest(r, service) },
	})
}
