package nex

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/seal"
)

// Engine is a [Service] that stores wishes and, while [Engine.Run] runs, fulfils them. One Engine at a time may run over a
// Store and Backend.
type Engine struct {
	store   Store
	backend Backend
	authz   authz.Authorizer

	domain    string
	url       func(uid string) string
	log       *slog.Logger
	now       func() time.Time
	restarts  RestartPolicy
	health    HealthPolicy
	drain     time.Duration
	sealer    *seal.Sealer // nil without a key
	durations *durations

	prober *http.Client
	routes routes

	mu      sync.Mutex
	workers map[string]*worker
	start   func(*worker) // nil unless Run runs
}

var _ Service = (*Engine)(nil)

// New makes an engine. It does nothing to apps before [Engine.Run].
func New(store Store, backend Backend, authorizer authz.Authorizer, opts ...Option) *Engine {
	e := &Engine{
		store:     store,
		backend:   backend,
		authz:     authorizer,
		domain:    "apps.localhost",
		log:       slog.New(slog.DiscardHandler),
		now:       time.Now,
		restarts:  RestartPolicy{Initial: 500 * time.Millisecond, Max: time.Minute, Reset: time.Minute},
		health:    HealthPolicy{Timeout: 5 * time.Second, StartTimeout: time.Minute, Interval: 10 * time.Second, Failures: 3},
		drain:     5 * time.Second,
		durations: newDurations(),
		workers:   map[string]*worker{},
	}
	e.url = func(uid string) string { return "http://" + uid + "." + e.domain }
	for _, o := range opts {
		o(e)
	}
	e.prober = newProber()
	e.routes.init(e)
	return e
}

// Ready reports whether store and backend can answer now.
func (e *Engine) Ready(ctx context.Context) error {
	if err := e.store.Ready(ctx); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if r, ok := e.backend.(Readier); ok {
		if err := r.Ready(ctx); err != nil {
			return fmt.Errorf("backend: %w", err)
		}
	}
	return nil
}

func (e *Engine) time() time.Time { return e.now().UTC().Truncate(time.Microsecond) }

// require asks the authorizer about an organization's apps.
func (e *Engine) require(ctx context.Context, action authz.Action, organization string) error {
	_, err := authz.Require(ctx, e.authz, action, authz.Organization, organization)
	return err
}

// load returns an app that the caller may act upon.
func (e *Engine) load(ctx context.Context, action authz.Action, uid string) (*AppRecord, error) {
	r, err := e.store.GetApp(ctx, uid)
	switch {
	case err == nil:
		return r, e.require(ctx, action, r.Organization)
	case !errors.Is(err, ErrNotFound):
		return nil, err
	}
	if err := e.requireKnown(ctx, action); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("app %q: %w", uid, err)
}

// requireKnown turns strangers away where there is no organization to ask about.
func (e *Engine) requireKnown(ctx context.Context, action authz.Action) error {
	d, err := e.authz.Authorize(ctx, authz.Request{
		Credential: authz.CredentialFrom(ctx), Action: action, Resource: authz.Resource{Type: authz.Platform, ID: authz.Platform},
	})
	if err != nil || d.Allowed || d.Authenticated {
		return err
	}
	return d.Err()
}

// app is the record as callers see it.
func (e *Engine) app(ctx context.Context, r *AppRecord) (*App, error) {
	a := r.Clone().App
	a.URL = e.url(a.UID)
	var err error
	a.Durations, err = e.durations.of(ctx, e.store, a.Template)
	return &a, err
}
