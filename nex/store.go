package nex

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Store keeps what is wanted. Methods are safe for concurrent use. Values that go in or out are copies. Times keep
// microseconds and come back in UTC. Package nextest has the conformance suite.
type Store interface {
	// PutTemplate creates or replaces a template by name.
	PutTemplate(ctx context.Context, t TemplateRecord) error
	// GetTemplate returns a template or ErrNotFound.
	GetTemplate(ctx context.Context, name string) (*TemplateRecord, error)
	// ListTemplates lists by name.
	ListTemplates(ctx context.Context) ([]*TemplateRecord, error)

	// CreateApp adds an app. ErrConflict when the uid was ever used.
	CreateApp(ctx context.Context, r AppRecord) error
	// GetApp returns an app, terminated ones too, or ErrNotFound.
	GetApp(ctx context.Context, uid string) (*AppRecord, error)
	// ListApps lists by uid.
	ListApps(ctx context.Context, f AppFilter) ([]*AppRecord, error)
	// UpdateApp changes an app under a lock and returns it as it is afterwards. UID, Organization, Template and CreatedAt are
	// kept as they are. An error of change is returned as it is, and nothing is stored. change must not use the Store.
	UpdateApp(ctx context.Context, uid string, change func(*AppRecord) error) (*AppRecord, error)

	// AddDuration remembers how long an app of a template was in a status. The newest [DurationSamples] are kept.
	AddDuration(ctx context.Context, template string, s Status, d time.Duration) error
	// Durations returns what AddDuration kept for a template, newest first.
	Durations(ctx context.Context, template string) (map[Status][]time.Duration, error)

	// Ready reports whether the store can answer now.
	Ready(ctx context.Context) error
}

// DurationSamples is how many durations a Store keeps for one template and status.
const DurationSamples = 50

// AppFilter selects apps.
type AppFilter struct {
	// Organization is "" for all.
	Organization string
	// Terminated includes apps that are.
	Terminated bool
}

// TemplateRecord is a template as a Store keeps it.
type TemplateRecord struct {
	// Template has no Env: it is in Sealed.
	Template
	// Sealed is the environment, readable for the engine alone.
	Sealed []byte
}

// Clone copies r.
func (r TemplateRecord) Clone() *TemplateRecord {
	r.Command, r.Sealed, r.Env = slices.Clone(r.Command), slices.Clone(r.Sealed), maps.Clone(r.Env)
	return &r
}

// AppRecord is an app as a Store keeps it. What is wanted of it is NextStatus or, when that is empty, Status.
type AppRecord struct {
	// App has no URL and no Durations: the engine adds them.
	App
	// Sealed is the environment and the secret key, readable for the engine alone.
	Sealed []byte
	// Operation counts the wishes. A step that was begun for an older one is dropped.
	Operation int64
	// Attempts counts the failures in a row, and RetryAt is when to try again.
	Attempts int
	RetryAt  time.Time
}

// Clone copies r.
func (r AppRecord) Clone() *AppRecord {
	r.Errors, r.Sealed, r.Durations = slices.Clone(r.Errors), slices.Clone(r.Sealed), maps.Clone(r.Durations)
	return &r
}
