package hubidm_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubidm"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmhttp"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
)

// cheap makes logins fast, which the tests do many of.
func cheap() idm.Option { return idm.WithPasswordCost(64, 1, 1) }

func TestService(t *testing.T) {
	t.Parallel()
	hubtest.TestService(t, func(t *testing.T) hubtest.Fixture {
		i := idm.New(idmmem.New(), cheap())
		key, err := i.PutClient(t.Context(), idm.Client{ID: "svc-test", Kind: idm.ServiceClient, Name: "test"}, "")
		require.NoError(t, err)
		e := hub.New(hubmem.New(), i, hubidm.New(i),
			hub.WithProvisioner(hubtest.NewProvisioner()), hub.WithDataSharing(hubtest.NewDataSharing()), hub.WithSecretKey([]byte("test")))
		hubtest.Start(t, e.Run)
		return hubtest.Fixture{Service: e, Operator: authz.Key("svc-test", key)}
	})
}

// TestServiceOverHTTP has the idm in another process.
func TestServiceOverHTTP(t *testing.T) {
	t.Parallel()
	hubtest.TestService(t, func(t *testing.T) hubtest.Fixture {
		i := idm.New(idmmem.New(), cheap())
		key, err := i.PutClient(t.Context(), idm.Client{ID: "svc-hub", Kind: idm.ServiceClient, Name: "hub"}, "")
		require.NoError(t, err)
		s := httptest.NewServer(authz.Middleware(idmhttp.NewHandler(i)))
		t.Cleanup(s.Close)
		remote := idmhttp.NewClient(s.URL, s.Client(), idmhttp.WithCredential(authz.Key("svc-hub", key)))
		e := hub.New(hubmem.New(), remote, hubidm.New(remote),
			hub.WithProvisioner(hubtest.NewProvisioner()), hub.WithDataSharing(hubtest.NewDataSharing()), hub.WithSecretKey([]byte("test")))
		hubtest.Start(t, e.Run)
		return hubtest.Fixture{Service: e, Operator: authz.Key("svc-hub", key)}
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	i := idm.New(idmmem.New(), cheap(), idm.WithLoginBackoff(1, time.Minute))
	id := hubidm.New(i)
	_, err := id.GetUser(ctx, "usr-nobody")
	require.ErrorIs(t, err, hub.ErrNotFound)
	require.ErrorIs(t, err, idm.ErrNotFound, "the cause stays")
	_, err = id.GetUser(ctx, "7")
	require.ErrorIs(t, err, hub.ErrNotFound)
	_, err = id.CreateUser(ctx, hub.User{Email: "x"}, "a good password")
	require.ErrorIs(t, err, hub.ErrInvalid)
	v, ok := errors.AsType[*hub.ValidationError](err)
	require.True(t, ok)
	require.Equal(t, "email", v.Fields[0].Path)
	require.NotErrorIs(t, err, idm.ErrInvalid, "a caller sees one kind of error")

	u, err := id.CreateUser(ctx, hub.User{Email: "ada@example.com"}, "a good password")
	require.NoError(t, err)
	_, err = id.CreateUser(ctx, hub.User{Email: "ada@example.com"}, "a good password")
	require.ErrorIs(t, err, hub.ErrConflict)
	got, err := id.GetUser(ctx, "1")
	require.NoError(t, err)
	require.Equal(t, u, got)
	for range 2 {
		_, err = id.Login(ctx, "ada@example.com", "wrong")
	}
	require.ErrorIs(t, err, hub.ErrTooManyAttempts)

	require.NoError(t, id.PutOrganization(ctx, "org-1", ""))
	require.NoError(t, i.PutOrganization(ctx, idm.Organization{ID: "org-1", Frozen: true}))
	require.NoError(t, id.PutOrganization(ctx, "org-1", "tnt-1"))
	o, err := i.GetOrganization(ctx, "org-1")
	require.NoError(t, err)
	require.Equal(t, &idm.Organization{ID: "org-1", TenantID: "tnt-1", Frozen: true}, o, "saving doesn't thaw")
	_, err = id.PutMembership(ctx, "org-1", u.ID, hub.RoleSuperAdmin)
	require.NoError(t, err)
	_, err = id.PutMembership(ctx, "org-1", u.ID, hub.RoleMember)
	require.ErrorIs(t, err, hub.ErrLastOwner)
	require.ErrorIs(t, id.PutGroup(ctx, hub.Group{ID: "cld-1", ClientID: "app-none", OrganizationID: "org-1"}), hub.ErrNotFound)
}

// refusing stands for an idm elsewhere that doesn't know the hub's credential.
type refusing struct{ idm.Service }

func (refusing) GetUser(context.Context, string) (*idm.User, error) {
	return nil, authz.Decision{}.Err()
}

func TestTheHubsOwnCredentialIsNotTheCallers(t *testing.T) {
	t.Parallel()
	_, err := hubidm.New(refusing{}).GetUser(t.Context(), "usr-1")
	require.Error(t, err)
	require.NotErrorIs(t, err, authz.ErrUnauthenticated)
}
