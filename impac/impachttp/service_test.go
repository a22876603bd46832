package impachttp_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impachttp"
	"github.com/ensemble-platform/ensemble/impac/impacmem"
	"github.com/ensemble-platform/ensemble/impac/impactest"
	"github.com/ensemble-platform/ensemble/internal/apitest"
)

func serve(t *testing.T, svc impac.Service, opts ...impachttp.Option) string {
	t.Helper()
	s := httptest.NewServer(authz.Middleware(impachttp.NewHandler(svc, opts...)))
	t.Cleanup(s.Close)
	return s.URL
}

func TestClient(t *testing.T) {
	t.Parallel()
	impactest.TestService(t, func(t *testing.T) impac.Service {
		return impachttp.NewClient(serve(t, impactest.NewEngine(impacmem.New())), nil)
	})
}

// A process may serve what yet another one does.
func TestClientOfClient(t *testing.T) {
	t.Parallel()
	impactest.TestService(t, func(t *testing.T) impac.Service {
		inner := impachttp.NewClient(serve(t, impactest.NewEngine(impacmem.New())), nil)
		return impachttp.NewClient(serve(t, inner), nil)
	})
}

func TestDescription(t *testing.T) {
	t.Parallel()
	engine := impactest.NewEngine(impacmem.New())
	ctx := impactest.As(t.Context(), "alice")
	d, err := engine.CreateDashboard(ctx, impac.Dashboard{Name: "D", OrganizationIDs: []string{"org-a"}})
	require.NoError(t, err)
	w, err := engine.CreateWidget(ctx, d.ID, impac.Widget{Endpoint: "sales/aged"})
	require.NoError(t, err)
	apitest.Walk(t, apitest.Config{
		Spec:    "impac",
		Handler: authz.Middleware(impachttp.NewHandler(engine)),
		Known: map[string][]any{
			"id": {d.ID, w.ID}, "category": {"sales", "hr"}, "name": {"aged", "summary", "employees_list"}, "collection": {"invoices", "employees"},
			"organization_ids": {"org-a"}, "func": {"sum", "count", "distinct"}, "endpoint": {"sales/aged"}, "interval": {"MONTHLY"},
		},
		Bodies: map[string][]any{
			"RunQuery":        {map[string]any{"organization_ids": []any{"org-a"}, "collection": "invoices", "measures": []any{map[string]any{"func": "count"}}}},
			"CreateDashboard": {map[string]any{"dashboard": map[string]any{"name": "x", "organization_ids": []any{"org-b"}}}},
		},
		Prepare: func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer alice")
			if r.URL.RawQuery == "" {
				r.URL.RawQuery = "metadata[organization_ids][]=org-a"
			}
		},
	})
}
