// Package impacconnec lets impac report over the records of a Connec.
//
//	engine := impac.New(store, impacconnec.New(connecService), authorizer)
//
// The Connec may be in this process or behind a connechttp.Client. The caller's credential goes along with each read, so that Connec
// judges it too.
package impacconnec

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// pageSize is what Connec gives at most.
const pageSize = 1000

// Source is an impac.Source over a Connec.
type Source struct {
	svc connec.Service

	mu sync.Mutex
	// singletons are the collections that hold one record; nil until they are known.
	singletons map[string]bool
}

var _ impac.Source = (*Source)(nil)

// New makes a source of svc.
func New(svc connec.Service) *Source { return &Source{svc: svc} }

// Ready reports whether the Connec answers.
func (s *Source) Ready(ctx context.Context) error { return s.svc.Ready(ctx) }

// Records implements impac.Source. It walks the collection by id, page after page: a record that is there throughout is seen once,
// whatever is written meanwhile, and no page costs more than the one before.
func (s *Source) Records(ctx context.Context, organization, collection, filter string) iter.Seq2[impac.Record, error] {
	return func(yield func(impac.Record, error) bool) {
		single, err := s.isSingleton(ctx, collection)
		if err != nil {
			yield(nil, wrap(err))
			return
		}
		if single {
			s.single(ctx, organization, collection, filter, yield)
			return
		}
		q := connec.Query{Filter: filter, OrderBy: "id", Top: pageSize}
		for {
			page, err := s.svc.List(ctx, organization, collection, q)
			if err != nil {
				yield(nil, wrap(err))
				return
			}
			for _, r := range page.Resources {
				if !yield(record(r), nil) {
					return
				}
			}
			n := len(page.Resources)
			if full := page.Top; n == 0 || n < full || full <= 0 && n < pageSize {
				return
			}
			last := page.Resources[n-1].ID
			if strings.ContainsAny(last, "'") {
				yield(nil, fmt.Errorf("%s has the id %q, after which a list can't go on", collection, last))
				return
			}
			q.Filter = "id gt '" + last + "'"
			if strings.TrimSpace(filter) != "" {
				q.Filter = "(" + filter + ") and " + q.Filter
			}
		}
	}
}

// single yields the one record of a collection that holds one.
func (s *Source) single(ctx context.Context, organization, collection, filter string, yield func(impac.Record, error) bool) {
	match, err := impac.ParseFilter(filter)
	if err != nil {
		yield(nil, err)
		return
	}
	r, err := s.svc.Get(ctx, organization, collection, "", connec.ReadOptions{})
	if err != nil {
		yield(nil, wrap(err))
		return
	}
	if rec := record(r); match(rec) {
		yield(rec, nil)
	}
}

// isSingleton asks Connec for its collections once.
func (s *Source) isSingleton(ctx context.Context, collection string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.singletons == nil {
		types, err := s.svc.ResourceTypes(ctx)
		if err != nil {
			return false, err
		}
		s.singletons = map[string]bool{}
		for _, t := range types {
			if t.Singleton {
				s.singletons[t.Name] = true
			}
		}
	}
	return s.singletons[collection], nil
}

// record is a resource's attributes with what Connec keeps beside them. The attributes are the caller's to change.
func record(r *connec.Resource) impac.Record {
	rec := impac.Record(r.Attributes)
	if rec == nil {
		rec = impac.Record{}
	}
	rec["id"] = r.ID
	rec["created_at"], rec["updated_at"] = r.CreatedAt.UTC().Format(time.RFC3339Nano), r.UpdatedAt.UTC().Format(time.RFC3339Nano)
	return rec
}

// wrap turns Connec's errors into impac's where impac has such. Denials and outages stay what they are.
func wrap(err error) error {
	switch {
	case errors.Is(err, connec.ErrUnknownCollection):
		return fmt.Errorf("%w: %s", impac.ErrUnknownCollection, err.Error())
	case errors.Is(err, connec.ErrInvalid):
		v, ok := errors.AsType[*connec.ValidationError](err)
		if !ok {
			return fmt.Errorf("%w: %s", impac.ErrInvalid, err.Error())
		}
		out := &impac.ValidationError{Sentinel: impac.ErrInvalid}
		for _, f := range v.Fields {
			out.Fields = append(out.Fields, problem.Field{Path: strings.TrimPrefix(f.Path, "$"), Reason: f.Reason})
		}
		return out
	}
	return err
}
