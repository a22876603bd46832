package idmoidc

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/internal/httpx"
)

const (
	requestLife = time.Hour // to sign in, perhaps after finding the password
	codeLife    = time.Minute
	maxForm     = 64 << 10
)

// Provider is an OpenID provider. It is an http.Handler for everything below its issuer's path.
type Provider struct {
	svc    idm.Service
	store  Store
	issuer string
	path   string // the issuer's
	log    *slog.Logger
	now    func() time.Time
	keys   *keyring

	login, home                     string
	insecure                        bool
	accessLife, refreshLife, idLife time.Duration
	groupName                       func(ctx context.Context, g idm.Group) string

	op  *op.Provider
	mux *http.ServeMux
}

// An Option changes a Provider from its defaults.
type Option func(*Provider)

// WithLogger sets where the provider reports trouble. Default: nowhere. Secrets are never logged. (The library below it
// has some lines of its own for slog.Default.)
func WithLogger(l *slog.Logger) Option { return func(p *Provider) { p.log = l } }

// WithClock replaces time.Now.
func WithClock(now func() time.Time) Option { return func(p *Provider) { p.now = now } }

// WithInsecureIssuer allows an issuer that begins with http://, for development and for tests. Default: https only.
func WithInsecureIssuer() Option { return func(p *Provider) { p.insecure = true } }

// WithLoginPath sets the page that signs users in. It gets the parameter return_to, a path of this host (or a URL, if the page's
// address is a URL), and prompt=login when it must ask for the password even of a user who is signed in. Default: /login.
func WithLoginPath(path string) Option { return func(p *Provider) { p.login = path } }

// WithHomePath sets where links on error pages and a sign-out without an address lead. Default: /.
func WithHomePath(path string) Option { return func(p *Provider) { p.home = path } }

// WithTokenLife sets how long access tokens live, and how long a sign-in can be refreshed in all. Defaults: 5 minutes and 30 days.
// ID tokens live 10 minutes.
func WithTokenLife(access, refresh time.Duration) Option {
	return func(p *Provider) { p.accessLife, p.refreshLife = access, refresh }
}

// WithGroupName names groups to people, where a user has to choose between several. Default: the organization's id.
func WithGroupName(name func(ctx context.Context, g idm.Group) string) Option {
	return func(p *Provider) { p.groupName = name }
}

// New makes a Provider. issuer is its address without a slash at the end, such as "https://example.com/oidc". It does no I/O.
func New(svc idm.Service, store Store, issuer string, opts ...Option) (*Provider, error) {
	p := &Provider{
		svc: svc, store: store, issuer: issuer, log: slog.New(slog.DiscardHandler), now: time.Now, login: "/login", home: "/",
		accessLife: 5 * time.Minute, refreshLife: 30 * 24 * time.Hour, idLife: 10 * time.Minute,
		groupName: func(_ context.Context, g idm.Group) string { return g.OrganizationID },
	}
	for _, o := range opts {
		o(p)
	}
	u, err := url.Parse(issuer)
	if err != nil || strings.HasSuffix(issuer, "/") {
		return nil, fmt.Errorf("idmoidc: the issuer %q must be an address without a slash at the end", issuer)
	}
	p.path = u.Path
	p.keys = &keyring{store: store, now: p.now}

	opOpts := []op.Option{op.WithCrypto(opaque{}), op.WithCORSOptions(nil)}
	if p.insecure {
		opOpts = append(opOpts, op.WithAllowInsecure())
	}
	p.op, err = op.NewProvider(&op.Config{
		CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true, DefaultLogoutRedirectURI: p.home,
	}, storage{p}, op.StaticIssuer(issuer), opOpts...)
	if err != nil {
		return nil, fmt.Errorf("idmoidc: %w", err)
	}
	p.mux = http.NewServeMux()
	p.mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	p.mux.Handle("GET /keys", p.op)
	p.mux.HandleFunc("GET /authorize", p.authorize)
	p.mux.HandleFunc("POST /authorize", p.authorize)
	p.mux.HandleFunc("GET /authorize/callback", p.callback)
	p.mux.HandleFunc("GET /login", p.serveLogin)
	p.mux.HandleFunc("POST /oauth/token", p.token)
	p.mux.HandleFunc("POST /revoke", p.token)
	p.mux.HandleFunc("GET /userinfo", p.userinfo)
	p.mux.HandleFunc("POST /userinfo", p.userinfo)
	p.mux.HandleFunc("GET /end_session", p.endSession)
	p.mux.HandleFunc("POST /end_session", p.endSession)
	return p, nil
}

// ServeHTTP serves everything below the issuer's path.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	http.StripPrefix(p.path, p.mux).ServeHTTP(w, r)
}

// RotateKey makes a new key to sign with. The old one stays published for 30 days, so that what it signed is still understood.
// Other processes notice within a minute.
func (p *Provider) RotateKey(ctx context.Context) error { return p.keys.rotate(ctx) }

// Run deletes what has expired, now and every ten minutes until ctx ends, and returns ctx's error.
func (p *Provider) Run(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		if _, err := p.store.DeleteExpired(ctx, p.stamp()); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			p.log.ErrorContext(ctx, "oidc: delete what has expired", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (p *Provider) stamp() time.Time { return p.now().UTC().Truncate(time.Microsecond) }

func (p *Provider) loginURL(request string) string {
	return p.issuer + "/login?id=" + url.QueryEscape(request)
}

// discovery tells what the provider does. op's own would list what is switched off.
func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	httpx.WriteJSON(w, http.StatusOK, map[string]any{
		"issuer":                                         p.issuer,
		"authorization_endpoint":                         p.issuer + "/authorize",
		"token_endpoint":                                 p.issuer + "/oauth/token",
		"userinfo_endpoint":                              p.issuer + "/userinfo",
		"revocation_endpoint":                            p.issuer + "/revoke",
		"end_session_endpoint":                           p.issuer + "/end_session",
		"jwks_uri":                                       p.issuer + "/keys",
		"scopes_supported":                               []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopeOfflineAccess},
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          grants,
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "client_secret_post"},
		"revocation_endpoint_auth_methods_supported":     []string{"client_secret_basic", "client_secret_post"},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
		"request_parameter_supported":                    false,
		"request_uri_parameter_supported":                false,
		"claims_supported": []string{
			"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "email", "name", "given_name", "family_name", "preferred_username",
			"updated_at", "organization", "group_id",
		},
	})
}
