package idmoidc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
)

// ErrNotFound is what a Store answers for what does not exist.
var ErrNotFound = errors.New("not found")

// Store keeps what is between requests. Every call is atomic; values are the caller's own copies. Package idmoidctest proves
// implementations.
type Store interface {
	// CreateRequest adds a sign-in.
	CreateRequest(ctx context.Context, r Request) error
	GetRequest(ctx context.Context, id string) (*Request, error)
	// UpdateRequest applies change while nobody else can change the request. An error of change is returned as it is.
	UpdateRequest(ctx context.Context, id string, change func(*Request) error) (*Request, error)
	// UseCode returns the request with a code, and first the first time only. The second time it marks the request as Replayed
	// and deletes all its tokens.
	UseCode(ctx context.Context, codeHash string) (r *Request, first bool, err error)

	// AddTokens adds tokens that the request with id family led to. ErrNotFound when it was replayed or does not exist.
	AddTokens(ctx context.Context, family string, ts ...Token) error
	GetToken(ctx context.Context, hash string) (*Token, error)
	// Rotate marks a refresh token as Used and adds its successors. When it was used already it deletes all tokens of its family
	// instead, and first is false. ErrNotFound when it or its request does not exist.
	Rotate(ctx context.Context, hash string, ts ...Token) (first bool, err error)
	// DeleteFamily deletes all that a sign-in led to.
	DeleteFamily(ctx context.Context, family string) error
	// DeleteUserTokens deletes all tokens that a client got for a user.
	DeleteUserTokens(ctx context.Context, userID, clientID string) error

	// Keys lists the signing keys, the newest first.
	Keys(ctx context.Context) ([]Key, error)
	// AddKey adds a key; with ifNone, only when there is no key at all.
	AddKey(ctx context.Context, k Key, ifNone bool) error
	// DeleteKey is no error when there is none.
	DeleteKey(ctx context.Context, id string) error

	// DeleteExpired deletes requests and tokens that ended before now, and says how many.
	DeleteExpired(ctx context.Context, now time.Time) (int, error)
}

// Request is a sign-in to an app, from the authorization request until its code has long been exchanged.
type Request struct {
	ID            string
	ClientID      string
	RedirectURI   string
	Scopes        []string
	State         string
	Nonce         string
	CodeChallenge string // by S256
	// Silent says that the user must not be shown anything (prompt=none).
	Silent bool
	// MaxAge is how many seconds ago the user may have signed in at most; nil is no limit.
	MaxAge *uint
	// AskedGroup is the group_id that the app asked for.
	AskedGroup string
	// AskedUser is the user of the id_token_hint.
	AskedUser string
	CreatedAt time.Time

	// Once the user is known:
	UserID       string
	Group        string
	Organization string
	AuthTime     time.Time

	// Once there is a code:
	CodeHash      string
	CodeExpiresAt time.Time
	Used          bool
	Replayed      bool

	ExpiresAt time.Time
}

// Token is an access token or a refresh token.
type Token struct {
	Hash         string
	Family       string // the request's id
	Refresh      bool
	Used         bool
	UserID       string
	ClientID     string
	Scopes       []string
	Group        string
	Organization string
	AuthTime     time.Time
	ExpiresAt    time.Time
}

// Key is a signing key.
type Key struct {
	ID string
	// PrivateKey is an RSA key in PKCS #8.
	PrivateKey []byte
	CreatedAt  time.Time
}

// hash is how codes and tokens are stored.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
