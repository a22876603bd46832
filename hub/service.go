package hub

import (
	"context"

	"github.com/ensemble-platform/ensemble/authz"
)

// Service is what the hub does. [Engine] does it in process and hubhttp.Client from afar; both behave alike.
//
// Every call but Login and Authenticate is judged by the authz.Authorizer with the credential that ctx carries: a user's session
// (who sees his own organizations), or a tenant's or service's key (which see all of theirs). Denials match
// authz.ErrUnauthenticated or authz.ErrDenied.
//
// Users, organizations, apps and instances may be named by their ID or, in decimal, by their Number; apps also by NID.
//
// Service may grow; embed it in your own implementations.
type Service interface {
	// Login checks a password and starts a session. ErrCredentials when they don't match.
	Login(ctx context.Context, email, password string) (*Session, error)
	// Logout ends the session that ctx carries. No session is no error.
	Logout(ctx context.Context) error
	// CurrentUser is the user whose session ctx carries.
	CurrentUser(ctx context.Context) (*User, error)
	// Caller tells who stands behind the credential that ctx carries.
	Caller(ctx context.Context) (authz.Principal, error)

	// CreateUser is for tenants and services. ErrConflict when the address is taken.
	CreateUser(ctx context.Context, u User, password string) (*User, error)
	// GetUser returns a user that the caller may know: himself, or who shares an organization with him.
	GetUser(ctx context.Context, id string) (*User, error)
	// ListUsers lists those that the caller may know, by Number.
	ListUsers(ctx context.Context, f UserFilter) ([]*User, error)

	// CreateOrganization adds one. A user who creates it becomes its Super Admin.
	CreateOrganization(ctx context.Context, o Organization) (*Organization, error)
	GetOrganization(ctx context.Context, id string) (*Organization, error)
	// ListOrganizations lists those that the caller can see, by Number.
	ListOrganizations(ctx context.Context) ([]*Organization, error)
	// PutMember gives a user a role. Admins can't make or change a Super Admin; the last Super Admin can't step down.
	PutMember(ctx context.Context, organizationID, userID, role string) (*Member, error)
	DeleteMember(ctx context.Context, organizationID, userID string) error
	ListMembers(ctx context.Context, organizationID string) ([]*Member, error)
	// FindMembers lists memberships of the organizations that the caller can see, by Number.
	FindMembers(ctx context.Context, f MemberFilter) ([]*Member, error)

	// PutApp creates or replaces a marketplace entry, by NID, and returns its API key when it is new. Instances of an app that is elsewhere now
	// are there at once, and their webhooks go there soon. It is for operators and services.
	PutApp(ctx context.Context, a App) (app *App, key string, err error)
	// ListApps lists the marketplace: active apps, by name.
	ListApps(ctx context.Context) ([]*App, error)
	GetApp(ctx context.Context, id string) (*App, error)

	// AddApp adds an app to an organization. It returns as soon as the order is stored; the instance's status tells how far
	// it has come. It needs the right to purchase. ErrConflict when the organization has the app already.
	AddApp(ctx context.Context, organizationID, nid string) (*AppInstance, error)
	GetAppInstance(ctx context.Context, id string) (*AppInstance, error)
	// ListAppInstances lists those that the caller may enter, but for terminated ones.
	ListAppInstances(ctx context.Context, organizationID string) ([]*AppInstance, error)
	// RemoveApp ends an instance: its access at once, the rest in the background.
	RemoveApp(ctx context.Context, id string) (*AppInstance, error)
	// LaunchURL is where to send a user's browser to enter the app. ErrNotRunning when it can't be entered now.
	LaunchURL(ctx context.Context, instanceID string) (string, error)

	// Ready reports whether the service can answer now.
	Ready(ctx context.Context) error
}
