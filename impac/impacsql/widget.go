package impacsql

import (
	"context"
	"fmt"

	"github.com/ensemble-platform/ensemble/ent/impacdb"
	"github.com/ensemble-platform/ensemble/ent/impacdb/widget"
	"github.com/ensemble-platform/ensemble/impac"
)

// GetWidget implements impac.Store.
func (s *Store) GetWidget(ctx context.Context, id int64) (*impac.Widget, error) {
	r, err := s.client.Widget.Get(ctx, id)
	if err != nil {
		return nil, wrap(err, "widget %d", id)
	}
	return fromDBWidget(r)
}

// CreateWidget implements impac.Store.
func (s *Store) CreateWidget(ctx context.Context, w *impac.Widget) (*impac.Widget, error) {
	md, err := encode(w.Metadata)
	if err != nil {
		return nil, err
	}
	r, err := s.client.Widget.Create().
		SetDashboardID(w.DashboardID).SetName(w.Name).SetEndpoint(w.Endpoint).SetWidth(w.Width).SetMetadata(md).
		Save(ctx)
	if impacdb.IsConstraintError(err) {
		// The one constraint that an insert can break: the dashboard is gone.
		return nil, fmt.Errorf("dashboard %d: %w", w.DashboardID, impac.ErrNotFound)
	}
	if err != nil {
		return nil, wrap(err, "create widget")
	}
	return fromDBWidget(r)
}

// UpdateWidget implements impac.Store.
func (s *Store) UpdateWidget(ctx context.Context, id int64, change func(*impac.Widget) error) (*impac.Widget, error) {
	var out *impac.Widget
	err := s.tx(ctx, func(tx *impacdb.Tx) error {
		q := tx.Widget.Query().Where(widget.ID(id))
		if s.locks() {
			q.ForUpdate()
		}
		r, err := q.Only(ctx)
		if err != nil {
			return err
		}
		w, err := fromDBWidget(r)
		if err != nil {
			return err
		}
		if err := change(w); err != nil {
			return changeError{err}
		}
		md, err := encode(w.Metadata)
		if err != nil {
			return err
		}
		saved, err := tx.Widget.UpdateOneID(id).SetName(w.Name).SetWidth(w.Width).SetMetadata(md).Save(ctx)
		if err != nil {
			return err
		}
		out, err = fromDBWidget(saved)
		return err
	})
	if err != nil {
		return nil, wrap(err, "widget %d", id)
	}
	return out, nil
}

// DeleteWidget implements impac.Store.
func (s *Store) DeleteWidget(ctx context.Context, id int64) error {
	return wrap(s.client.Widget.DeleteOneID(id).Exec(ctx), "widget %d", id)
}
