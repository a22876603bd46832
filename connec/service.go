package connec

import "context"

// Service is what connec does. [Engine] does it in process and connechttp.Client from afar; both behave alike.
//
// Every call is judged by the authz.Authorizer with the credential that ctx carries (authz.WithCredential); a denial matches
// authz.ErrUnauthenticated or authz.ErrDenied. group is an app instance ("cld-…") or an organization ("org-…").
//
// Service may grow; embed it in your own implementations.
type Service interface {
	// Create adds a record, or updates the one that opts find. It is all or nothing.
	//
	// Attributes may be any values that JSON has a form for. They are brought into the types of the schema where that loses nothing: texts are trimmed,
	// numbers, booleans and dates are read from texts, enumerated texts in any case, and an empty text clears what isn't plain text. null clears, and
	// attributes that the schema doesn't know are kept as they are. A reference may be Connec's id or an [IDSet]. One that names no record
	// of the organization is left out: a new record goes without, an old one keeps what it had.
	Create(ctx context.Context, group, collection string, attrs map[string]any, opts WriteOptions) (*Resource, Outcome, error)
	// Update merges attributes into a record: absent ones keep their values, nested objects merge, nested lists merge by
	// id. The singleton collections take the empty id, and any other.
	Update(ctx context.Context, group, collection, id string, attrs map[string]any, opts WriteOptions) (*Resource, error)
	// Get returns a record. A singleton is created when it isn't there.
	Get(ctx context.Context, group, collection, id string, opts ReadOptions) (*Resource, error)
	List(ctx context.Context, group, collection string, q Query) (*Page, error)
	// Batch runs up to 1000 operations in order. Each stands for itself: one that fails doesn't stop the others.
	Batch(ctx context.Context, ops []Op) ([]OpResult, error)

	// History lists the transactions of a record, newest first.
	History(ctx context.Context, group, collection, id string) ([]*Transaction, error)
	// Changes reads the change feed of the group's organization.
	Changes(ctx context.Context, group string, q FeedQuery) (*Feed, error)

	// ResourceTypes lists the collections by name. It needs no credential.
	ResourceTypes(ctx context.Context) ([]*ResourceType, error)

	// PutSubscription creates or replaces a subscription and returns it with its secret. It is for the platform's services.
	PutSubscription(ctx context.Context, s Subscription) (*Subscription, error)
	// DeleteSubscription drops a subscription and its pending deliveries. It is for the platform's services.
	DeleteSubscription(ctx context.Context, id string) error
	// ListSubscriptions lists those of the group's organization, without passwords and secrets.
	ListSubscriptions(ctx context.Context, group string) ([]*Subscription, error)
	ListDeliveries(ctx context.Context, group string, q DeliveryQuery) ([]*Delivery, error)

	// Ready reports whether the service can answer now.
	Ready(ctx context.Context) error
}
