package idmhttp

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/idmapi"
)

// form reads a form from the body, never from the URL: URLs end up in logs.
func form(r *http.Request) (url.Values, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return nil, problem.Invalid(errBad, "", "the Content-Type must be application/x-www-form-urlencoded")
	}
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, err
		}
		return nil, problem.Invalid(errBad, "", "the form is malformed")
	}
	return r.PostForm, nil
}

// token reads the form of introspection and revocation.
func token(r *http.Request) (string, error) {
	f, err := form(r)
	if err != nil {
		return "", err
	}
	if len(f["token"]) != 1 {
		return "", problem.Invalid(errBad, "token", "must be there once")
	}
	return f.Get("token"), nil
}

// Introspect says what a token stands for (RFC 7662).
func (s *server) Introspect(w http.ResponseWriter, r *http.Request) {
	t, err := token(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	info, err := s.svc.Introspect(r.Context(), t)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	httpx.WriteJSON(w, http.StatusOK, toAPIIntrospection(info))
}

// Revoke ends a token (RFC 7009).
func (s *server) Revoke(w http.ResponseWriter, r *http.Request) {
	t, err := token(r)
	if err == nil {
		err = s.svc.EndSession(r.Context(), t)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// CreateToken gives a client an access token (RFC 6749, section 4.4).
func (s *server) CreateToken(w http.ResponseWriter, r *http.Request) {
	f, err := form(r)
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			s.fail(w, r, err)
			return
		}
		oauthError(w, http.StatusBadRequest, "invalid_request", err.Error())
		return
	}
	switch grant := f.Get("grant_type"); {
	case len(f["grant_type"]) != 1:
		oauthError(w, http.StatusBadRequest, "invalid_request", "grant_type must be there once")
		return
	case grant != "client_credentials":
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "only client_credentials is supported")
		return
	}
	id, key, ok := clientOf(r, f)
	if !ok {
		oauthError(w, http.StatusUnauthorized, "invalid_client", "the client must name itself, in one way")
		return
	}
	session, err := s.svc.ClientToken(r.Context(), id, key)
	switch {
	case errors.Is(err, idm.ErrCredentials):
		oauthError(w, http.StatusUnauthorized, "invalid_client", "the client's id or key is wrong")
	case err != nil:
		s.fail(w, r, err)
	default:
		httpx.WriteJSON(w, http.StatusOK, idmapi.TokenResponse{
			AccessToken: session.Token, TokenType: "Bearer", ExpiresIn: max(int64(time.Until(session.ExpiresAt)/time.Second), 1),
		})
	}
}

// clientOf reads the client's id and key from the Authorization header, where they are form-encoded, or from the form.
func clientOf(r *http.Request, f url.Values) (id, key string, ok bool) {
	user, pass, basic := r.BasicAuth()
	inForm := f.Has("client_secret")
	switch {
	case basic && inForm:
		return "", "", false
	case basic:
		id, errID := url.QueryUnescape(user)
		key, errKey := url.QueryUnescape(pass)
		return id, key, errID == nil && errKey == nil && id != "" && key != ""
	case inForm:
		id, key = f.Get("client_id"), f.Get("client_secret")
		return id, key, id != "" && key != ""
	}
	return "", "", false
}

func oauthError(w http.ResponseWriter, status int, code, description string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="ensemble"`)
	}
	httpx.WriteJSON(w, status, idmapi.OAuthError{Error: code, ErrorDescription: &description})
}
