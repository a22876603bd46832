package idm

import (
	"net/http"
	"time"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

// Errors. Each has a stable code on the wire; errors.Is sees the same one in process and through a client.
var (
	ErrNotFound = problem.Sentinel("idm.not_found", http.StatusNotFound, "Not found")
	ErrConflict = problem.Sentinel("idm.conflict", http.StatusConflict, "Already exists")
	ErrInvalid  = problem.Sentinel("idm.invalid", http.StatusUnprocessableEntity, "Invalid input")
	// ErrCredentials says that an e-mail address and password don't belong together, whichever is wrong.
	ErrCredentials = problem.Sentinel("idm.credentials", http.StatusUnauthorized, "Wrong e-mail address or password")
	// ErrTooManyAttempts says that logins to an account failed too often, and to try again in a moment.
	ErrTooManyAttempts = problem.Sentinel("idm.too_many_attempts", http.StatusTooManyRequests, "Too many failed attempts; try again in a moment")
	// ErrLastOwner says that a change would leave an organization without a Super Admin.
	ErrLastOwner = problem.Sentinel("idm.last_owner", http.StatusConflict, "An organization needs a Super Admin")
)

// ValidationError names the fields that were refused. It matches ErrInvalid.
type ValidationError = problem.ValidationError

// Role is what a user is in an organization. The strings are stored and sent as they are.
type Role string

// Roles, from the least to the most powerful.
const (
	Member     Role = "Member"
	PowerUser  Role = "Power User"
	Admin      Role = "Admin"
	SuperAdmin Role = "Super Admin"
)

// User is a person who can sign in.
type User struct {
	ID string // "usr-…"
	// Number is the numeric id that the HUB API shows. The store assigns it, upwards.
	Number  int64
	Email   string // unique, compared in lower case
	Name    string
	Surname string
	// Operator marks people who run the platform (the platform's admin_role "admin").
	Operator  bool
	Disabled  bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// ClientKind says what an API key may be used for.
type ClientKind string

// Client kinds.
const (
	AppClient     ClientKind = "app"     // one marketplace app: its own groups
	TenantClient  ClientKind = "tenant"  // one frontend: all organizations of its tenant
	ServiceClient ClientKind = "service" // one of the platform's own services
)

// Client is a program that holds an id and a key.
type Client struct {
	ID   string // "app-…", "tnt-…" or "svc-…"
	Kind ClientKind
	Name string
	// RedirectURIs are where an OpenID Connect login may return to. Exact match. Only app clients have them.
	RedirectURIs []string
	CreatedAt    time.Time
}

// Organization is what idm knows of a customer: who it belongs to and whether it may be used at all.
type Organization struct {
	ID       string // "org-…"
	TenantID string // "tnt-…", or "" for the platform's own
	Frozen   bool
}

// Membership is a user's role in an organization.
type Membership struct {
	// Number is the numeric id that the HUB API shows as the orga_relation's.
	Number         int64
	UserID         string
	OrganizationID string
	Role           Role
}

// Group is an app instance as far as access goes: one app in one organization. An app that Nex hosts has a client for each
// instance, so that no customer's copy can act for another's.
type Group struct {
	ID             string // "cld-…", or the DNS name of a hosted app
	ClientID       string // the app
	OrganizationID string
}

// Session is a token's life. The token itself is only in the answer that created it.
type Session struct {
	ID     string // "ses-…"
	Token  string `json:",omitempty"`
	UserID string // "usr-…" or, for a service's access token, "svc-…"
	// ExpiresAt is the latest end. IdleExpiresAt is the end if the token isn't used before.
	ExpiresAt     time.Time
	IdleExpiresAt time.Time
	CreatedAt     time.Time
}

// TokenInfo is what RFC 7662 introspection answers. Everything but Active is empty unless Active.
type TokenInfo struct {
	Active    bool
	Subject   string // "usr-…" or "svc-…"
	Username  string
	ClientID  string
	ExpiresAt time.Time
	IssuedAt  time.Time
	// Organizations are the roles of a user by organization id.
	Organizations map[string]Role
}
