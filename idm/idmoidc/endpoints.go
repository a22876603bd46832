package idmoidc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/httpx"
)

// authorize begins a sign-in.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.page(w, http.StatusBadRequest, message{Title: "This link doesn't work", Text: "The request is malformed.", Home: p.home})
		return
	}
	asked := &asked{group: r.Form.Get("group_id")}
	if mode := r.Form.Get("response_mode"); mode != "" && mode != string(oidc.ResponseModeQuery) {
		asked.mode = mode
		r.Form.Del("response_mode") // or the refusal would be sent in that mode
	}
	ctx := context.WithValue(r.Context(), askedKey{}, asked)
	p.op.ServeHTTP(&redirector{ResponseWriter: w, issuer: p.issuer}, r.WithContext(ctx))
}

// callback hands the code to the app, in the browser of the user who signed in and in no other: whoever began the sign-in knows its id too,
// and could otherwise send somebody else to the login and fetch the code himself.
func (p *Provider) callback(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	info, err := p.svc.Introspect(ctx, sessionToken(r))
	if err != nil {
		p.log.ErrorContext(ctx, "oidc: read a session", slog.Any("error", err))
		p.unavailable(w)
		return
	}
	user := ""
	if info.Active {
		user = info.Subject
	}
	request := r.URL.Query().Get("id")
	if req, err := (storage{p}).request(ctx, request); err == nil && req.UserID != "" && req.UserID != user {
		http.Redirect(w, r, p.loginURL(request), http.StatusFound)
		return
	}
	p.op.ServeHTTP(&redirector{ResponseWriter: w, issuer: p.issuer}, r.WithContext(context.WithValue(ctx, visitorKey{}, user)))
}

// visitorKey is the context key of the user whose browser asks for a code.
type visitorKey struct{}

// redirector adds iss to what the app gets (RFC 9207), so that it can tell which provider answers.
type redirector struct {
	http.ResponseWriter
	issuer string
}

func (w *redirector) WriteHeader(status int) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address may hold a code
	if to := h.Get("Location"); to != "" && !strings.HasPrefix(to, w.issuer+"/") {
		if u, err := url.Parse(to); err == nil {
			q := u.Query()
			q.Set("iss", w.issuer)
			u.RawQuery = q.Encode()
			h.Set("Location", u.String())
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// token serves the token and the revocation endpoint.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	fail := func(status int, err *oidc.Error) { httpx.WriteJSON(w, status, err) }
	if r.URL.RawQuery != "" {
		fail(http.StatusBadRequest, oidc.ErrInvalidRequest().WithDescription("parameters belong in the body"))
		return
	}
	if err := r.ParseForm(); err != nil {
		fail(http.StatusBadRequest, oidc.ErrInvalidRequest().WithDescription("the form is malformed"))
		return
	}
	if strings.HasSuffix(r.URL.Path, "/token") {
		switch grant := r.PostForm.Get("grant_type"); oidc.GrantType(grant) {
		case oidc.GrantTypeCode, oidc.GrantTypeRefreshToken:
		case "":
			fail(http.StatusBadRequest, oidc.ErrInvalidRequest().WithDescription("grant_type is missing"))
			return
		default:
			fail(http.StatusBadRequest, oidc.ErrUnsupportedGrantType().WithDescription("only authorization_code and refresh_token are supported"))
			return
		}
	}
	p.op.ServeHTTP(&challenger{w}, r)
}

// challenger says how to authenticate when a client failed to.
type challenger struct{ http.ResponseWriter }

func (w *challenger) WriteHeader(status int) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="ensemble"`)
	}
	w.ResponseWriter.WriteHeader(status)
}

// userinfo says who the bearer of an access token signed in, as long as he may enter.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	deny := func() {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		httpx.WriteJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		deny()
		return
	}
	ctx := r.Context()
	s := storage{p}
	t, err := p.store.GetToken(ctx, hash(strings.TrimSpace(token)))
	if errors.Is(err, ErrNotFound) || err == nil && (t.Refresh || !p.now().Before(t.ExpiresAt)) {
		deny()
		return
	}
	info := new(oidc.UserInfo)
	if err == nil {
		var ok bool
		if ok, err = s.mayEnter(ctx, t.UserID, t.Group); err == nil && !ok {
			deny()
			return
		}
	}
	if err == nil {
		err = s.claims(ctx, info, t)
	}
	if err != nil {
		p.log.ErrorContext(ctx, "oidc: userinfo", slog.Any("error", err))
		w.Header().Set("Retry-After", "1")
		httpx.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "temporarily_unavailable"})
		return
	}
	httpx.WriteJSON(w, http.StatusOK, info)
}

// browser is the session of the browser that asks. It goes with the context through op.
type browser struct {
	token     string
	signedOut bool
}

type browserKey struct{}

// endSession signs the user out. An app that proves by an ID token that it knows him may do so at once; else he is asked, so that no other
// site can do it.
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.page(w, http.StatusBadRequest, message{Title: "This link doesn't work", Text: "The request is malformed.", Home: p.home})
		return
	}
	b := &browser{token: sessionToken(r)}
	confirmed := r.Method == http.MethodPost && r.PostForm.Get("confirm") == "yes" && sameOrigin(r)
	if b.token != "" && r.Form.Get("id_token_hint") == "" && !confirmed {
		p.page(w, http.StatusOK, message{Title: "Sign out?", Text: "You are about to sign out here and in all apps.", Confirm: true, Form: r.Form, Home: p.home})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	p.op.ServeHTTP(&eraser{w, b}, r.WithContext(context.WithValue(r.Context(), browserKey{}, b)))
}

// eraser takes the cookie of a session away that was ended.
type eraser struct {
	http.ResponseWriter
	browser *browser
}

func (w *eraser) WriteHeader(status int) {
	if w.browser.signedOut {
		http.SetCookie(w.ResponseWriter, &http.Cookie{Name: authz.SessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	w.ResponseWriter.WriteHeader(status)
}

func sessionToken(r *http.Request) string {
	if c, err := r.Cookie(authz.SessionCookie); err == nil {
		return c.Value
	}
	return ""
}

func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	u, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}
