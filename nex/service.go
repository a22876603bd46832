package nex

import "context"

// Service is what nex does. [Engine] does it in process and nexhttp.Client from afar; both behave alike.
//
// Every call is judged by the authz.Authorizer with the credential that ctx carries. Calls that change something return as
// soon as the wish is stored; the app's status tells how far it has come.
//
// Service may grow; embed it in your own implementations.
type Service interface {
	// PutTemplate creates or replaces a template. Apps take it up at their next start.
	PutTemplate(ctx context.Context, t Template) error
	ListTemplates(ctx context.Context) ([]*Template, error)

	// CreateApp stores an app and starts it. Asking again with the same UID and spec returns the app that is there.
	CreateApp(ctx context.Context, spec AppSpec) (*App, error)
	GetApp(ctx context.Context, uid string) (*App, error)
	// ListApps lists the apps of an organization, or all with "", but for those that are terminated.
	ListApps(ctx context.Context, organization string) ([]*App, error)
	// ConfigureApp replaces an app's own environment. An app that runs with another configuration than it would be started with now,
	// be it for this change, its template's, or one of its public address, is restarted. Asking again changes nothing.
	ConfigureApp(ctx context.Context, uid string, env map[string]string) (*App, error)
	StartApp(ctx context.Context, uid string) (*App, error)
	StopApp(ctx context.Context, uid string) (*App, error)
	// RestartApp stops and starts.
	RestartApp(ctx context.Context, uid string) (*App, error)
	// TerminateApp removes the app and its files for good. Asking again is no error.
	TerminateApp(ctx context.Context, uid string) (*App, error)
	// Logs returns the last lines, oldest first: 200 when tail is 0, at most 5000.
	Logs(ctx context.Context, uid string, tail int) ([]LogLine, error)

	// Ready reports whether the service can answer now.
	Ready(ctx context.Context) error
}
