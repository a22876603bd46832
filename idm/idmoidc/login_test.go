package idmoidc_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmoidc"
)

func TestNoAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	_, c := w.relyingParty()
	require.NoError(t, w.engine.DeleteMembership(t.Context(), w.user.ID, "org-1"))
	got, status, body := w.visit(c.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	require.Nil(t, got)
	require.Equal(t, 403, status)
	require.Contains(t, body, "You can&#39;t open Notes &amp; Co")
	require.Contains(t, body, "ann@example.com")
	require.NotContains(t, body, "org-1")
}

func TestChoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	ctx := t.Context()
	p, c := w.relyingParty()
	require.NoError(t, w.engine.PutGroup(ctx, idm.Group{ID: "cld-2", ClientID: "app-1", OrganizationID: "org-2"}))
	w.signIn(c) // not a member there: nothing to choose
	_, err := w.engine.PutMembership(ctx, w.user.ID, "org-2", idm.Member)
	require.NoError(t, err)

	verifier := oauth2.GenerateVerifier()
	got, status, body := w.visit(c.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
	require.Nil(t, got)
	require.Equal(t, 200, status)
	require.Contains(t, body, "&lt;org-1&gt;")
	require.Contains(t, body, "&lt;org-2&gt;")
	i := strings.Index(body, "group=cld-2")
	link := body[strings.LastIndex(body[:i], `"`)+1:]
	link = html.UnescapeString(link[:strings.Index(link, `"`)])
	got, _, body = w.visit(w.url + link)
	require.NotNil(t, got, body)
	tok, err := c.Exchange(ctx, got.Get("code"), oauth2.VerifierOption(verifier))
	require.NoError(t, err)
	raw, _ := tok.Extra("id_token").(string)
	idToken, err := p.Verifier(&oidc.Config{ClientID: "app-1"}).Verify(ctx, raw)
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, idToken.Claims(&claims))
	require.Equal(t, "cld-2", claims["group_id"])
	require.Equal(t, "org-2", claims["organization"])

	w.signIn(c, oauth2.SetAuthURLParam("group_id", "cld-1")) // the app chooses
	_, status, _ = w.visit(c.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("group_id", "cld-none")))
	require.Equal(t, 403, status)
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	_, c := w.relyingParty()
	none, login := oauth2.SetAuthURLParam("prompt", "none"), oauth2.SetAuthURLParam("prompt", "login")
	pkce := oauth2.S256ChallengeOption(oauth2.GenerateVerifier())
	errorOf := func(opts ...oauth2.AuthCodeOption) string {
		got, status, body := w.visit(c.AuthCodeURL("s", append(opts, pkce)...))
		require.NotNil(t, got, "%d %s", status, body)
		return got.Get("error")
	}
	require.Equal(t, "login_required", errorOf(none))
	w.signIn(c)
	cookie := func() string {
		u, _ := url.Parse(w.url)
		for _, c := range w.browser.Jar.Cookies(u) {
			if c.Name == authz.SessionCookie {
				return c.Value
			}
		}
		return ""
	}
	before := cookie()
	require.NotEmpty(t, before)
	w.signIn(c, none)
	w.signIn(c)
	require.Equal(t, before, cookie(), "the session is used again")
	w.clock.offset.Add(int64(time.Hour))
	w.signIn(c, oauth2.SetAuthURLParam("max_age", "7200"))
	require.Equal(t, before, cookie())
	require.Equal(t, "login_required", errorOf(none, oauth2.SetAuthURLParam("max_age", "60")))
	w.signIn(c, login)
	require.NotEqual(t, before, cookie(), "the password was asked for")
	before = cookie()
	w.clock.offset.Add(int64(time.Hour))
	w.signIn(c, oauth2.SetAuthURLParam("max_age", "60"))
	require.NotEqual(t, before, cookie())
}

func TestLoginPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	_, c := w.relyingParty()
	w.browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/login" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	resp, err := w.browser.Get(c.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	require.NoError(t, err)
	_ = resp.Body.Close()
	to, err := resp.Location()
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(to.Query().Get("return_to"), "/oidc/login?id="), "a path of this host: %s", to)

	// A service's token is not a user's session, and an unknown sign-in is none.
	svc, err := w.engine.ClientToken(t.Context(), "svc-oidc", "the key of the provider")
	require.NoError(t, err)
	u, _ := url.Parse(w.url)
	w.browser.Jar.SetCookies(u, []*http.Cookie{{Name: authz.SessionCookie, Value: svc.Token, Path: "/"}})
	resp, err = w.browser.Get(w.url + to.Query().Get("return_to"))
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, 302, resp.StatusCode)
	for _, id := range []string{"", "req_x"} {
		_, status, body := w.visit(w.issuer + "/login?id=" + id)
		require.Equal(t, 400, status)
		require.Contains(t, body, "This sign-in is over")
		_, status, _ = w.visit(w.issuer + "/authorize/callback?id=" + id)
		require.Equal(t, 400, status)
	}
}

func TestCallbackGivesOneCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	_, c := w.relyingParty()
	var last string
	follow := w.browser.CheckRedirect
	w.browser.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/authorize/callback") {
			last = r.URL.String()
		}
		return follow(r, via)
	}
	w.signIn(c)
	_, status, _ := w.visit(last)
	require.Equal(t, 400, status)
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	ctx := t.Context()
	p, c := w.relyingParty()
	sign := func() (*oauth2.Token, string) {
		code, verifier := w.signIn(c)
		tok, err := c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		require.NoError(t, err)
		raw, _ := tok.Extra("id_token").(string)
		return tok, raw
	}
	signedIn := func() bool {
		u, _ := url.Parse(w.url)
		return len(w.browser.Jar.Cookies(u)) > 0
	}
	end := w.issuer + "/end_session?"

	tok, idToken := sign()
	// Another site can't sign anybody out.
	_, status, body := w.visit(end)
	require.Equal(t, 200, status)
	require.Contains(t, body, "Sign out?")
	require.True(t, signedIn())
	_, status, _ = w.visit(end + url.Values{"id_token_hint": {idToken + "x"}}.Encode())
	require.Equal(t, 400, status)
	for _, to := range []string{"https://evil.example/", "http://127.0.0.1:9/other"} {
		_, status, _ = w.visit(end + url.Values{"id_token_hint": {idToken}, "post_logout_redirect_uri": {to}}.Encode())
		require.Equal(t, 400, status, "no open redirect")
	}
	require.True(t, signedIn())

	resp, err := w.browser.Get(end + url.Values{"id_token_hint": {idToken}, "post_logout_redirect_uri": {"http://127.0.0.1:9/"}, "state": {"bye"}}.Encode())
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, "http://127.0.0.1:9/?state=bye", resp.Header.Get("Location"))
	require.False(t, signedIn())
	_, err = c.TokenSource(ctx, &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
	require.Equal(t, "invalid_grant", oauthCode(t, err))
	_, err = p.UserInfo(ctx, oauth2.StaticTokenSource(tok))
	require.Error(t, err)

	// Whoever confirms on the page signs out, another site's form doesn't.
	sign()
	w.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, site := range []string{"cross-site", "same-origin"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, end, strings.NewReader("confirm=yes"))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", site)
		resp, err := w.browser.Do(req)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		require.Equal(t, site == "cross-site", signedIn())
	}
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	ctx := t.Context()
	p, c := w.relyingParty()
	revoke := func(token, hint, id, key string) int {
		form := url.Values{"token": {token}}
		if hint != "" {
			form.Set("token_type_hint", hint)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.issuer+"/revoke", strings.NewReader(form.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(id, key)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	otherKey, err := w.engine.PutClient(ctx, idm.Client{ID: "app-2", Kind: idm.AppClient}, "")
	require.NoError(t, err)
	for _, hint := range []string{"", "access_token", "refresh_token"} {
		for _, which := range []string{"access", "refresh"} {
			code, verifier := w.signIn(c)
			tok, err := c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
			require.NoError(t, err)
			token := map[string]string{"access": tok.AccessToken, "refresh": tok.RefreshToken}[which]
			require.Equal(t, 401, revoke(token, hint, "app-1", "wrong"))
			require.Equal(t, 200, revoke("unknown", hint, "app-1", w.key))
			require.Equal(t, 200, revoke(token, hint, "app-2", otherKey), "another's token is unknown")
			_, err = p.UserInfo(ctx, oauth2.StaticTokenSource(tok))
			require.NoError(t, err)
			require.Equal(t, 200, revoke(token, hint, "app-1", w.key))
			_, err = p.UserInfo(ctx, oauth2.StaticTokenSource(tok))
			require.Error(t, err, "%s with hint %q", which, hint)
			_, err = c.TokenSource(ctx, &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
			require.Equal(t, "invalid_grant", oauthCode(t, err))
		}
	}
}

func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	for _, c := range []struct {
		name, query, form string
		status            int
		want              string
	}{
		{"nothing", "", "", 400, "invalid_request"},
		{"client credentials", "", "grant_type=client_credentials", 400, "unsupported_grant_type"},
		{"password", "", "grant_type=password&username=a&password=b", 400, "unsupported_grant_type"},
		{"assertion", "", "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=e30.e30.", 400, "unsupported_grant_type"},
		{"token exchange", "", "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange", 400, "unsupported_grant_type"},
		{"in the URL", "?grant_type=refresh_token&refresh_token=x", "", 400, "invalid_request"},
		{"no client", "", "grant_type=refresh_token&refresh_token=x", 400, ""},
		{"client assertion", "", "grant_type=authorization_code&code=x&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=e30.e30.", 400, ""},
	} {
		resp, err := http.Post(w.issuer+"/oauth/token"+c.query, "application/x-www-form-urlencoded", strings.NewReader(c.form))
		require.NoError(t, err)
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		_ = resp.Body.Close()
		require.GreaterOrEqual(t, resp.StatusCode, 400, c.name)
		require.Less(t, resp.StatusCode, 500, "%s: %s", c.name, b)
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		if c.want != "" {
			require.Equal(t, c.status, resp.StatusCode)
			require.Contains(t, string(b), `"`+c.want+`"`, c.name)
		}
	}
	resp, err := http.Get(w.issuer + "/oauth/token")
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, 405, resp.StatusCode)
}

func TestUserinfoNeedsAnAccessToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	_, c := w.relyingParty()
	code, verifier := w.signIn(c)
	tok, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	require.NoError(t, err)
	s, err := w.engine.CreateSession(t.Context(), w.user.ID)
	require.NoError(t, err)
	ask := func(token string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.issuer+"/userinfo", nil)
		require.NoError(t, err)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		_ = resp.Body.Close()
		return resp
	}
	for _, bad := range []string{"", "x", tok.RefreshToken, s.Token, w.key} {
		resp := ask(bad)
		require.Equal(t, 401, resp.StatusCode)
		require.Equal(t, `Bearer error="invalid_token"`, resp.Header.Get("WWW-Authenticate"))
	}
	require.Equal(t, 200, ask(tok.AccessToken).StatusCode)
	w.clock.offset.Add(int64(5*time.Minute + time.Second))
	require.Equal(t, 401, ask(tok.AccessToken).StatusCode, "expired")
	d, err := w.engine.Authorize(t.Context(), authz.Request{Credential: authz.SessionToken(tok.AccessToken), Action: authz.Read, Resource: authz.Resource{Type: authz.Organization, ID: "org-1"}})
	require.NoError(t, err)
	require.False(t, d.Authenticated, "an app's access token opens nothing else")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	ctx := t.Context()
	p, c := w.relyingParty()
	verify := func(raw string) error {
		_, err := p.Verifier(&oidc.Config{ClientID: "app-1"}).Verify(ctx, raw)
		return err
	}
	sign := func() string {
		code, verifier := w.signIn(c)
		tok, err := c.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		require.NoError(t, err)
		raw, _ := tok.Extra("id_token").(string)
		return raw
	}
	old := sign()
	require.NoError(t, verify(old))

	// The keys outlive the process.
	again, err := idmoidc.New(w.engine, w.store, w.issuer, idmoidc.WithInsecureIssuer())
	require.NoError(t, err)
	require.NoError(t, again.RotateKey(ctx))
	keys, err := w.store.Keys(ctx)
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.NoError(t, w.provider.RotateKey(ctx))
	fresh := sign()
	require.NotEqual(t, kid(t, old), kid(t, fresh))
	require.NoError(t, verify(fresh))
	p, _ = w.relyingParty() // without a cached key set
	require.NoError(t, verify(old), "what the old key signed is still understood")

	w.clock.offset.Add(int64(31 * 24 * time.Hour))
	require.NoError(t, w.provider.RotateKey(ctx))
	keys, err = w.store.Keys(ctx)
	require.NoError(t, err)
	require.Len(t, keys, 2, "the newest and the one before")
}

func kid(t *testing.T, raw string) string {
	t.Helper()
	head, _, _ := strings.Cut(raw, ".")
	require.NotEmpty(t, head)
	return head
}

func TestIssuers(t *testing.T) {
	t.Parallel()
	engine := idm.New(nil)
	for issuer, ok := range map[string]bool{
		"https://id.example.com": true, "https://example.com/oidc": true,
		"": false, "https://example.com/oidc/": false, "http://example.com/oidc": false, "https://example.com/?x=1": false, "nonsense": false,
	} {
		_, err := idmoidc.New(engine, idmoidc.NewMemStore(), issuer)
		require.Equal(t, ok, err == nil, issuer)
	}
	_, err := idmoidc.New(engine, idmoidc.NewMemStore(), "http://localhost:8080/oidc", idmoidc.WithInsecureIssuer())
	require.NoError(t, err)
}
