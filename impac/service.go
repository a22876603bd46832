package impac

import "context"

// Service is what impac does. [Engine] does it in process and impachttp.Client from afar; both behave alike.
//
// Every call but Templates is judged by the authz.Authorizer with the credential that ctx carries, for every organization
// it names.
//
// Service may grow; embed it in your own implementations.
type Service interface {
	// Templates lists the widgets that there are. It needs no credential.
	Templates(ctx context.Context) ([]Template, error)
	// Show computes a widget. params is the wire's metadata: organization_ids, currency, hist_parameters and the widget's own.
	Show(ctx context.Context, endpoint string, params map[string]any) (*WidgetData, error)
	// Query runs one aggregate query.
	Query(ctx context.Context, q Query) (*Frame, error)

	// ListDashboards lists the caller's, by ID.
	ListDashboards(ctx context.Context) ([]*Dashboard, error)
	CreateDashboard(ctx context.Context, d Dashboard) (*Dashboard, error)
	// UpdateDashboard changes a dashboard under a lock. Widgets are not changed by it.
	UpdateDashboard(ctx context.Context, id int64, p DashboardPatch) (*Dashboard, error)
	DeleteDashboard(ctx context.Context, id int64) error
	CreateWidget(ctx context.Context, dashboardID int64, w Widget) (*Widget, error)
	// UpdateWidget merges metadata into what is stored, as the platform's frontends need it.
	UpdateWidget(ctx context.Context, id int64, p WidgetPatch) (*Widget, error)
	DeleteWidget(ctx context.Context, id int64) error

	// Ready reports whether the service can answer now.
	Ready(ctx context.Context) error
}

// DashboardPatch holds what to change; nil and empty leave as is.
type DashboardPatch struct {
	Name         *string
	Currency     *string
	Metadata     map[string]any
	WidgetsOrder []int64
}

// WidgetPatch holds what to change; nil leaves as is.
type WidgetPatch struct {
	Name     *string
	Width    *int
	Metadata map[string]any
}
