package connec

import (
	"context"
	"time"
)

// Store keeps what connec knows. Package connecmem has one in memory, connecsql one on SQLite and PostgreSQL, and
// connectest.TestStore is the contract as a test.
//
// All methods are safe for concurrent use. They take and return copies: nothing is shared with the caller, nested maps and
// lists included. They return ErrNotFound for what isn't there, the context's error when it ends first, and any other error for
// a failure of the store itself. All times are UTC with at most microseconds. Attributes are JSON's Go types with numbers as
// json.Number, whose text a store keeps, and hold neither null nor the character NUL; object members have no order.
type Store interface {
	// Update runs fn in one write transaction and returns once its commit is durable. Transactions run as if one after the other,
	// also when several processes share the store, and fn sees its own writes.
	//
	// An error from fn undoes all that fn did, and nothing else, and is returned as it is. A store may put several concurrent calls into one
	// transaction of its database, and may run fn again: fn has no side effects outside tx, and uses neither tx after it
	// returned nor the Store while it runs.
	Update(ctx context.Context, fn func(tx Tx) error) error

	// Get returns a record.
	Get(ctx context.Context, organization, collection, id string) (*Resource, error)
	// List returns the records that q selects, and how many match in all.
	List(ctx context.Context, q ListQuery) ([]*Resource, int, error)
	// ExternalIDs returns the external ids of records and nested records of an organization by their ids, each set ordered
	// by provider, realm and id. Ids without any are left out. There may be thousands of ids.
	ExternalIDs(ctx context.Context, organization string, ids []string) (map[string]IDSet, error)

	// History returns the transactions of a record, newest first, at most limit.
	History(ctx context.Context, organization, collection, id string, limit int) ([]*Transaction, error)
	// Changes returns the organization's transactions with a sequence above after, in sequence order, at most limit. No
	// collections means all. Once a reader has seen a sequence, no lower one appears any more.
	Changes(ctx context.Context, organization string, after int64, collections []string, limit int) ([]*Transaction, error)
	// LastSequence is the sequence of the organization's last transaction, 0 if there is none.
	LastSequence(ctx context.Context, organization string) (int64, error)

	// PutSubscription creates or replaces a subscription. A replaced one keeps its CreatedAt. Updates that begin after it
	// returned see it.
	PutSubscription(ctx context.Context, s *Subscription) error
	GetSubscription(ctx context.Context, id string) (*Subscription, error)
	// DeleteSubscription drops a subscription and its pending deliveries.
	DeleteSubscription(ctx context.Context, id string) error
	// ListSubscriptions returns those of an organization, by id.
	ListSubscriptions(ctx context.Context, organization string) ([]*Subscription, error)

	// DueSubscriptions returns the ids of subscriptions for which ClaimDeliveries could return something now, and perhaps some more whose
	// due deliveries wait behind an older one.
	DueSubscriptions(ctx context.Context, now time.Time) ([]string, error)
	// ClaimDeliveries hands out pending deliveries of one subscription, in sequence order, at most limit: those that are due
	// (NextAttemptAt not after now), that nobody holds a lease on, and that are the oldest pending one of their record. Each is leased until now+lease, and its
	// Attempts goes up by one, so that a claim can be told from a later one.
	ClaimDeliveries(ctx context.Context, subscription string, now time.Time, lease time.Duration, limit int) ([]*Delivery, error)
	// FinishDelivery stores how the attempt that d was claimed for ended: State, NextAttemptAt, LastStatus, LastError and
	// UpdatedAt; and gives the lease back. When d is no longer pending or was claimed again since (its Attempts differ) or is gone,
	// it does nothing.
	FinishDelivery(ctx context.Context, d *Delivery) error
	// ListDeliveries returns those of an organization, newest (by sequence, then id) first.
	ListDeliveries(ctx context.Context, organization string, q DeliveryQuery) ([]*Delivery, error)
	// PruneDeliveries deletes delivered and failed deliveries of all organizations whose UpdatedAt is before the given time, at most
	// limit, and returns how many it deleted: 0 when none is left that nobody else is deleting. Pending ones stay however old they are.
	PruneDeliveries(ctx context.Context, before time.Time, limit int) (int, error)

	// Ready reports whether the store can answer now.
	Ready(ctx context.Context) error
}

// Tx is a write transaction. It is not safe for concurrent use.
type Tx interface {
	// Get returns a record.
	Get(ctx context.Context, organization, collection, id string) (*Resource, error)
	// First returns the oldest record (by creation, then id) of a collection that matches, or ErrNotFound. A nil filter matches all.
	// Equality on the attributes code, reference, name, email.address, first_name and last_name is worth an index.
	First(ctx context.Context, organization, collection string, where Filter) (*Resource, error)
	// Collections tells the collection of each record of the organization among ids; the others are left out.
	Collections(ctx context.Context, organization string, ids []string) (map[string]string, error)
	// FindExternal returns all id maps of the organization that have one of the keys, of any parent, in any order.
	FindExternal(ctx context.Context, organization string, keys []ExternalKey) ([]IDMap, error)

	// Insert adds a record. Its ExternalIDs and Group aren't stored.
	Insert(ctx context.Context, r *Resource) error
	// Update replaces Version, Attributes and UpdatedAt of a record.
	Update(ctx context.Context, r *Resource) error
	// PutIDMaps adds id maps. One whose key and parent are there already gets the new RecordID and GroupID.
	PutIDMaps(ctx context.Context, maps []IDMap) error
	// AppendTransaction adds t to the history and the change feed, and sets t.Sequence: above that of every transaction that was
	// committed, or appended here, before. Sequences may have gaps. A transaction's Before is the After of the record's version
	// before it, so a store need not keep it twice.
	AppendTransaction(ctx context.Context, t *Transaction) error
	// InsertDeliveries adds pending deliveries.
	InsertDeliveries(ctx context.Context, ds []*Delivery) error
	// NextNumber counts: it returns 1 for the first call with these arguments, then 2, and so on. An undone transaction may leave gaps.
	NextNumber(ctx context.Context, organization, collection string) (int64, error)
	// Subscriptions returns those of an organization, by id. It may leave out Password and Secret.
	Subscriptions(ctx context.Context, organization string) ([]*Subscription, error)
}

// ListQuery selects records of a collection.
type ListQuery struct {
	Organization, Collection string
	// Filter selects the records; nil is all.
	Filter Filter
	// Order sorts them; creation and then id break ties, in the direction of the last key. See Less.
	Order []OrderKey
	// Top is at least 1 and Skip at least 0.
	Top, Skip int
}

// ExternalKey is an external id in the scope in which it is unique.
type ExternalKey struct {
	// Scope is a collection, "invoices", or for nested records a collection and the path of their list, "invoices/lines".
	Scope               string
	Provider, Realm, ID string
}

// IDMap ties an external id to a record or a nested record.
type IDMap struct {
	Organization string
	ExternalKey
	// Parent is empty for a record. For a nested record it is the id of the record around it, within which its external ids are unique.
	Parent string
	// RecordID is the Connec id.
	RecordID string
	// GroupID is the app instance that the external id came through, if known.
	GroupID string
}
