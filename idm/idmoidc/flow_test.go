package idmoidc_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/ensemble-platform/ensemble/idm"
)

func TestSignIn(t *testing.T) {
	eachSetup(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		p, c := w.relyingParty()
		code, verifier := w.signIn(c)
		tok, err := c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		require.NoError(t, err)
		require.Equal(t, "Bearer", tok.TokenType)
		require.InDelta(t, 300, tok.ExpiresIn, 5)

		raw, _ := tok.Extra("id_token").(string)
		idToken, err := p.Verifier(&oidc.Config{ClientID: "app-1", SupportedSigningAlgs: []string{"RS256"}}).Verify(ctx, raw)
		require.NoError(t, err)
		require.Equal(t, w.user.ID, idToken.Subject)
		require.Equal(t, "the nonce", idToken.Nonce)
		require.Equal(t, w.issuer, idToken.Issuer)
		require.NoError(t, idToken.VerifyAccessToken(tok.AccessToken))
		parsed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
		require.NoError(t, err)
		require.NotEmpty(t, parsed.Signatures[0].Header.KeyID)

		type claims struct {
			Sub, Email, Name, Organization string
			GivenName                      string `json:"given_name"`
			FamilyName                     string `json:"family_name"`
			GroupID                        string `json:"group_id"`
		}
		want := claims{w.user.ID, "ann@example.com", "Ann Lee", "org-1", "Ann", "Lee", "cld-1"}
		var got claims
		require.NoError(t, idToken.Claims(&got))
		require.Equal(t, want, got)
		info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(tok))
		require.NoError(t, err)
		got = claims{}
		require.NoError(t, info.Claims(&got))
		require.Equal(t, want, got)
		require.Equal(t, w.user.ID, info.Subject)

		// Signed in already: straight through, and as little as was asked for.
		c.Scopes = []string{oidc.ScopeOpenID}
		code, verifier = w.signIn(c)
		tok, err = c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		require.NoError(t, err)
		require.Empty(t, tok.RefreshToken)
		info, err = p.UserInfo(ctx, oauth2.StaticTokenSource(tok))
		require.NoError(t, err)
		got = claims{}
		require.NoError(t, info.Claims(&got))
		require.Equal(t, claims{Sub: w.user.ID, Organization: "org-1", GroupID: "cld-1"}, got)

		for _, secret := range []string{w.key, code, verifier, tok.AccessToken, password} {
			require.NotContains(t, w.logs.String(), secret)
		}
	})
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	resp, err := http.Get(w.issuer + "/.well-known/openid-configuration")
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	var m map[string]any
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&m))
	require.Equal(t, w.issuer, m["issuer"])
	require.Equal(t, []any{"code"}, m["response_types_supported"])
	require.Equal(t, []any{"S256"}, m["code_challenge_methods_supported"])
	require.Equal(t, []any{"authorization_code", "refresh_token"}, m["grant_types_supported"])
	require.Equal(t, []any{"RS256"}, m["id_token_signing_alg_values_supported"])
	for _, path := range []string{"/device_authorization", "/oauth/introspect", "/healthz", "/ready", "/nothing"} {
		resp, err := http.Post(w.issuer+path, "application/x-www-form-urlencoded", nil)
		require.NoError(t, err)
		_ = resp.Body.Close()
		require.Contains(t, []int{404, 405}, resp.StatusCode, path)
	}
}

func TestAuthorizationRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	_, c := w.relyingParty()
	challenge := oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())
	set := oauth2.SetAuthURLParam
	s256 := []oauth2.AuthCodeOption{set("code_challenge", challenge), set("code_challenge_method", "S256")}
	for _, bad := range []struct {
		name string
		edit func(c *oauth2.Config)
		opts []oauth2.AuthCodeOption
		want string // the error that the app gets; "" means that the browser isn't sent there
	}{
		{"no PKCE", nil, nil, "invalid_request"},
		{"plain PKCE", nil, []oauth2.AuthCodeOption{set("code_challenge", challenge), set("code_challenge_method", "plain")}, "invalid_request"},
		{"PKCE without a method", nil, []oauth2.AuthCodeOption{set("code_challenge", challenge)}, "invalid_request"},
		{"unknown PKCE method", nil, []oauth2.AuthCodeOption{set("code_challenge", challenge), set("code_challenge_method", "S512")}, "invalid_request"},
		{"a challenge that is no hash", nil, []oauth2.AuthCodeOption{set("code_challenge", "short"), set("code_challenge_method", "S256")}, "invalid_request"},
		{"implicit flow", nil, append(s256, set("response_type", "id_token token")), ""},
		{"no response type", nil, append(s256, set("response_type", "")), ""},
		{"fragment", nil, append(s256, set("response_mode", "fragment")), "invalid_request"},
		{"no openid", func(c *oauth2.Config) { c.Scopes = []string{"email"} }, s256, "invalid_scope"},
		{"request object", nil, append(s256, set("request", "e30.e30.")), "request_not_supported"},
		{"wrong redirect", func(c *oauth2.Config) { c.RedirectURL = "http://127.0.0.1:9/callback/" }, s256, ""},
		{"redirect with more", func(c *oauth2.Config) { c.RedirectURL = redirect + "?x=1" }, s256, ""},
		{"another port", func(c *oauth2.Config) { c.RedirectURL = "http://127.0.0.1:99/callback" }, s256, ""},
		{"another host", func(c *oauth2.Config) { c.RedirectURL = "https://evil.example/callback" }, s256, ""},
		{"no redirect", func(c *oauth2.Config) { c.RedirectURL = "" }, s256, ""},
		{"unknown client", func(c *oauth2.Config) { c.ClientID = "app-none" }, s256, ""},
		{"a service is no app", func(c *oauth2.Config) { c.ClientID = "svc-oidc" }, s256, ""},
		{"a user is no app", func(c *oauth2.Config) { c.ClientID = w.user.ID }, s256, ""},
	} {
		cc := *c
		if bad.edit != nil {
			bad.edit(&cc)
		}
		got, status, body := w.visit(cc.AuthCodeURL("s", bad.opts...))
		if bad.want == "" {
			require.Nil(t, got, bad.name)
			require.Equal(t, 400, status, "%s: %s", bad.name, body)
			continue
		}
		require.NotNil(t, got, "%s: %d %s", bad.name, status, body)
		require.Equal(t, bad.want, got.Get("error"), bad.name)
		require.Empty(t, got.Get("code"))
		require.Equal(t, "s", got.Get("state"))
		require.Equal(t, w.issuer, got.Get("iss"))
	}
}

func TestCodes(t *testing.T) {
	eachSetup(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		p, c := w.relyingParty()

		code, verifier := w.signIn(c)
		tok, err := c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		require.NoError(t, err)
		_, err = c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		require.Equal(t, "invalid_grant", oauthCode(t, err), "a code works once")
		_, err = p.UserInfo(ctx, oauth2.StaticTokenSource(tok))
		require.Error(t, err, "a replay revokes the access token")
		_, err = c.TokenSource(ctx, &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
		require.Equal(t, "invalid_grant", oauthCode(t, err), "and the refresh token")
		require.Contains(t, w.logs.String(), "a code came twice")

		for name, exchange := range map[string]func(code, verifier string) error{
			"no verifier": func(code, _ string) error { _, err := c.Exchange(ctx, code); return err },
			"wrong verifier": func(code, _ string) error {
				_, err := c.Exchange(ctx, code, oauth2.VerifierOption(oauth2.GenerateVerifier()))
				return err
			},
			"wrong secret": func(code, verifier string) error {
				cc := *c
				cc.ClientSecret = "wrong"
				_, err := cc.Exchange(ctx, code, oauth2.VerifierOption(verifier))
				return err
			},
			"no secret": func(code, verifier string) error {
				cc := *c
				cc.ClientSecret = ""
				_, err := cc.Exchange(ctx, code, oauth2.VerifierOption(verifier))
				return err
			},
			"another redirect": func(code, verifier string) error {
				cc := *c
				cc.RedirectURL = "http://127.0.0.1:9/other"
				_, err := cc.Exchange(ctx, code, oauth2.VerifierOption(verifier))
				return err
			},
			"another app": func(code, verifier string) error {
				key, err := w.engine.PutClient(ctx, idm.Client{ID: "app-2", Kind: idm.AppClient, RedirectURIs: []string{redirect}}, "the key of another app")
				require.NoError(t, err)
				cc := *c
				cc.ClientID, cc.ClientSecret = "app-2", key
				_, err = cc.Exchange(ctx, code, oauth2.VerifierOption(verifier))
				return err
			},
			"too late": func(code, verifier string) error {
				w.clock.offset.Add(int64(61 * time.Second))
				_, err := c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
				return err
			},
			"a made-up code": func(_, verifier string) error {
				_, err := c.Exchange(ctx, "cod_x", oauth2.VerifierOption(verifier))
				return err
			},
		} {
			code, verifier := w.signIn(c)
			err := exchange(code, verifier)
			require.Contains(t, []string{"invalid_grant", "invalid_client", "invalid_request"}, oauthCode(t, err), name)
		}
	})
}

func TestRefresh(t *testing.T) {
	eachSetup(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		p, c := w.relyingParty()
		code, verifier := w.signIn(c)
		first, err := c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		require.NoError(t, err)
		refresh := func(token string) (*oauth2.Token, error) {
			return c.TokenSource(ctx, &oauth2.Token{RefreshToken: token}).Token()
		}
		second, err := refresh(first.RefreshToken)
		require.NoError(t, err)
		require.NotEqual(t, first.RefreshToken, second.RefreshToken, "rotated")
		raw, _ := second.Extra("id_token").(string)
		idToken, err := p.Verifier(&oidc.Config{ClientID: "app-1"}).Verify(ctx, raw)
		require.NoError(t, err)
		require.Equal(t, w.user.ID, idToken.Subject)
		third, err := refresh(second.RefreshToken)
		require.NoError(t, err)
		_, err = p.UserInfo(ctx, oauth2.StaticTokenSource(third))
		require.NoError(t, err)

		_, err = refresh(first.RefreshToken)
		require.Equal(t, "invalid_grant", oauthCode(t, err), "reuse")
		_, err = refresh(third.RefreshToken)
		require.Equal(t, "invalid_grant", oauthCode(t, err), "reuse revokes the whole family")
		_, err = p.UserInfo(ctx, oauth2.StaticTokenSource(third))
		require.Error(t, err)
		_, err = refresh(third.AccessToken)
		require.Equal(t, "invalid_grant", oauthCode(t, err), "an access token is no refresh token")

		// Another app can't use it, and spoils nothing by trying.
		code, verifier = w.signIn(c)
		tok, err := c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		require.NoError(t, err)
		key, err := w.engine.PutClient(ctx, idm.Client{ID: "app-2", Kind: idm.AppClient}, "the key of another app")
		require.NoError(t, err)
		other := *c
		other.ClientID, other.ClientSecret = "app-2", key
		_, err = other.TokenSource(ctx, &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
		require.Equal(t, "invalid_grant", oauthCode(t, err))
		tok, err = refresh(tok.RefreshToken)
		require.NoError(t, err)

		// A sign-in ends, however often it is refreshed.
		w.clock.offset.Add(int64(29 * 24 * time.Hour))
		tok, err = refresh(tok.RefreshToken)
		require.NoError(t, err)
		w.clock.offset.Add(int64(2 * 24 * time.Hour))
		_, err = refresh(tok.RefreshToken)
		require.Equal(t, "invalid_grant", oauthCode(t, err))
	})
}

func TestAccessEnds(t *testing.T) {
	eachSetup(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		p, c := w.relyingParty()
		owner, err := w.engine.CreateUser(ctx, idm.User{Email: "owner@example.com"}, password)
		require.NoError(t, err)
		_, err = w.engine.PutMembership(ctx, owner.ID, "org-1", idm.SuperAdmin)
		require.NoError(t, err)
		for _, revoke := range []struct {
			name     string
			do, undo func() error
		}{
			{
				"membership", func() error { return w.engine.DeleteMembership(ctx, w.user.ID, "org-1") },
				func() error { _, err := w.engine.PutMembership(ctx, w.user.ID, "org-1", idm.Member); return err },
			},
			{
				"freeze", func() error { return w.engine.PutOrganization(ctx, idm.Organization{ID: "org-1", Frozen: true}) },
				func() error { return w.engine.PutOrganization(ctx, idm.Organization{ID: "org-1"}) },
			},
			{
				"disable",
				func() error {
					_, err := w.engine.UpdateUser(ctx, w.user.ID, func(u *idm.User) error { u.Disabled = true; return nil })
					return err
				},
				func() error {
					_, err := w.engine.UpdateUser(ctx, w.user.ID, func(u *idm.User) error { u.Disabled = false; return nil })
					return err
				},
			},
			{"group", func() error { return w.engine.DeleteGroup(ctx, "cld-1") }, func() error { return nil }},
		} {
			code, verifier := w.signIn(c)
			tok, err := c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
			require.NoError(t, err, revoke.name)
			late, lateVerifier := w.signIn(c)
			require.NoError(t, revoke.do())
			_, err = p.UserInfo(ctx, oauth2.StaticTokenSource(tok))
			require.Error(t, err, revoke.name)
			_, err = c.TokenSource(ctx, &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
			require.Equal(t, "invalid_grant", oauthCode(t, err), revoke.name)
			_, err = c.Exchange(ctx, late, oauth2.VerifierOption(lateVerifier))
			require.Equal(t, "invalid_grant", oauthCode(t, err), revoke.name)
			require.NoError(t, revoke.undo())
		}
	})
}
