package idm

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"
)

// Store keeps the facts. Package idmmem keeps them in memory, idmsql in a database; idmtest.TestStore proves either.
//
// Every call is atomic and safe for concurrent use, and what it did can be seen by every later call. What goes in and comes out is
// the caller's own copy. Single things that don't exist are ErrNotFound, lists of nothing are empty. A Store checks what the database
// must guard: existence, uniqueness, the last Super Admin. The rest of the input was checked by the Engine.
type Store interface {
	// CreateUser adds u and sets u.Number, higher than all before. ErrConflict when another has the address, as EmailKey
	// compares it.
	CreateUser(ctx context.Context, u *User, passwordHash string) error
	GetUser(ctx context.Context, id string) (*User, error)
	// FindUser finds by address, as EmailKey compares it.
	FindUser(ctx context.Context, email string) (u *User, passwordHash string, err error)
	// ListUsers returns those users that exist among ids, or all when ids is nil, by Number.
	ListUsers(ctx context.Context, ids []string) ([]*User, error)
	// UpdateUser applies change while nobody else can update the user, and stores what it left in Email, Name, Surname, Operator,
	// Disabled and UpdatedAt. ErrConflict as CreateUser. When the user is disabled afterwards, his sessions are gone. An error of change is
	// returned as it is and nothing is stored.
	UpdateUser(ctx context.Context, id string, change func(*User) error) (*User, error)
	// SetPasswordHash also deletes the user's sessions.
	SetPasswordHash(ctx context.Context, userID, hash string) error
	// UpgradePasswordHash replaces a hash by a better one of the same password, unless it isn't from anymore.
	UpgradePasswordHash(ctx context.Context, userID, from, to string) error

	// PutOrganization creates or replaces.
	PutOrganization(ctx context.Context, o Organization) error
	GetOrganization(ctx context.Context, id string) (*Organization, error)

	// PutMembership creates or replaces, keeping the Number of what it replaces and giving a new one a higher Number than all
	// before. ErrNotFound without the user or the organization. ErrLastOwner when the organization had this Super Admin alone
	// and would have none; of two such calls at the same time one is refused.
	PutMembership(ctx context.Context, userID, organizationID string, role Role) (*Membership, error)
	// DeleteMembership is no error when there is none. ErrLastOwner as above.
	DeleteMembership(ctx context.Context, userID, organizationID string) error
	// ListMemberships lists by user, by organization, or by both, by Number. An empty string is no condition.
	ListMemberships(ctx context.Context, userID, organizationID string) ([]*Membership, error)

	// PutClient creates a client, or replaces its Name and RedirectURIs. With keepKey an existing client keeps its key. Otherwise it gets
	// keyHash and, if that is a different one, its sessions are deleted. ErrConflict when a client of another kind has
	// the id.
	PutClient(ctx context.Context, c Client, keyHash string, keepKey bool) (created bool, err error)
	GetClient(ctx context.Context, id string) (c *Client, keyHash string, err error)
	// DeleteClient deletes the client with its sessions, and its groups as DeleteGroup does. It is no error when there is none.
	DeleteClient(ctx context.Context, id string) error

	// PutGroup adds a group, or does nothing when the very same exists. ErrNotFound without the client or the organization. ErrConflict
	// when the id stands, or stood, for anything else.
	PutGroup(ctx context.Context, g Group) error
	GetGroup(ctx context.Context, id string) (*Group, error)
	// ListGroups lists by client, by organization, or by both, by ID. An empty string is no condition.
	ListGroups(ctx context.Context, clientID, organizationID string) ([]*Group, error)
	// DeleteGroup makes a group unknown and its id unusable. It is no error when there is none.
	DeleteGroup(ctx context.Context, id string) error

	// CreateSession adds s if its subject is an enabled user or a client, and proof, unless it is empty, is still the subject's
	// password hash or key hash. ErrCredentials otherwise.
	CreateSession(ctx context.Context, s SessionRecord, proof string) error
	GetSession(ctx context.Context, hash TokenHash) (*SessionRecord, error)
	// TouchSession puts a session's idle expiry off. It never brings it forward, and is no error when there is no session.
	TouchSession(ctx context.Context, hash TokenHash, idleExpiresAt time.Time) error
	// DeleteSession is no error when there is none.
	DeleteSession(ctx context.Context, hash TokenHash) error
	// DeleteSessions deletes those of a user or client.
	DeleteSessions(ctx context.Context, subject string) error
	// DeleteExpiredSessions deletes those that ended before now, idle or not, and says how many.
	DeleteExpiredSessions(ctx context.Context, now time.Time) (int, error)

	// Ready reports whether the store can answer now.
	Ready(ctx context.Context) error
}

// TokenHash is the SHA-256 of a session token. Tokens themselves are never stored.
type TokenHash [sha256.Size]byte

// SessionRecord is a session as it is stored.
type SessionRecord struct {
	Hash          TokenHash
	ID            string // "ses-…"
	Subject       string // "usr-…", or a client's id
	CreatedAt     time.Time
	ExpiresAt     time.Time
	IdleExpiresAt time.Time
}

// EmailKey is the form in which e-mail addresses are compared.
func EmailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }
