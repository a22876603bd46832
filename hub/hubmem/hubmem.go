// Package hubmem keeps the hub's data in memory: for tests, and for products that need nothing to last.
package hubmem

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/hub"
)

// Store is a hub.Store. Make one with [New].
type Store struct {
	mu            sync.Mutex
	organizations []*hub.Organization // by Number
	apps          []*hub.AppRecord
	instances     []*hub.InstanceRecord
}

var _ hub.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store { return &Store{} }

// Ready reports that the store is always ready.
func (s *Store) Ready(context.Context) error { return nil }

// CreateOrganization adds an organization.
func (s *Store) CreateOrganization(ctx context.Context, o hub.Organization) (*hub.Organization, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.organizations, func(x *hub.Organization) bool { return x.ID == o.ID }) {
		return nil, fmt.Errorf("organization %s: %w", o.ID, hub.ErrConflict)
	}
	o.Number, o.Role = int64(len(s.organizations)+1), ""
	utc(&o.CreatedAt, &o.UpdatedAt)
	s.organizations = append(s.organizations, &o)
	return new(o), nil
}

// GetOrganization returns an organization by ID or Number.
func (s *Store) GetOrganization(ctx context.Context, ref string) (*hub.Organization, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.organizations {
		if names(ref, o.ID, o.Number) {
			return new(*o), nil
		}
	}
	return nil, fmt.Errorf("organization %s: %w", ref, hub.ErrNotFound)
}

// ListOrganizations lists organizations by Number.
func (s *Store) ListOrganizations(ctx context.Context, ids []string) ([]*hub.Organization, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*hub.Organization
	for _, o := range s.organizations {
		if ids == nil || slices.Contains(ids, o.ID) {
			out = append(out, new(*o))
		}
	}
	return out, nil
}

// PutApp creates or changes an app.
func (s *Store) PutApp(ctx context.Context, nid string, change func(*hub.AppRecord) error) (*hub.AppRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.apps, func(r *hub.AppRecord) bool { return r.NID == nid })
	next := &hub.AppRecord{App: hub.App{NID: nid}}
	if i >= 0 {
		next = copyApp(s.apps[i])
	}
	if err := change(next); err != nil {
		return nil, err
	}
	next = copyApp(next)
	next.NID = nid
	if i >= 0 {
		next.ID, next.Number = s.apps[i].ID, s.apps[i].Number
		s.apps[i] = next
		return copyApp(next), nil
	}
	if slices.ContainsFunc(s.apps, func(r *hub.AppRecord) bool { return r.ID == next.ID }) {
		return nil, fmt.Errorf("app %s: %w", next.ID, hub.ErrConflict)
	}
	next.Number = int64(len(s.apps) + 1)
	s.apps = append(s.apps, next)
	return copyApp(next), nil
}

// GetApp returns an app by ID, Number or NID.
func (s *Store) GetApp(ctx context.Context, ref string) (*hub.AppRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.apps {
		if r.NID == ref || names(ref, r.ID, r.Number) {
			return copyApp(r), nil
		}
	}
	return nil, fmt.Errorf("app %s: %w", ref, hub.ErrNotFound)
}

// ListApps lists apps by name.
func (s *Store) ListApps(ctx context.Context) ([]*hub.AppRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*hub.AppRecord, len(s.apps))
	for i, r := range s.apps {
		out[i] = copyApp(r)
	}
	slices.SortStableFunc(out, func(a, b *hub.AppRecord) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// CreateInstance adds an app instance.
func (s *Store) CreateInstance(ctx context.Context, r hub.InstanceRecord) (*hub.InstanceRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.instances {
		if x.ID == r.ID || x.OrganizationID == r.OrganizationID && x.AppID == r.AppID && x.Status != hub.Terminated {
			return nil, fmt.Errorf("app instance %s: %w", x.ID, hub.ErrConflict)
		}
	}
	r.Number = int64(len(s.instances) + 1)
	s.instances = append(s.instances, copyInstance(&r))
	return copyInstance(&r), nil
}

// GetInstance returns an app instance by ID or Number.
func (s *Store) GetInstance(ctx context.Context, ref string) (*hub.InstanceRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.instances {
		if names(ref, r.ID, r.Number) {
			return copyInstance(r), nil
		}
	}
	return nil, fmt.Errorf("app instance %s: %w", ref, hub.ErrNotFound)
}

// ListInstances lists an organization's app instances by Number.
func (s *Store) ListInstances(ctx context.Context, organizationID string) ([]*hub.InstanceRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*hub.InstanceRecord
	for _, r := range s.instances {
		if r.OrganizationID == organizationID && r.Status != hub.Terminated {
			out = append(out, copyInstance(r))
		}
	}
	return out, nil
}

// ScanInstances lists app instances by Number, some at a time.
func (s *Store) ScanInstances(ctx context.Context, appID string, after int64, limit int) ([]*hub.InstanceRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*hub.InstanceRecord
	for _, r := range s.instances[min(max(after, 0), int64(len(s.instances))):] { // Numbers are positions
		if len(out) == limit {
			break
		}
		if (appID == "" || r.AppID == appID) && r.Status != hub.Terminated {
			out = append(out, copyInstance(r))
		}
	}
	return out, nil
}

// UpdateInstance changes an app instance.
func (s *Store) UpdateInstance(ctx context.Context, id string, change func(*hub.InstanceRecord) error) (*hub.InstanceRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.instances, func(r *hub.InstanceRecord) bool { return r.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("app instance %s: %w", id, hub.ErrNotFound)
	}
	old := s.instances[i]
	next := copyInstance(old)
	if err := change(next); err != nil {
		return nil, err
	}
	next = copyInstance(next)
	next.ID, next.Number, next.OrganizationID, next.AppID, next.CreatedAt = old.ID, old.Number, old.OrganizationID, old.AppID, old.CreatedAt
	s.instances[i] = next
	return copyInstance(next), nil
}

// ClaimOrder takes the order that has been due longest.
func (s *Store) ClaimOrder(ctx context.Context, now time.Time, claim string, until time.Time) (*hub.InstanceRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var due *hub.InstanceRecord
	for _, r := range s.instances {
		o := r.Order
		if o.Kind == "" || o.DueAt.After(now) || o.Claim != "" && o.ClaimedUntil.After(now) {
			continue
		}
		if due == nil || cmp.Or(o.DueAt.Compare(due.Order.DueAt), cmp.Compare(r.Number, due.Number)) < 0 {
			due = r
		}
	}
	if due == nil {
		return nil, fmt.Errorf("claim an order: %w", hub.ErrNotFound)
	}
	due.Order.Claim, due.Order.ClaimedUntil = claim, until
	utc(&due.Order.ClaimedUntil)
	return copyInstance(due), nil
}

func names(ref, id string, number int64) bool {
	return ref == id || ref == strconv.FormatInt(number, 10)
}

func copyApp(r *hub.AppRecord) *hub.AppRecord {
	c := *r
	c.Categories, c.Collections, c.RedirectPaths = slices.Clone(r.Categories), slices.Clone(r.Collections), slices.Clone(r.RedirectPaths)
	c.SealedKey = slices.Clone(r.SealedKey)
	utc(&c.CreatedAt, &c.UpdatedAt)
	return &c
}

func copyInstance(r *hub.InstanceRecord) *hub.InstanceRecord {
	c := *r
	c.App = nil
	c.Errors, c.Durations, c.SealedSecrets = slices.Clone(r.Errors), maps.Clone(r.Durations), slices.Clone(r.SealedSecrets)
	utc(&c.CreatedAt, &c.StartedAt, &c.TerminatedAt, &c.UpdatedAt, &c.Order.StepAt, &c.Order.DueAt, &c.Order.ClaimedUntil)
	return &c
}

// utc gives times the form that databases keep.
func utc(ts ...*time.Time) {
	for _, t := range ts {
		*t = t.UTC().Truncate(time.Microsecond)
	}
}
