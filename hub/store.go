package hub

import (
	"context"
	"time"
)

// Store keeps what the hub is the truth for: profiles of organizations, apps, app instances and their orders. Every method is
// atomic and safe for concurrent use, also by several processes. Values that cross it are copies.
//
// A reference is an ID or a Number in decimal. Times are kept in UTC to the microsecond. hubtest.TestStore states the contract.
type Store interface {
	// CreateOrganization adds one and assigns its Number, upwards. ErrConflict when the ID is taken.
	CreateOrganization(ctx context.Context, o Organization) (*Organization, error)
	GetOrganization(ctx context.Context, ref string) (*Organization, error)
	// ListOrganizations returns those that exist among ids, or all when ids is nil, by Number.
	ListOrganizations(ctx context.Context, ids []string) ([]*Organization, error)

	// PutApp creates or changes the app with that NID. change gets the stored record, or one with nothing but the NID; when it
	// fails, nothing is stored and its error is returned. ID and NID can't be changed once stored.
	PutApp(ctx context.Context, nid string, change func(*AppRecord) error) (*AppRecord, error)
	// GetApp takes a reference or a NID.
	GetApp(ctx context.Context, ref string) (*AppRecord, error)
	// ListApps lists all, active or not, by name.
	ListApps(ctx context.Context) ([]*AppRecord, error)

	// CreateInstance adds an instance and assigns its Number. ErrConflict when the ID is taken, or when the organization has an
	// instance of the app that isn't terminated.
	CreateInstance(ctx context.Context, r InstanceRecord) (*InstanceRecord, error)
	GetInstance(ctx context.Context, ref string) (*InstanceRecord, error)
	// ListInstances lists an organization's, by Number, but for terminated ones.
	ListInstances(ctx context.Context, organizationID string) ([]*InstanceRecord, error)
	// ScanInstances lists at most limit instances that aren't terminated, of one app or of all with "", whose Number is above after, by
	// Number.
	ScanInstances(ctx context.Context, appID string, after int64, limit int) ([]*InstanceRecord, error)
	// UpdateInstance changes an instance under a lock. When change fails, nothing is stored and its error is returned.
	UpdateInstance(ctx context.Context, id string, change func(*InstanceRecord) error) (*InstanceRecord, error)
	// ClaimOrder takes the order that has been due longest and that nobody holds, sets its Claim and ClaimedUntil, and returns its
	// instance. ErrNotFound when there is none. Of several callers each gets another order.
	ClaimOrder(ctx context.Context, now time.Time, claim string, until time.Time) (*InstanceRecord, error)

	Ready(ctx context.Context) error
}

// AppRecord is an app as it is stored.
type AppRecord struct {
	App
	// SealedKey is the API key, sealed. It is empty for cubes, whose instances have keys of their own.
	SealedKey []byte
	// Published says that the identity knows the client and that somebody was told the key.
	Published bool
}

// InstanceRecord is an app instance as it is stored. Its App is nil; AppID names it.
type InstanceRecord struct {
	AppInstance
	AppID string // "app-…"
	// ClientID is the API client that acts for the instance: its own for cubes, else the app's.
	ClientID string
	// SealedSecrets are the instance's own secrets.
	SealedSecrets []byte
	// Settings is a digest of what the instance took from its app and the platform when its last order began.
	Settings string
	Order    Order
}

// OrderKind says what is to be done with an instance.
type OrderKind string

// Order kinds. The zero kind is no order.
const (
	OrderAdd    OrderKind = "add"
	OrderRemove OrderKind = "remove"
	// OrderUpdate takes a running instance to where its app and the platform are now.
	OrderUpdate OrderKind = "update"
)

// Order is work on an instance that is under way.
type Order struct {
	Kind OrderKind
	// Step is the next thing to do, and StepAt when it became so.
	Step   string
	StepAt time.Time
	// Attempts counts the failures of Step in a row.
	Attempts int
	// DueAt is when to go on.
	DueAt time.Time
	// Claim names who carries the order out, until ClaimedUntil.
	Claim        string
	ClaimedUntil time.Time
}
