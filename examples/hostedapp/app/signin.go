package app

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	signInCookie = "quotes_sign_in"
	signInLife   = 10 * time.Minute
	maxSignIns   = 1000
)

// signIn signs people in with OpenID Connect: the authorization code flow with PKCE, state and nonce.
type signIn struct {
	cfg  Config
	http *http.Client

	mu       sync.Mutex
	provider *oidc.Provider // found at the first sign-in
	pending  map[string]attempt
}

// attempt is a sign-in under way, by its state.
type attempt struct {
	nonce, verifier string
	ends            time.Time
}

func newSignIn(cfg Config) *signIn {
	return &signIn{cfg: cfg, http: &http.Client{Timeout: 10 * time.Second}, pending: map[string]attempt{}}
}

// find asks the issuer for its addresses and keys, once.
func (s *signIn) find(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	s.mu.Lock()
	p := s.provider
	s.mu.Unlock()
	if p == nil {
		var err error
		// The provider keeps this context for fetching keys later.
		if p, err = oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), s.http), s.cfg.Issuer); err != nil {
			return nil, nil, err
		}
		s.mu.Lock()
		s.provider = p
		s.mu.Unlock()
	}
	return p, &oauth2.Config{
		ClientID: s.cfg.ClientID, ClientSecret: s.cfg.ClientSecret, Endpoint: p.Endpoint(),
		RedirectURL: s.cfg.PublicURL + s.cfg.RedirectPath, Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}, nil
}

// begin remembers an attempt and returns where to send the browser.
func (s *signIn) begin(ctx context.Context) (state, target string, err error) {
	_, conf, err := s.find(ctx)
	if err != nil {
		return "", "", err
	}
	state = rand.Text()
	x := attempt{nonce: rand.Text(), verifier: oauth2.GenerateVerifier(), ends: time.Now().Add(signInLife)}
	s.mu.Lock()
	defer s.mu.Unlock()
	for old, y := range s.pending {
		if time.Now().After(y.ends) || len(s.pending) >= maxSignIns {
			delete(s.pending, old)
		}
	}
	s.pending[state] = x
	return state, conf.AuthCodeURL(state, oidc.Nonce(x.nonce), oauth2.S256ChallengeOption(x.verifier)), nil
}

var (
	errStale   = errors.New("the sign-in took too long or was begun in another browser")
	errForeign = errors.New("the sign-in is for another copy of the app")
)

// end exchanges the code and checks all that was promised.
func (s *signIn) end(ctx context.Context, state, code string) (user, error) {
	s.mu.Lock()
	x, ok := s.pending[state]
	delete(s.pending, state) // each state counts once
	s.mu.Unlock()
	if !ok || time.Now().After(x.ends) {
		return user{}, errStale
	}
	p, conf, err := s.find(ctx)
	if err != nil {
		return user{}, err
	}
	ctx = oidc.ClientContext(ctx, s.http)
	token, err := conf.Exchange(ctx, code, oauth2.VerifierOption(x.verifier))
	if err != nil {
		return user{}, err
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := p.VerifierContext(ctx, &oidc.Config{ClientID: s.cfg.ClientID}).Verify(ctx, raw)
	if err != nil {
		return user{}, err
	}
	if subtle.ConstantTimeCompare([]byte(idToken.Nonce), []byte(x.nonce)) != 1 {
		return user{}, errors.New("the id token is for another sign-in")
	}
	var claims claims
	if err := idToken.Claims(&claims); err != nil {
		return user{}, err
	}
	if p.UserInfoEndpoint() != "" {
		info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return user{}, fmt.Errorf("userinfo: %w", err)
		}
		if info.Subject != idToken.Subject {
			return user{}, errors.New("userinfo is about somebody else")
		}
		if err := info.Claims(&claims); err != nil {
			return user{}, err
		}
	}
	// The provider has judged already whether this person may enter this copy of the app. It also says which copy it judged.
	if claims.Group != "" && s.cfg.GroupID != "" && claims.Group != s.cfg.GroupID {
		return user{}, errForeign
	}
	return user{Subject: idToken.Subject, Name: claims.name(), Email: claims.Email}, nil
}

type claims struct {
	Group  string `json:"group_id"`
	Name   string `json:"name"`
	Given  string `json:"given_name"`
	Family string `json:"family_name"`
	Email  string `json:"email"`
}

func (c claims) name() string {
	for _, n := range []string{c.Name, strings.TrimSpace(c.Given + " " + c.Family), c.Email} {
		if n != "" {
			return n
		}
	}
	return "Signed in"
}

// beginSignIn is the app's entry for single sign-on.
func (a *App) beginSignIn(w http.ResponseWriter, r *http.Request) {
	if !a.cfg.signsIn() {
		a.message(w, r, http.StatusNotFound, "No sign-in", "This copy of Quotes was started without an identity provider.")
		return
	}
	state, target, err := a.signIn.begin(r.Context())
	if err != nil {
		a.log.WarnContext(r.Context(), "begin sign-in", "error", err)
		a.message(w, r, http.StatusBadGateway, "Please try again", "The sign-in service can't be reached right now.")
		return
	}
	a.sessions.cookie(w, signInCookie, state, signInLife)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// endSignIn is where the identity provider sends the browser back to.
func (a *App) endSignIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	q := r.URL.Query()
	began, err := r.Cookie(signInCookie)
	a.sessions.cookie(w, signInCookie, "", -1)
	if err != nil || subtle.ConstantTimeCompare([]byte(began.Value), []byte(q.Get("state"))) != 1 {
		a.message(w, r, http.StatusBadRequest, "Please sign in again", "The sign-in took too long, or was begun in another browser.")
		return
	}
	switch q.Get("error") {
	case "":
	case "access_denied":
		a.noAccess(w, r)
		return
	default:
		a.log.WarnContext(r.Context(), "sign-in refused", "error", q.Get("error"))
		a.message(w, r, http.StatusBadGateway, "Please sign in again", "The sign-in service refused the request.")
		return
	}
	u, err := a.signIn.end(r.Context(), q.Get("state"), q.Get("code"))
	switch {
	case err == nil:
	case errors.Is(err, errForeign):
		a.noAccess(w, r)
		return
	case errors.Is(err, errStale):
		a.message(w, r, http.StatusBadRequest, "Please sign in again", "The sign-in took too long, or was begun in another browser.")
		return
	default:
		a.log.WarnContext(r.Context(), "end sign-in", "error", err)
		a.message(w, r, http.StatusBadGateway, "Please sign in again", "The sign-in could not be completed.")
		return
	}
	a.sessions.begin(w, u)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (a *App) noAccess(w http.ResponseWriter, r *http.Request) {
	a.message(w, r, http.StatusForbidden, "No access", "Your account may not use this app. Somebody who administrates the organization can change that.")
}

func (a *App) signOut(w http.ResponseWriter, r *http.Request) {
	a.sessions.end(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
