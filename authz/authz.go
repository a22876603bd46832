// Package authz holds the one question that every subsystem asks before it acts, and the shape of the answer.
//
// A subsystem takes an [Authorizer], puts the caller's [Credential] and what it is about to do into a [Request], and
// acts only on an allowed [Decision]. The rules behind the answer live in package idm alone; package idmhttp asks
// an idm in another process. An embedder that has its own rules implements Authorizer with [Func].
//
// The zero Decision denies, a denial is not an error, and an error is never permission.
package authz

import (
	"context"
	"errors"
	"log/slog"
	"slices"
)

// ErrUnavailable says that no decision could be had: the judge is unreachable, overloaded or answered nonsense. Callers must
// treat it as a denial and may tell the client to come again (HTTP 503).
var ErrUnavailable = errors.New("authorization unavailable")

// Kind says how a caller proves who it is.
type Kind string

// Credential kinds.
const (
	// Session is a user's session token (the platform's sso_session) or a service's access token.
	Session Kind = "session"
	// APIKey is an id:key pair of an app, a developer, a tenant or a service.
	APIKey Kind = "api_key"
	// Trusted names a subject without proof. Only code that runs inside the platform may use it, for work it does
	// on somebody's behalf, such as deliveries. It is never read from a client's request.
	Trusted Kind = "trusted"
)

// Credential is what a caller presented. The zero Credential is anonymous.
type Credential struct {
	Kind Kind
	// ID is the id half of an APIKey, or the subject id of a Trusted credential ("usr-…", "app-…", "cld-…", "svc-…").
	ID string
	// Secret is the session token, or the key half of an APIKey.
	Secret string
}

// IsZero reports whether nothing was presented.
func (c Credential) IsZero() bool { return c == Credential{} }

// String hides the secret, so that a credential can be logged.
func (c Credential) String() string {
	if c.IsZero() {
		return "anonymous"
	}
	return string(c.Kind) + ":" + c.ID
}

// GoString hides the secret from %#v. See String.
func (c Credential) GoString() string { return c.String() }

// LogValue hides the secret from slog.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// SessionToken is the credential of a user's session or of a service's access token.
func SessionToken(token string) Credential { return Credential{Kind: Session, Secret: token} }

// Key is the credential of an id:key pair.
func Key(id, key string) Credential { return Credential{Kind: APIKey, ID: id, Secret: key} }

// OnBehalfOf is a trusted credential for subject id. See [Trusted].
func OnBehalfOf(id string) Credential { return Credential{Kind: Trusted, ID: id} }

// Action is what the caller wants to do. Unknown actions are denied.
type Action string

// Actions. Roles and credentials that allow each are documented in package idm.
const (
	Read               Action = "read"
	Write              Action = "write"
	Update             Action = "update"
	Destroy            Action = "destroy"
	Access             Action = "access" // enter an app instance by single sign-on
	Administrate       Action = "administrate"
	InviteMember       Action = "invite_member"
	ManageBilling      Action = "manage_billing"
	ManageAppInstances Action = "manage_app_instances"
	ManageTeams        Action = "manage_teams"
	Purchase           Action = "purchase"
	ManagePlatform     Action = "manage_platform" // operate the platform itself: services and operators only
)

// Resource types.
const (
	// Organization has the id "org-…".
	Organization = "organization"
	// AppInstance has the id of the group: "cld-…" or a DNS name.
	AppInstance = "app_instance"
	// ConnecEntity has the id "GROUP/COLLECTION", where GROUP is an app instance's group id or an organization id. The
	// Decision names the organization and the group that GROUP stands for.
	ConnecEntity = "connec_entity"
	// Dashboard has the id of an organization: dashboards are judged by each organization they cover.
	Dashboard = "dashboard"
	// Platform has the id "platform".
	Platform = "platform"
)

// Resource is the thing acted upon.
type Resource struct {
	// Type is one of the constants above, which say what ID holds: {ConnecEntity, "cld-1/invoices"}, {Organization, "org-1"}.
	Type string
	ID   string
}

// Request asks whether the bearer of a credential may do something.
type Request struct {
	Credential Credential
	Action     Action
	Resource   Resource
}

// Principal types.
const (
	User    = "user"
	App     = "app"
	Tenant  = "tenant"
	Service = "service"
)

// Principal is who stands behind a credential.
type Principal struct {
	// Type is User, App, Tenant or Service.
	Type string
	// ID is "usr-…", "app-…", "tnt-…" or "svc-…".
	ID string
	// Name is for people: an e-mail address or an app's name. It may be empty.
	Name string
}

// Decision is the answer. The zero Decision denies.
type Decision struct {
	// Allowed is permission. It implies that the credential is good, whatever Authenticated says.
	Allowed bool
	// Reason says why not, in words fit for the caller. It is empty when Allowed.
	Reason string
	// Authenticated tells a denial (HTTP 403) from a credential that is missing, wrong, expired or revoked (HTTP 401).
	Authenticated bool
	Principal     Principal
	// Organization is the uid ("org-…") that the resource belongs to. It is set only when Allowed.
	Organization string
	// Group is the app instance ("cld-…") that the request goes through, if any. It is set only when Allowed.
	Group string
	// Role is the user's role in Organization, if the principal is a user.
	Role string
}

// Err turns a denial into an error that matches [ErrUnauthenticated] or [ErrDenied], and an allowed decision into nil.
func (d Decision) Err() error {
	switch {
	case d.Allowed:
		return nil
	case d.Authenticated:
		return &DeniedError{Decision: d, is: ErrDenied}
	default:
		return &DeniedError{Decision: d, is: ErrUnauthenticated}
	}
}

// ErrUnauthenticated and ErrDenied are what [Decision.Err] matches.
var (
	ErrUnauthenticated = errors.New("unauthenticated")
	ErrDenied          = errors.New("access denied")
)

// DeniedError is a denial as an error.
type DeniedError struct {
	Decision Decision
	is       error
}

func (e *DeniedError) Error() string {
	if e.Decision.Reason == "" {
		return e.is.Error()
	}
	return e.is.Error() + ": " + e.Decision.Reason
}

// Unwrap returns ErrUnauthenticated or ErrDenied.
func (e *DeniedError) Unwrap() error { return e.is }

// Authorizer judges requests. Implementations are safe for concurrent use and judge afresh each time, or from a cache
// that a revocation empties.
type Authorizer interface {
	// Authorize decides one request. The error is nil for a denial and wraps [ErrUnavailable] when there is no answer.
	Authorize(ctx context.Context, req Request) (Decision, error)
	// Filter returns those of ids, in their order, that the request would be allowed for were its Resource.ID that id.
	// It agrees with Authorize on every id.
	Filter(ctx context.Context, req Request, ids []string) ([]string, error)
}

// Func is an Authorizer made of one function. For [ConnecEntity] an allowed Decision must name the Organization, since that is
// whose records are read and written; for other resources it may.
type Func func(ctx context.Context, req Request) (Decision, error)

// Authorize calls f.
func (f Func) Authorize(ctx context.Context, req Request) (Decision, error) { return f(ctx, req) }

// Filter calls f for each id.
func (f Func) Filter(ctx context.Context, req Request, ids []string) ([]string, error) {
	var out []string
	for _, id := range ids {
		req.Resource.ID = id
		d, err := f(ctx, req)
		if err != nil {
			return nil, err
		}
		if d.Allowed {
			out = append(out, id)
		}
	}
	return slices.Clip(out), nil
}

type credentialKey struct{}

// WithCredential returns a context that carries the caller's credential to the services it is passed to.
func WithCredential(ctx context.Context, c Credential) context.Context {
	return context.WithValue(ctx, credentialKey{}, c)
}

// CredentialFrom returns the credential that ctx carries, or the zero Credential.
func CredentialFrom(ctx context.Context) Credential {
	c, _ := ctx.Value(credentialKey{}).(Credential)
	return c
}

// Require authorizes the credential in ctx and turns a denial into an error. It is what services call first.
func Require(ctx context.Context, a Authorizer, action Action, typ, id string) (Decision, error) {
	d, err := a.Authorize(ctx, Request{Credential: CredentialFrom(ctx), Action: action, Resource: Resource{Type: typ, ID: id}})
	if err != nil {
		return Decision{}, err
	}
	return d, d.Err()
}
