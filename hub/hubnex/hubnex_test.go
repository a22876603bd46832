package hubnex_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubidm"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/hub/hubnex"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexmem"
)

// world is a hub with an idm and a nex, whose template "notes" tells its environment.
type world struct {
	hub      *hub.Engine
	nex      *nex.Engine
	operator authz.Credential

	mu  sync.Mutex
	env map[string]map[string]string // by UID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{env: map[string]map[string]string{}}
	judge := idm.New(idmmem.New(), idm.WithPasswordCost(64, 1, 1))
	key, err := judge.PutClient(t.Context(), idm.Client{ID: "svc-test", Kind: idm.ServiceClient, Name: "test"}, "")
	require.NoError(t, err)
	w.operator = authz.Key("svc-test", key)
	backend := nexmem.NewBackend()
	backend.Handle("notes", func(p *nexmem.Process) (http.Handler, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.env[p.Env["NEX_APP_UID"]] = p.Env
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil
	})
	w.nex = nex.New(nexmem.New(), backend, judge, nex.WithDomain("apps.test"), nex.WithKey(make([]byte, 32)))
	w.hub = hub.New(hubmem.New(), judge, hubidm.New(judge), hub.WithProvisioner(hubnex.New(w.nex)), hub.WithSecretKey([]byte("test")),
		hub.WithEndpoints(hub.Endpoints{HubAPI: "http://hub.test", AppURL: "http://{uid}.apps.test"}))
	t.Cleanup(func() { require.NoError(t, backend.Close()) })
	hubtest.Start(t, w.nex.Run)
	hubtest.Start(t, w.hub.Run)
	require.NoError(t, w.nex.PutTemplate(authz.WithCredential(t.Context(), w.operator), nex.Template{Name: "notes", Command: []string{"notes"}}))
	return w
}

func TestService(t *testing.T) {
	t.Parallel()
	hubtest.TestService(t, func(t *testing.T) hubtest.Fixture {
		w := newWorld(t)
		return hubtest.Fixture{Service: w.hub, Operator: w.operator}
	})
}

// TestLife follows a hosted app from the order to its end.
func TestLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := authz.WithCredential(t.Context(), w.operator)
	_, _, err := w.hub.PutApp(ctx, hub.App{NID: "notes", Name: "Notes", Stack: hub.Cube, SSOInitPath: "/in", Active: true})
	require.NoError(t, err)
	o, err := w.hub.CreateOrganization(ctx, hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	i, err := w.hub.AddApp(ctx, o.ID, "notes")
	require.NoError(t, err)
	i = w.await(t, ctx, i.ID, hub.Running)
	require.Equal(t, "http://"+i.ID+".apps.test", i.URL)
	w.mu.Lock()
	env := w.env[i.ID]
	w.mu.Unlock()
	require.Equal(t, i.ID, env["GROUP_ID"])
	require.Equal(t, o.ID, env["NEX_ORG"])
	require.Equal(t, i.ID+".apps.test", env["MNO_SERVER_HOSTNAME"])
	require.Equal(t, "http://hub.test", env["MNO_HUB_API_URL"])

	// The app acts for its organization with the credential that it was given, and only while it is there.
	app := authz.WithCredential(t.Context(), authz.Key(env["MNO_API_KEY"], env["MNO_API_SECRET"]))
	_, err = w.hub.Caller(app)
	require.NoError(t, err)
	answer := httptest.NewRecorder()
	w.nex.Router(http.NotFoundHandler()).ServeHTTP(answer, httptest.NewRequest("GET", i.URL+"/", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	_, err = w.hub.RemoveApp(ctx, i.ID)
	require.NoError(t, err)
	w.await(t, ctx, i.ID, hub.Terminated)
	_, err = w.hub.Caller(app)
	require.ErrorIs(t, err, authz.ErrUnauthenticated)
	a, err := w.nex.GetApp(ctx, i.ID)
	require.NoError(t, err)
	require.Equal(t, nex.Terminated, a.Status)
}

func (w *world) await(t *testing.T, ctx context.Context, id string, want hub.Status) (i *hub.AppInstance) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		i, err = w.hub.GetAppInstance(ctx, id)
		require.NoError(t, err)
		return i.Status == want
	}, 30*time.Second, 10*time.Millisecond)
	return i
}

func TestProvisioner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := hubnex.New(w.nex)
	ctx := t.Context()
	// Services may act for any organization that the idm knows; none is known here.
	_, err := p.Status(ctx, "nothing")
	require.ErrorIs(t, err, hub.ErrNotFound)
	require.NoError(t, p.Terminate(ctx, "nothing"))

	o, err := w.hub.CreateOrganization(authz.WithCredential(ctx, w.operator), hub.Organization{Name: "Acme"})
	require.NoError(t, err)
	_, err = p.Provision(ctx, hub.ProvisionSpec{UID: "cld-1", Name: "Notes", OrganizationID: o.ID, Template: "nothing"})
	require.ErrorIs(t, err, hub.ErrInvalid)
	spec := hub.ProvisionSpec{UID: "cld-1", Name: "Notes", OrganizationID: o.ID, Template: "notes", Env: map[string]string{"A": "1"}}
	_, err = p.Provision(ctx, spec)
	require.NoError(t, err)
	_, err = p.Provision(ctx, spec)
	require.NoError(t, err, "again is the same")
	spec.Env = map[string]string{"A": "2"}
	_, err = p.Provision(ctx, spec)
	require.NoError(t, err, "a platform that was configured anew goes on with the app that is there")
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.env["cld-1"]["A"] == "2"
	}, 30*time.Second, 10*time.Millisecond, "and tells it")
	spec.OrganizationID = "org-other"
	_, err = p.Provision(ctx, spec)
	require.Error(t, err)
	require.NotErrorIs(t, err, authz.ErrDenied, "it isn't the customer who was refused")
	require.NoError(t, p.Terminate(ctx, "cld-1"))
	require.NoError(t, p.Terminate(ctx, "cld-1"))
	require.Eventually(t, func() bool {
		d, err := p.Status(ctx, "cld-1")
		return err == nil && d.Status == hub.Terminated
	}, 30*time.Second, 10*time.Millisecond)
}
