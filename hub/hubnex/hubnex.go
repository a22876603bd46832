// Package hubnex lets the hub run apps at a nex.
//
//	engine := hub.New(store, authorizer, identity, hub.WithProvisioner(hubnex.New(service)))
package hubnex

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/nex"
)

type provisioner struct{ nex nex.Service }

// New returns a Provisioner over s.
func New(s nex.Service) hub.Provisioner { return provisioner{nex: s} }

// service is the context of calls that the hub makes for the platform.
func service(ctx context.Context) context.Context {
	return authz.WithCredential(ctx, authz.OnBehalfOf("svc-hub"))
}

func (p provisioner) Provision(ctx context.Context, spec hub.ProvisionSpec) (*hub.Deployment, error) {
	a, err := p.nex.CreateApp(service(ctx), nex.AppSpec{
		UID: spec.UID, Name: spec.Name, Organization: spec.OrganizationID, Template: spec.Template, Env: spec.Env,
	})
	switch {
	case errors.Is(err, nex.ErrConflict):
		// UIDs are random, so an app that is there is ours. It differs if the platform's configuration changed since it was
		// asked for.
		if there, gerr := p.nex.GetApp(service(ctx), spec.UID); gerr == nil && there.Organization == spec.OrganizationID &&
			there.Template == spec.Template && there.Status != nex.Terminating && there.Status != nex.Terminated {
			a, err = p.nex.ConfigureApp(service(ctx), spec.UID, spec.Env)
		}
	case err == nil && a.Status == nex.Running: // it was there, maybe from before nex had its present addresses
		a, err = p.nex.ConfigureApp(service(ctx), spec.UID, spec.Env)
	}
	if err != nil {
		return nil, translate(err)
	}
	return fromNexApp(a), nil
}

func (p provisioner) Status(ctx context.Context, uid string) (*hub.Deployment, error) {
	a, err := p.nex.GetApp(service(ctx), uid)
	if err != nil {
		return nil, translate(err)
	}
	return fromNexApp(a), nil
}

func (p provisioner) Terminate(ctx context.Context, uid string) error {
	_, err := p.nex.TerminateApp(service(ctx), uid)
	if errors.Is(err, nex.ErrNotFound) {
		return nil
	}
	return translate(err)
}

func fromNexApp(a *nex.App) *hub.Deployment {
	d := &hub.Deployment{UID: a.UID, Status: hub.Status(a.Status), URL: a.URL, Errors: a.Errors}
	switch a.Status {
	case nex.Staged:
		d.Status = hub.Provisioning
	case nex.Updating:
		d.Status = hub.Starting
	}
	if len(a.Durations) > 0 {
		d.Durations = make(map[hub.Status]time.Duration, len(a.Durations))
		for status, t := range a.Durations {
			d.Durations[hub.Status(status)] = t
		}
	}
	return d
}

// translated is an error of nex that matches the hub's own.
type translated struct {
	is, cause error
}

func (t *translated) Error() string   { return t.cause.Error() }
func (t *translated) Unwrap() []error { return []error{t.is, t.cause} }

func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nex.ErrNotFound):
		return &translated{hub.ErrNotFound, err}
	case errors.Is(err, nex.ErrConflict), errors.Is(err, nex.ErrBusy):
		return &translated{hub.ErrConflict, err}
	case errors.Is(err, nex.ErrInvalid):
		return &translated{hub.ErrInvalid, err}
	case errors.Is(err, authz.ErrUnauthenticated), errors.Is(err, authz.ErrDenied):
		return fmt.Errorf("nex refuses the hub itself: %v", err) //nolint:errorlint // it is not the caller who was refused
	default:
		return err
	}
}
