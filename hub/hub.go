package hub

import (
	"net/http"
	"time"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

// Errors. Each has a stable code on the wire; errors.Is sees the same one in process and through a client.
var (
	ErrNotFound = problem.Sentinel("hub.not_found", http.StatusNotFound, "Not found")
	ErrConflict = problem.Sentinel("hub.conflict", http.StatusConflict, "Already exists")
	ErrInvalid  = problem.Sentinel("hub.invalid", http.StatusUnprocessableEntity, "Invalid input")
	// ErrCredentials says that an e-mail address and password don't belong together.
	ErrCredentials = problem.Sentinel("hub.credentials", http.StatusUnauthorized, "Wrong e-mail address or password")
	// ErrTooManyAttempts says that logins to an account failed too often, and to try again in a moment.
	ErrTooManyAttempts = problem.Sentinel("hub.too_many_attempts", http.StatusTooManyRequests, "Too many failed attempts; try again in a moment")
	// ErrLastOwner says that a change would leave an organization without a Super Admin.
	ErrLastOwner = problem.Sentinel("hub.last_owner", http.StatusConflict, "An organization needs a Super Admin")
	// ErrNotRunning says that an app can't be entered because it isn't running: not yet, or no more.
	ErrNotRunning = problem.Sentinel("hub.not_running", http.StatusConflict, "The app is not running")
)

// ValidationError names the fields that were refused. It matches ErrInvalid.
type ValidationError = problem.ValidationError

// Field is one thing that is wrong with the input.
type Field = problem.Field

// User is a person.
type User struct {
	Number               int64  // the numeric id of the HUB API
	ID                   string // "usr-…"
	Email                string
	Name                 string
	Surname              string
	Operator             bool
	CreatedAt, UpdatedAt time.Time
}

// Session is a login.
type Session struct {
	// Token is the user's sso_session.
	Token     string
	User      *User
	ExpiresAt time.Time
}

// Organization is a customer: the unit of billing and of data sharing.
type Organization struct {
	Number   int64
	ID       string // "org-…"
	Name     string
	Currency string // ISO 4217; "USD" when empty
	// FinancialYearEndMonth is 1–12; 6 when 0.
	FinancialYearEndMonth int
	CreatedAt, UpdatedAt  time.Time
	// Role is the caller's, where the organization was read for a user.
	Role string
}

// Member is a user in an organization.
type Member struct {
	Number         int64 // of the orga_relation
	OrganizationID string
	User           *User
	Role           string // "Member", "Power User", "Admin" or "Super Admin"
}

// Roles in an organization, from the least to the most powerful. The strings are stored and sent as they are.
const (
	RoleMember     = "Member"
	RolePowerUser  = "Power User"
	RoleAdmin      = "Admin"
	RoleSuperAdmin = "Super Admin"
)

// UserFilter selects users. What is empty doesn't restrict.
type UserFilter struct {
	// IDs are "usr-…" or numbers.
	IDs   []string
	Email string
}

// MemberFilter selects memberships. What is empty doesn't restrict.
type MemberFilter struct {
	OrganizationID string
	UserID         string
	// Number is the membership's own.
	Number int64
}

// Stack says how an app runs.
type Stack string

// Stacks.
const (
	Cube      Stack = "cube"      // hosted by nex, one copy for each customer
	Cloud     Stack = "cloud"     // somebody else's service, with single sign-on
	Connector Stack = "connector" // data only
)

// App is a marketplace entry.
type App struct {
	Number int64
	// NID is unique: "notes". A cube's names the template that nex runs.
	NID             string
	ID              string // "app-…": the API id
	Name            string
	TinyDescription string
	Description     string
	Logo            string // URL or data URL
	Categories      []string
	Stack           Stack
	// Host is where the app's paths begin, "https://crm.example.com". Empty for cubes, whose host nex assigns.
	Host string
	// SSOInitPath begins a sign-in at the app. Empty means the app has no sign-in.
	SSOInitPath string
	// NotificationPath takes Connec's webhooks. Empty means the app takes none.
	NotificationPath string
	// Collections are what the app wants to be told of; nil is all.
	Collections []string
	// ExternalIDs sends webhooks with id arrays.
	ExternalIDs bool
	// RedirectPaths are where, below the app's host, an OpenID Connect login may return to: "/oidc/callback" when nil.
	RedirectPaths        []string
	Active               bool
	CreatedAt, UpdatedAt time.Time
}

// Status of an app instance, in the platform's words; the same as nex's.
type Status string

// Statuses.
const (
	Provisioning Status = "provisioning"
	Starting     Status = "starting"
	Running      Status = "running"
	Stopping     Status = "stopping"
	Stopped      Status = "stopped"
	Terminating  Status = "terminating"
	Terminated   Status = "terminated"
)

// AppInstance is an app in an organization. Its ID is the group of single sign-on, of the Developer API and of Connec.
type AppInstance struct {
	Number         int64
	ID             string // "cld-…"
	OrganizationID string
	App            *App
	Name           string
	Status         Status
	// Progress is 0–100 while an operation is under way.
	Progress int
	// Step says in words what is being done, or what failed.
	Step string
	// Errors tell a person what went wrong; an operation that fails is retried.
	Errors []string
	// URL is where the app is; empty until it is known.
	URL string
	// Durations are estimates of how long the instance stays in a status, for those who show a progress bar.
	Durations                          map[Status]time.Duration
	CreatedAt, StartedAt, TerminatedAt time.Time
	UpdatedAt                          time.Time
}
