package idm

import (
	"context"

	"github.com/ensemble-platform/ensemble/authz"
)

// Service is what idm does. [Engine] does it in process and idmhttp.Client from afar; both behave alike.
//
// Judging (the embedded Authorizer), Login, EndSession and Introspect are for every component. The rest changes or shows the
// facts behind the judgements and belongs to the hub. Over HTTP all but Login and EndSession are for callers with
// the credential of a service; in process they are for whoever holds the Service.
//
// Service may grow; embed it in your own implementations.
type Service interface {
	authz.Authorizer

	// Login checks a password and starts a session. It answers ErrCredentials, after the same work, whether the
	// address is unknown, the password wrong or the user disabled.
	Login(ctx context.Context, email, password string) (*Session, *User, error)
	// CreateSession starts a session for a user who proved otherwise who he is.
	CreateSession(ctx context.Context, userID string) (*Session, error)
	// ClientToken checks an API key and starts a short session for it: the OAuth 2.0 client credentials grant.
	ClientToken(ctx context.Context, clientID, key string) (*Session, error)
	// EndSession revokes a token. Unknown tokens are no error (RFC 7009).
	EndSession(ctx context.Context, token string) error
	// EndSessions revokes all sessions of a user.
	EndSessions(ctx context.Context, userID string) error
	// Introspect says what a token stands for (RFC 7662). An unknown, expired or revoked one is inactive, not an error.
	Introspect(ctx context.Context, token string) (*TokenInfo, error)

	// CreateUser adds a user. ID, Number and the times are assigned. ErrConflict when the address is taken.
	CreateUser(ctx context.Context, u User, password string) (*User, error)
	GetUser(ctx context.Context, id string) (*User, error)
	GetUserByEmail(ctx context.Context, email string) (*User, error)
	// ListUsers returns those users that exist among ids, or all when ids is nil, by Number.
	ListUsers(ctx context.Context, ids []string) ([]*User, error)
	// UpdateUser changes a user under a lock; ID, Number and CreatedAt are kept as they are. Disabling ends the sessions.
	UpdateUser(ctx context.Context, id string, change func(*User) error) (*User, error)
	// SetPassword replaces a password and ends the user's sessions.
	SetPassword(ctx context.Context, userID, password string) error

	// PutOrganization creates or replaces what idm knows of an organization.
	PutOrganization(ctx context.Context, o Organization) error
	GetOrganization(ctx context.Context, id string) (*Organization, error)

	// PutMembership gives a user a role in an organization, replacing the one he has. ErrLastOwner when that would take
	// the last Super Admin's role.
	PutMembership(ctx context.Context, userID, organizationID string, role Role) (*Membership, error)
	// DeleteMembership is no error when there is none. ErrLastOwner as above.
	DeleteMembership(ctx context.Context, userID, organizationID string) error
	// ListMemberships lists by user, by organization, or by both; one of them must be given.
	ListMemberships(ctx context.Context, userID, organizationID string) ([]*Membership, error)

	// PutClient creates or replaces a client. With an empty key, a new client gets one made up and an existing one keeps
	// its own. The answer holds the key only when it was made or given just now.
	PutClient(ctx context.Context, c Client, key string) (newKey string, err error)
	GetClient(ctx context.Context, id string) (*Client, error)
	DeleteClient(ctx context.Context, id string) error
	// PutGroup lets an app into an organization under a group id. A group's app and organization never change afterwards.
	PutGroup(ctx context.Context, g Group) error
	GetGroup(ctx context.Context, id string) (*Group, error)
	// ListGroups lists by client, by organization, or by both; one of them must be given.
	ListGroups(ctx context.Context, clientID, organizationID string) ([]*Group, error)
	// DeleteGroup ends that access at once and for good: the id is never accepted again.
	DeleteGroup(ctx context.Context, id string) error

	// Ready reports whether the service can answer now.
	Ready(ctx context.Context) error
}
