package hub

import (
	"context"
	"time"
)

// Provisioner runs apps of the stack [Cube]. Package hubnex makes one of a nex.Service. Implementations are safe for concurrent use.
type Provisioner interface {
	// Provision asks for an app and returns as soon as the wish is stored. Asking again with the same UID returns what is there, and gives it
	// spec's Env: an app that runs with another environment, or with a URL that is no longer its own, is restarted.
	Provision(ctx context.Context, spec ProvisionSpec) (*Deployment, error)
	// Status tells how far an app has come. ErrNotFound when there is none.
	Status(ctx context.Context, uid string) (*Deployment, error)
	// Terminate asks for the end of an app. An app that isn't there is no error.
	Terminate(ctx context.Context, uid string) error
}

// ProvisionSpec says what to run.
type ProvisionSpec struct {
	// UID is the app instance's ID, a DNS label.
	UID            string
	Name           string
	OrganizationID string
	// Template is the app's NID.
	Template string
	// Env configures the app. It holds secrets. The provisioner adds what it alone knows: where the app is
	// (MNO_SERVER_HOSTNAME, NEX_PUBLIC_URL) and whose it is (NEX_ORG).
	Env map[string]string
}

// Deployment is what a Provisioner runs.
type Deployment struct {
	UID    string
	Status Status
	URL    string
	// Durations are estimates by status.
	Durations map[Status]time.Duration
	// Errors tell a person what went wrong lately.
	Errors []string
}

// DataSharing tells app instances of changes in their organization's data. Package hubconnec makes one of a connec.Service.
type DataSharing interface {
	// Subscribe creates or replaces an instance's subscription.
	Subscribe(ctx context.Context, s DataSubscription) error
	// Unsubscribe ends it. None is no error.
	Unsubscribe(ctx context.Context, instanceID string) error
}

// DataSubscription is what an app instance wants to be told of, and where.
type DataSubscription struct {
	InstanceID     string
	OrganizationID string
	// ClientID and Key are the app's own credential, which the webhooks carry.
	ClientID, Key string
	URL           string
	// Secret signs the webhooks.
	Secret      string
	Collections []string
	ExternalIDs bool
}
