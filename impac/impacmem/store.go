// Package impacmem keeps dashboards in memory, and reads records from memory: for tests, examples and products that hold their
// data anyway.
package impacmem

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/impac"
)

// Store is an impac.Store. What it holds is gone with it.
type Store struct {
	mu            sync.Mutex
	lastDashboard int64
	lastWidget    int64
	dashboards    map[int64]*impac.Dashboard // without widgets
	widgets       map[int64]*impac.Widget
}

var _ impac.Store = (*Store)(nil)

// New makes an empty store.
func New() *Store {
	return &Store{dashboards: map[int64]*impac.Dashboard{}, widgets: map[int64]*impac.Widget{}}
}

// Ready reports nil unless ctx is done.
func (s *Store) Ready(ctx context.Context) error { return ctx.Err() }

// ListDashboards implements impac.Store.
func (s *Store) ListDashboards(ctx context.Context, owner string) ([]*impac.Dashboard, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*impac.Dashboard
	for _, d := range s.dashboards {
		if d.OwnerID == owner {
			out = append(out, s.withWidgets(d))
		}
	}
	slices.SortFunc(out, func(a, b *impac.Dashboard) int { return cmp.Compare(a.ID, b.ID) })
	return out, ctx.Err()
}

// GetDashboard implements impac.Store.
func (s *Store) GetDashboard(ctx context.Context, id int64) (*impac.Dashboard, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.dashboards[id]
	if !ok {
		return nil, noDashboard(id)
	}
	return s.withWidgets(d), ctx.Err()
}

// CreateDashboard implements impac.Store.
func (s *Store) CreateDashboard(ctx context.Context, d *impac.Dashboard) (*impac.Dashboard, error) {
	c, err := copyDashboard(d)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.lastDashboard++
	c.ID, c.Widgets = s.lastDashboard, nil
	s.dashboards[c.ID] = c
	return s.withWidgets(c), nil
}

// UpdateDashboard implements impac.Store.
func (s *Store) UpdateDashboard(ctx context.Context, id int64, change func(*impac.Dashboard) error) (*impac.Dashboard, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.dashboards[id]
	if !ok {
		return nil, noDashboard(id)
	}
	d := s.withWidgets(old)
	if err := change(d); err != nil {
		return nil, err
	}
	c, err := copyDashboard(d)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.ID, c.OwnerID, c.OrganizationIDs, c.CreatedAt, c.Widgets = old.ID, old.OwnerID, old.OrganizationIDs, old.CreatedAt, nil
	s.dashboards[id] = c
	return s.withWidgets(c), nil
}

// DeleteDashboard implements impac.Store.
func (s *Store) DeleteDashboard(ctx context.Context, id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.dashboards[id]; !ok {
		return noDashboard(id)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	delete(s.dashboards, id)
	for wid, w := range s.widgets {
		if w.DashboardID == id {
			delete(s.widgets, wid)
		}
	}
	return nil
}

// GetWidget implements impac.Store.
func (s *Store) GetWidget(ctx context.Context, id int64) (*impac.Widget, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.widgets[id]
	if !ok {
		return nil, noWidget(id)
	}
	return mustCopyWidget(w), ctx.Err()
}

// CreateWidget implements impac.Store.
func (s *Store) CreateWidget(ctx context.Context, w *impac.Widget) (*impac.Widget, error) {
	c, err := copyWidget(w)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.dashboards[w.DashboardID]; !ok {
		return nil, noDashboard(w.DashboardID)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.lastWidget++
	c.ID = s.lastWidget
	s.widgets[c.ID] = c
	return mustCopyWidget(c), nil
}

// UpdateWidget implements impac.Store.
func (s *Store) UpdateWidget(ctx context.Context, id int64, change func(*impac.Widget) error) (*impac.Widget, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.widgets[id]
	if !ok {
		return nil, noWidget(id)
	}
	w := mustCopyWidget(old)
	if err := change(w); err != nil {
		return nil, err
	}
	c, err := copyWidget(w)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.ID, c.DashboardID, c.Endpoint = old.ID, old.DashboardID, old.Endpoint
	s.widgets[id] = c
	return mustCopyWidget(c), nil
}

// DeleteWidget implements impac.Store.
func (s *Store) DeleteWidget(ctx context.Context, id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.widgets[id]; !ok {
		return noWidget(id)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	delete(s.widgets, id)
	return nil
}

// withWidgets is a copy of d with copies of its widgets.
func (s *Store) withWidgets(d *impac.Dashboard) *impac.Dashboard {
	c, err := copyDashboard(d)
	if err != nil {
		panic(err) // it was copied on its way in
	}
	for _, w := range s.widgets {
		if w.DashboardID == d.ID {
			c.Widgets = append(c.Widgets, mustCopyWidget(w))
		}
	}
	slices.SortFunc(c.Widgets, func(a, b *impac.Widget) int { return cmp.Compare(a.ID, b.ID) })
	return c
}

func copyDashboard(d *impac.Dashboard) (*impac.Dashboard, error) {
	c := *d
	var err error
	if c.Metadata, err = copyMap(d.Metadata); err != nil {
		return nil, fmt.Errorf("dashboard metadata: %w", err)
	}
	c.OrganizationIDs, c.WidgetsOrder, c.Widgets = slices.Clone(d.OrganizationIDs), slices.Clone(d.WidgetsOrder), nil
	c.CreatedAt, c.UpdatedAt = d.CreatedAt.UTC().Truncate(time.Microsecond), d.UpdatedAt.UTC().Truncate(time.Microsecond)
	return &c, nil
}

func copyWidget(w *impac.Widget) (*impac.Widget, error) {
	c := *w
	var err error
	if c.Metadata, err = copyMap(w.Metadata); err != nil {
		return nil, fmt.Errorf("widget metadata: %w", err)
	}
	return &c, nil
}

func mustCopyWidget(w *impac.Widget) *impac.Widget {
	c, err := copyWidget(w)
	if err != nil {
		panic(err) // it was copied on its way in
	}
	return c
}

// copyMap copies by way of JSON, as any other store does.
func copyMap(m map[string]any) (map[string]any, error) {
	if len(m) == 0 {
		return map[string]any{}, nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var out map[string]any
	return out, dec.Decode(&out)
}

func noDashboard(id int64) error { return fmt.Errorf("dashboard %d: %w", id, impac.ErrNotFound) }
func noWidget(id int64) error    { return fmt.Errorf("widget %d: %w", id, impac.ErrNotFound) }
