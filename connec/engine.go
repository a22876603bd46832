package connec

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/page"
)

const (
	defaultPage = 100
	maxPage     = 1000
	maxBatch    = 1000
	maxSkip     = 10_000_000
)

// Engine is the Service in process, over a Store. It is safe for concurrent use.
type Engine struct {
	store Store
	authz authz.Authorizer
	settings
}

var _ Service = (*Engine)(nil)

// New returns an Engine that keeps its data in store and asks authorizer before each call.
func New(store Store, authorizer authz.Authorizer, opts ...Option) *Engine {
	return &Engine{store: store, authz: authorizer, settings: newSettings(opts)}
}

// Option changes an Engine or a Dispatcher.
type Option func(*settings)

type settings struct {
	model      *model
	log        *slog.Logger
	clock      func() time.Time
	dispatcher *Dispatcher
	delivery   deliverySettings
}

func newSettings(opts []Option) settings {
	s := settings{model: canonical(), log: slog.New(slog.DiscardHandler), clock: time.Now, delivery: defaultDelivery()}
	for _, o := range opts {
		o(&s)
	}
	return s
}

func (s *settings) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// WithResourceTypes adds collections to the canonical model, or replaces those with the same names. Give the same to the Engine and to the
// Dispatcher. It panics if a schema is wrong; [CheckResourceType] tells beforehand.
func WithResourceTypes(types ...ResourceType) Option {
	return func(s *settings) {
		m, err := s.model.with(types)
		if err != nil {
			panic("connec: " + err.Error())
		}
		s.model = m
	}
}

// CheckResourceType tells whether rt can be a collection.
func CheckResourceType(rt ResourceType) error {
	_, err := compile(rt)
	return err
}

// WithLogger sets the logger. By default nothing is logged.
func WithLogger(l *slog.Logger) Option { return func(s *settings) { s.log = l } }

// WithClock sets the clock, time.Now by default.
func WithClock(now func() time.Time) Option { return func(s *settings) { s.clock = now } }

// WithDispatcher makes an Engine wake d after each commit. Without it deliveries wait for the dispatcher's next poll.
func WithDispatcher(d *Dispatcher) Option { return func(s *settings) { s.dispatcher = d } }

func (e *Engine) collection(name string) (*collection, error) {
	if c := e.model.types[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("%w: there is no collection %q", ErrUnknownCollection, name)
}

// allow judges access to a collection through a group.
func (e *Engine) allow(ctx context.Context, action authz.Action, group, name string) (authz.Decision, error) {
	d, err := authz.Require(ctx, e.authz, action, authz.ConnecEntity, group+"/"+name)
	if err == nil && d.Organization == "" {
		err = fmt.Errorf("%w: the decision names no organization", authz.ErrUnavailable)
	}
	return d, err
}

func (e *Engine) open(ctx context.Context, action authz.Action, group, name string) (*collection, authz.Decision, error) {
	d, err := e.allow(ctx, action, group, name)
	if err != nil {
		return nil, d, err
	}
	c, err := e.collection(name)
	return c, d, err
}

// Get implements Service.
func (e *Engine) Get(ctx context.Context, group, collection, id string, opts ReadOptions) (*Resource, error) {
	c, d, err := e.open(ctx, authz.Read, group, collection)
	if err != nil {
		return nil, err
	}
	var r *Resource
	if c.Singleton {
		r, err = e.singleton(ctx, c, d)
	} else {
		r, err = e.store.Get(ctx, d.Organization, collection, id)
	}
	if err != nil {
		return nil, fmt.Errorf("get %s/%s: %w", collection, id, err)
	}
	return r, e.present(ctx, d, opts, r)
}

// singleton returns the one record of a collection and makes it when it isn't there. Nobody is told: it is empty.
func (e *Engine) singleton(ctx context.Context, c *collection, d authz.Decision) (*Resource, error) {
	rs, _, err := e.store.List(ctx, ListQuery{Organization: d.Organization, Collection: c.Name, Top: 1})
	if err != nil || len(rs) > 0 {
		return first(rs), err
	}
	w := &write{col: c, decision: d, requestID: httpx.RequestIDFrom(ctx), now: e.now, create: true, patch: map[string]any{}, silent: true}
	res, err := e.commit(ctx, w)
	if err != nil {
		return nil, err
	}
	return res.resource, nil
}

func first(rs []*Resource) *Resource {
	if len(rs) == 0 {
		return nil
	}
	return rs[0]
}

// List implements Service.
func (e *Engine) List(ctx context.Context, group, collection string, q Query) (*Page, error) {
	c, d, err := e.open(ctx, authz.Read, group, collection)
	if err != nil {
		return nil, err
	}
	lq, err := c.query(d, group, q)
	if err != nil {
		return nil, err
	}
	rs, total, err := e.store.List(ctx, lq)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", collection, err)
	}
	return &Page{Resources: rs, Skip: lq.Skip, Top: lq.Top, Total: total}, e.present(ctx, d, q.ReadOptions, rs...)
}

func (c *collection) query(d authz.Decision, group string, q Query) (ListQuery, error) {
	lq := ListQuery{Organization: d.Organization, Collection: c.Name, Top: limit(q.Top), Skip: q.Skip}
	if q.Skip < 0 || q.Skip > maxSkip {
		return lq, invalid("$skip", "must be between 0 and %d", maxSkip)
	}
	if q.Top < 0 {
		return lq, invalid("$top", "must not be negative")
	}
	scope := FilterScope{Attribute: c.lookup, Constants: map[string]string{
		"resource_type": c.Name, "channel_id": d.Organization, "group_id": groupID(d.Group, group),
	}}
	var err error
	if q.Filter != "" {
		if lq.Filter, err = ParseFilter(q.Filter, scope); err != nil {
			return lq, err
		}
	}
	lq.Order, err = ParseOrder(q.OrderBy, scope)
	return lq, err
}

func groupID(through, asked string) string {
	if through != "" {
		return through
	}
	return asked
}

func limit(n int) int {
	if n <= 0 {
		return defaultPage
	}
	return min(n, maxPage)
}

// History implements Service.
func (e *Engine) History(ctx context.Context, group, collection, id string) ([]*Transaction, error) {
	_, d, err := e.open(ctx, authz.Read, group, collection)
	if err != nil {
		return nil, err
	}
	ts, err := e.store.History(ctx, d.Organization, collection, id, maxPage)
	if err == nil && len(ts) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("history of %s/%s: %w", collection, id, err)
	}
	return ts, nil
}

// cursor is what a feed cursor holds.
type cursor struct {
	Organization string `json:"o"`
	Sequence     int64  `json:"s"`
}

// Changes implements Service. Without collections it gives those that the caller may read.
func (e *Engine) Changes(ctx context.Context, group string, q FeedQuery) (*Feed, error) {
	collections, d, err := e.readable(ctx, group, q.Collections)
	if err != nil {
		return nil, err
	}
	c := cursor{Organization: d.Organization}
	switch q.Cursor {
	case "":
	case "now":
		if c.Sequence, err = e.store.LastSequence(ctx, d.Organization); err != nil {
			return nil, err
		}
		return &Feed{Cursor: page.Encode(c)}, nil
	default:
		c = cursor{}
		if err := page.Decode(q.Cursor, &c); err != nil || c.Organization != d.Organization || c.Sequence < 0 {
			return nil, ErrCursor
		}
	}
	n := limit(q.Limit)
	ts, err := e.store.Changes(ctx, d.Organization, c.Sequence, collections, n+1)
	if err != nil {
		return nil, fmt.Errorf("changes of %s: %w", d.Organization, err)
	}
	feed := &Feed{Changes: ts, More: len(ts) > n}
	if feed.More {
		feed.Changes = ts[:n]
	}
	if len(feed.Changes) > 0 {
		c.Sequence = feed.Changes[len(feed.Changes)-1].Sequence
	}
	feed.Cursor = page.Encode(c)
	return feed, nil
}

// readable judges the collections of a feed.
func (e *Engine) readable(ctx context.Context, group string, asked []string) ([]string, authz.Decision, error) {
	if len(asked) > 0 {
		var d authz.Decision
		for _, name := range slices.Compact(slices.Sorted(slices.Values(asked))) {
			var err error
			if _, d, err = e.open(ctx, authz.Read, group, name); err != nil {
				return nil, d, err
			}
		}
		return asked, d, nil
	}
	ids := make([]string, len(e.model.names))
	for i, name := range e.model.names {
		ids[i] = group + "/" + name
	}
	allowed, err := e.authz.Filter(ctx, authz.Request{
		Credential: authz.CredentialFrom(ctx), Action: authz.Read, Resource: authz.Resource{Type: authz.ConnecEntity},
	}, ids)
	if err != nil {
		return nil, authz.Decision{}, err
	}
	var names []string
	for _, id := range allowed {
		names = append(names, id[len(group)+1:])
	}
	probe := e.model.names[0]
	if len(names) > 0 {
		probe = names[0]
	}
	d, err := e.allow(ctx, authz.Read, group, probe) // names the organization, or says why not
	if err == nil && len(names) == len(ids) {
		names = nil
	}
	return names, d, err
}

// ResourceTypes implements Service.
func (e *Engine) ResourceTypes(context.Context) ([]*ResourceType, error) {
	out := make([]*ResourceType, len(e.model.names))
	for i, name := range e.model.names {
		out[i] = e.model.types[name].copy()
	}
	return out, nil
}

// Ready implements Service.
func (e *Engine) Ready(ctx context.Context) error { return e.store.Ready(ctx) }

// refused tells a refusal, which concerns one operation, from a failure of the store.
func refused(err error) bool {
	for _, is := range []error{ErrNotFound, ErrUnknownCollection, ErrInvalid, ErrIDGiven, ErrConflict} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}
