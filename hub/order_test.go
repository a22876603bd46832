package hub_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
)

// setup makes a platform with an organization and the app "notes", a cube, and returns the operator's context.
func setup(t *testing.T, store hub.Store, opts ...hub.Option) (*hubtest.Platform, context.Context, *hub.Organization) {
	t.Helper()
	p := hubtest.NewPlatform(store, opts...)
	ctx := authz.WithCredential(t.Context(), hubtest.Operator)
	_, _, err := p.PutApp(ctx, hub.App{NID: "notes", Name: "Notes", Stack: hub.Cube, SSOInitPath: "/in", NotificationPath: "/hooks", Collections: []string{"people"}, ExternalIDs: true, RedirectPaths: []string{"/cb"}, Active: true})
	require.NoError(t, err)
	o, err := p.CreateOrganization(ctx, hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	return p, ctx, o
}

// TestCrash kills the engine at each call that an order makes, once before and once after the call took effect, and lets another
// engine over the same store go on: the app ends up running, and was started once.
func TestCrash(t *testing.T) {
	t.Parallel()
	calls := []string{"PutClient", "PutGroup", "Provision", "Status", "Subscribe"}
	for _, call := range calls {
		for _, how := range []string{"panic", "error", "kill"} {
			t.Run(call+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { crash(t, call, how, hub.OrderAdd) })
			})
		}
	}
	for _, call := range []string{"DeleteGroup", "Unsubscribe", "Terminate", "Status", "DeleteClient"} {
		for _, how := range []string{"panic", "error", "kill"} {
			t.Run("remove/"+call+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { crash(t, call, how, hub.OrderRemove) })
			})
		}
	}
}

func crash(t *testing.T, call, how string, kind hub.OrderKind) {
	store := hubmem.New()
	p, ctx, o := setup(t, store)
	run := func(e *hub.Engine) (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		return func() {
			cancel()
			require.NoError(t, <-done)
		}
	}
	var armed atomic.Bool
	dead := make(chan struct{})
	fail := func(method string) error {
		if method != call || !armed.CompareAndSwap(true, false) {
			return nil
		}
		switch how {
		case "panic":
			panic("at " + method)
		case "error":
			return errors.New("at " + method)
		default: // the process dies: this call takes effect, but nothing after it, so that nobody records it
			close(dead)
			return nil
		}
	}
	arm := func() {
		armed.Store(true)
		p.Identity.Fail, p.Provisioner.Fail, p.DataSharing.Fail = fail, fail, fail
	}

	if kind == hub.OrderAdd {
		arm()
	}
	i, err := p.AddApp(ctx, o.ID, "notes")
	require.NoError(t, err)
	e := p.Engine
	var stop func()
	if kind == hub.OrderRemove {
		stop = run(e)
		await(t, e, ctx, i.ID, hub.Running)
		stop()
		_, err := e.RemoveApp(ctx, i.ID)
		require.NoError(t, err)
		arm()
	}
	want := map[hub.OrderKind]hub.Status{hub.OrderAdd: hub.Running, hub.OrderRemove: hub.Terminated}[kind]
	if how == "kill" {
		stop = run(p.NewEngine(&mortal{Store: store, dead: dead}))
		<-dead
		synctest.Wait()
		stop()
	} else {
		stop = run(e)
		await(t, e, ctx, i.ID, want)
		stop()
	}
	second := p.NewEngine(store)
	stop = run(second)
	got := await(t, second, ctx, i.ID, want)
	time.Sleep(time.Minute) // in the bubble: whatever is left would happen now
	stop()
	require.Empty(t, got.Errors)
	require.Equal(t, 100, got.Progress)
	_, starts := p.Provisioner.Spec(i.ID)
	require.Equal(t, 1, starts, "one app was started")
	require.Equal(t, 1, p.Provisioner.Specs())
	if kind == hub.OrderAdd {
		require.Len(t, p.Identity.Clients(), 1)
		require.Len(t, p.Identity.Groups(), 1)
		require.Len(t, p.DataSharing.Subscriptions(), 1)
	} else {
		require.Empty(t, p.Identity.Clients())
		require.Empty(t, p.Identity.Groups())
		require.Empty(t, p.DataSharing.Subscriptions())
	}
}

// mortal is a store that can't be reached any more once dead is closed.
type mortal struct {
	hub.Store
	dead chan struct{}
}

func (m *mortal) down() error {
	select {
	case <-m.dead:
		return errors.New("dead")
	default:
		return nil
	}
}

func (m *mortal) UpdateInstance(ctx context.Context, id string, change func(*hub.InstanceRecord) error) (*hub.InstanceRecord, error) {
	if err := m.down(); err != nil {
		return nil, err
	}
	return m.Store.UpdateInstance(ctx, id, change)
}

func (m *mortal) ClaimOrder(ctx context.Context, now time.Time, claim string, until time.Time) (*hub.InstanceRecord, error) {
	if err := m.down(); err != nil {
		return nil, err
	}
	return m.Store.ClaimOrder(ctx, now, claim, until)
}

func await(t *testing.T, e *hub.Engine, ctx context.Context, id string, want hub.Status) *hub.AppInstance {
	t.Helper()
	for range 100_000 {
		i, err := e.GetAppInstance(ctx, id)
		require.NoError(t, err)
		if i.Status == want {
			return i
		}
		time.Sleep(100 * time.Millisecond) // in the bubble
	}
	i, err := e.GetAppInstance(ctx, id)
	require.NoError(t, err)
	require.Fail(t, "the order hangs", "%+v", i)
	return nil
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, ctx, o := setup(t, hubmem.New())
		hubtest.Start(t, p.Run)
		i, err := p.AddApp(ctx, o.ID, "notes")
		require.NoError(t, err)
		i = await(t, p.Engine, ctx, i.ID, hub.Running)
		spec, _ := p.Provisioner.Spec(i.ID)
		require.Equal(t, "notes", spec.Template)
		require.Equal(t, o.ID, spec.OrganizationID)
		env := spec.Env
		client := p.Identity.Clients()[env["MNO_API_KEY"]]
		require.Equal(t, map[string]string{
			"MNO_SSO_ENABLED": "true", "MNO_CONNEC_ENABLED": "true", "MNO_MAESTRANO_ENVIRONMENT": "test", "MNO_API_KEY": client.ID, "MNO_API_SECRET": client.Key,
			"MNO_HUB_API_URL": "http://hub.test", "MNO_HUB_IDP_URL": "http://hub.test", "MNO_CONNEC_API_URL": "http://connec.test", "GROUP_ID": i.ID,
			"OIDC_ISSUER": "http://hub.test/oidc", "OIDC_CLIENT_ID": client.ID, "OIDC_CLIENT_SECRET": client.Key, "OIDC_REDIRECT_PATH": "/cb",
			"WEBHOOK_SECRET": env["WEBHOOK_SECRET"],
		}, env)
		require.True(t, strings.HasPrefix(env["WEBHOOK_SECRET"], "whsec_"))
		require.Equal(t, []string{"http://" + i.ID + ".apps.test/cb"}, client.RedirectURIs)
		require.Equal(t, hub.Group{ID: i.ID, ClientID: client.ID, OrganizationID: o.ID}, p.Identity.Groups()[i.ID])
		require.Equal(t, hub.DataSubscription{
			InstanceID: i.ID, OrganizationID: o.ID, ClientID: client.ID, Key: client.Key, URL: "http://" + i.ID + ".apps.test/hooks",
			Secret: env["WEBHOOK_SECRET"], Collections: []string{"people"}, ExternalIDs: true,
		}, p.DataSharing.Subscriptions()[i.ID])
		who, err := p.Caller(authz.WithCredential(ctx, authz.Key(client.ID, client.Key)))
		require.NoError(t, err)
		require.Equal(t, client.ID, who.ID)
	})
}

// TestSecretsAreSealed proves that no secret lies open in the store, and that a lost key isn't worked around.
func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := hubmem.New()
		p, ctx, o := setup(t, store)
		_, key, err := p.PutApp(ctx, hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: "http://crm.test", NotificationPath: "/hooks", Active: true})
		require.NoError(t, err)
		i, err := p.AddApp(ctx, o.ID, "notes")
		require.NoError(t, err)
		app, err := store.GetApp(ctx, "crm")
		require.NoError(t, err)
		require.NotContains(t, string(app.SealedKey), key)
		r, err := store.GetInstance(ctx, i.ID)
		require.NoError(t, err)
		require.NotContains(t, string(r.SealedSecrets), "whsec_")

		// Another key can't open them: the order waits for the right one.
		other := hub.New(store, p.Identity, p.Identity, hub.WithProvisioner(p.Provisioner), hub.WithSecretKey([]byte("another key")))
		ctx2, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- other.Run(ctx2) }()
		time.Sleep(10 * time.Second)
		cancel()
		require.NoError(t, <-done)
		got, err := p.GetAppInstance(ctx, i.ID)
		require.NoError(t, err)
		require.Equal(t, hub.Provisioning, got.Status)
		require.Equal(t, []string{"The app's credentials could not be made"}, got.Errors, "and the reason is for the operator's log only")
		rotated := hub.New(store, p.Identity, p.Identity, hub.WithProvisioner(p.Provisioner), hub.WithSecretKey([]byte("new"), []byte("a secret key for tests only")))
		hubtest.Start(t, rotated.Run)
		await(t, rotated, ctx, i.ID, hub.Running)
	})
}

func TestSealedValuesAreBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := hubmem.New()
		p, ctx, _ := setup(t, store)
		for _, nid := range []string{"one", "two"} {
			_, _, err := p.PutApp(ctx, hub.App{NID: nid, Name: nid, Stack: hub.Cloud, Host: "http://" + nid + ".test", NotificationPath: "/hooks", Active: true})
			require.NoError(t, err)
		}
		one, err := store.GetApp(ctx, "one")
		require.NoError(t, err)
		_, err = store.PutApp(ctx, "two", func(r *hub.AppRecord) error { r.SealedKey = one.SealedKey; return nil })
		require.NoError(t, err)
		_, _, err = p.PutApp(ctx, hub.App{NID: "two", Name: "two", Stack: hub.Cloud, Host: "http://two.test"})
		require.Error(t, err, "one app's key isn't another's")
	})
}

// TestRemoveWhileAdding removes an app at each moment of its coming to be.
func TestRemoveWhileAdding(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"PutClient", "PutGroup", "Provision", "Status", "Subscribe"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, ctx, o := setup(t, hubmem.New())
				reached, resume := make(chan struct{}), make(chan struct{})
				var once sync.Once
				hold := func(method string) error {
					if method == at {
						once.Do(func() { close(reached); <-resume })
					}
					return nil
				}
				p.Identity.Fail, p.Provisioner.Fail, p.DataSharing.Fail = hold, hold, hold
				hubtest.Start(t, p.Run)
				i, err := p.AddApp(ctx, o.ID, "notes")
				require.NoError(t, err)
				<-reached
				_, err = p.RemoveApp(ctx, i.ID)
				require.NoError(t, err)
				require.Empty(t, p.Identity.Groups(), "access ended")
				close(resume)
				await(t, p.Engine, ctx, i.ID, hub.Terminated)
				time.Sleep(time.Minute)
				require.Empty(t, p.Identity.Groups())
				require.Empty(t, p.Identity.Clients())
				require.Empty(t, p.DataSharing.Subscriptions())
				_, err = p.AddApp(ctx, o.ID, "notes")
				require.NoError(t, err)
			})
		})
	}
}

// TestTroubleIsTold proves that failures are shown, in words for people, and end with success.
func TestTroubleIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, ctx, o := setup(t, hubmem.New())
		var failures atomic.Int32
		failures.Store(20)
		p.Provisioner.Fail = func(string) error {
			if failures.Add(-1) < 0 {
				return nil
			}
			if failures.Load()%2 == 0 {
				return fmt.Errorf("dial 10.0.0.1: refused")
			}
			return fmt.Errorf("no template %q: %w", "notes", hub.ErrNotFound)
		}
		hubtest.Start(t, p.Run)
		i, err := p.AddApp(ctx, o.ID, "notes")
		require.NoError(t, err)
		time.Sleep(time.Minute)
		got, err := p.GetAppInstance(ctx, i.ID)
		require.NoError(t, err)
		require.Equal(t, hub.Provisioning, got.Status)
		require.Equal(t, []string{`The app could not be started: no template "notes": Not found`, "The app could not be started"}, got.Errors)
		require.Less(t, got.Progress, 100)
		require.Less(t, 20-failures.Load(), int32(10), "the pauses grow")
		got = await(t, p.Engine, ctx, i.ID, hub.Running)
		require.Empty(t, got.Errors)
	})
}

// TestAccountWebhook proves that a cloud app is told of the customer's leave, is asked again when it fails, and can't hold things up.
func TestAccountWebhook(t *testing.T) {
	t.Parallel()
	type call struct{ method, path, id, key string }
	var mu sync.Mutex
	var calls []call
	var status atomic.Int32
	status.Store(500)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, key, _ := r.BasicAuth()
		mu.Lock()
		calls = append(calls, call{r.Method, r.URL.Path, id, key})
		mu.Unlock()
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(app.Close)
	p, ctx, o := setup(t, hubmem.New(), hub.WithHTTPClient(app.Client()))
	a, key, err := p.PutApp(ctx, hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: app.URL, Active: true})
	require.NoError(t, err)
	hubtest.Start(t, p.Run)
	i, err := p.AddApp(ctx, o.ID, "crm")
	require.NoError(t, err)
	became := func(want hub.Status) func() bool {
		return func() bool {
			got, err := p.GetAppInstance(ctx, i.ID)
			return err == nil && got.Status == want
		}
	}
	require.Eventually(t, became(hub.Running), 30*time.Second, 5*time.Millisecond)
	_, err = p.RemoveApp(ctx, i.ID)
	require.NoError(t, err)
	require.Eventually(t, became(hub.Terminated), 30*time.Second, 5*time.Millisecond, "the customer doesn't wait for the app")
	heard := func(n int) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return len(calls) >= n }
	}
	require.Eventually(t, heard(1), 30*time.Second, 5*time.Millisecond)
	status.Store(200)
	require.Eventually(t, heard(2), 30*time.Second, 5*time.Millisecond, "it is told again after a failure")
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, call{"DELETE", "/maestrano/account/groups/" + i.ID, a.ID, key}, calls[0])
	require.Equal(t, calls[0], calls[1])
}

// TestTwoEngines proves that several engines share the work without doing any of it twice.
func TestTwoEngines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := hubmem.New()
		p, ctx, _ := setup(t, store)
		hubtest.Start(t, p.Run)
		hubtest.Start(t, p.NewEngine(store).Run)
		var ids []string
		for n := range 20 {
			o, err := p.CreateOrganization(ctx, hub.Organization{Name: fmt.Sprint("Org ", n)})
			require.NoError(t, err)
			i, err := p.AddApp(ctx, o.ID, "notes")
			require.NoError(t, err)
			ids = append(ids, i.ID)
		}
		for _, id := range ids {
			await(t, p.Engine, ctx, id, hub.Running)
			_, starts := p.Provisioner.Spec(id)
			require.Equal(t, 1, starts)
		}
		require.Len(t, maps.Clone(p.Identity.Groups()), 20)
	})
}

func TestWithoutProvisioner(t *testing.T) {
	t.Parallel()
	i := hubtest.NewIdentity()
	e := hub.New(hubmem.New(), i, i)
	ctx := authz.WithCredential(t.Context(), hubtest.Operator)
	_, _, err := e.PutApp(ctx, hub.App{NID: "notes", Name: "Notes", Stack: hub.Cube, Active: true})
	require.NoError(t, err)
	o, err := e.CreateOrganization(ctx, hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	_, err = e.AddApp(ctx, o.ID, "notes")
	require.ErrorIs(t, err, hub.ErrInvalid)
}

// TestPutAppResumes proves that a key that nobody was told is told at the next attempt.
func TestPutAppResumes(t *testing.T) {
	t.Parallel()
	p := hubtest.NewPlatform(hubmem.New())
	ctx := authz.WithCredential(t.Context(), hubtest.Operator)
	app := hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: "http://crm.test"}
	p.Identity.Fail = func(string) error { return errors.New("down") }
	_, _, err := p.PutApp(ctx, app)
	require.Error(t, err)
	p.Identity.Fail = nil
	a, key, err := p.PutApp(ctx, app)
	require.NoError(t, err)
	require.NotEmpty(t, key)
	_, err = p.Caller(authz.WithCredential(ctx, authz.Key(a.ID, key)))
	require.NoError(t, err)
}

// TestTenants proves that a tenant sees its own organizations and nobody else's.
func TestTenants(t *testing.T) {
	t.Parallel()
	p, ops, _ := setup(t, hubmem.New())
	one := authz.WithCredential(t.Context(), p.Identity.AddTenant("tnt-1"))
	two := authz.WithCredential(t.Context(), p.Identity.AddTenant("tnt-2"))
	u, err := p.CreateUser(one, hub.User{Email: "ada@example.com"}, "a good password")
	require.NoError(t, err)
	_, err = p.CreateUser(one, hub.User{Email: "eve@example.com", Operator: true}, "a good password")
	require.ErrorIs(t, err, authz.ErrDenied, "a tenant makes no operators")
	o, err := p.CreateOrganization(one, hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	_, err = p.PutMember(one, o.ID, u.ID, hub.RoleSuperAdmin)
	require.NoError(t, err)
	os, err := p.ListOrganizations(one)
	require.NoError(t, err)
	require.Len(t, os, 1)
	os, err = p.ListOrganizations(two)
	require.NoError(t, err)
	require.Empty(t, os)
	_, err = p.GetUser(two, u.ID)
	require.ErrorIs(t, err, hub.ErrNotFound)
	_, err = p.AddApp(two, o.ID, "notes")
	require.ErrorIs(t, err, authz.ErrDenied)
	_, err = p.AddApp(one, o.ID, "notes")
	require.NoError(t, err)
	os, err = p.ListOrganizations(ops)
	require.NoError(t, err)
	require.Len(t, os, 2)
}

// TestNoJudgeNoAccess proves that nothing is done while nobody judges.
func TestNoJudgeNoAccess(t *testing.T) {
	t.Parallel()
	down := authz.Func(func(context.Context, authz.Request) (authz.Decision, error) {
		return authz.Decision{}, authz.ErrUnavailable
	})
	e := hub.New(hubmem.New(), down, hubtest.NewIdentity())
	ctx := authz.WithCredential(t.Context(), hubtest.Operator)
	_, err := e.ListOrganizations(ctx)
	require.ErrorIs(t, err, authz.ErrUnavailable)
	_, err = e.CreateOrganization(ctx, hub.Organization{Name: "Acme"})
	require.ErrorIs(t, err, authz.ErrUnavailable)
	_, err = e.GetOrganization(ctx, "org-1")
	require.ErrorIs(t, err, authz.ErrUnavailable)
	_, _, err = e.PutApp(ctx, hub.App{})
	require.ErrorIs(t, err, authz.ErrUnavailable)
	_, err = e.LaunchURL(ctx, "cld-1")
	require.ErrorIs(t, err, authz.ErrUnavailable)
}
