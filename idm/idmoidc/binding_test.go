package idmoidc_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/ensemble-platform/ensemble/idm"
)

// TestCodeStaysInTheBrowser sends a user to a sign-in that somebody else began, who then asks for the code himself.
func TestCodeStaysInTheBrowser(t *testing.T) {
	t.Parallel()
	eachSetup(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		_, c := w.relyingParty()
		stopAt := func(b *http.Client, path string) {
			b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
				if r.URL.Path == path || r.URL.Host == "127.0.0.1:9" {
					return http.ErrUseLastResponse
				}
				return nil
			}
		}
		location := func(address string) *url.URL {
			resp, err := w.browser.Get(address)
			require.NoError(t, err)
			_ = resp.Body.Close()
			to, err := resp.Location()
			require.NoError(t, err)
			return to
		}

		attacker := w.browser
		stopAt(attacker, "/oidc/login")
		verifier := oauth2.GenerateVerifier()
		login := location(c.AuthCodeURL("the attacker's state", oauth2.S256ChallengeOption(verifier)))
		require.Equal(t, "/oidc/login", login.Path)

		w.newBrowser()
		victim := w.browser
		stopAt(victim, "/oidc/authorize/callback")
		callback := location(login.String()) // the victim follows the attacker's link and is signed in
		require.Equal(t, "/oidc/authorize/callback", callback.Path)

		// Without a session, and with one of his own.
		w.browser = attacker
		to := location(callback.String())
		require.Equal(t, "/oidc/login", to.Path, "%s", to)
		require.Empty(t, to.Query().Get("code"))
		_, err := w.engine.CreateUser(ctx, idm.User{Email: "mallory@example.com"}, password)
		require.NoError(t, err)
		s, _, err := w.engine.Login(ctx, "mallory@example.com", password)
		require.NoError(t, err)
		u, err := url.Parse(w.url)
		require.NoError(t, err)
		attacker.Jar.SetCookies(u, []*http.Cookie{{Name: "ensemble_session", Value: s.Token, Path: "/"}})
		to = location(callback.String())
		require.Equal(t, "/oidc/login", to.Path, "%s", to)
		require.Empty(t, to.Query().Get("code"))

		// The victim's own browser gets it.
		w.browser = victim
		require.NotEmpty(t, location(callback.String()).Query().Get("code"))
	})
}
