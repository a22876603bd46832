package hubconnec_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubconnec"
	"github.com/ensemble-platform/ensemble/hub/hubidm"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
)

// delivery is what an app heard.
type delivery struct {
	id, key string
	header  http.Header
	body    []byte
}

// TestLife proves that an app hears of its organization's changes from when it was added until it is removed.
func TestLife(t *testing.T) {
	t.Parallel()
	heard := make(chan delivery, 100)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/hooks" {
			return
		}
		id, key, _ := r.BasicAuth()
		b, _ := io.ReadAll(r.Body)
		heard <- delivery{id, key, r.Header, b}
	}))
	t.Cleanup(app.Close)

	judge := idm.New(idmmem.New(), idm.WithPasswordCost(64, 1, 1))
	key, err := judge.PutClient(t.Context(), idm.Client{ID: "svc-test", Kind: idm.ServiceClient, Name: "test"}, "")
	require.NoError(t, err)
	store := connecmem.New()
	dispatcher := connec.NewDispatcher(store, judge, connec.WithPrivateNetworks(), connec.WithPollInterval(10*time.Millisecond))
	data := connec.New(store, judge, connec.WithDispatcher(dispatcher))
	engine := hub.New(hubmem.New(), judge, hubidm.New(judge), hub.WithDataSharing(hubconnec.New(data)), hub.WithSecretKey([]byte("test")))
	hubtest.Start(t, func(ctx context.Context) error {
		if err := dispatcher.Run(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		return nil
	})
	hubtest.Start(t, engine.Run)

	ctx := authz.WithCredential(t.Context(), authz.Key("svc-test", key))
	listener, appKey, err := engine.PutApp(ctx, hub.App{
		NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: app.URL, NotificationPath: "/hooks", Collections: []string{"organizations"}, ExternalIDs: true, Active: true,
	})
	require.NoError(t, err)
	_, _, err = engine.PutApp(ctx, hub.App{NID: "shop", Name: "Shop", Stack: hub.Connector, Active: true})
	require.NoError(t, err)
	o, err := engine.CreateOrganization(ctx, hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	add := func(nid string) *hub.AppInstance {
		i, err := engine.AddApp(ctx, o.ID, nid)
		require.NoError(t, err)
		await(t, engine, ctx, i.ID, hub.Running)
		return i
	}
	crm, shop := add("crm"), add("shop")
	subs, err := data.ListSubscriptions(ctx, o.ID)
	require.NoError(t, err)
	require.Len(t, subs, 1)
	require.Equal(t, crm.ID, subs[0].ID)
	require.Equal(t, app.URL+"/hooks", subs[0].URL)
	require.Equal(t, []string{"organizations"}, subs[0].Collections)
	require.True(t, subs[0].ExternalIDs)

	write := func(name string) {
		_, _, err := data.Create(ctx, shop.ID, "organizations", map[string]any{"name": name}, connec.WriteOptions{})
		require.NoError(t, err)
	}
	write("First customer")
	select {
	case d := <-heard:
		require.Equal(t, listener.ID, d.id)
		require.Equal(t, appKey, d.key)
		require.Contains(t, string(d.body), "First customer")
		require.NotEmpty(t, d.header.Get("Webhook-Signature"))
	case <-time.After(30 * time.Second):
		require.Fail(t, "nothing was delivered")
	}

	_, err = engine.RemoveApp(ctx, crm.ID)
	require.NoError(t, err)
	await(t, engine, ctx, crm.ID, hub.Terminated)
	subs, err = data.ListSubscriptions(ctx, o.ID)
	require.NoError(t, err)
	require.Empty(t, subs)
	write("Second customer")
	select {
	case d := <-heard:
		require.NotContains(t, string(d.body), "Second customer")
	case <-time.After(100 * time.Millisecond):
	}
}

func await(t *testing.T, e *hub.Engine, ctx context.Context, id string, want hub.Status) {
	t.Helper()
	require.Eventually(t, func() bool {
		i, err := e.GetAppInstance(ctx, id)
		require.NoError(t, err)
		require.Empty(t, i.Errors)
		return i.Status == want
	}, 30*time.Second, 10*time.Millisecond)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	judge := idm.New(idmmem.New())
	data := connec.New(connecmem.New(), judge)
	sharing := hubconnec.New(data)
	require.NoError(t, sharing.Unsubscribe(t.Context(), "cld-none"))
	err := sharing.Subscribe(t.Context(), hub.DataSubscription{InstanceID: "cld-1", OrganizationID: "org-1", ClientID: "app-1", URL: "nonsense", Secret: "short"})
	require.ErrorIs(t, err, hub.ErrInvalid)
	err = hubconnec.New(refusing{}).Unsubscribe(t.Context(), "cld-1")
	require.Error(t, err)
	require.NotErrorIs(t, err, authz.ErrDenied)
	require.ErrorContains(t, err, "refuses the hub itself")
}

// refusing stands for a connec elsewhere that doesn't know the hub's credential.
type refusing struct{ connec.Service }

func (refusing) DeleteSubscription(context.Context, string) error {
	return authz.Decision{Authenticated: true}.Err()
}
