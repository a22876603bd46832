package hubidm_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubidm"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
)

// A tenant that guesses numbers neither takes another tenant's users into its organizations nor learns who they are.
func TestTenantsKeepTheirUsers(t *testing.T) {
	t.Parallel()
	svc := idm.New(idmmem.New())
	engine := hub.New(hubmem.New(), svc, hubidm.New(svc))
	as := func(id string) context.Context { return authz.WithCredential(t.Context(), authz.OnBehalfOf(id)) }
	for _, id := range []string{"tnt-a", "tnt-b"} {
		_, err := svc.PutClient(t.Context(), idm.Client{ID: id, Kind: idm.TenantClient}, "")
		require.NoError(t, err)
	}
	own, err := engine.CreateOrganization(as("tnt-a"), hub.Organization{Name: "A"})
	require.NoError(t, err)
	other, err := engine.CreateOrganization(as("tnt-b"), hub.Organization{Name: "B"})
	require.NoError(t, err)
	user, err := engine.CreateUser(as("tnt-b"), hub.User{Email: "eve@b.example"}, "correct horse battery")
	require.NoError(t, err)
	number := strconv.FormatInt(user.Number, 10)
	_, err = engine.PutMember(as("tnt-b"), other.ID, number, hub.RoleMember)
	require.NoError(t, err, "its own may be numbers")

	_, err = engine.PutMember(as("tnt-a"), own.ID, number, hub.RoleMember)
	require.ErrorIs(t, err, hub.ErrNotFound)
	ms, err := engine.ListMembers(as("tnt-a"), own.ID)
	require.NoError(t, err)
	require.Empty(t, ms)
}

// An app instance of somebody else is refused in the same words as one that does not exist.
func TestInstancesOfOthersDontExist(t *testing.T) {
	t.Parallel()
	svc := idm.New(idmmem.New())
	engine := hub.New(hubmem.New(), svc, hubidm.New(svc))
	ops := authz.WithCredential(t.Context(), authz.OnBehalfOf("svc-hub"))
	_, _, err := engine.PutApp(ops, hub.App{NID: "bridge", Name: "Bridge", Stack: hub.Connector, Active: true})
	require.NoError(t, err)
	org, err := engine.CreateOrganization(ops, hub.Organization{Name: "Other"})
	require.NoError(t, err)
	inst, err := engine.AddApp(ops, org.ID, "bridge")
	require.NoError(t, err)
	user, err := engine.CreateUser(ops, hub.User{Email: "eve@a.example"}, "correct horse battery")
	require.NoError(t, err)
	stranger := authz.WithCredential(t.Context(), authz.OnBehalfOf(user.ID))

	words := func(ref string) string {
		_, err := engine.GetAppInstance(stranger, ref)
		require.ErrorIs(t, err, authz.ErrDenied)
		return strings.ReplaceAll(err.Error(), ref, "it")
	}
	require.Equal(t, words("cld-none"), words(inst.ID))
	require.Equal(t, words("99"), words(strconv.FormatInt(inst.Number, 10)))
	_, err = engine.RemoveApp(stranger, inst.ID)
	require.ErrorIs(t, err, authz.ErrDenied)
}
