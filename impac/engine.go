package impac

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// Engine is a [Service] in this process.
type Engine struct {
	store      Store
	source     Source
	authorizer authz.Authorizer
	clock      func() time.Time
	log        *slog.Logger
	maxRecords int
	maxGroups  int
}

var _ Service = (*Engine)(nil)

// Option sets up an [Engine].
type Option func(*Engine)

// WithClock tells the time. The default is time.Now.
func WithClock(now func() time.Time) Option { return func(e *Engine) { e.clock = now } }

// WithLogger takes the engine's log. The default discards it.
func WithLogger(l *slog.Logger) Option { return func(e *Engine) { e.log = l } }

// WithMaxRecords bounds how many records one query reads. The default is 1,000,000.
func WithMaxRecords(n int) Option { return func(e *Engine) { e.maxRecords = n } }

// WithMaxGroups bounds how many groups, and distinct values, one query holds. The default is 100,000.
func WithMaxGroups(n int) Option { return func(e *Engine) { e.maxGroups = n } }

// New makes an engine that keeps dashboards in store, reads records from source and asks authorizer about every call.
func New(store Store, source Source, authorizer authz.Authorizer, opts ...Option) *Engine {
	e := &Engine{
		store: store, source: source, authorizer: authorizer,
		clock: time.Now, log: slog.New(slog.DiscardHandler),
		maxRecords: 1_000_000, maxGroups: 100_000,
	}
	for _, o := range opts {
		o(e)
	}
	return e
}

// Ready reports whether the store, and the source if it can tell, answer.
func (e *Engine) Ready(ctx context.Context) error {
	if err := e.store.Ready(ctx); err != nil {
		return fmt.Errorf("impac's store: %w", err)
	}
	if s, ok := e.source.(interface{ Ready(context.Context) error }); ok {
		if err := s.Ready(ctx); err != nil {
			return fmt.Errorf("impac's source: %w", err)
		}
	}
	return nil
}

// now has the precision that every store keeps.
func (e *Engine) now() time.Time { return e.clock().UTC().Truncate(time.Microsecond) }

// maxOrganizations bounds how many organizations a report or dashboard covers.
const maxOrganizations = 100

// requireRecords asks for leave to read collections of organizations. It returns the organizations without those that are named twice,
// be it by two names.
func (e *Engine) requireRecords(ctx context.Context, organizations []string, collections ...string) ([]string, error) {
	var out, seen []string
	for _, org := range organizations {
		for i, c := range collections {
			d, err := authz.Require(ctx, e.authorizer, authz.Read, authz.ConnecEntity, org+"/"+c)
			if err != nil {
				return nil, fmt.Errorf("read %s of %s: %w", c, org, err)
			}
			if i > 0 {
				continue
			}
			uid := d.Organization
			if uid == "" {
				uid = org
			}
			if !slices.Contains(seen, uid) {
				seen, out = append(seen, uid), append(out, org)
			}
		}
	}
	return out, nil
}

// checkOrganizations refuses lists that no report could be made for.
func checkOrganizations(path string, uids []string) error {
	switch {
	case len(uids) == 0:
		return invalid(path, "must name an organization")
	case len(uids) > maxOrganizations:
		return invalid(path, "must not name more than %d organizations", maxOrganizations)
	}
	for _, uid := range uids {
		if uid == "" || len(uid) > 255 {
			return invalid(path, "must hold the ids of organizations")
		}
		for _, c := range uid {
			if c <= ' ' || c == '/' || c == 0x7f {
				return invalid(path, "must hold the ids of organizations")
			}
		}
	}
	return nil
}

func invalid(path, format string, args ...any) error {
	return problem.Invalid(ErrInvalid, path, format, args...)
}

func isUnknownCollection(err error) bool { return errors.Is(err, ErrUnknownCollection) }
