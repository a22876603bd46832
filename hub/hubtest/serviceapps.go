package hubtest

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
)

func testMarketplace(t *testing.T, w *world) {
	svc := w.Service
	_, ctx := w.user(t, "ada@example.com")
	in := hub.App{
		NID: "crm", Name: "Zebra", TinyDescription: "Tiny", Description: "Long", Logo: "https://crm.test/logo.svg", Categories: []string{"CRM"},
		Stack: hub.Cloud, Host: "https://crm.test/", SSOInitPath: "/sso/init", NotificationPath: "/hooks", Collections: []string{"invoices"}, ExternalIDs: true,
		RedirectPaths: []string{"/cb"}, Active: true,
	}
	app, key, err := svc.PutApp(w.ops, in)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(app.ID, "app-"), app.ID)
	require.NotEmpty(t, key)
	want := in
	want.Host, want.ID, want.Number, want.CreatedAt, want.UpdatedAt = "https://crm.test", app.ID, app.Number, app.CreatedAt, app.UpdatedAt
	require.Equal(t, want, *app)
	who, err := svc.Caller(authz.WithCredential(t.Context(), authz.Key(app.ID, key)))
	require.NoError(t, err, "the key is good at once")
	require.Equal(t, authz.App, who.Type)

	in.Name = "Aardvark"
	again, key2, err := svc.PutApp(w.ops, in)
	require.NoError(t, err)
	require.Empty(t, key2, "the key is told once")
	require.Equal(t, app.ID, again.ID)
	require.Equal(t, "Aardvark", again.Name)
	_, err = svc.Caller(authz.WithCredential(t.Context(), authz.Key(app.ID, key)))
	require.NoError(t, err, "the key stays")
	_, _, err = svc.PutApp(ctx, in)
	require.ErrorIs(t, err, authz.ErrDenied, "users don't change the marketplace")

	cube, none := w.app(t, hub.App{NID: "notes", Stack: hub.Cube, Name: "Notes"})
	require.Empty(t, none, "a cube's instances have keys of their own")
	hidden, _, err := svc.PutApp(w.ops, hub.App{NID: "hidden", Name: "Hidden", Stack: hub.Connector})
	require.NoError(t, err)
	list, err := svc.ListApps(ctx)
	require.NoError(t, err)
	require.Equal(t, []*hub.App{again, cube}, list)
	for _, ref := range []string{"hidden", hidden.ID, strconv.FormatInt(hidden.Number, 10)} {
		got, err := svc.GetApp(ctx, ref)
		require.NoError(t, err)
		require.Equal(t, hidden, got)
	}
	_, err = svc.GetApp(ctx, "nothing")
	require.ErrorIs(t, err, hub.ErrNotFound)
}

func testCloudApp(t *testing.T, w *world) {
	svc := w.Service
	_, ctx := w.user(t, "ada@example.com")
	_, strangerCtx := w.user(t, "eve@example.com")
	member, memberCtx := w.user(t, "bob@example.com")
	app, key := w.app(t, hub.App{NID: "crm", Stack: hub.Cloud, Host: "http://crm.test", SSOInitPath: "/sso/init?lang=en", NotificationPath: "/hooks"})
	org, err := svc.CreateOrganization(ctx, hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	_, err = svc.PutMember(ctx, org.ID, member.ID, hub.RoleMember)
	require.NoError(t, err)

	_, err = svc.AddApp(memberCtx, org.ID, "crm")
	require.ErrorIs(t, err, authz.ErrDenied, "a Member doesn't purchase")
	_, err = svc.AddApp(strangerCtx, org.ID, "crm")
	require.ErrorIs(t, err, authz.ErrDenied)
	i, err := svc.AddApp(ctx, org.ID, "crm")
	require.NoError(t, err)
	require.Regexp(t, `^cld-[a-z2-7]{12}$`, i.ID)
	require.Equal(t, app, i.App)
	require.Equal(t, org.ID, i.OrganizationID)
	require.NotEmpty(t, i.Step)
	_, err = svc.AddApp(ctx, org.ID, "crm")
	require.ErrorIs(t, err, hub.ErrConflict)
	require.Contains(t, err.Error(), "Acme has crm already")

	i = w.until(ctx, t, i.ID, hub.Running)
	require.Equal(t, 100, i.Progress)
	require.Empty(t, i.Errors)
	require.Equal(t, "http://crm.test", i.URL)
	require.False(t, i.StartedAt.IsZero())
	for _, c := range []context.Context{ctx, memberCtx} {
		to, err := svc.LaunchURL(c, i.ID)
		require.NoError(t, err)
		require.Equal(t, "http://crm.test/sso/init?group_id="+i.ID+"&lang=en", to)
		list, err := svc.ListAppInstances(c, org.ID)
		require.NoError(t, err)
		require.Equal(t, []*hub.AppInstance{i}, list)
		got, err := svc.GetAppInstance(c, strconv.FormatInt(i.Number, 10))
		require.NoError(t, err)
		require.Equal(t, i, got)
	}
	_, err = svc.LaunchURL(strangerCtx, i.ID)
	require.ErrorIs(t, err, authz.ErrDenied)
	_, err = svc.GetAppInstance(strangerCtx, i.ID)
	require.ErrorIs(t, err, authz.ErrDenied)
	_, err = svc.ListAppInstances(strangerCtx, org.ID)
	require.ErrorIs(t, err, authz.ErrDenied)
	// The app moves: its instances are where it is.
	app.Host = "http://crm2.test"
	app, again := w.app(t, *app)
	require.Empty(t, again)
	for _, c := range []context.Context{ctx, memberCtx} {
		to, err := svc.LaunchURL(c, i.ID)
		require.NoError(t, err)
		require.Equal(t, "http://crm2.test/sso/init?group_id="+i.ID+"&lang=en", to)
		list, err := svc.ListAppInstances(c, org.ID)
		require.NoError(t, err)
		require.Equal(t, "http://crm2.test", list[0].URL)
		require.Equal(t, app, list[0].App)
	}
	i = w.until(ctx, t, i.ID, hub.Running)
	require.Equal(t, "http://crm2.test", i.URL)

	_, err = svc.RemoveApp(memberCtx, i.ID)
	require.ErrorIs(t, err, authz.ErrDenied)

	removed, err := svc.RemoveApp(ctx, i.ID)
	require.NoError(t, err)
	require.Contains(t, []hub.Status{hub.Terminating, hub.Terminated}, removed.Status)
	_, err = svc.LaunchURL(ctx, i.ID)
	require.ErrorIs(t, err, hub.ErrNotRunning)
	gone := w.until(ctx, t, i.ID, hub.Terminated)
	require.False(t, gone.TerminatedAt.IsZero())
	_, err = svc.RemoveApp(ctx, i.ID)
	require.NoError(t, err, "twice is no error")
	list, err := svc.ListAppInstances(ctx, org.ID)
	require.NoError(t, err)
	require.Empty(t, list)
	_, err = svc.Caller(authz.WithCredential(t.Context(), authz.Key(app.ID, key)))
	require.NoError(t, err, "the app lives on for other customers")

	second, err := svc.AddApp(ctx, org.ID, "crm")
	require.NoError(t, err)
	require.NotEqual(t, i.ID, second.ID, "the old id stays dead")
	w.until(ctx, t, second.ID, hub.Running)
}

func testCube(t *testing.T, w *world) {
	svc := w.Service
	_, ctx := w.user(t, "ada@example.com")
	w.app(t, hub.App{NID: "notes", Stack: hub.Cube, SSOInitPath: "/login", NotificationPath: "/hooks"})
	var ids []string
	for _, name := range []string{"Acme", "Bolt", "Core"} { // several orders at once
		org, err := svc.CreateOrganization(ctx, hub.Organization{Name: name})
		require.NoError(t, err)
		i, err := svc.AddApp(ctx, org.ID, "notes")
		require.NoError(t, err)
		require.Empty(t, i.URL)
		ids = append(ids, i.ID)
	}
	for _, id := range ids {
		i := w.until(ctx, t, id, hub.Running)
		require.Contains(t, i.URL, id)
		to, err := svc.LaunchURL(ctx, id)
		require.NoError(t, err)
		require.Equal(t, i.URL+"/login?group_id="+id, to)
	}
	// What a sign-in needs changes: the running app is told.
	w.app(t, hub.App{NID: "notes", Stack: hub.Cube, SSOInitPath: "/login", NotificationPath: "/hooks", RedirectPaths: []string{"/other"}})
	require.Contains(t, w.until(ctx, t, ids[0], hub.Running).URL, ids[0])

	_, err := svc.RemoveApp(ctx, ids[0])
	require.NoError(t, err)
	w.until(ctx, t, ids[0], hub.Terminated)
	require.Equal(t, hub.Running, w.until(ctx, t, ids[1], hub.Running).Status)
}

func testVisibility(t *testing.T, w *world) {
	svc := w.Service
	_, adaCtx := w.user(t, "ada@example.com")
	_, bobCtx := w.user(t, "bob@example.com")
	w.app(t, hub.App{NID: "bank", Stack: hub.Connector})
	orgA, err := svc.CreateOrganization(adaCtx, hub.Organization{Name: "A"})
	require.NoError(t, err)
	orgB, err := svc.CreateOrganization(bobCtx, hub.Organization{Name: "B"})
	require.NoError(t, err)
	a, err := svc.AddApp(adaCtx, orgA.ID, "bank")
	require.NoError(t, err)
	b, err := svc.AddApp(w.ops, strconv.FormatInt(orgB.Number, 10), "bank")
	require.NoError(t, err)
	w.until(adaCtx, t, a.ID, hub.Running)
	w.until(bobCtx, t, b.ID, hub.Running)
	for _, ref := range []string{b.ID, strconv.FormatInt(b.Number, 10)} {
		_, err = svc.GetAppInstance(adaCtx, ref)
		require.ErrorIs(t, err, authz.ErrDenied)
		_, err = svc.RemoveApp(adaCtx, ref)
		require.ErrorIs(t, err, authz.ErrDenied)
		_, err = svc.LaunchURL(adaCtx, ref)
		require.ErrorIs(t, err, authz.ErrDenied)
	}
	_, err = svc.AddApp(adaCtx, orgB.ID, "bank")
	require.ErrorIs(t, err, authz.ErrDenied)
	_, err = svc.LaunchURL(adaCtx, a.ID)
	require.ErrorIs(t, err, hub.ErrInvalid, "a connector has no sign-in")
}
