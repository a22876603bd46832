package nex

import (
	"context"
	"fmt"
	"maps"

	"github.com/ensemble-platform/ensemble/authz"
)

// ConfigureApp replaces an app's own environment. It needs the right to manage the organization's app instances, like every change.
func (e *Engine) ConfigureApp(ctx context.Context, uid string, env map[string]string) (*App, error) {
	old, err := e.load(ctx, authz.ManageAppInstances, uid)
	if err != nil {
		return nil, err
	}
	if bad := checkEnv(env, notForApps); len(bad) > 0 {
		return nil, &ValidationError{Sentinel: ErrInvalid, Fields: bad}
	}
	if old.Status == Terminating || old.Status == Terminated {
		return nil, fmt.Errorf("configure app %s: %w", uid, busy(old))
	}
	var own secrets
	if err := e.sealer.OpenJSON(appOwner(uid), old.Sealed, &own); err != nil {
		return nil, fmt.Errorf("environment of %s: %w", uid, err)
	}
	changed := !maps.Equal(own.Env, env)
	own.Env = env
	sealed, err := e.sealer.SealJSON(appOwner(uid), own)
	if err != nil {
		return nil, err
	}
	outdated := changed
	if !changed && old.Status == Running {
		if outdated, err = e.outdated(ctx, old); err != nil {
			return nil, err
		}
	}
	return e.change(ctx, uid, "configure", func(r *AppRecord) (bool, error) {
		if r.Status == Terminating || r.Status == Terminated {
			return false, busy(r)
		}
		if changed {
			r.Sealed = sealed
		}
		switch r.Status {
		case Running, Starting, Provisioning:
			if !outdated {
				return false, nil
			}
			// A start that is under way may have read the former environment: it is dropped.
			r.begin(Stopping, e.time())
			r.NextStatus = Running
			return true, nil
		default: // the next start takes it up
			return false, nil
		}
	})
}

// outdated reports whether a running app was started with another configuration than it would be now.
func (e *Engine) outdated(ctx context.Context, r *AppRecord) (bool, error) {
	spec, err := e.spec(ctx, r)
	if err != nil {
		return false, err
	}
	i, err := e.instance(ctx, r.UID)
	if err != nil {
		return false, err
	}
	return i.State == InstanceRunning && i.SpecHash != spec.Hash(), nil
}
