package impac

import "context"

// Store keeps dashboards and their widgets. It judges nothing.
//
// All methods are safe for concurrent use. What goes in and comes out are copies. Metadata is kept as given: keys, and numbers as
// they were written (they come back as json.Number); nil comes back as an empty map. Names are any text without NUL, times are UTC
// with microseconds. ErrNotFound where there is nothing with that id. Widgets of a Dashboard come by ID, whatever WidgetsOrder says.
type Store interface {
	// ListDashboards returns those of an owner with their widgets, by ID.
	ListDashboards(ctx context.Context, owner string) ([]*Dashboard, error)
	// GetDashboard returns a dashboard with its widgets.
	GetDashboard(ctx context.Context, id int64) (*Dashboard, error)
	// CreateDashboard adds d without widgets. The store assigns the ID, which is above all that it ever assigned to a dashboard.
	CreateDashboard(ctx context.Context, d *Dashboard) (*Dashboard, error)
	// UpdateDashboard lets change edit a dashboard under a lock and stores Name, Currency, Metadata, WidgetsOrder and UpdatedAt. An error of
	// change is returned as it is and nothing is stored. change may run more than once and doesn't use the store.
	UpdateDashboard(ctx context.Context, id int64, change func(*Dashboard) error) (*Dashboard, error)
	// DeleteDashboard drops a dashboard and its widgets.
	DeleteDashboard(ctx context.Context, id int64) error

	GetWidget(ctx context.Context, id int64) (*Widget, error)
	// CreateWidget adds w to w.DashboardID. The store assigns the ID, as for dashboards.
	CreateWidget(ctx context.Context, w *Widget) (*Widget, error)
	// UpdateWidget stores Name, Width and Metadata, in the way of UpdateDashboard.
	UpdateWidget(ctx context.Context, id int64, change func(*Widget) error) (*Widget, error)
	DeleteWidget(ctx context.Context, id int64) error

	// Ready reports whether the store can answer now.
	Ready(ctx context.Context) error
}
