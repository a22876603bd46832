package nexmem

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/nex"
)

// Store is a nex.Store in memory.
type Store struct {
	mu        sync.RWMutex
	templates map[string]*nex.TemplateRecord
	apps      map[string]*nex.AppRecord
	durations map[string]map[nex.Status][]time.Duration
}

var _ nex.Store = (*Store)(nil)

// New makes an empty store.
func New() *Store {
	return &Store{
		templates: map[string]*nex.TemplateRecord{},
		apps:      map[string]*nex.AppRecord{},
		durations: map[string]map[nex.Status][]time.Duration{},
	}
}

// Ready always reports that it is, unless ctx has ended.
func (s *Store) Ready(ctx context.Context) error { return ctx.Err() }

// PutTemplate creates or replaces a template.
func (s *Store) PutTemplate(ctx context.Context, t nex.TemplateRecord) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.templates[t.Name] = normalTemplate(t)
	return nil
}

// GetTemplate returns a template.
func (s *Store) GetTemplate(ctx context.Context, name string) (*nex.TemplateRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, ok := s.templates[name]
	if !ok {
		return nil, fmt.Errorf("template %q: %w", name, nex.ErrNotFound)
	}
	return t.Clone(), nil
}

// ListTemplates lists by name.
func (s *Store) ListTemplates(ctx context.Context) ([]*nex.TemplateRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*nex.TemplateRecord, 0, len(s.templates))
	for _, t := range s.templates {
		out = append(out, t.Clone())
	}
	slices.SortFunc(out, func(a, b *nex.TemplateRecord) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// CreateApp adds an app.
func (s *Store) CreateApp(ctx context.Context, r nex.AppRecord) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apps[r.UID] != nil {
		return fmt.Errorf("app %s: %w", r.UID, nex.ErrConflict)
	}
	s.apps[r.UID] = normalApp(r)
	return nil
}

// GetApp returns an app.
func (s *Store) GetApp(ctx context.Context, uid string) (*nex.AppRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.apps[uid]
	if !ok {
		return nil, fmt.Errorf("app %q: %w", uid, nex.ErrNotFound)
	}
	return r.Clone(), nil
}

// ListApps lists by uid.
func (s *Store) ListApps(ctx context.Context, f nex.AppFilter) ([]*nex.AppRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []*nex.AppRecord{}
	for _, r := range s.apps {
		if (f.Organization == "" || r.Organization == f.Organization) && (f.Terminated || r.Status != nex.Terminated) {
			out = append(out, r.Clone())
		}
	}
	slices.SortFunc(out, func(a, b *nex.AppRecord) int { return strings.Compare(a.UID, b.UID) })
	return out, nil
}

// UpdateApp changes an app.
func (s *Store) UpdateApp(ctx context.Context, uid string, change func(*nex.AppRecord) error) (*nex.AppRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.apps[uid]
	if !ok {
		return nil, fmt.Errorf("app %q: %w", uid, nex.ErrNotFound)
	}
	r := old.Clone()
	if err := change(r); err != nil {
		return nil, err
	}
	r.UID, r.Organization, r.Template, r.CreatedAt = old.UID, old.Organization, old.Template, old.CreatedAt
	s.apps[uid] = normalApp(*r)
	return s.apps[uid].Clone(), nil
}

// AddDuration remembers a duration.
func (s *Store) AddDuration(ctx context.Context, template string, status nex.Status, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.durations[template]
	if m == nil {
		m = map[nex.Status][]time.Duration{}
		s.durations[template] = m
	}
	all := append([]time.Duration{d.Truncate(time.Microsecond)}, m[status]...)
	m[status] = all[:min(len(all), nex.DurationSamples)]
	return nil
}

// Durations returns what AddDuration kept.
func (s *Store) Durations(ctx context.Context, template string) (map[nex.Status][]time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[nex.Status][]time.Duration{}
	for status, all := range s.durations[template] {
		out[status] = slices.Clone(all)
	}
	return out, nil
}

// normalTemplate and normalApp copy a value and keep of it what databases keep.

func normalTemplate(t nex.TemplateRecord) *nex.TemplateRecord {
	t.Env = nil
	t.StopGrace = t.StopGrace.Truncate(time.Microsecond)
	return t.Clone()
}

func normalApp(r nex.AppRecord) *nex.AppRecord {
	r.URL, r.Durations = "", nil
	for _, t := range []*time.Time{&r.CreatedAt, &r.StartedAt, &r.StoppedAt, &r.TerminatedAt, &r.RetryAt} {
		if !t.IsZero() {
			*t = t.UTC().Truncate(time.Microsecond)
		}
	}
	if len(r.Errors) == 0 {
		r.Errors = nil
	}
	return r.Clone()
}
