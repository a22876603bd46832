package impacsql

import (
	"context"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/ensemble-platform/ensemble/ent/impacdb"
	"github.com/ensemble-platform/ensemble/ent/impacdb/dashboard"
	"github.com/ensemble-platform/ensemble/ent/impacdb/widget"
	"github.com/ensemble-platform/ensemble/impac"
)

// ListDashboards implements impac.Store.
func (s *Store) ListDashboards(ctx context.Context, owner string) ([]*impac.Dashboard, error) {
	rows, err := s.client.Dashboard.Query().Where(dashboard.OwnerID(owner)).Order(dashboard.ByID()).WithWidgets(byID).All(ctx)
	if err != nil {
		return nil, wrap(err, "list dashboards")
	}
	out := make([]*impac.Dashboard, len(rows))
	for i, r := range rows {
		if out[i], err = fromDBDashboard(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func byID(q *impacdb.WidgetQuery) { q.Order(widget.ByID()) }

// GetDashboard implements impac.Store.
func (s *Store) GetDashboard(ctx context.Context, id int64) (*impac.Dashboard, error) {
	r, err := s.client.Dashboard.Query().Where(dashboard.ID(id)).WithWidgets(byID).Only(ctx)
	if err != nil {
		return nil, wrap(err, "dashboard %d", id)
	}
	return fromDBDashboard(r)
}

// CreateDashboard implements impac.Store.
func (s *Store) CreateDashboard(ctx context.Context, d *impac.Dashboard) (*impac.Dashboard, error) {
	md, err := encode(d.Metadata)
	if err != nil {
		return nil, err
	}
	r, err := s.client.Dashboard.Create().
		SetOwnerID(d.OwnerID).SetName(d.Name).SetOrganizationIds(orEmpty(d.OrganizationIDs)).SetCurrency(d.Currency).
		SetMetadata(md).SetWidgetsOrder(orEmpty(d.WidgetsOrder)).
		SetCreatedAt(d.CreatedAt.UnixMicro()).SetUpdatedAt(d.UpdatedAt.UnixMicro()).
		Save(ctx)
	if err != nil {
		return nil, wrap(err, "create dashboard")
	}
	return fromDBDashboard(r)
}

// UpdateDashboard implements impac.Store.
func (s *Store) UpdateDashboard(ctx context.Context, id int64, change func(*impac.Dashboard) error) (*impac.Dashboard, error) {
	var out *impac.Dashboard
	err := s.tx(ctx, func(tx *impacdb.Tx) error {
		q := tx.Dashboard.Query().Where(dashboard.ID(id)).WithWidgets(byID)
		if s.locks() {
			q.ForUpdate(entsql.WithLockTables(dashboard.Table))
		}
		r, err := q.Only(ctx)
		if err != nil {
			return err
		}
		d, err := fromDBDashboard(r)
		if err != nil {
			return err
		}
		if err := change(d); err != nil {
			return changeError{err}
		}
		md, err := encode(d.Metadata)
		if err != nil {
			return err
		}
		saved, err := tx.Dashboard.UpdateOneID(id).
			SetName(d.Name).SetCurrency(d.Currency).SetMetadata(md).SetWidgetsOrder(orEmpty(d.WidgetsOrder)).SetUpdatedAt(d.UpdatedAt.UnixMicro()).
			Save(ctx)
		if err != nil {
			return err
		}
		saved.Edges.Widgets = r.Edges.Widgets
		out, err = fromDBDashboard(saved)
		return err
	})
	if err != nil {
		return nil, wrap(err, "dashboard %d", id)
	}
	return out, nil
}

// DeleteDashboard implements impac.Store. The database drops the widgets.
func (s *Store) DeleteDashboard(ctx context.Context, id int64) error {
	return wrap(s.client.Dashboard.DeleteOneID(id).Exec(ctx), "dashboard %d", id)
}
