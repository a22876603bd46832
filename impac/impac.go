package impac

import (
	"net/http"
	"time"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

// Errors. Each has a stable code on the wire; errors.Is sees the same one in process and through a client.
var (
	ErrNotFound = problem.Sentinel("impac.not_found", http.StatusNotFound, "Not found")
	ErrInvalid  = problem.Sentinel("impac.invalid", http.StatusBadRequest, "Invalid input")
	// ErrUnknownCollection is what a Source answers for a collection that it doesn't have.
	ErrUnknownCollection = problem.Sentinel("impac.unknown_collection", http.StatusBadRequest, "Unknown collection")
	// ErrTooLarge says that a report would need more records or groups than the engine allows.
	ErrTooLarge = problem.Sentinel("impac.too_large", http.StatusUnprocessableEntity, "Too much to compute")
)

// ValidationError names the fields that were refused. It matches ErrInvalid.
type ValidationError = problem.ValidationError

// Template describes a widget that can be put on a dashboard.
type Template struct {
	Endpoint string         `json:"endpoint"` // "sales/aged"
	Name     string         `json:"name"`
	Desc     string         `json:"desc"`
	Icon     string         `json:"icon"`
	Width    int            `json:"width"` // twelfths: 3, 6 or 12
	Metadata map[string]any `json:"metadata"`
}

// WidgetData is a computed widget.
type WidgetData struct {
	Name    string         `json:"name"`
	Content map[string]any `json:"content"`
}

// Dashboard is an arrangement of widgets over one or more organizations. It holds no figures.
type Dashboard struct {
	ID   int64
	Name string
	// OwnerID is the user that made it.
	OwnerID string
	// OrganizationIDs are the organizations ("org-…") it covers.
	OrganizationIDs []string
	Currency        string
	// Metadata is the client's; it is stored as given.
	Metadata     map[string]any
	WidgetsOrder []int64
	Widgets      []*Widget
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Widget is a place on a dashboard and the parameters of what it shows.
type Widget struct {
	ID          int64
	DashboardID int64
	Name        string
	Endpoint    string
	Width       int
	Metadata    map[string]any
}
