package hub_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
)

// runUntil runs an engine until stop is called.
func runUntil(t *testing.T, e *hub.Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

// moved is the platform of hubtest at another address.
func moved(p *hubtest.Platform, store hub.Store) *hub.Engine {
	return p.NewEngine(store, hub.WithEndpoints(hub.Endpoints{
		HubAPI: "http://hub.test:99", HubIDP: "http://hub.test:99", Connec: "http://connec.test", OIDCIssuer: "http://hub.test:99/oidc", Environment: "test",
	}))
}

// TestAppMoves proves that webhooks go where an app is, after PutApp alone.
func TestAppMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := hubmem.New()
		p, ctx, o := setup(t, store)
		app := hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: "http://one.test", SSOInitPath: "/in", NotificationPath: "/hooks", Active: true}
		a, _, err := p.PutApp(ctx, app)
		require.NoError(t, err)
		hubtest.Start(t, p.Run)
		i, err := p.AddApp(ctx, o.ID, "crm")
		require.NoError(t, err)
		before := await(t, p.Engine, ctx, i.ID, hub.Running)
		gone, err := p.CreateOrganization(ctx, hub.Organization{Name: "Gone"})
		require.NoError(t, err)
		former, err := p.AddApp(ctx, gone.ID, "crm")
		require.NoError(t, err)
		await(t, p.Engine, ctx, former.ID, hub.Running)
		_, err = p.RemoveApp(ctx, former.ID)
		require.NoError(t, err)
		await(t, p.Engine, ctx, former.ID, hub.Terminated)

		app.Host, app.Collections = "http://two.test", []string{"people"}
		_, _, err = p.PutApp(ctx, app)
		require.NoError(t, err)
		now, err := p.GetAppInstance(ctx, i.ID)
		require.NoError(t, err)
		require.Equal(t, "http://two.test", now.URL)
		require.Equal(t, hub.Running, now.Status, "nobody has to wait for that")
		to, err := p.LaunchURL(ctx, i.ID)
		require.NoError(t, err)
		require.Equal(t, "http://two.test/in?group_id="+i.ID, to)
		time.Sleep(time.Second)
		s := p.DataSharing.Subscriptions()
		require.Len(t, s, 1, "whoever left isn't told again")
		require.Equal(t, "http://two.test/hooks", s[i.ID].URL)
		require.Equal(t, []string{"people"}, s[i.ID].Collections)
		require.Equal(t, []string{"http://two.test/oidc/callback"}, p.Identity.Clients()[a.ID].RedirectURIs)
		now, err = p.GetAppInstance(ctx, i.ID)
		require.NoError(t, err)
		require.Equal(t, before.StartedAt, now.StartedAt)

		app.NotificationPath = ""
		_, _, err = p.PutApp(ctx, app)
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.Empty(t, p.DataSharing.Subscriptions(), "who takes no webhooks gets none")

		calls := atomic.Int32{}
		p.DataSharing.Fail = func(string) error { calls.Add(1); return nil }
		_, _, err = p.PutApp(ctx, app)
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.Zero(t, calls.Load(), "the same again is no work")
	})
}

// TestPutAppWhileAdding changes an app at each moment of an instance's coming to be: it ends up with the change.
func TestPutAppWhileAdding(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"PutClient", "PutGroup", "Provision", "Status", "Subscribe"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, ctx, o := setup(t, hubmem.New())
				reached, resume := make(chan struct{}), make(chan struct{})
				var armed atomic.Bool
				armed.Store(true)
				hold := func(method string) error {
					if method == at && armed.CompareAndSwap(true, false) {
						close(reached)
						<-resume
					}
					return nil
				}
				p.Identity.Fail, p.Provisioner.Fail, p.DataSharing.Fail = hold, hold, hold
				hubtest.Start(t, p.Run)
				i, err := p.AddApp(ctx, o.ID, "notes")
				require.NoError(t, err)
				<-reached
				_, _, err = p.PutApp(ctx, hub.App{NID: "notes", Name: "Notes", Stack: hub.Cube, SSOInitPath: "/in", NotificationPath: "/other", RedirectPaths: []string{"/back"}, Active: true})
				require.NoError(t, err)
				close(resume)
				await(t, p.Engine, ctx, i.ID, hub.Running)
				spec, _ := p.Provisioner.Spec(i.ID)
				require.Equal(t, "/back", spec.Env["OIDC_REDIRECT_PATH"])
				require.Equal(t, []string{"http://" + i.ID + ".apps.test/back"}, p.Identity.Clients()[spec.Env["OIDC_CLIENT_ID"]].RedirectURIs)
				require.Equal(t, "http://"+i.ID+".apps.test/other", p.DataSharing.Subscriptions()[i.ID].URL)
			})
		})
	}
}

// TestPlatformMoves starts the platform at another address, and dies at each call that follows from it: in the end every app has
// heard of it.
func TestPlatformMoves(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"none", "Status", "Provision", "PutClient", "Subscribe"} {
		for _, how := range []string{"error", "panic", "kill"} {
			t.Run(call+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { platformMoves(t, call, how) })
			})
		}
	}
}

func platformMoves(t *testing.T, call, how string) {
	store := hubmem.New()
	p, ctx, o := setup(t, store)
	_, _, err := p.PutApp(ctx, hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: "http://crm.test", NotificationPath: "/hooks", Active: true})
	require.NoError(t, err)
	stop := runUntil(t, p.Engine)
	i, err := p.AddApp(ctx, o.ID, "notes")
	require.NoError(t, err)
	await(t, p.Engine, ctx, i.ID, hub.Running)
	cloud, err := p.AddApp(ctx, o.ID, "crm")
	require.NoError(t, err)
	await(t, p.Engine, ctx, cloud.ID, hub.Running)
	stop()

	p.Provisioner.Move("apps.elsewhere")
	var armed atomic.Bool
	armed.Store(call != "none")
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
		default:
			close(dead)
			return nil
		}
	}
	p.Identity.Fail, p.Provisioner.Fail, p.DataSharing.Fail = fail, fail, fail
	if how == "kill" && call != "none" {
		stop = runUntil(t, moved(p, &mortal{Store: store, dead: dead}))
		<-dead
		synctest.Wait()
		stop()
	}
	e := moved(p, store)
	stop = runUntil(t, e)
	time.Sleep(time.Minute)
	stop()

	now, err := e.GetAppInstance(ctx, i.ID)
	require.NoError(t, err)
	require.Equal(t, hub.Running, now.Status)
	require.Equal(t, "http://"+i.ID+".apps.elsewhere", now.URL)
	require.Empty(t, now.Errors)
	require.Equal(t, 100, now.Progress)
	spec, starts := p.Provisioner.Spec(i.ID)
	require.Equal(t, 2, starts, "it was restarted once")
	require.Equal(t, "http://hub.test:99/oidc", spec.Env["OIDC_ISSUER"])
	require.Equal(t, []string{now.URL + "/cb"}, p.Identity.Clients()[spec.Env["OIDC_CLIENT_ID"]].RedirectURIs)
	subscriptions := p.DataSharing.Subscriptions()
	require.Equal(t, now.URL+"/hooks", subscriptions[i.ID].URL)
	require.Equal(t, spec.Env["WEBHOOK_SECRET"], subscriptions[i.ID].Secret)
	require.Equal(t, "http://crm.test/hooks", subscriptions[cloud.ID].URL)

	// And the next start has nothing left to do.
	p.Identity.Fail = func(method string) error { panic(method) }
	p.DataSharing.Fail = p.Identity.Fail
	stop = runUntil(t, moved(p, store))
	time.Sleep(time.Minute)
	stop()
	_, starts = p.Provisioner.Spec(i.ID)
	require.Equal(t, 2, starts)
}

// TestOnlyTheAppsMove: the hub is where it was, and learns from the provisioner that its apps aren't.
func TestOnlyTheAppsMove(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := hubmem.New()
		p, ctx, o := setup(t, store)
		stop := runUntil(t, p.Engine)
		i, err := p.AddApp(ctx, o.ID, "notes")
		require.NoError(t, err)
		await(t, p.Engine, ctx, i.ID, hub.Running)
		stop()
		p.Provisioner.Move("apps.elsewhere")
		second := p.NewEngine(store)
		hubtest.Start(t, second.Run)
		time.Sleep(time.Minute)
		now, err := second.GetAppInstance(ctx, i.ID)
		require.NoError(t, err)
		require.Equal(t, hub.Running, now.Status)
		require.Equal(t, "http://"+i.ID+".apps.elsewhere", now.URL)
		require.Equal(t, now.URL+"/hooks", p.DataSharing.Subscriptions()[i.ID].URL)
		to, err := second.LaunchURL(ctx, i.ID)
		require.NoError(t, err)
		require.Equal(t, now.URL+"/in?group_id="+i.ID, to)
	})
}

// TestManyInstancesFollow goes over several pages, and past an instance that was stored by a version without digests.
func TestManyInstancesFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := hubmem.New()
		p, ctx, _ := setup(t, store)
		_, _, err := p.PutApp(ctx, hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: "http://crm.test", NotificationPath: "/hooks", Active: true})
		require.NoError(t, err)
		stop := runUntil(t, p.Engine)
		var last string
		for n := range 250 {
			o, err := p.CreateOrganization(ctx, hub.Organization{Name: fmt.Sprint("Org ", n)})
			require.NoError(t, err)
			i, err := p.AddApp(ctx, o.ID, "crm")
			require.NoError(t, err)
			last = i.ID
		}
		await(t, p.Engine, ctx, last, hub.Running)
		time.Sleep(time.Minute)
		stop()
		_, err = store.UpdateInstance(ctx, last, func(r *hub.InstanceRecord) error { r.Settings = ""; return nil })
		require.NoError(t, err)
		var calls atomic.Int32
		p.DataSharing.Fail = func(string) error { calls.Add(1); return nil }
		second := p.NewEngine(store)
		stop = runUntil(t, second)
		time.Sleep(time.Minute)
		require.EqualValues(t, 1, calls.Load())
		_, _, err = second.PutApp(ctx, hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: "http://new.test", NotificationPath: "/hooks", Active: true})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		stop()
		subscriptions := p.DataSharing.Subscriptions()
		require.Len(t, subscriptions, 250)
		for _, s := range subscriptions {
			require.Equal(t, "http://new.test/hooks", s.URL)
		}
	})
}
