package hub

import "context"

// Identity holds the users, logins, memberships, clients and groups, which are the IDM's business; the hub asks it to change
// them. Package hubidm makes one of an idm.Service. The hub authorizes before it calls; an Identity obeys.
//
// Errors match those of this package: ErrNotFound, ErrConflict, ErrInvalid, ErrCredentials, ErrLastOwner. Every Put and Delete
// may be repeated. Implementations are safe for concurrent use.
type Identity interface {
	// Login checks a password and starts a session.
	Login(ctx context.Context, email, password string) (*Session, error)
	// EndSession ends a session. An unknown token is no error.
	EndSession(ctx context.Context, token string) error

	CreateUser(ctx context.Context, u User, password string) (*User, error)
	// GetUser takes an ID or a Number in decimal.
	GetUser(ctx context.Context, id string) (*User, error)
	GetUserByEmail(ctx context.Context, email string) (*User, error)
	// ListUsers returns those that exist among ids, or all when ids is nil, by Number.
	ListUsers(ctx context.Context, ids []string) ([]*User, error)

	// PutOrganization makes an organization known. tenantID is empty for the platform's own.
	PutOrganization(ctx context.Context, id, tenantID string) error
	// PutMembership gives a user a role. ErrLastOwner when that would take the last Super Admin's.
	PutMembership(ctx context.Context, organizationID, userID, role string) (*Membership, error)
	// DeleteMembership is no error when there is none. ErrLastOwner as above.
	DeleteMembership(ctx context.Context, organizationID, userID string) error
	// ListMemberships lists by organization, by user, or by both, by Number; one of them must be given.
	ListMemberships(ctx context.Context, organizationID, userID string) ([]*Membership, error)

	// PutClient creates or replaces an app's client with its key.
	PutClient(ctx context.Context, c Client) error
	DeleteClient(ctx context.Context, id string) error
	// PutGroup lets a client into an organization under a group id.
	PutGroup(ctx context.Context, g Group) error
	// DeleteGroup ends that access at once and for good.
	DeleteGroup(ctx context.Context, id string) error

	Ready(ctx context.Context) error
}

// Membership is a user's role in an organization.
type Membership struct {
	Number                 int64
	OrganizationID, UserID string
	Role                   string
}

// Client is an app's API client.
type Client struct {
	ID   string // "app-…"
	Name string
	Key  string
	// RedirectURIs are where a login may return to.
	RedirectURIs []string
}

// Group is an app instance as far as access goes.
type Group struct {
	ID, ClientID, OrganizationID string
}
