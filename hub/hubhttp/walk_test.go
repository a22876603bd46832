package hubhttp_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubhttp"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
	"github.com/ensemble-platform/ensemble/internal/apitest"
)

// TestDescription sends what the description allows, and what it doesn't, to every operation.
func TestDescription(t *testing.T) {
	t.Parallel()
	p := platform(t)
	ctx := authz.WithCredential(t.Context(), hubtest.Operator)
	u, err := p.CreateUser(ctx, hub.User{Email: "ada@example.com"}, "a good password")
	require.NoError(t, err)
	o, err := p.CreateOrganization(ctx, hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	_, err = p.PutMember(ctx, o.ID, u.ID, hub.RoleSuperAdmin)
	require.NoError(t, err)
	_, _, err = p.PutApp(ctx, hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: "http://crm.test", SSOInitPath: "/sso", Active: true})
	require.NoError(t, err)
	i, err := p.AddApp(ctx, o.ID, "crm")
	require.NoError(t, err)
	user := map[string]any{"data": map[string]any{"attributes": map[string]any{"email": "ada@example.com", "password": "a good password"}}}
	apitest.Walk(t, apitest.Config{
		Spec:    "hub",
		Handler: authz.Middleware(hubhttp.NewHandler(p)),
		Known: map[string][]any{
			"id": {u.ID, o.ID, i.ID, "crm", "1", "2", "current"}, "user": {u.ID, "1"}, "email": {"ada@example.com"}, "nid": {"crm"},
			"role": {hub.RoleMember, hub.RoleSuperAdmin}, "stack": {"cloud", "cube"}, "include": {"users", "organizations", "orga_relations.user", "app,owner"},
			"sort": {"-name", "created_at"},
		},
		Bodies: map[string][]any{
			"CreateSession":        {map[string]any{"email": "ada@example.com", "password": "a good password"}},
			"SignIn":               {map[string]any{"user": map[string]any{"email": "ada@example.com", "password": "a good password"}}},
			"AddApp":               {map[string]any{"nid": "crm"}},
			"V2CreateUser":         {user},
			"V2Authenticate":       {user},
			"V2CreateOrganization": {map[string]any{"data": map[string]any{"attributes": map[string]any{"name": "Acme", "financial_year_end_month": 3}}}},
			"V2CreateOrgaRelation": {map[string]any{"data": map[string]any{"attributes": map[string]any{"organization_id": o.Number, "user_id": 1, "role": "Admin"}}}},
			"V2Provision":          {map[string]any{"data": map[string]any{"attributes": map[string]any{"app_nid": "crm", "owner_id": o.Number, "owner_type": "Organization"}}}},
			"V2CreateApp":          {map[string]any{"data": map[string]any{"attributes": map[string]any{"nid": "erp", "name": "ERP", "stack": "connector"}}}},
		},
		Skip:    []string{"Launch"}, // an HTML page
		Prepare: func(r *http.Request) { authz.SetRequest(r, hubtest.Operator) },
	})
}
