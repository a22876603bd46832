package authz

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
)

// SessionCookie is the cookie that carries a browser's session token on the platform's own pages.
const SessionCookie = "ensemble_session"

// FromRequest reads the credential that r presents, in every form the platform's clients use:
//
//   - "Authorization: Bearer TOKEN"
//   - "Authorization: Basic base64(id:key)", an API key
//   - "Authorization: Basic base64(token:)" or base64(token), a session
//   - the query parameter sso_session
//   - the session cookie, for requests that are same-origin (a browser says so) or that only read
//
// It returns the zero Credential when there is none, or when what is there cannot be read.
func FromRequest(r *http.Request) Credential {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, rest, _ := strings.Cut(h, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case strings.EqualFold(scheme, "Bearer") && rest != "":
			return SessionToken(rest)
		case strings.EqualFold(scheme, "Basic"):
			return fromBasic(rest)
		}
		return Credential{}
	}
	if strings.Contains(r.URL.RawQuery, "sso_session=") {
		if t := r.URL.Query().Get("sso_session"); t != "" {
			return SessionToken(t)
		}
	}
	if c, err := r.Cookie(SessionCookie); err == nil && c.Value != "" && cookieAllowed(r) {
		return SessionToken(c.Value)
	}
	return Credential{}
}

func fromBasic(s string) Credential {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		if b, err = base64.RawStdEncoding.DecodeString(s); err != nil {
			return Credential{}
		}
	}
	id, key, found := strings.Cut(string(b), ":")
	switch {
	case id == "":
		return Credential{}
	case !found || key == "":
		return SessionToken(id)
	default:
		return Key(id, key)
	}
}

// cookieAllowed keeps other sites from writing with a visitor's cookie.
func cookieAllowed(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		o := r.Header.Get("Origin")
		return o == "" || strings.EqualFold(strings.TrimPrefix(strings.TrimPrefix(o, "https://"), "http://"), r.Host)
	default:
		return false
	}
}

// SetRequest puts c on an outgoing request. A Trusted credential has no form on the wire and is left out.
func SetRequest(r *http.Request, c Credential) {
	switch c.Kind {
	case Session:
		r.Header.Set("Authorization", "Bearer "+c.Secret)
	case APIKey:
		r.SetBasicAuth(c.ID, c.Secret)
	case Trusted:
	}
}

// Outgoing is the credential for a call to another process on behalf of ctx: the caller's, so that he is judged there too. In place of a
// Trusted one, which has no form on the wire, it is own. An anonymous call stays anonymous: a process that passes requests on must not
// lend strangers its own rights.
func Outgoing(ctx context.Context, own Credential) Credential {
	if c := CredentialFrom(ctx); c.Kind != Trusted {
		return c
	}
	return own
}

// Middleware puts the request's credential into its context.
func Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(WithCredential(r.Context(), FromRequest(r))))
	})
}
