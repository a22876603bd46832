package idmtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
)

// world is a few customers with everything in them, and an account of it that is kept apart from the service's, to
// judge by.
type world struct {
	svc     idm.Service
	tenants map[string]string          // organization → tenant
	frozen  map[string]bool            // organization
	roles   map[string]map[string]bool // user → "organization role"
	groups  map[string]idm.Group
	// operators and disabled are users.
	operators, disabled map[string]bool
	users               map[string]string // name → id
	credentials         []bearer
	resources           []authz.Resource
}

// bearer is a credential and whom it stands for.
type bearer struct {
	name       string
	credential authz.Credential
	id         string // "" is nobody
	group      string // the one group that it may act through
}

var actions = []authz.Action{
	authz.Read, authz.Write, authz.Update, authz.Destroy, authz.Access, authz.Administrate, authz.InviteMember, authz.ManageBilling,
	authz.ManageAppInstances, authz.ManageTeams, authz.Purchase, authz.ManagePlatform, "", "READ", "delete",
}

func newWorld(t *testing.T, svc idm.Service) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{
		svc: svc, tenants: map[string]string{"org-a1": "tnt-a", "org-a2": "tnt-a", "org-b1": "tnt-b", "org-ice": "tnt-a", "org-own": ""},
		frozen: map[string]bool{"org-ice": true}, roles: map[string]map[string]bool{}, groups: map[string]idm.Group{},
		operators: map[string]bool{}, disabled: map[string]bool{}, users: map[string]string{},
	}
	for org, tenant := range w.tenants {
		require.NoError(t, svc.PutOrganization(ctx, idm.Organization{ID: org, TenantID: tenant, Frozen: w.frozen[org]}))
	}
	keys := map[string]string{}
	for _, c := range []idm.Client{
		{ID: "svc-hub", Kind: idm.ServiceClient},
		{ID: "tnt-a", Kind: idm.TenantClient},
		{ID: "tnt-b", Kind: idm.TenantClient},
		{ID: "app-x", Kind: idm.AppClient},
		{ID: "app-y", Kind: idm.AppClient},
		{ID: "app-z", Kind: idm.AppClient},
		{ID: "app-idle", Kind: idm.AppClient},
	} {
		key, err := svc.PutClient(ctx, c, "")
		require.NoError(t, err)
		keys[c.ID] = key
	}
	for _, g := range []idm.Group{
		{ID: "cld-x1", ClientID: "app-x", OrganizationID: "org-a1"},
		{ID: "cld-x2", ClientID: "app-x", OrganizationID: "org-b1"},
		{ID: "cld-y1", ClientID: "app-y", OrganizationID: "org-a1"},
		{ID: "cld-y2", ClientID: "app-y", OrganizationID: "org-a1"}, // the same app twice
		{ID: "cld-yi", ClientID: "app-y", OrganizationID: "org-ice"},
		{ID: "notes.apps.example.com", ClientID: "app-z", OrganizationID: "org-a2"},
		{ID: "cld-gone", ClientID: "app-x", OrganizationID: "org-a2"},
	} {
		require.NoError(t, svc.PutGroup(ctx, g))
		w.groups[g.ID] = g
	}
	require.NoError(t, svc.DeleteGroup(ctx, "cld-gone"))
	delete(w.groups, "cld-gone")

	for name, roles := range map[string]map[string]idm.Role{
		"member":   {"org-a1": idm.Member},
		"power":    {"org-a1": idm.PowerUser, "org-b1": idm.Member},
		"admin":    {"org-a1": idm.Admin, "org-ice": idm.Admin},
		"owner":    {"org-a1": idm.SuperAdmin, "org-ice": idm.SuperAdmin, "org-own": idm.Member},
		"ownerb":   {"org-b1": idm.SuperAdmin},
		"disabled": {"org-a1": idm.SuperAdmin, "org-b1": idm.SuperAdmin},
		"operator": {"org-own": idm.Member},
		"stranger": {},
	} {
		u := signUp(t, svc, name+"@example.com")
		w.users[name] = u.ID
		w.roles[u.ID] = map[string]bool{}
		for org, role := range roles {
			_, err := svc.PutMembership(ctx, u.ID, org, role)
			require.NoError(t, err)
			w.roles[u.ID][org+" "+string(role)] = true
		}
	}
	_, err := svc.UpdateUser(ctx, w.users["operator"], func(u *idm.User) error { u.Operator = true; return nil })
	require.NoError(t, err)
	w.operators[w.users["operator"]] = true

	for name, id := range w.users {
		s, err := svc.CreateSession(ctx, id)
		require.NoError(t, err)
		w.credentials = append(w.credentials,
			bearer{name: name, credential: authz.SessionToken(s.Token), id: id},
			bearer{name: name + " (trusted)", credential: authz.OnBehalfOf(id), id: id})
	}
	_, err = svc.UpdateUser(ctx, w.users["disabled"], func(u *idm.User) error { u.Disabled = true; return nil })
	require.NoError(t, err)
	w.disabled[w.users["disabled"]] = true
	ended, err := svc.CreateSession(ctx, w.users["owner"])
	require.NoError(t, err)
	require.NoError(t, svc.EndSession(ctx, ended.Token))
	for id, key := range keys {
		s, err := svc.ClientToken(ctx, id, key)
		require.NoError(t, err)
		w.credentials = append(w.credentials,
			bearer{name: id + " (key)", credential: authz.Key(id, key), id: id},
			bearer{name: id + " (token)", credential: authz.SessionToken(s.Token), id: id},
			bearer{name: id + " (trusted)", credential: authz.OnBehalfOf(id), id: id})
	}
	w.credentials = append(w.credentials,
		bearer{name: "cld-x1 (trusted)", credential: authz.OnBehalfOf("cld-x1"), id: "app-x", group: "cld-x1"},
		bearer{name: "cld-y2 (trusted)", credential: authz.OnBehalfOf("cld-y2"), id: "app-y", group: "cld-y2"},
		bearer{name: "hosted (trusted)", credential: authz.OnBehalfOf("notes.apps.example.com"), id: "app-z", group: "notes.apps.example.com"},
		bearer{name: "deleted group (trusted)", credential: authz.OnBehalfOf("cld-gone")},
		bearer{name: "unknown user (trusted)", credential: authz.OnBehalfOf("usr-none")},
		bearer{name: "unknown app (trusted)", credential: authz.OnBehalfOf("app-none")},
		bearer{name: "an organization (trusted)", credential: authz.OnBehalfOf("org-a1")},
		bearer{name: "nothing (trusted)", credential: authz.OnBehalfOf("")},
		bearer{name: "anonymous"},
		bearer{name: "ended session", credential: authz.SessionToken(ended.Token)},
		bearer{name: "nonsense session", credential: authz.SessionToken("nonsense")},
		bearer{name: "a user's id as session", credential: authz.SessionToken(w.users["owner"])},
		bearer{name: "wrong key", credential: authz.Key("svc-hub", keys["tnt-a"])},
		bearer{name: "key of nobody", credential: authz.Key("svc-none", keys["svc-hub"])},
		bearer{name: "user id with a key", credential: authz.Key(w.users["owner"], keys["svc-hub"])},
		bearer{name: "session as key", credential: authz.Key("svc-hub", ended.Token)},
		bearer{name: "unknown kind", credential: authz.Credential{Kind: "magic", ID: "svc-hub", Secret: keys["svc-hub"]}},
	)
	slices.SortFunc(w.credentials, func(a, b bearer) int { return strings.Compare(a.name, b.name) })

	ids := []string{"org-a1", "org-a2", "org-b1", "org-ice", "org-own", "org-none", "cld-x1", "cld-x2", "cld-y1", "cld-y2", "cld-yi", "cld-gone", "cld-none", "notes.apps.example.com", "platform", "", "app-x", w.users["owner"], "tnt-a"}
	for _, id := range ids {
		for _, typ := range []string{authz.Organization, authz.AppInstance, authz.ConnecEntity, authz.Dashboard, authz.Platform, "", "ORGANIZATION", "user"} {
			w.resources = append(w.resources, authz.Resource{Type: typ, ID: id})
		}
		for _, suffix := range []string{"/invoices", "/", "/a/b", "//"} {
			w.resources = append(w.resources, authz.Resource{Type: authz.ConnecEntity, ID: id + suffix})
		}
	}
	return w
}

func (w *world) role(user, org string) string {
	for k := range w.roles[user] {
		if o, role, _ := strings.Cut(k, " "); o == org {
			return role
		}
	}
	return ""
}

// allowed judges by the world's own account. It is written case by case, unlike the rules of package idm, so that the same
// mistake is not made twice.
func (w *world) allowed(b bearer, action authz.Action, r authz.Resource) (ok bool, organization, group string) {
	if b.id == "" || w.disabled[b.id] {
		return false, "", ""
	}
	kind := b.id[:3]
	in := func(list ...authz.Action) bool { return slices.Contains(list, action) }

	if r.Type == authz.Platform {
		return r.ID == "platform" && in(authz.Read, authz.ManagePlatform) && (kind == "svc" || w.operators[b.id]), "", ""
	}
	org := r.ID
	switch r.Type {
	case authz.ConnecEntity:
		channel, collection, found := strings.Cut(r.ID, "/")
		if !found || collection == "" {
			return false, "", ""
		}
		org = channel
		if !strings.HasPrefix(channel, "org-") {
			group = channel
		}
	case authz.AppInstance:
		group = r.ID
	}
	if group != "" {
		g, ok := w.groups[group]
		if !ok {
			unknownToService := kind == "svc" && r.Type == authz.AppInstance &&
				in(authz.Read, authz.Access, authz.Update, authz.Destroy, authz.Administrate, authz.ManageAppInstances)
			return unknownToService, "", ""
		}
		org = g.OrganizationID
	} else if r.Type == authz.AppInstance { // the empty id
		return kind == "svc" && in(authz.Read, authz.Access, authz.Update, authz.Destroy, authz.Administrate, authz.ManageAppInstances), "", ""
	}
	tenant, known := w.tenants[org]
	if !known {
		return false, "", ""
	}
	if w.frozen[org] && (kind != "svc" || r.Type == authz.ConnecEntity || r.Type == authz.Dashboard) {
		return false, "", ""
	}
	var everyone, admins, owners []authz.Action
	switch r.Type {
	case authz.Organization:
		everyone = []authz.Action{authz.Read}
		admins = []authz.Action{authz.Administrate, authz.InviteMember, authz.ManageAppInstances, authz.ManageTeams, authz.Purchase}
		owners = []authz.Action{authz.Update, authz.Destroy, authz.ManageBilling}
	case authz.AppInstance:
		everyone = []authz.Action{authz.Read, authz.Access}
		admins = []authz.Action{authz.Update, authz.Destroy, authz.Administrate, authz.ManageAppInstances}
	case authz.ConnecEntity:
		everyone = []authz.Action{authz.Read, authz.Write}
	case authz.Dashboard:
		everyone = []authz.Action{authz.Read, authz.Write, authz.Update, authz.Destroy}
	default:
		return false, "", ""
	}
	known = in(everyone...) || in(admins...) || in(owners...)
	switch kind {
	case "svc":
		return known, org, group
	case "tnt":
		return known && tenant == b.id, org, group
	case "app":
		if r.Type != authz.ConnecEntity && (r.Type != authz.AppInstance || action != authz.Read) || !known {
			return false, "", ""
		}
		if group == "" { // by organization: through its only group there
			for id, g := range w.groups {
				if g.ClientID == b.id && g.OrganizationID == org && (b.group == "" || b.group == id) {
					if group != "" {
						return false, "", ""
					}
					group = id
				}
			}
		}
		g, ok := w.groups[group]
		return ok && g.ClientID == b.id && (b.group == "" || b.group == group), org, group
	case "usr":
		switch w.role(b.id, org) {
		case "Super Admin":
			return known, org, group
		case "Admin":
			return in(everyone...) || in(admins...), org, group
		case "Member", "Power User":
			return in(everyone...), org, group
		}
	}
	return false, "", ""
}

// check compares one decision with the world's own.
func (w *world) check(ctx context.Context, t require.TestingT, b bearer, action authz.Action, r authz.Resource) {
	what := fmt.Sprintf("%s: %s %s %q", b.name, action, r.Type, r.ID)
	d, err := w.svc.Authorize(ctx, authz.Request{Credential: b.credential, Action: action, Resource: r})
	require.NoError(t, err, what)
	ok, org, group := w.allowed(b, action, r)
	require.Equal(t, ok, d.Allowed, "%s: %s", what, d.Reason)
	require.Equal(t, b.id != "" && !w.disabled[b.id], d.Authenticated, what)
	if d.Authenticated {
		require.Equal(t, b.id, d.Principal.ID, what)
		require.Equal(t, map[string]string{"usr": authz.User, "app": authz.App, "tnt": authz.Tenant, "svc": authz.Service}[b.id[:3]], d.Principal.Type, what)
	} else {
		require.Zero(t, d.Principal, what)
	}
	if !ok {
		require.NotEmpty(t, d.Reason, what)
		require.Empty(t, d.Organization+d.Group+d.Role, what)
		return
	}
	require.Empty(t, d.Reason, what)
	require.Equal(t, org, d.Organization, what)
	require.Equal(t, group, d.Group, what)
	require.Equal(t, w.role(d.Principal.ID, org), d.Role, what)
}

// serviceDecisions asks random questions, singly and as lists.
func serviceDecisions(t *testing.T, svc idm.Service) {
	w := newWorld(t, svc)
	byType := map[string][]string{}
	for _, r := range w.resources {
		byType[r.Type] = append(byType[r.Type], r.ID)
	}
	types := []string{authz.Organization, authz.AppInstance, authz.ConnecEntity, authz.Dashboard, authz.Platform, "user"}
	rapid.Check(t, func(rt *rapid.T) {
		b := rapid.SampledFrom(w.credentials).Draw(rt, "bearer")
		action := rapid.SampledFrom(actions).Draw(rt, "action")
		w.check(t.Context(), rt, b, action, rapid.SampledFrom(w.resources).Draw(rt, "resource"))

		typ := rapid.SampledFrom(types).Draw(rt, "type")
		ids := rapid.SliceOfN(rapid.SampledFrom(byType[typ]), 0, 12).Draw(rt, "ids")
		got, err := svc.Filter(t.Context(), authz.Request{Credential: b.credential, Action: action, Resource: authz.Resource{Type: typ}}, ids)
		require.NoError(rt, err)
		want := []string{}
		for _, id := range ids {
			d, err := svc.Authorize(t.Context(), authz.Request{Credential: b.credential, Action: action, Resource: authz.Resource{Type: typ, ID: id}})
			require.NoError(rt, err)
			if d.Allowed {
				want = append(want, id)
			}
		}
		require.Equal(rt, want, append([]string{}, got...), "a list agrees with single questions")
	})
}

// serviceRules asks about everybody and everything that matters most.
func serviceRules(t *testing.T, svc idm.Service) {
	w := newWorld(t, svc)
	for _, b := range w.credentials {
		for _, action := range []authz.Action{authz.Read, authz.Write, authz.Purchase, authz.Update, authz.ManagePlatform} {
			for _, r := range []authz.Resource{
				{Type: authz.Organization, ID: "org-a1"},
				{Type: authz.Organization, ID: "org-b1"},
				{Type: authz.Organization, ID: "org-ice"},
				{Type: authz.ConnecEntity, ID: "org-a1/invoices"},
				{Type: authz.ConnecEntity, ID: "org-b1/invoices"},
				{Type: authz.ConnecEntity, ID: "cld-x1/invoices"},
				{Type: authz.ConnecEntity, ID: "cld-x2/invoices"},
				{Type: authz.AppInstance, ID: "cld-x2"},
				{Type: authz.Platform, ID: "platform"},
			} {
				w.check(t.Context(), t, b, action, r)
			}
		}
	}
	// What is somebody else's can't be told from what does not exist.
	for _, b := range w.credentials {
		if !strings.HasPrefix(b.name, "member") && !strings.HasPrefix(b.name, "stranger") && !strings.HasPrefix(b.name, "app-idle") && !strings.HasPrefix(b.name, "tnt-b") {
			continue
		}
		for typ, pair := range map[string][2]string{
			authz.Organization: {"org-a2", "org-none"},
			authz.Dashboard:    {"org-ice", "org-none"},
			authz.AppInstance:  {"notes.apps.example.com", "other.apps.example.com"},
			authz.ConnecEntity: {"notes.apps.example.com/invoices", "cld-none/invoices"},
		} {
			for _, action := range actions {
				foreign := judge(t, svc, b.credential, action, typ, pair[0])
				unknown := judge(t, svc, b.credential, action, typ, pair[1])
				require.Equal(t, unknown, foreign, "%s: %s %s", b.name, action, typ)
				require.False(t, foreign.Allowed)
			}
		}
	}
}

// serviceChanges changes the world at random and asks after each change.
func serviceChanges(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	w := newWorld(t, svc)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	orgs := []string{"org-a1", "org-a2", "org-b1", "org-ice", "org-own"}
	names := []string{"member", "power", "admin", "owner", "ownerb", "operator", "stranger"}
	one := func(list []string) string { return list[r.IntN(len(list))] }
	for i := range 60 {
		org, user := one(orgs), w.users[one(names)]
		switch r.IntN(6) {
		case 0:
			w.frozen[org] = !w.frozen[org]
			require.NoError(t, svc.PutOrganization(ctx, idm.Organization{ID: org, TenantID: w.tenants[org], Frozen: w.frozen[org]}))
		case 1:
			w.tenants[org] = one([]string{"tnt-a", "tnt-b", ""})
			require.NoError(t, svc.PutOrganization(ctx, idm.Organization{ID: org, TenantID: w.tenants[org], Frozen: w.frozen[org]}))
		case 2:
			role := idm.Role(one([]string{"Member", "Power User", "Admin", "Super Admin"}))
			_, err := svc.PutMembership(ctx, user, org, role)
			if err == nil {
				delete(w.roles[user], org+" "+w.role(user, org))
				w.roles[user][org+" "+string(role)] = true
			} else {
				require.ErrorIs(t, err, idm.ErrLastOwner)
			}
		case 3:
			err := svc.DeleteMembership(ctx, user, org)
			if err == nil {
				delete(w.roles[user], org+" "+w.role(user, org))
			} else {
				require.ErrorIs(t, err, idm.ErrLastOwner)
			}
		case 4:
			g := idm.Group{ID: fmt.Sprintf("cld-n%d", i), ClientID: one([]string{"app-x", "app-y", "app-z"}), OrganizationID: org}
			require.NoError(t, svc.PutGroup(ctx, g))
			w.groups[g.ID] = g
			w.resources = append(w.resources, authz.Resource{Type: authz.AppInstance, ID: g.ID}, authz.Resource{Type: authz.ConnecEntity, ID: g.ID + "/items"})
		case 5:
			for id := range w.groups {
				if strings.HasPrefix(id, "cld-n") {
					require.NoError(t, svc.DeleteGroup(ctx, id))
					delete(w.groups, id)
					break
				}
			}
		}
		for range 15 {
			w.check(ctx, t, w.credentials[r.IntN(len(w.credentials))], actions[r.IntN(len(actions))], w.resources[r.IntN(len(w.resources))])
		}
	}
}
