package hubtest

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
)

// Fixture is a hub for [TestService].
type Fixture struct {
	Service hub.Service
	// Operator is the credential of a service, which may do everything.
	Operator authz.Credential
}

// TestService proves that what open returns behaves as hub.Service says, wherever it is. open returns a hub without users, organizations
// and apps, with a provisioner and with a worker that carries out its orders.
func TestService(t *testing.T, open func(t *testing.T) Fixture) {
	for name, test := range map[string]func(*testing.T, *world){
		"Sessions":      testSessions,
		"Users":         testUsers,
		"Organizations": testServiceOrganizations,
		"Members":       testMembers,
		"Marketplace":   testMarketplace,
		"CloudApp":      testCloudApp,
		"Cube":          testCube,
		"Visibility":    testVisibility,
		"Validation":    testValidation,
		"Unknown":       testUnknown,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			test(t, &world{Fixture: f, ops: authz.WithCredential(t.Context(), f.Operator)})
		})
	}
}

// world is a fixture with short ways to fill it.
type world struct {
	Fixture
	ops context.Context
}

const password = "correct horse battery"

// user makes a user and returns him with a context that carries his session.
func (w *world) user(t *testing.T, email string) (*hub.User, context.Context) {
	t.Helper()
	u, err := w.Service.CreateUser(w.ops, hub.User{Email: email, Name: "N", Surname: "S"}, password)
	require.NoError(t, err)
	return u, w.login(t, email)
}

func (w *world) login(t *testing.T, email string) context.Context {
	t.Helper()
	s, err := w.Service.Login(t.Context(), email, password)
	require.NoError(t, err)
	return authz.WithCredential(t.Context(), authz.SessionToken(s.Token))
}

func (w *world) app(t *testing.T, a hub.App) (*hub.App, string) {
	t.Helper()
	a.Active = true
	if a.Name == "" {
		a.Name = a.NID
	}
	app, key, err := w.Service.PutApp(w.ops, a)
	require.NoError(t, err)
	return app, key
}

func (w *world) until(ctx context.Context, t *testing.T, id string, want hub.Status) *hub.AppInstance {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		i, err := w.Service.GetAppInstance(ctx, id)
		require.NoError(t, err)
		if i.Status == want {
			return i
		}
		require.True(t, time.Now().Before(deadline), "still %s, %s: %v", i.Status, i.Step, i.Errors)
		select {
		case <-ctx.Done():
			require.NoError(t, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func testSessions(t *testing.T, w *world) {
	require.NoError(t, w.Service.Ready(t.Context()))
	u, ctx := w.user(t, "Ada@example.com")
	s, err := w.Service.Login(t.Context(), "ada@EXAMPLE.com", password)
	require.NoError(t, err)
	require.NotEmpty(t, s.Token)
	require.True(t, s.ExpiresAt.After(time.Now()))
	require.Equal(t, u, s.User)
	for _, wrong := range [][2]string{{"ada@example.com", "wrong"}, {"nobody@example.com", password}, {"", ""}} {
		_, err := w.Service.Login(t.Context(), wrong[0], wrong[1])
		require.ErrorIs(t, err, hub.ErrCredentials)
	}
	got, err := w.Service.CurrentUser(ctx)
	require.NoError(t, err)
	require.Equal(t, u, got)
	who, err := w.Service.Caller(ctx)
	require.NoError(t, err)
	require.Equal(t, authz.User, who.Type)
	require.Equal(t, u.ID, who.ID)
	who, err = w.Service.Caller(w.ops)
	require.NoError(t, err)
	require.Equal(t, authz.Service, who.Type)
	_, err = w.Service.CurrentUser(w.ops)
	require.ErrorIs(t, err, authz.ErrUnauthenticated, "a service is no user")

	require.NoError(t, w.Service.Logout(ctx))
	require.NoError(t, w.Service.Logout(ctx), "twice is no error")
	require.NoError(t, w.Service.Logout(t.Context()))
	for _, dead := range []context.Context{ctx, t.Context(), authz.WithCredential(t.Context(), authz.SessionToken("nonsense")), authz.WithCredential(t.Context(), authz.Key(w.Operator.ID, "wrong"))} {
		_, err = w.Service.CurrentUser(dead)
		require.ErrorIs(t, err, authz.ErrUnauthenticated)
		_, err = w.Service.Caller(dead)
		require.ErrorIs(t, err, authz.ErrUnauthenticated)
		_, err = w.Service.ListOrganizations(dead)
		require.ErrorIs(t, err, authz.ErrUnauthenticated)
		_, err = w.Service.ListApps(dead)
		require.ErrorIs(t, err, authz.ErrUnauthenticated)
		_, err = w.Service.GetUser(dead, u.ID)
		require.ErrorIs(t, err, authz.ErrUnauthenticated)
		_, _, err = w.Service.PutApp(dead, hub.App{NID: "x"})
		require.ErrorIs(t, err, authz.ErrUnauthenticated)
		_, err = w.Service.CreateUser(dead, hub.User{Email: "x@example.com"}, password)
		require.ErrorIs(t, err, authz.ErrUnauthenticated)
	}
	_, err = w.Service.CurrentUser(authz.WithCredential(t.Context(), authz.SessionToken(s.Token)))
	require.NoError(t, err, "the other session lives")
}

func testUsers(t *testing.T, w *world) {
	ada, adaCtx := w.user(t, "ada@example.com")
	bob, bobCtx := w.user(t, "bob@example.com")
	require.True(t, strings.HasPrefix(ada.ID, "usr-"), ada.ID)
	require.Greater(t, bob.Number, ada.Number)
	require.Equal(t, "N", ada.Name)
	require.False(t, ada.Operator)
	_, err := w.Service.CreateUser(w.ops, hub.User{Email: "ADA@example.com"}, password)
	require.ErrorIs(t, err, hub.ErrConflict)
	_, err = w.Service.CreateUser(adaCtx, hub.User{Email: "eve@example.com"}, password)
	require.ErrorIs(t, err, authz.ErrDenied, "users don't create users")
	boss, err := w.Service.CreateUser(w.ops, hub.User{Email: "boss@example.com", Operator: true}, password)
	require.NoError(t, err)
	require.True(t, boss.Operator)
	bossCtx := w.login(t, "boss@example.com")
	_, err = w.Service.CreateUser(bossCtx, hub.User{Email: "eve@example.com"}, password)
	require.NoError(t, err, "operators do")

	for _, ref := range []string{bob.ID, strconv.FormatInt(bob.Number, 10)} {
		got, err := w.Service.GetUser(w.ops, ref)
		require.NoError(t, err)
		require.Equal(t, bob, got)
		got, err = w.Service.GetUser(bobCtx, ref)
		require.NoError(t, err)
		require.Equal(t, bob, got)
		_, err = w.Service.GetUser(adaCtx, ref)
		require.ErrorIs(t, err, hub.ErrNotFound, "strangers don't know each other")
	}
	all, err := w.Service.ListUsers(w.ops, hub.UserFilter{})
	require.NoError(t, err)
	require.Len(t, all, 4)
	require.Equal(t, []*hub.User{ada, bob}, all[:2])
	own, err := w.Service.ListUsers(adaCtx, hub.UserFilter{})
	require.NoError(t, err)
	require.Equal(t, []*hub.User{ada}, own)
	found, err := w.Service.ListUsers(w.ops, hub.UserFilter{Email: "bob@example.com"})
	require.NoError(t, err)
	require.Equal(t, []*hub.User{bob}, found)
	for _, f := range []hub.UserFilter{{Email: "nobody@example.com"}, {IDs: []string{"usr-x", "999999"}}, {Email: "bob@example.com", IDs: []string{ada.ID}}} {
		none, err := w.Service.ListUsers(w.ops, f)
		require.NoError(t, err)
		require.Empty(t, none)
	}

	org, err := w.Service.CreateOrganization(adaCtx, hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	_, err = w.Service.PutMember(adaCtx, org.ID, bob.ID, hub.RoleMember)
	require.NoError(t, err)
	got, err := w.Service.GetUser(adaCtx, bob.ID)
	require.NoError(t, err, "now they share an organization")
	require.Equal(t, bob, got)
	own, err = w.Service.ListUsers(adaCtx, hub.UserFilter{})
	require.NoError(t, err)
	require.Equal(t, []*hub.User{ada, bob}, own)
}

func testServiceOrganizations(t *testing.T, w *world) {
	ada, adaCtx := w.user(t, "ada@example.com")
	_, bobCtx := w.user(t, "bob@example.com")
	acme, err := w.Service.CreateOrganization(adaCtx, hub.Organization{Name: "Acme", Currency: "EUR", FinancialYearEndMonth: 12})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(acme.ID, "org-"), acme.ID)
	require.Equal(t, hub.RoleSuperAdmin, acme.Role)
	require.Equal(t, "EUR", acme.Currency)
	require.Equal(t, 12, acme.FinancialYearEndMonth)
	require.Positive(t, acme.Number)
	require.WithinDuration(t, time.Now(), acme.CreatedAt, time.Minute)
	other, err := w.Service.CreateOrganization(w.ops, hub.Organization{Name: "Other"})
	require.NoError(t, err)
	require.Empty(t, other.Role, "a service doesn't become a member")
	require.Equal(t, "USD", other.Currency)
	require.Equal(t, 6, other.FinancialYearEndMonth)

	for _, ref := range []string{acme.ID, strconv.FormatInt(acme.Number, 10)} {
		got, err := w.Service.GetOrganization(adaCtx, ref)
		require.NoError(t, err)
		require.Equal(t, acme, got)
		_, err = w.Service.GetOrganization(bobCtx, ref)
		require.ErrorIs(t, err, authz.ErrDenied)
	}
	list, err := w.Service.ListOrganizations(adaCtx)
	require.NoError(t, err)
	require.Equal(t, []*hub.Organization{acme}, list)
	list, err = w.Service.ListOrganizations(bobCtx)
	require.NoError(t, err)
	require.Empty(t, list)
	list, err = w.Service.ListOrganizations(w.ops)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, acme.ID, list[0].ID)
	require.Empty(t, list[0].Role)

	ms, err := w.Service.ListMembers(adaCtx, acme.ID)
	require.NoError(t, err)
	require.Len(t, ms, 1)
	require.Equal(t, ada, ms[0].User)
	require.Equal(t, hub.RoleSuperAdmin, ms[0].Role)
	ms, err = w.Service.ListMembers(w.ops, other.ID)
	require.NoError(t, err)
	require.Empty(t, ms)
}

func testMembers(t *testing.T, w *world) {
	svc := w.Service
	owner, ownerCtx := w.user(t, "owner@example.com")
	admin, adminCtx := w.user(t, "admin@example.com")
	member, memberCtx := w.user(t, "member@example.com")
	stranger, strangerCtx := w.user(t, "stranger@example.com")
	org, err := svc.CreateOrganization(ownerCtx, hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	put := func(ctx context.Context, u *hub.User, role string) error {
		_, err := svc.PutMember(ctx, org.ID, u.ID, role)
		return err
	}
	m, err := svc.PutMember(ownerCtx, org.ID, admin.ID, hub.RoleAdmin)
	require.NoError(t, err)
	require.Positive(t, m.Number)
	require.Equal(t, hub.Member{Number: m.Number, OrganizationID: org.ID, User: admin, Role: hub.RoleAdmin}, *m)
	require.NoError(t, put(adminCtx, member, hub.RoleMember))
	require.NoError(t, put(adminCtx, member, hub.RolePowerUser), "an Admin changes roles")
	require.NoError(t, put(adminCtx, member, hub.RoleMember))

	require.ErrorIs(t, put(adminCtx, member, hub.RoleSuperAdmin), authz.ErrDenied, "an Admin makes no Super Admin")
	require.ErrorIs(t, put(adminCtx, admin, hub.RoleSuperAdmin), authz.ErrDenied, "not even himself")
	require.ErrorIs(t, put(adminCtx, owner, hub.RoleMember), authz.ErrDenied, "an Admin changes no Super Admin")
	require.ErrorIs(t, svc.DeleteMember(adminCtx, org.ID, owner.ID), authz.ErrDenied)
	require.ErrorIs(t, put(memberCtx, stranger, hub.RoleMember), authz.ErrDenied)
	require.ErrorIs(t, put(strangerCtx, stranger, hub.RoleMember), authz.ErrDenied)
	require.ErrorIs(t, svc.DeleteMember(memberCtx, org.ID, admin.ID), authz.ErrDenied)
	require.ErrorIs(t, put(ownerCtx, owner, hub.RoleAdmin), hub.ErrLastOwner)
	require.ErrorIs(t, svc.DeleteMember(ownerCtx, org.ID, owner.ID), hub.ErrLastOwner)
	require.ErrorIs(t, put(ownerCtx, member, "member"), hub.ErrInvalid)
	require.ErrorIs(t, put(ownerCtx, &hub.User{ID: "usr-nobody"}, hub.RoleMember), hub.ErrNotFound)
	_, err = svc.PutMember(ownerCtx, org.ID, strconv.FormatInt(stranger.Number, 10), hub.RoleMember)
	require.ErrorIs(t, err, hub.ErrNotFound, "strangers can't be reached by guessing numbers")
	_, err = svc.PutMember(w.ops, strconv.FormatInt(org.Number, 10), strconv.FormatInt(member.Number, 10), hub.RoleMember)
	require.NoError(t, err, "services use numbers")

	ms, err := svc.ListMembers(memberCtx, org.ID)
	require.NoError(t, err)
	require.Len(t, ms, 3)
	require.Equal(t, []string{owner.ID, admin.ID, member.ID}, []string{ms[0].User.ID, ms[1].User.ID, ms[2].User.ID})
	_, err = svc.ListMembers(strangerCtx, org.ID)
	require.ErrorIs(t, err, authz.ErrDenied)
	for _, f := range []hub.MemberFilter{{Number: m.Number}, {UserID: admin.ID}, {OrganizationID: org.ID, UserID: strconv.FormatInt(admin.Number, 10)}} {
		found, err := svc.FindMembers(memberCtx, f)
		require.NoError(t, err)
		require.Equal(t, []*hub.Member{m}, found)
		found, err = svc.FindMembers(strangerCtx, f)
		require.NoError(t, err)
		require.Empty(t, found)
	}
	all, err := svc.FindMembers(ownerCtx, hub.MemberFilter{})
	require.NoError(t, err)
	require.Equal(t, ms, all)

	require.NoError(t, svc.DeleteMember(memberCtx, org.ID, member.ID), "everybody may leave")
	_, err = svc.GetOrganization(memberCtx, org.ID)
	require.ErrorIs(t, err, authz.ErrDenied)
	require.NoError(t, put(ownerCtx, stranger, hub.RoleSuperAdmin))
	require.NoError(t, put(ownerCtx, owner, hub.RoleMember), "another Super Admin is there")
	require.ErrorIs(t, put(ownerCtx, owner, hub.RoleSuperAdmin), authz.ErrDenied)
}

func testValidation(t *testing.T, w *world) {
	svc := w.Service
	_, ctx := w.user(t, "ada@example.com")
	refuses := func(err error, paths ...string) {
		t.Helper()
		require.ErrorIs(t, err, hub.ErrInvalid)
		var v *hub.ValidationError
		require.ErrorAs(t, err, &v)
		var got []string
		for _, f := range v.Fields {
			got = append(got, f.Path)
			require.NotEmpty(t, f.Reason)
		}
		require.Equal(t, paths, got)
	}
	_, err := svc.CreateUser(w.ops, hub.User{Email: "no address", Name: "\x00"}, "")
	refuses(err, "email", "name", "password")
	_, err = svc.CreateOrganization(ctx, hub.Organization{Currency: "euro", FinancialYearEndMonth: 13})
	refuses(err, "name", "currency", "financial_year_end_month")
	_, err = svc.CreateOrganization(ctx, hub.Organization{Name: strings.Repeat("x", 256)})
	refuses(err, "name")
	for _, c := range []struct {
		app   hub.App
		paths []string
	}{
		{hub.App{}, []string{"nid", "name", "stack"}},
		{hub.App{NID: "App", Name: "x", Stack: hub.Connector}, []string{"nid"}},
		{hub.App{NID: "app-x", Name: "x", Stack: hub.Connector}, []string{"nid"}},
		{hub.App{NID: "12", Name: "x", Stack: hub.Connector}, []string{"nid"}},
		{hub.App{NID: "x", Name: "x", Stack: hub.Cloud}, []string{"host"}},
		{hub.App{NID: "x", Name: "x", Stack: hub.Cloud, Host: "javascript:alert(1)"}, []string{"host"}},
		{hub.App{NID: "x", Name: "x", Stack: hub.Cube, Host: "https://x.test"}, []string{"host"}},
		{hub.App{NID: "x", Name: "x", Stack: hub.Connector, SSOInitPath: "/in"}, []string{"sso_init_path"}},
		{hub.App{NID: "x", Name: "x", Stack: hub.Cloud, Host: "https://x.test", SSOInitPath: "//evil.test", NotificationPath: "hooks"}, []string{"sso_init_path", "notification_path"}},
	} {
		_, _, err := svc.PutApp(w.ops, c.app)
		refuses(err, c.paths...)
	}
	w.app(t, hub.App{NID: "x", Stack: hub.Connector})
	_, _, err = svc.PutApp(w.ops, hub.App{NID: "x", Name: "x", Stack: hub.Cube})
	refuses(err, "stack")
}

func testUnknown(t *testing.T, w *world) {
	svc := w.Service
	_, ctx := w.user(t, "ada@example.com")
	org, err := svc.CreateOrganization(ctx, hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	_, err = svc.AddApp(ctx, org.ID, "nothing")
	require.ErrorIs(t, err, hub.ErrNotFound)
	_, _, err = svc.PutApp(w.ops, hub.App{NID: "off", Name: "Off", Stack: hub.Connector})
	require.NoError(t, err)
	_, err = svc.AddApp(ctx, org.ID, "off")
	require.ErrorIs(t, err, hub.ErrNotFound, "an inactive app can't be added")
	for _, ref := range []string{"org-nothing", "424242", "weird/ %2f?#\u00e9"} {
		_, err = svc.GetOrganization(ctx, ref)
		require.ErrorIs(t, err, authz.ErrDenied, ref)
		_, err = svc.ListMembers(ctx, ref)
		require.ErrorIs(t, err, authz.ErrDenied, ref)
		_, err = svc.GetAppInstance(ctx, ref)
		require.ErrorIs(t, err, authz.ErrDenied, ref)
		_, err = svc.LaunchURL(ctx, ref)
		require.ErrorIs(t, err, authz.ErrDenied, ref)
		_, err = svc.GetAppInstance(w.ops, ref)
		require.ErrorIs(t, err, hub.ErrNotFound, ref)
		_, err = svc.GetUser(w.ops, ref)
		require.ErrorIs(t, err, hub.ErrNotFound, ref)
		_, err = svc.GetApp(w.ops, ref)
		require.ErrorIs(t, err, hub.ErrNotFound, ref)
	}
}
