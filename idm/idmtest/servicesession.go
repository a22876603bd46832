package idmtest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
)

func serviceLogin(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	ann := signUp(t, svc, "ann@example.com")
	for _, c := range [][2]string{{"ann@example.com", "wrong password"}, {"nobody@example.com", password}, {"", ""}, {"ann@example.com", ""}} {
		s, u, err := svc.Login(ctx, c[0], c[1])
		require.ErrorIs(t, err, idm.ErrCredentials)
		require.Nil(t, s)
		require.Nil(t, u)
	}
	s, u, err := svc.Login(ctx, " ANN@example.com", password)
	require.NoError(t, err)
	require.Equal(t, ann, u)
	require.Equal(t, ann.ID, s.UserID)
	require.True(t, strings.HasPrefix(s.ID, "ses-"))
	require.Greater(t, len(s.Token), 40)
	require.True(t, s.IdleExpiresAt.After(time.Now()))
	require.False(t, s.ExpiresAt.Before(s.IdleExpiresAt))
	again, _, err := svc.Login(ctx, "ann@example.com", password)
	require.NoError(t, err)
	require.NotEqual(t, s.Token, again.Token)
	for _, token := range []string{s.Token, again.Token} {
		require.True(t, judge(t, svc, authz.SessionToken(token), authz.Read, authz.Organization, "org-none").Authenticated)
	}

	_, err = svc.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Disabled = true; return nil })
	require.NoError(t, err)
	_, _, err = svc.Login(ctx, "ann@example.com", password)
	require.ErrorIs(t, err, idm.ErrCredentials, "a disabled user")
	_, err = svc.CreateSession(ctx, ann.ID)
	require.ErrorIs(t, err, idm.ErrInvalid)

	ben := signUp(t, svc, "ben@example.com")
	require.NoError(t, svc.SetPassword(ctx, ben.ID, "another passphrase"))
	_, _, err = svc.Login(ctx, "ben@example.com", password)
	require.ErrorIs(t, err, idm.ErrCredentials)
	_, _, err = svc.Login(ctx, "ben@example.com", "another passphrase")
	require.NoError(t, err)

	// Whoever guesses is slowed down, and learns nothing about which accounts there are.
	signUp(t, svc, "cat@example.com")
	var known, unknown []string
	for range 12 {
		_, _, err = svc.Login(ctx, "cat@example.com", "a wrong guess")
		known = append(known, err.Error())
		_, _, err = svc.Login(ctx, "dog@example.com", "a wrong guess")
		unknown = append(unknown, err.Error())
	}
	require.Equal(t, known, unknown)
	require.ErrorIs(t, err, idm.ErrTooManyAttempts)
}

func serviceSessions(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	ann := signUp(t, svc, "ann@example.com")
	require.NoError(t, svc.PutOrganization(ctx, idm.Organization{ID: "org-1"}))
	require.NoError(t, svc.PutOrganization(ctx, idm.Organization{ID: "org-frozen", Frozen: true}))
	for _, org := range []string{"org-1", "org-frozen"} {
		_, err := svc.PutMembership(ctx, ann.ID, org, idm.Admin)
		require.NoError(t, err)
	}
	_, err := svc.CreateSession(ctx, "usr-none")
	require.ErrorIs(t, err, idm.ErrNotFound)
	s, err := svc.CreateSession(ctx, ann.ID)
	require.NoError(t, err)

	info, err := svc.Introspect(ctx, s.Token)
	require.NoError(t, err)
	require.Equal(t, &idm.TokenInfo{
		Active: true, Subject: ann.ID, Username: "ann@example.com",
		ExpiresAt: info.ExpiresAt, IssuedAt: info.IssuedAt, Organizations: map[string]idm.Role{"org-1": idm.Admin},
	}, info, "a frozen organization is not one that may be used")
	require.WithinDuration(t, s.ExpiresAt, info.ExpiresAt, time.Second)
	require.WithinDuration(t, s.CreatedAt, info.IssuedAt, time.Second)

	for _, token := range []string{"", "x", "ses_", s.Token[:len(s.Token)-1], s.Token + "x", "ses_" + strings.Repeat("A", 48), strings.Repeat("x", 5000), "ses_\x00"} {
		info, err := svc.Introspect(ctx, token)
		require.NoError(t, err)
		require.Equal(t, &idm.TokenInfo{}, info)
		require.NoError(t, svc.EndSession(ctx, token), "unknown tokens are no error")
		d := judge(t, svc, authz.SessionToken(token), authz.Read, authz.Organization, "org-1")
		require.False(t, d.Allowed)
		require.False(t, d.Authenticated)
		require.NotEmpty(t, d.Reason)
		require.ErrorIs(t, d.Err(), authz.ErrUnauthenticated)
	}

	other, err := svc.CreateSession(ctx, ann.ID)
	require.NoError(t, err)
	alive := func(token string) bool {
		info, err := svc.Introspect(ctx, token)
		require.NoError(t, err)
		d := judge(t, svc, authz.SessionToken(token), authz.Read, authz.Organization, "org-1")
		require.Equal(t, info.Active, d.Allowed)
		return info.Active
	}
	require.True(t, alive(s.Token))
	require.NoError(t, svc.EndSession(ctx, s.Token))
	require.NoError(t, svc.EndSession(ctx, s.Token))
	require.False(t, alive(s.Token))
	require.True(t, alive(other.Token))
	third, err := svc.CreateSession(ctx, ann.ID)
	require.NoError(t, err)
	require.NoError(t, svc.EndSessions(ctx, ann.ID))
	require.NoError(t, svc.EndSessions(ctx, "usr-none"))
	require.False(t, alive(other.Token))
	require.False(t, alive(third.Token))
}

func serviceClientToken(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	for _, c := range []idm.Client{
		{ID: "svc-1", Kind: idm.ServiceClient, Name: "hub"},
		{ID: "app-1", Kind: idm.AppClient, Name: "crm"},
		{ID: "tnt-1", Kind: idm.TenantClient, Name: "shop"},
	} {
		key, err := svc.PutClient(ctx, c, "")
		require.NoError(t, err)
		_, err = svc.ClientToken(ctx, c.ID, key+"x")
		require.ErrorIs(t, err, idm.ErrCredentials)
		_, err = svc.ClientToken(ctx, c.ID+"x", key)
		require.ErrorIs(t, err, idm.ErrCredentials)
		s, err := svc.ClientToken(ctx, c.ID, key)
		require.NoError(t, err)
		require.Equal(t, c.ID, s.UserID)
		byToken := judge(t, svc, authz.SessionToken(s.Token), authz.ManagePlatform, authz.Platform, idm.PlatformID)
		byKey := judge(t, svc, authz.Key(c.ID, key), authz.ManagePlatform, authz.Platform, idm.PlatformID)
		require.Equal(t, byKey, byToken, "a token is worth what the key is worth")
		require.Equal(t, c.Kind == idm.ServiceClient, byToken.Allowed)
		require.Equal(t, string(c.Kind), byToken.Principal.Type)
		info, err := svc.Introspect(ctx, s.Token)
		require.NoError(t, err)
		require.True(t, info.Active)
		require.Equal(t, c.ID, info.Subject)
		require.Equal(t, c.ID, info.ClientID)
		require.Empty(t, info.Organizations)

		_, err = svc.PutClient(ctx, c, "a new key of our choice")
		require.NoError(t, err)
		require.False(t, judge(t, svc, authz.SessionToken(s.Token), authz.Read, authz.Organization, "org-1").Authenticated, "a new key ends the tokens")
	}
}

// serviceRevocation checks that each revoking call has taken effect when it returns.
func serviceRevocation(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	require.NoError(t, svc.PutOrganization(ctx, idm.Organization{ID: "org-1", TenantID: "tnt-1"}))
	key, err := svc.PutClient(ctx, idm.Client{ID: "app-1", Kind: idm.AppClient}, "")
	require.NoError(t, err)
	ann, ben := signUp(t, svc, "ann@example.com"), signUp(t, svc, "ben@example.com")
	for _, u := range []*idm.User{ann, ben} {
		_, err = svc.PutMembership(ctx, u.ID, "org-1", idm.SuperAdmin)
		require.NoError(t, err)
	}
	group := 0
	var s *idm.Session
	may := func() [3]bool {
		id := fmt.Sprintf("cld-%d", group)
		return [3]bool{
			judge(t, svc, authz.SessionToken(s.Token), authz.Update, authz.Organization, "org-1").Allowed,
			judge(t, svc, authz.Key("app-1", key), authz.Read, authz.ConnecEntity, id+"/invoices").Allowed,
			judge(t, svc, authz.OnBehalfOf("app-1"), authz.Write, authz.ConnecEntity, "org-1/invoices").Allowed,
		}
	}
	for _, c := range []struct {
		name         string
		revoke, undo func() error
		user, app    bool // who loses
	}{
		{"end session", func() error { return svc.EndSession(ctx, s.Token) }, nil, true, false},
		{"end sessions", func() error { return svc.EndSessions(ctx, ann.ID) }, nil, true, false},
		{"set password", func() error { return svc.SetPassword(ctx, ann.ID, "another passphrase") }, nil, true, false},
		{
			"demote", func() error { _, err := svc.PutMembership(ctx, ann.ID, "org-1", idm.Admin); return err },
			func() error { _, err := svc.PutMembership(ctx, ann.ID, "org-1", idm.SuperAdmin); return err }, true, false,
		},
		{
			"remove", func() error { return svc.DeleteMembership(ctx, ann.ID, "org-1") },
			func() error { _, err := svc.PutMembership(ctx, ann.ID, "org-1", idm.SuperAdmin); return err }, true, false,
		},
		{
			"disable", func() error {
				_, err := svc.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Disabled = true; return nil })
				return err
			},
			func() error {
				_, err := svc.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Disabled = false; return nil })
				return err
			}, true, false,
		},
		{
			"freeze", func() error { return svc.PutOrganization(ctx, idm.Organization{ID: "org-1", Frozen: true}) },
			func() error { return svc.PutOrganization(ctx, idm.Organization{ID: "org-1"}) }, true, true,
		},
		{"delete group", func() error { return svc.DeleteGroup(ctx, fmt.Sprintf("cld-%d", group)) }, nil, false, true},
		{"delete client", func() error { return svc.DeleteClient(ctx, "app-1") }, nil, false, true},
	} {
		group++
		require.NoError(t, svc.PutGroup(ctx, idm.Group{ID: fmt.Sprintf("cld-%d", group), ClientID: "app-1", OrganizationID: "org-1"}))
		s, err = svc.CreateSession(ctx, ann.ID)
		require.NoError(t, err)
		require.Equal(t, [3]bool{true, true, true}, may(), "before: %s", c.name)
		require.NoError(t, c.revoke(), c.name)
		require.Equal(t, [3]bool{!c.user, !c.app, !c.app}, may(), "after: %s", c.name)
		if c.undo != nil {
			require.NoError(t, c.undo())
		}
		require.NoError(t, svc.DeleteGroup(ctx, fmt.Sprintf("cld-%d", group)))
		require.False(t, may()[1], "after: %s", c.name)
	}
}

func serviceConcurrency(t *testing.T, svc idm.Service) {
	ctx := t.Context()
	ann := signUp(t, svc, "ann@example.com")
	require.NoError(t, svc.PutOrganization(ctx, idm.Organization{ID: "org-1"}))
	s, err := svc.CreateSession(ctx, ann.ID)
	require.NoError(t, err)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := svc.Authorize(ctx, authz.Request{
					Credential: authz.SessionToken(s.Token), Action: authz.Read, Resource: authz.Resource{Type: authz.Organization, ID: "org-1"},
				}); err != nil {
					t.Errorf("Authorize: %v", err)
					return
				}
			}
		})
	}
	// While others ask all the time, each change must be seen by the very next question.
	for range 20 {
		_, err = svc.PutMembership(ctx, ann.ID, "org-1", idm.Member)
		require.NoError(t, err)
		if !judge(t, svc, authz.SessionToken(s.Token), authz.Read, authz.Organization, "org-1").Allowed {
			t.Error("a granted role is not seen")
		}
		require.NoError(t, svc.DeleteMembership(ctx, ann.ID, "org-1"))
		if judge(t, svc, authz.SessionToken(s.Token), authz.Read, authz.Organization, "org-1").Allowed {
			t.Error("a revoked role is still seen")
		}
	}
	close(stop)
	wg.Wait()
}
