// Package hubtest proves implementations of the hub's interfaces, and has what it needs for that: an identity, a provisioner and a
// data sharing service in memory.
package hubtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/hub"
)

// Provisioner is a hub.Provisioner that runs nothing. An app is running when it was asked for twice.
type Provisioner struct {
	// Fail, when it is set, is asked before each call with the method's name; its error is the answer.
	Fail func(method string) error

	mu     sync.Mutex
	specs  map[string]hub.ProvisionSpec
	status map[string]hub.Status
	starts map[string]int
	// told is where each app was when it was last started.
	told   map[string]string
	domain string
}

var _ hub.Provisioner = (*Provisioner)(nil)

// NewProvisioner returns a Provisioner without apps.
func NewProvisioner() *Provisioner {
	return &Provisioner{specs: map[string]hub.ProvisionSpec{}, status: map[string]hub.Status{}, starts: map[string]int{}, told: map[string]string{}, domain: "apps.test"}
}

// Move gives the apps addresses below another domain than "apps.test".
func (p *Provisioner) Move(domain string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.domain = domain
}

// Provision takes an app on, or starts it again with another environment or address.
func (p *Provisioner) Provision(_ context.Context, spec hub.ProvisionSpec) (*hub.Deployment, error) {
	if p.Fail != nil {
		if err := p.Fail("Provision"); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if old, ok := p.specs[spec.UID]; ok {
		if maps.Equal(old.Env, spec.Env) && p.told[spec.UID] == p.domain {
			return p.deployment(spec.UID), nil
		}
	}
	spec.Env = maps.Clone(spec.Env)
	p.specs[spec.UID], p.status[spec.UID], p.told[spec.UID] = spec, hub.Starting, p.domain
	p.starts[spec.UID]++
	return p.deployment(spec.UID), nil
}

// Status tells how far an app is.
func (p *Provisioner) Status(_ context.Context, uid string) (*hub.Deployment, error) {
	if p.Fail != nil {
		if err := p.Fail("Status"); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.specs[uid]; !ok {
		return nil, fmt.Errorf("app %s: %w", uid, hub.ErrNotFound)
	}
	d := p.deployment(uid)
	switch p.status[uid] {
	case hub.Starting:
		p.status[uid] = hub.Running
	case hub.Terminating:
		p.status[uid] = hub.Terminated
	}
	return d, nil
}

// Terminate ends an app.
func (p *Provisioner) Terminate(_ context.Context, uid string) error {
	if p.Fail != nil {
		if err := p.Fail("Terminate"); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.specs[uid]; ok && p.status[uid] != hub.Terminated {
		p.status[uid] = hub.Terminating
	}
	return nil
}

func (p *Provisioner) deployment(uid string) *hub.Deployment {
	return &hub.Deployment{
		UID: uid, Status: p.status[uid], URL: "http://" + uid + "." + p.domain + "/",
		Durations: map[hub.Status]time.Duration{hub.Starting: 2 * time.Second},
	}
}

// Spec returns what was asked for, and how many times the app was started.
func (p *Provisioner) Spec(uid string) (hub.ProvisionSpec, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.specs[uid], p.starts[uid]
}

// Specs counts the apps that were ever asked for.
func (p *Provisioner) Specs() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.specs)
}

// DataSharing is a hub.DataSharing that tells nobody.
type DataSharing struct {
	// Fail, when it is set, is asked before each call with the method's name; its error is the answer.
	Fail func(method string) error

	mu            sync.Mutex
	subscriptions map[string]hub.DataSubscription
}

var _ hub.DataSharing = (*DataSharing)(nil)

// NewDataSharing returns a DataSharing without subscriptions.
func NewDataSharing() *DataSharing {
	return &DataSharing{subscriptions: map[string]hub.DataSubscription{}}
}

// Subscribe keeps a subscription.
func (d *DataSharing) Subscribe(_ context.Context, s hub.DataSubscription) error {
	if d.Fail != nil {
		if err := d.Fail("Subscribe"); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.subscriptions[s.InstanceID] = s
	return nil
}

// Unsubscribe drops a subscription.
func (d *DataSharing) Unsubscribe(_ context.Context, instanceID string) error {
	if d.Fail != nil {
		if err := d.Fail("Unsubscribe"); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.subscriptions, instanceID)
	return nil
}

// Subscriptions are the living ones by instance.
func (d *DataSharing) Subscriptions() map[string]hub.DataSubscription {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.subscriptions)
}

// Platform is an engine over a store, with everything around it in memory.
type Platform struct {
	*hub.Engine
	Identity    *Identity
	Provisioner *Provisioner
	DataSharing *DataSharing
}

// NewPlatform makes a Platform, whose orders nobody carries out yet: see [Start].
func NewPlatform(store hub.Store, opts ...hub.Option) *Platform {
	p := &Platform{Identity: NewIdentity(), Provisioner: NewProvisioner(), DataSharing: NewDataSharing()}
	p.Engine = p.NewEngine(store, opts...)
	return p
}

// NewEngine makes another engine in the same surroundings.
func (p *Platform) NewEngine(store hub.Store, opts ...hub.Option) *hub.Engine {
	return hub.New(store, p.Identity, p.Identity, append([]hub.Option{
		hub.WithProvisioner(p.Provisioner), hub.WithDataSharing(p.DataSharing), hub.WithSecretKey([]byte("a secret key for tests only")),
		hub.WithEndpoints(hub.Endpoints{
			HubAPI: "http://hub.test", HubIDP: "http://hub.test", Connec: "http://connec.test", OIDCIssuer: "http://hub.test/oidc", Environment: "test",
		}),
		// The hosts of apps in the tests don't exist.
		hub.WithHTTPClient(&http.Client{Transport: nowhere{}}),
	}, opts...)...)
}

// Start runs the engine until the test ends.
func Start(t testing.TB, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

// nowhere answers every request with 404.
type nowhere struct{}

func (nowhere) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNotFound, Status: "404 Not Found", Body: http.NoBody, Request: r}, nil
}
