package idmoidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/internal/id"
)

// storage is what op knows of the world. op shows the text of errors to clients: what goes wrong inside is logged here and becomes
// a bare server_error.
type storage struct{ *Provider }

var (
	_                op.Storage                        = storage{}
	_                op.CanSetUserinfoFromRequest      = storage{}
	_                op.CanTerminateSessionFromRequest = storage{}
	errUnknownClient error                             = oidc.ErrInvalidClient().WithDescription("unknown client")
)

func (s storage) trouble(ctx context.Context, what string, err error) error {
	if ctx.Err() == nil {
		s.log.ErrorContext(ctx, "oidc: "+what, slog.Any("error", err))
	}
	return oidc.ErrServerError()
}

// asked is what op doesn't hand on of an authorization request, or what it must not see. It goes with the context to
// CreateAuthRequest.
type asked struct{ group, mode string }

type askedKey struct{}

// CreateAuthRequest begins a sign-in. op has checked the client, the redirect address and the response type.
func (s storage) CreateAuthRequest(ctx context.Context, a *oidc.AuthRequest, hintedUser string) (op.AuthRequest, error) {
	more, ok := ctx.Value(askedKey{}).(*asked)
	if !ok {
		return nil, oidc.ErrServerError()
	}
	switch {
	case a.CodeChallenge == "" || a.CodeChallengeMethod != oidc.CodeChallengeMethodS256:
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE with the method S256 is needed")
	case len(a.CodeChallenge) != 43:
		return nil, oidc.ErrInvalidRequest().WithDescription("the code_challenge is not a SHA-256")
	case more.mode != "":
		return nil, oidc.ErrInvalidRequest().WithDescription("this response_mode is not supported")
	case !slices.Contains(a.Scopes, oidc.ScopeOpenID):
		return nil, oidc.ErrInvalidScope().WithDescription("the scope openid is needed")
	case len(a.State) > 2048 || len(a.Nonce) > 2048:
		return nil, oidc.ErrInvalidRequest().WithDescription("state or nonce is too long")
	}
	now := s.stamp()
	r := Request{
		ID: id.Secret("req_"), ClientID: a.ClientID, RedirectURI: a.RedirectURI, Scopes: a.Scopes, State: a.State, Nonce: a.Nonce,
		CodeChallenge: a.CodeChallenge, Silent: slices.Contains(a.Prompt, oidc.PromptNone), MaxAge: a.MaxAge,
		AskedGroup: more.group, AskedUser: hintedUser, CreatedAt: now, ExpiresAt: now.Add(requestLife),
	}
	if err := s.store.CreateRequest(ctx, r); err != nil {
		return nil, s.trouble(ctx, "begin a sign-in", err)
	}
	return authRequest{&r}, nil
}

func (s storage) AuthRequestByID(ctx context.Context, id string) (op.AuthRequest, error) {
	r, err := s.request(ctx, id)
	if err != nil {
		return nil, err
	}
	return authRequest{r}, nil
}

var errOver = oidc.ErrInvalidRequest().WithDescription("this sign-in is unknown or took too long: begin again")

// request is a sign-in that can still go on.
func (s storage) request(ctx context.Context, id string) (*Request, error) {
	r, err := s.store.GetRequest(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, errOver
	}
	if err != nil {
		return nil, s.trouble(ctx, "read a sign-in", err)
	}
	if r.CodeHash != "" || !s.now().Before(r.ExpiresAt) {
		return nil, errOver
	}
	return r, nil
}

func (s storage) SaveAuthCode(ctx context.Context, id, code string) error {
	// The user may have changed since callback looked.
	visitor, _ := ctx.Value(visitorKey{}).(string)
	_, err := s.store.UpdateRequest(ctx, id, func(r *Request) error {
		if r.CodeHash != "" || r.UserID == "" || r.UserID != visitor {
			return errOver
		}
		now := s.stamp()
		r.CodeHash, r.CodeExpiresAt = hash(code), now.Add(codeLife)
		r.ExpiresAt = now.Add(s.refreshLife + requestLife) // longer than its tokens
		return nil
	})
	switch {
	case errors.Is(err, errOver), errors.Is(err, ErrNotFound):
		return errOver
	case err != nil:
		return s.trouble(ctx, "keep a code", err)
	}
	return nil
}

func (s storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	r, first, err := s.store.UseCode(ctx, hash(code))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, errors.New("unknown code")
	case err != nil:
		return nil, s.trouble(ctx, "use a code", err)
	case !first:
		s.log.WarnContext(ctx, "oidc: a code came twice; what it gave is revoked", slog.String("client", r.ClientID), slog.String("user", r.UserID))
		return nil, errors.New("the code was used before")
	case !s.now().Before(r.CodeExpiresAt):
		return nil, errors.New("the code has expired")
	}
	return authRequest{r}, nil
}

// DeleteAuthRequest does nothing: a request that was served is kept until it expires, to notice a code that comes twice.
func (s storage) DeleteAuthRequest(context.Context, string) error { return nil }

// entry is what the tokens of a sign-in have in common.
func entry(request op.TokenRequest) (Token, error) {
	switch r := request.(type) {
	case authRequest:
		return Token{
			Family: r.ID, UserID: r.UserID, ClientID: r.ClientID, Scopes: r.Scopes, Group: r.Group, Organization: r.Organization, AuthTime: r.AuthTime,
		}, nil
	case *refreshRequest:
		return Token{
			Family: r.Family, UserID: r.UserID, ClientID: r.ClientID, Scopes: r.Token.Scopes, Group: r.Group, Organization: r.Organization, AuthTime: r.AuthTime,
			ExpiresAt: r.ExpiresAt, // a sign-in does not grow longer by refreshing
		}, nil
	}
	return Token{}, oidc.ErrUnsupportedGrantType()
}

// newTokens makes an access token and, if asked for, a refresh token.
func (s storage) newTokens(request op.TokenRequest, withRefresh bool) (access, refresh string, ts []Token, err error) {
	t, err := entry(request)
	if err != nil {
		return "", "", nil, err
	}
	now := s.stamp()
	access = id.Secret("oat_")
	a := t
	a.Hash, a.Scopes, a.ExpiresAt = hash(access), request.GetScopes(), now.Add(s.accessLife)
	ts = append(ts, a)
	if withRefresh {
		refresh = id.Secret("ort_")
		t.Hash, t.Refresh = hash(refresh), true
		if t.ExpiresAt.IsZero() {
			t.ExpiresAt = now.Add(s.refreshLife)
		}
		ts = append(ts, t)
	}
	return access, refresh, ts, nil
}

// mayEnter asks whether a user may still enter the group that he signed in to.
func (s storage) mayEnter(ctx context.Context, user, group string) (bool, error) {
	d, err := s.svc.Authorize(ctx, authz.Request{
		Credential: authz.OnBehalfOf(user), Action: authz.Access, Resource: authz.Resource{Type: authz.AppInstance, ID: group},
	})
	return d.Allowed, err
}

func (s storage) CreateAccessToken(ctx context.Context, request op.TokenRequest) (string, time.Time, error) {
	access, _, exp, err := s.issue(ctx, request, "", false)
	return access, exp, err
}

func (s storage) CreateAccessAndRefreshTokens(ctx context.Context, request op.TokenRequest, current string) (string, string, time.Time, error) {
	return s.issue(ctx, request, current, true)
}

func (s storage) issue(ctx context.Context, request op.TokenRequest, current string, withRefresh bool) (access, refresh string, exp time.Time, err error) {
	access, refresh, ts, err := s.newTokens(request, withRefresh)
	if err != nil {
		return "", "", time.Time{}, err
	}
	ok, err := s.mayEnter(ctx, ts[0].UserID, ts[0].Group)
	if err != nil {
		return "", "", time.Time{}, s.trouble(ctx, "ask for access", err)
	}
	if !ok {
		return "", "", time.Time{}, oidc.ErrInvalidGrant().WithDescription("the user has no access anymore")
	}
	first := true
	if current == "" {
		err = s.store.AddTokens(ctx, ts[0].Family, ts...)
	} else {
		first, err = s.store.Rotate(ctx, hash(current), ts...)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return "", "", time.Time{}, oidc.ErrInvalidGrant().WithDescription("revoked")
	case err != nil:
		return "", "", time.Time{}, s.trouble(ctx, "keep tokens", err)
	case !first:
		return "", "", time.Time{}, s.reused(ctx, &ts[0])
	}
	return access, refresh, ts[0].ExpiresAt, nil
}

// reused is the end of a family whose refresh token came twice.
func (s storage) reused(ctx context.Context, t *Token) error {
	s.log.WarnContext(ctx, "oidc: a refresh token came twice; its sign-in is revoked", slog.String("client", t.ClientID), slog.String("user", t.UserID))
	return oidc.ErrInvalidGrant().WithDescription("the refresh token was used before")
}

func (s storage) TokenRequestByRefreshToken(ctx context.Context, token string) (op.RefreshTokenRequest, error) {
	t, err := s.store.GetToken(ctx, hash(token))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, op.ErrInvalidRefreshToken
	case err != nil:
		return nil, s.trouble(ctx, "read a token", err)
	case !t.Refresh:
		return nil, op.ErrInvalidRefreshToken
	case t.Used:
		if err := s.store.DeleteFamily(ctx, t.Family); err != nil {
			return nil, s.trouble(ctx, "revoke tokens", err)
		}
		return nil, s.reused(ctx, t)
	case !s.now().Before(t.ExpiresAt):
		return nil, op.ErrInvalidRefreshToken
	}
	return &refreshRequest{Token: t, scopes: t.Scopes}, nil
}

// GetRefreshTokenInfo lets op's revocation find refresh tokens. The token is its own id.
func (s storage) GetRefreshTokenInfo(ctx context.Context, _, token string) (string, string, error) {
	t, err := s.store.GetToken(ctx, hash(token))
	if errors.Is(err, ErrNotFound) || err == nil && !t.Refresh {
		return "", "", op.ErrInvalidRefreshToken
	}
	if err != nil {
		return "", "", s.trouble(ctx, "read a token", err)
	}
	return t.UserID, token, nil
}

// RevokeToken ends all that the token's sign-in led to: a revoked refresh token takes its access tokens along.
func (s storage) RevokeToken(ctx context.Context, token, _, clientID string) *oidc.Error {
	t, err := s.store.GetToken(ctx, hash(token))
	if errors.Is(err, ErrNotFound) || err == nil && t.ClientID != clientID {
		return nil // RFC 7009: an unknown token is no error, and another's is unknown
	}
	if err == nil {
		err = s.store.DeleteFamily(ctx, t.Family)
	}
	if err != nil {
		_ = s.trouble(ctx, "revoke a token", err)
		return oidc.ErrServerError()
	}
	return nil
}

func (s storage) SigningKey(ctx context.Context) (op.SigningKey, error) {
	keys, err := s.keys.all(ctx)
	if err != nil {
		return nil, s.trouble(ctx, "signing key", err)
	}
	return keys[0], nil
}

func (s storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s storage) KeySet(ctx context.Context) ([]op.Key, error) {
	keys, err := s.keys.all(ctx)
	if err != nil {
		return nil, s.trouble(ctx, "key set", err)
	}
	out := make([]op.Key, len(keys))
	for i, k := range keys {
		out[i] = publicKey{k}
	}
	return out, nil
}

// app returns the client with an id if it is an app.
func (s storage) app(ctx context.Context, id string) (*idm.Client, error) {
	c, err := s.svc.GetClient(ctx, id)
	if errors.Is(err, idm.ErrNotFound) || err == nil && c.Kind != idm.AppClient {
		return nil, errUnknownClient
	}
	if err != nil {
		return nil, s.trouble(ctx, "read a client", err)
	}
	return c, nil
}

func (s storage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.app(ctx, id)
	if err != nil {
		return nil, err
	}
	return &client{app: c, loginURL: s.loginURL, life: s.idLife}, nil
}

// AuthorizeClientIDSecret asks the judge, as anybody who presents the key would.
func (s storage) AuthorizeClientIDSecret(ctx context.Context, clientID, secret string) error {
	d, err := s.svc.Authorize(ctx, authz.Request{
		Credential: authz.Key(clientID, secret), Action: authz.Read, Resource: authz.Resource{Type: authz.Platform, ID: idm.PlatformID},
	})
	if err != nil {
		return s.trouble(ctx, "check a client's key", err)
	}
	if !d.Authenticated || d.Principal.Type != authz.App || d.Principal.ID != clientID {
		return errUnknownClient
	}
	return nil
}

// SetUserinfoFromScopes does nothing; SetUserinfoFromRequest does.
func (s storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest fills an ID token.
func (s storage) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string) error {
	t, err := entry(request)
	if err != nil {
		return err
	}
	t.Scopes = scopes
	if err := s.claims(ctx, info, &t); err != nil {
		return s.trouble(ctx, "read a user", err)
	}
	return nil
}

// claims says who the user is, as far as the scopes go, and where he enters.
func (s storage) claims(ctx context.Context, info *oidc.UserInfo, t *Token) error {
	u, err := s.svc.GetUser(ctx, t.UserID)
	if err != nil {
		return fmt.Errorf("user %s: %w", t.UserID, err)
	}
	info.Subject = u.ID
	if slices.Contains(t.Scopes, oidc.ScopeEmail) {
		info.Email = u.Email
	}
	if slices.Contains(t.Scopes, oidc.ScopeProfile) {
		info.Name = strings.TrimSpace(u.Name + " " + u.Surname)
		info.GivenName, info.FamilyName = u.Name, u.Surname
		info.PreferredUsername = u.Email
		info.UpdatedAt = oidc.FromTime(u.UpdatedAt)
	}
	info.AppendClaims("organization", t.Organization)
	info.AppendClaims("group_id", t.Group)
	return nil
}

// TerminateSessionFromRequest ends what an app asks to end: its own tokens for the user, and the browser's session if that is the
// same user's.
func (s storage) TerminateSessionFromRequest(ctx context.Context, r *op.EndSessionRequest) (string, error) {
	if r.UserID != "" && r.ClientID != "" {
		if err := s.store.DeleteUserTokens(ctx, r.UserID, r.ClientID); err != nil {
			return "", s.trouble(ctx, "revoke tokens", err)
		}
	}
	if b, ok := ctx.Value(browserKey{}).(*browser); ok && b.token != "" {
		info, err := s.svc.Introspect(ctx, b.token)
		if err != nil {
			return "", s.trouble(ctx, "read a session", err)
		}
		if !info.Active || r.UserID == "" || info.Subject == r.UserID {
			if err := s.svc.EndSession(ctx, b.token); err != nil {
				return "", s.trouble(ctx, "end a session", err)
			}
			b.signedOut = true
		}
	}
	return r.RedirectURI, nil
}

// The rest of op.Storage serves what this provider doesn't offer.

func (s storage) TerminateSession(context.Context, string, string) error {
	return oidc.ErrServerError()
}

func (s storage) SetUserinfoFromToken(context.Context, *oidc.UserInfo, string, string, string) error {
	return oidc.ErrServerError()
}

func (s storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return oidc.ErrServerError()
}

func (s storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

func (s storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, oidc.ErrInvalidClient().WithDescription("client assertions are not supported")
}

func (s storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, oidc.ErrUnsupportedGrantType()
}

func (s storage) Health(ctx context.Context) error { return s.svc.Ready(ctx) }

// opaque makes codes and access tokens that are random and mean nothing. op would encrypt ids into them; here they are looked up by
// their hash instead, and can be revoked.
type opaque struct{}

// Encrypt gets "TOKEN:SUBJECT" for an access token, where TOKEN is what issue made, and a request's id for a code.
func (opaque) Encrypt(s string) (string, error) {
	if token, _, ok := strings.Cut(s, ":"); ok {
		return token, nil
	}
	return id.Secret("cod_"), nil
}

// Decrypt is for op's revocation, which only wants the token back.
func (opaque) Decrypt(s string) (string, error) {
	if strings.Contains(s, ":") {
		return "", errors.New("not a token")
	}
	return s + ":", nil
}
