package idmtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
)

// TestService runs the conformance suite of idm.Service. newService returns one without any facts each time, whoever it is that
// asks: the suite is a caller that may do everything. Passwords should be hashed cheaply; see idm.WithPasswordCost.
func TestService(t *testing.T, newService func(t *testing.T) idm.Service) {
	for name, test := range map[string]func(*testing.T, idm.Service){
		"Users":         serviceUsers,
		"UpdateUser":    serviceUpdateUser,
		"Invalid":       serviceInvalid,
		"Login":         serviceLogin,
		"Sessions":      serviceSessions,
		"Organizations": serviceOrganizations,
		"Memberships":   serviceMemberships,
		"Clients":       serviceClients,
		"ClientToken":   serviceClientToken,
		"Groups":        serviceGroups,
		"Revocation":    serviceRevocation,
		"Cancelled":     serviceCancelled,
		"Decisions":     serviceDecisions,
		"Rules":         serviceRules,
		"Changes":       serviceChanges,
		"Concurrency":   serviceConcurrency,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newService(t))
		})
	}
}

const password = "correct horse battery"

func signUp(t *testing.T, svc idm.Service, email string) *idm.User {
	t.Helper()
	u, err := svc.CreateUser(t.Context(), idm.User{Email: email}, password)
	require.NoError(t, err)
	return u
}

func invalid(t *testing.T, err error, paths ...string) {
	t.Helper()
	require.ErrorIs(t, err, idm.ErrInvalid)
	v, ok := errors.AsType[*idm.ValidationError](err)
	require.True(t, ok, "%T is not a ValidationError", err)
	var got []string
	for _, f := range v.Fields {
		require.NotEmpty(t, f.Reason)
		got = append(got, f.Path)
	}
	require.Equal(t, paths, got)
}

// judge asks for one decision.
func judge(t *testing.T, svc idm.Service, c authz.Credential, a authz.Action, typ, id string) authz.Decision {
	t.Helper()
	d, err := svc.Authorize(t.Context(), authz.Request{Credential: c, Action: a, Resource: authz.Resource{Type: typ, ID: id}})
	require.NoError(t, err)
	return d
}

func serviceUsers(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	require.NoError(t, svc.Ready(ctx))
	_, err := svc.GetUser(ctx, "usr-none")
	require.ErrorIs(t, err, idm.ErrNotFound)
	_, err = svc.GetUserByEmail(ctx, "none@example.com")
	require.ErrorIs(t, err, idm.ErrNotFound)

	before := time.Now().Add(-time.Minute)
	ann, err := svc.CreateUser(ctx, idm.User{ID: "usr-chosen", Number: 77, Email: " Ann@Example.com", Name: "Ann", Surname: "Lee", Operator: true}, password)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(ann.ID, "usr-"))
	require.NotEqual(t, "usr-chosen", ann.ID, "ids are assigned")
	require.NotEqual(t, int64(77), ann.Number)
	require.Positive(t, ann.Number)
	require.Equal(t, "Ann@Example.com", ann.Email)
	require.True(t, ann.Operator)
	require.True(t, ann.CreatedAt.After(before))
	require.Equal(t, time.UTC, ann.CreatedAt.Location())
	require.Equal(t, ann.CreatedAt.Truncate(time.Microsecond), ann.CreatedAt)

	for _, get := range []func() (*idm.User, error){
		func() (*idm.User, error) { return svc.GetUser(ctx, ann.ID) },
		func() (*idm.User, error) { return svc.GetUserByEmail(ctx, "ANN@example.com") },
	} {
		got, err := get()
		require.NoError(t, err)
		require.Equal(t, ann, got)
	}
	_, err = svc.CreateUser(ctx, idm.User{Email: "ann@EXAMPLE.com"}, password)
	require.ErrorIs(t, err, idm.ErrConflict)

	var all []*idm.User
	all = append(all, ann)
	for i, name := range weird[:6] {
		u, err := svc.CreateUser(ctx, idm.User{Email: fmt.Sprintf("w%d@example.com", i), Name: name, Surname: name}, password)
		require.NoError(t, err)
		require.Equal(t, name, u.Name)
		require.Greater(t, u.Number, all[len(all)-1].Number)
		all = append(all, u)
	}
	got, err := svc.ListUsers(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, all, got)
	got, err = svc.ListUsers(ctx, []string{all[3].ID, "usr-none", ann.ID})
	require.NoError(t, err)
	require.Equal(t, []*idm.User{ann, all[3]}, got)
	got, err = svc.ListUsers(ctx, []string{})
	require.NoError(t, err)
	require.Empty(t, got, "no ids are not all ids")
}

func serviceUpdateUser(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	ann := signUp(t, svc, "ann@example.com")
	signUp(t, svc, "ben@example.com")
	_, err := svc.UpdateUser(ctx, "usr-none", func(*idm.User) error { return nil })
	require.ErrorIs(t, err, idm.ErrNotFound)
	refused := errors.New("refused")
	_, err = svc.UpdateUser(ctx, ann.ID, func(*idm.User) error { return refused })
	require.ErrorIs(t, err, refused)
	_, err = svc.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Email = "Ben@example.com"; return nil })
	require.ErrorIs(t, err, idm.ErrConflict)
	_, err = svc.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Email = "nonsense"; return nil })
	invalid(t, err, "email")

	got, err := svc.UpdateUser(ctx, ann.ID, func(u *idm.User) error {
		require.Equal(t, ann, u)
		*u = idm.User{ID: "usr-x", Number: 99, Email: "new@example.com", Name: "N", Surname: "S", Operator: true}
		return nil
	})
	require.NoError(t, err)
	require.True(t, got.UpdatedAt.After(ann.UpdatedAt))
	want := &idm.User{ID: ann.ID, Number: ann.Number, Email: "new@example.com", Name: "N", Surname: "S", Operator: true, CreatedAt: ann.CreatedAt, UpdatedAt: got.UpdatedAt}
	require.Equal(t, want, got)
	got, err = svc.GetUser(ctx, ann.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)

	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := svc.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Name += "x"; return nil }); err != nil {
				t.Errorf("UpdateUser: %v", err)
			}
		})
	}
	wg.Wait()
	got, err = svc.GetUser(ctx, ann.ID)
	require.NoError(t, err)
	require.Equal(t, "Nxxxx", got.Name, "no update is lost")
}

func serviceInvalid(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	for _, email := range []string{"", "a", "a@", "@b", "a b@example.com", "Ann <ann@example.com>", "a@b\nc", strings.Repeat("a", 250) + "@example.com"} {
		_, err := svc.CreateUser(ctx, idm.User{Email: email}, password)
		invalid(t, err, "email")
	}
	for _, pw := range []string{"", "short", "Password1", "ann@example.com", strings.Repeat("x", 129)} {
		_, err := svc.CreateUser(ctx, idm.User{Email: "ann@example.com"}, pw)
		invalid(t, err, "password")
	}
	_, err := svc.CreateUser(ctx, idm.User{}, "")
	invalid(t, err, "email", "password")
	_, err = svc.CreateUser(ctx, idm.User{Email: "ann@example.com", Name: "a\x00b"}, password)
	invalid(t, err, "name")
	_, err = svc.CreateUser(ctx, idm.User{Email: "ann@example.com", Surname: strings.Repeat("é", 256)}, password)
	invalid(t, err, "surname")
	ann := signUp(t, svc, "ann@example.com")
	invalid(t, svc.SetPassword(ctx, ann.ID, "short"), "password")
	require.ErrorIs(t, svc.SetPassword(ctx, "usr-none", password), idm.ErrNotFound)

	for _, id := range []string{"", "org-", "acme", "usr-1", "org-a/b", "org-a b", "org-\n", "org-" + strings.Repeat("x", 300)} {
		invalid(t, svc.PutOrganization(ctx, idm.Organization{ID: id}), "id")
	}
	invalid(t, svc.PutOrganization(ctx, idm.Organization{ID: "org-1", TenantID: "acme"}), "tenant_id")
	require.NoError(t, svc.PutOrganization(ctx, idm.Organization{ID: "org-1"}))
	for _, role := range []idm.Role{"", "member", "Owner"} {
		_, err = svc.PutMembership(ctx, ann.ID, "org-1", role)
		invalid(t, err, "role")
	}
	_, err = svc.ListMemberships(ctx, "", "")
	require.ErrorIs(t, err, idm.ErrInvalid)
	_, err = svc.ListGroups(ctx, "", "")
	require.ErrorIs(t, err, idm.ErrInvalid)

	for _, c := range []struct {
		c    idm.Client
		key  string
		path string
	}{
		{idm.Client{ID: "app-1"}, "", "kind"},
		{idm.Client{ID: "app-1", Kind: "other"}, "", "kind"},
		{idm.Client{ID: "svc-1", Kind: idm.AppClient}, "", "id"},
		{idm.Client{ID: "app-1:x", Kind: idm.AppClient}, "", "id"},
		{idm.Client{ID: "app-1", Kind: idm.AppClient, Name: "a\nb"}, "", "name"},
		{idm.Client{ID: "app-1", Kind: idm.AppClient}, "too short", "key"},
		{idm.Client{ID: "app-1", Kind: idm.AppClient}, strings.Repeat("k", 513), "key"},
		{idm.Client{ID: "svc-1", Kind: idm.ServiceClient, RedirectURIs: []string{"https://a.example"}}, "", "redirect_uris"},
		{idm.Client{ID: "app-1", Kind: idm.AppClient, RedirectURIs: []string{"/relative"}}, "", "redirect_uris"},
		{idm.Client{ID: "app-1", Kind: idm.AppClient, RedirectURIs: []string{"javascript:alert(1)"}}, "", "redirect_uris"},
		{idm.Client{ID: "app-1", Kind: idm.AppClient, RedirectURIs: []string{"https://a.example/#x"}}, "", "redirect_uris"},
		{idm.Client{ID: "app-1", Kind: idm.AppClient, RedirectURIs: []string{"https://u:p@a.example/"}}, "", "redirect_uris"},
	} {
		_, err := svc.PutClient(ctx, c.c, c.key)
		invalid(t, err, c.path)
	}
	_, err = svc.PutClient(ctx, idm.Client{ID: "app-1", Kind: idm.AppClient}, "")
	require.NoError(t, err)
	for _, id := range []string{"", "cld-", "cld-a/b", "org-1", "app-1", "localhost", "a..b", "-a.example.com", "cld-é"} {
		invalid(t, svc.PutGroup(ctx, idm.Group{ID: id, ClientID: "app-1", OrganizationID: "org-1"}), "id")
	}
}

func serviceOrganizations(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	_, err := svc.GetOrganization(ctx, "org-1")
	require.ErrorIs(t, err, idm.ErrNotFound)
	for _, o := range []idm.Organization{{ID: "org-1"}, {ID: "org-1", TenantID: "tnt-1", Frozen: true}} {
		require.NoError(t, svc.PutOrganization(ctx, o))
		got, err := svc.GetOrganization(ctx, "org-1")
		require.NoError(t, err)
		require.Equal(t, &o, got)
	}
}

func serviceMemberships(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	ann, ben := signUp(t, svc, "ann@example.com"), signUp(t, svc, "ben@example.com")
	for _, org := range []string{"org-1", "org-2"} {
		require.NoError(t, svc.PutOrganization(ctx, idm.Organization{ID: org}))
	}
	_, err := svc.PutMembership(ctx, "usr-none", "org-1", idm.Member)
	require.ErrorIs(t, err, idm.ErrNotFound)
	_, err = svc.PutMembership(ctx, ann.ID, "org-none", idm.Member)
	require.ErrorIs(t, err, idm.ErrNotFound)
	owner, err := svc.PutMembership(ctx, ann.ID, "org-1", idm.SuperAdmin)
	require.NoError(t, err)
	require.Equal(t, &idm.Membership{Number: owner.Number, UserID: ann.ID, OrganizationID: "org-1", Role: idm.SuperAdmin}, owner)
	m2, err := svc.PutMembership(ctx, ben.ID, "org-1", idm.PowerUser)
	require.NoError(t, err)
	m3, err := svc.PutMembership(ctx, ann.ID, "org-2", idm.Member)
	require.NoError(t, err)

	for _, c := range []struct {
		user, org string
		want      []*idm.Membership
	}{{ann.ID, "", []*idm.Membership{owner, m3}}, {"", "org-1", []*idm.Membership{owner, m2}}, {ann.ID, "org-1", []*idm.Membership{owner}}, {ben.ID, "org-2", nil}} {
		got, err := svc.ListMemberships(ctx, c.user, c.org)
		require.NoError(t, err)
		require.Len(t, got, len(c.want))
		for i := range got {
			require.Equal(t, c.want[i], got[i])
		}
	}
	_, err = svc.PutMembership(ctx, ann.ID, "org-1", idm.Admin)
	require.ErrorIs(t, err, idm.ErrLastOwner)
	require.ErrorIs(t, svc.DeleteMembership(ctx, ann.ID, "org-1"), idm.ErrLastOwner)
	again, err := svc.PutMembership(ctx, ben.ID, "org-1", idm.SuperAdmin)
	require.NoError(t, err)
	require.Equal(t, m2.Number, again.Number)
	require.NoError(t, svc.DeleteMembership(ctx, ann.ID, "org-1"))
	require.NoError(t, svc.DeleteMembership(ctx, ann.ID, "org-1"))
	require.NoError(t, svc.DeleteMembership(ctx, "usr-none", "org-none"))
}

func serviceClients(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	_, err := svc.GetClient(ctx, "app-1")
	require.ErrorIs(t, err, idm.ErrNotFound)
	require.NoError(t, svc.DeleteClient(ctx, "app-1"))
	c := idm.Client{ID: "app-1", Kind: idm.AppClient, Name: "O'Brien", RedirectURIs: []string{"https://a.example/cb?x=1", "http://localhost:8080/cb"}}
	key, err := svc.PutClient(ctx, c, "")
	require.NoError(t, err)
	require.Greater(t, len(key), 40, "made up")
	got, err := svc.GetClient(ctx, "app-1")
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), got.CreatedAt, time.Minute)
	c.CreatedAt = got.CreatedAt
	require.Equal(t, &c, got)
	valid := func(key string) bool {
		d := judge(t, svc, authz.Key("app-1", key), authz.Read, authz.Organization, "org-none")
		require.Equal(t, d.Authenticated, d.Principal == authz.Principal{Type: authz.App, ID: "app-1", Name: c.Name})
		return d.Authenticated
	}
	require.True(t, valid(key))
	require.False(t, valid(key+"x"))
	require.False(t, valid(""))

	c.Name = "New name"
	none, err := svc.PutClient(ctx, c, "")
	require.NoError(t, err)
	require.Empty(t, none, "an existing client keeps its key")
	require.True(t, valid(key))
	given, err := svc.PutClient(ctx, c, "a key: of our own choice")
	require.NoError(t, err)
	require.Equal(t, "a key: of our own choice", given)
	require.True(t, valid(given))
	require.False(t, valid(key), "the old key is void at once")
	_, err = svc.PutClient(ctx, idm.Client{ID: "svc-1", Kind: idm.ServiceClient}, "")
	require.NoError(t, err)
	require.NoError(t, svc.DeleteClient(ctx, "app-1"))
	require.False(t, valid(given))
	_, err = svc.GetClient(ctx, "app-1")
	require.ErrorIs(t, err, idm.ErrNotFound)
}

func serviceGroups(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	for _, id := range []string{"app-1", "app-2"} {
		_, err := svc.PutClient(ctx, idm.Client{ID: id, Kind: idm.AppClient}, "")
		require.NoError(t, err)
	}
	_, err := svc.PutClient(ctx, idm.Client{ID: "svc-1", Kind: idm.ServiceClient}, "")
	require.NoError(t, err)
	require.NoError(t, svc.PutOrganization(ctx, idm.Organization{ID: "org-1"}))
	require.NoError(t, svc.PutOrganization(ctx, idm.Organization{ID: "org-2"}))
	g1 := &idm.Group{ID: "cld-1", ClientID: "app-1", OrganizationID: "org-1"}
	g2 := &idm.Group{ID: "notes.apps.example.com", ClientID: "app-2", OrganizationID: "org-1"}
	require.ErrorIs(t, svc.PutGroup(ctx, idm.Group{ID: "cld-1", ClientID: "app-9", OrganizationID: "org-1"}), idm.ErrNotFound)
	require.ErrorIs(t, svc.PutGroup(ctx, idm.Group{ID: "cld-1", ClientID: "app-1", OrganizationID: "org-9"}), idm.ErrNotFound)
	invalid(t, svc.PutGroup(ctx, idm.Group{ID: "cld-1", ClientID: "svc-1", OrganizationID: "org-1"}), "client_id")
	for _, g := range []*idm.Group{g1, g2, g1} {
		require.NoError(t, svc.PutGroup(ctx, *g))
		got, err := svc.GetGroup(ctx, g.ID)
		require.NoError(t, err)
		require.Equal(t, g, got)
	}
	require.ErrorIs(t, svc.PutGroup(ctx, idm.Group{ID: "cld-1", ClientID: "app-1", OrganizationID: "org-2"}), idm.ErrConflict)
	got, err := svc.ListGroups(ctx, "", "org-1")
	require.NoError(t, err)
	require.Equal(t, []*idm.Group{g1, g2}, got)
	got, err = svc.ListGroups(ctx, "app-2", "")
	require.NoError(t, err)
	require.Equal(t, []*idm.Group{g2}, got)
	got, err = svc.ListGroups(ctx, "app-2", "org-2")
	require.NoError(t, err)
	require.Empty(t, got)
	require.NoError(t, svc.DeleteGroup(ctx, "cld-1"))
	require.NoError(t, svc.DeleteGroup(ctx, "cld-1"))
	require.NoError(t, svc.DeleteGroup(ctx, "cld-none"))
	_, err = svc.GetGroup(ctx, "cld-1")
	require.ErrorIs(t, err, idm.ErrNotFound)
	require.ErrorIs(t, svc.PutGroup(ctx, *g1), idm.ErrConflict)
}

func serviceCancelled(t *testing.T, svc idm.Service) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, err := svc.Authorize(ctx, authz.Request{
		Credential: authz.OnBehalfOf("usr-1"), Action: authz.Read, Resource: authz.Resource{Type: authz.Organization, ID: "org-1"},
	})
	require.ErrorIs(t, err, authz.ErrUnavailable)
	require.Equal(t, authz.Decision{}, d)
	ids, err := svc.Filter(ctx, authz.Request{
		Credential: authz.OnBehalfOf("usr-1"), Action: authz.Read, Resource: authz.Resource{Type: authz.Organization},
	}, []string{"org-1"})
	require.ErrorIs(t, err, authz.ErrUnavailable)
	require.Empty(t, ids)
	_, err = svc.CreateUser(ctx, idm.User{Email: "ann@example.com"}, password)
	require.ErrorIs(t, err, context.Canceled)
}
