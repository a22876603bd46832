package idmoidc

import (
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/ensemble-platform/ensemble/idm"
)

// client is an app as op wants to see it.
type client struct {
	app      *idm.Client
	loginURL func(request string) string
	life     time.Duration
}

var _ op.Client = (*client)(nil)

func (c *client) GetID() string          { return c.app.ID }
func (c *client) RedirectURIs() []string { return c.app.RedirectURIs }

// PostLogoutRedirectURIs are the redirect addresses themselves, and the home pages of their hosts.
func (c *client) PostLogoutRedirectURIs() []string {
	out := slices.Clone(c.app.RedirectURIs)
	for _, s := range c.app.RedirectURIs {
		if u, err := url.Parse(s); err == nil {
			home := u.Scheme + "://" + u.Host
			out = append(out, home, home+"/")
		}
	}
	return out
}

func (c *client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c *client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (c *client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c *client) GrantTypes() []oidc.GrantType   { return grants }
func (c *client) LoginURL(request string) string { return c.loginURL(request) }

func (c *client) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeBearer }
func (c *client) IDTokenLifetime() time.Duration       { return c.life }
func (c *client) DevMode() bool                        { return false }
func (c *client) IsScopeAllowed(string) bool           { return false }
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c *client) ClockSkew() time.Duration             { return 0 }

//nolint:revive // op spells it so
func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string     { return same }
func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return same }

func same(scopes []string) []string { return scopes }

var grants = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}

// authRequest is a Request as op wants to see it.
type authRequest struct{ *Request }

var _ op.AuthRequest = authRequest{}

func (r authRequest) GetID() string                      { return r.ID }
func (r authRequest) GetACR() string                     { return "" }
func (r authRequest) GetAMR() []string                   { return nil }
func (r authRequest) GetAudience() []string              { return []string{r.ClientID} }
func (r authRequest) GetAuthTime() time.Time             { return r.AuthTime }
func (r authRequest) GetClientID() string                { return r.ClientID }
func (r authRequest) GetNonce() string                   { return r.Nonce }
func (r authRequest) GetRedirectURI() string             { return r.RedirectURI }
func (r authRequest) GetResponseType() oidc.ResponseType { return oidc.ResponseTypeCode }
func (r authRequest) GetResponseMode() oidc.ResponseMode { return "" }
func (r authRequest) GetScopes() []string                { return r.Scopes }
func (r authRequest) GetState() string                   { return r.State }
func (r authRequest) GetSubject() string                 { return r.UserID }
func (r authRequest) Done() bool                         { return r.UserID != "" }

func (r authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: oidc.CodeChallengeMethodS256}
}

// refreshRequest is a refresh Token as op wants to see it.
type refreshRequest struct {
	*Token
	scopes []string
}

var _ op.RefreshTokenRequest = (*refreshRequest)(nil)

func (r *refreshRequest) GetAMR() []string                 { return nil }
func (r *refreshRequest) GetAudience() []string            { return []string{r.ClientID} }
func (r *refreshRequest) GetAuthTime() time.Time           { return r.AuthTime }
func (r *refreshRequest) GetClientID() string              { return r.ClientID }
func (r *refreshRequest) GetScopes() []string              { return r.scopes }
func (r *refreshRequest) GetSubject() string               { return r.UserID }
func (r *refreshRequest) SetCurrentScopes(scopes []string) { r.scopes = scopes }
