package connec

import (
	"net/http"
	"time"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

// Errors. Each has a stable code on the wire; errors.Is sees the same one in process and through a client.
var (
	ErrNotFound          = problem.Sentinel("connec.not_found", http.StatusNotFound, "Resource not found")
	ErrUnknownCollection = problem.Sentinel("connec.unknown_collection", http.StatusBadRequest, "Unknown Resource")
	ErrInvalid           = problem.Sentinel("connec.invalid", http.StatusBadRequest, "Invalid input")
	// ErrIDGiven says that a create named a Connec id, which only Connec assigns.
	ErrIDGiven = problem.Sentinel("connec.id_given", http.StatusConflict, "Creation of resource with id")
	// ErrConflict says that an external id belongs to another record already.
	ErrConflict = problem.Sentinel("connec.conflict", http.StatusConflict, "Conflict")
	// ErrCursor says that a change feed cursor was not made by this store.
	ErrCursor = problem.Sentinel("connec.cursor", http.StatusBadRequest, "Malformed cursor")
)

// ValidationError names the fields that were refused. It matches ErrInvalid.
type ValidationError = problem.ValidationError

// ProviderConnec is the provider of the one id in an [IDSet] that is Connec's own. Its realm is the organization.
const ProviderConnec = "connec"

// ExternalID is a record's id in one system.
type ExternalID struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
	// Realm is the account within the provider.
	Realm string `json:"realm"`
	// GroupID is the app instance that the id came through. Empty when unknown.
	GroupID string `json:"group_id,omitempty"`
}

// IDSet is all ids of one record. Inside attributes it stands wherever a plain id may stand: "id" of a nested record and
// every reference. On input it may hold just the ids that the caller knows.
type IDSet []ExternalID

// Resource is one record of a collection, such as an invoice.
type Resource struct {
	ID           string // a UUID
	Collection   string // "invoices"
	Organization string // "org-…", the platform's channel id
	// Group is the app instance that reads, if the request went through one.
	Group string
	// Version counts the stored changes of the record from 1.
	Version int64
	// ExternalIDs are all ids of the record, Connec's own first. They are there when asked for and nil otherwise; see [ReadOptions].
	ExternalIDs IDSet
	// Attributes are the record's own, in JSON's Go types with numbers as json.Number. References are strings or, when
	// external ids were asked for, IDSets. The map belongs to the caller.
	Attributes map[string]any
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// ReadOptions shape the answer.
type ReadOptions struct {
	// ExternalIDs fills Resource.ExternalIDs and turns every id and reference inside Attributes into an IDSet.
	ExternalIDs bool
	// CountryAlpha2 gives countries in addresses as ISO 3166 alpha-2 codes where they are known.
	CountryAlpha2 bool
}

// WriteOptions steer a write.
type WriteOptions struct {
	ReadOptions
	// ExternalIDs are the caller's ids of the record. A create that names a known one updates that record instead; an
	// update attaches them.
	ExternalIDs IDSet
	// MatchingFields are alternatives, tried in order: attribute paths that must all be equal for a create to become an update
	// of the record that has them. Blank values never match.
	MatchingFields [][]string
	// Authoritative makes lists of nested records complete: nested records that the write leaves out are removed
	// (the platform's opts.sparse=false).
	Authoritative bool
}

// Outcome is what a create did.
type Outcome int

// Outcomes.
const (
	Created Outcome = iota + 1 // a new record
	Matched                    // an existing record was found and updated
)

// Query selects records of a collection.
type Query struct {
	ReadOptions
	// Filter is a boolean expression such as "status eq 'PAID' and updated_at gt '2026-01-01T00:00:00Z'". See [ParseFilter].
	Filter string
	// OrderBy is "attribute", "attribute asc" or "attribute desc", or several of these between commas. Records without the
	// attribute come last. Ties, and the default, go by creation: the newest first where the last attribute is descending.
	OrderBy string
	// Top is the page size: 100 when 0, at most 1000.
	Top int
	// Skip leaves out the first records.
	Skip int
}

// Page is one page of a list.
type Page struct {
	Resources []*Resource
	Skip, Top int
	// Total counts all records that match.
	Total int
}

// Op is one operation of a batch: a create, an update or, without attributes, a read.
type Op struct {
	Group, Collection string
	// ID is empty for a create.
	ID         string
	Attributes map[string]any
	WriteOptions
}

// OpResult answers one Op.
type OpResult struct {
	Resource *Resource
	Outcome  Outcome // for creates
	Err      error
}

// Action of a transaction.
const (
	ActionCreate = "CREATE"
	ActionUpdate = "UPDATE"
)

// Transaction is one change of one record: who did what, and the record before and after. Its sequence is its place in the
// change feed, in commit order.
type Transaction struct {
	ID           string
	Sequence     int64
	Organization string
	Collection   string
	ResourceID   string
	Version      int64
	Action       string
	// ActorType and ActorID are the authz.Principal that made the change, Group the app instance it came through.
	ActorType, ActorID, ActorName, Group string
	RequestID                            string
	// Before is nil for a create. Both hold plain ids.
	Before, After map[string]any
	At            time.Time
}

// Feed is a stretch of the change feed.
type Feed struct {
	Changes []*Transaction
	// Cursor continues after the last of Changes. It never expires in this version.
	Cursor string
	// More says that the next stretch is there already.
	More bool
}

// FeedQuery asks for a stretch of the change feed.
type FeedQuery struct {
	// Cursor is from the last Feed; empty is the beginning, "now" is the end.
	Cursor string
	// Collections restricts the feed; nil is all.
	Collections []string
	// Limit is 100 when 0, at most 1000.
	Limit int
}

// Subscription is an app instance's wish to be told of changes.
type Subscription struct {
	// ID is the group id: an app instance has one subscription.
	ID           string
	Organization string
	// AppID is the app, asked of the Authorizer before each delivery.
	AppID string
	// Collections restricts what is delivered; nil is all.
	Collections []string
	// URL receives the webhooks.
	URL string
	// Username and Password are sent as HTTP Basic: the app's own id and key.
	Username, Password string
	// Secret signs the webhooks (Standard Webhooks, "whsec_…"). One is made when it is empty.
	Secret string
	// ExternalIDs sends ids as IDSets.
	ExternalIDs bool
	CreatedAt   time.Time
}

// DeliveryState is how far a delivery has come.
type DeliveryState string

// Delivery states.
const (
	Pending   DeliveryState = "pending"
	Delivered DeliveryState = "delivered"
	Failed    DeliveryState = "failed" // given up after the last attempt
)

// Delivery is one change on its way to one subscription.
type Delivery struct {
	// ID is the webhook id, the same at every attempt.
	ID             string
	SubscriptionID string
	Organization   string
	Collection     string
	ResourceID     string
	Sequence       int64
	State          DeliveryState
	Attempts       int
	// NextAttemptAt is when a pending delivery is due.
	NextAttemptAt time.Time
	// LastStatus is the HTTP status of the last attempt, 0 if there was no answer; LastError says what went wrong.
	LastStatus int
	LastError  string
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// DeliveryQuery selects deliveries, newest first.
type DeliveryQuery struct {
	SubscriptionID string
	State          DeliveryState // "" is any
	Limit          int           // 100 when 0, at most 1000
}
