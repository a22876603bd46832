package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// followPage is how many instances are looked at together.
const followPage = 100

// settings is a digest of what an instance takes from its app and from the platform's configuration. It is stored when an order
// begins whose steps apply all of that, or something newer: an instance with another digest needs such an order.
func (e *Engine) settings(r *InstanceRecord, app *AppRecord) string {
	in := map[string]any{
		"notification_path": app.NotificationPath, "collections": app.Collections, "external_ids": app.ExternalIDs,
		"sharing": e.sharing != nil,
	}
	if app.Stack == Cube {
		in["name"], in["redirect_paths"] = app.Name, app.RedirectPaths
		in["app_url"] = e.endpoints.AppURL
		in["environment"] = e.environment(r, app, instanceSecrets{}) // the secrets never change
	} else {
		in["host"] = app.Host
	}
	b, _ := json.Marshal(in) // maps are written in the order of their keys
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// keepUp looks once, when the engine begins to run, whether the platform's configuration or an app changed while no engine saw to it.
func (e *Engine) keepUp(ctx context.Context) {
	for n := 1; ; n++ {
		err := e.follow(ctx, "", true)
		if err == nil || ctx.Err() != nil {
			return
		}
		e.log.WarnContext(ctx, "bring app instances up to date", "attempt", n, "error", err)
		t := time.NewTimer(retryAfter(n))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// follow orders an update of each instance, of one app or of all apps with "", whose settings aren't the present ones. ask also asks the
// provisioner where its apps are now. It goes on after failures and returns the first.
func (e *Engine) follow(ctx context.Context, appID string, ask bool) (first error) {
	apps := map[string]*AppRecord{}
	for after := int64(0); ; {
		rs, err := e.store.ScanInstances(ctx, appID, after, followPage)
		if err != nil {
			return errors.Join(first, err)
		}
		for _, r := range rs {
			after = r.Number
			if apps[r.AppID] == nil {
				if apps[r.AppID], err = e.store.GetApp(ctx, r.AppID); err != nil {
					return errors.Join(first, err)
				}
			}
			// A provisioner that is away isn't asked again and again.
			if err := e.followOne(ctx, r, apps[r.AppID], ask && first == nil); err != nil && first == nil {
				first = fmt.Errorf("app instance %s: %w", r.ID, err)
			}
		}
		if len(rs) < followPage {
			return first
		}
	}
}

func (e *Engine) followOne(ctx context.Context, r *InstanceRecord, app *AppRecord, ask bool) error {
	if leaving(r) || app.Stack == Cube && e.provisioner == nil {
		return nil
	}
	want := e.settings(r, app)
	if r.Settings == want {
		if !ask || app.Stack != Cube || r.Order.Kind != "" {
			return nil
		}
		moved, err := e.moved(ctx, r)
		if err != nil || !moved {
			return err
		}
	}
	now := e.time()
	_, err := e.store.UpdateInstance(ctx, r.ID, func(r *InstanceRecord) error {
		if leaving(r) {
			return nil
		}
		kind := OrderUpdate
		if r.Order.Kind == OrderAdd { // its first steps may be done with what was
			kind = OrderAdd
		} else if app.Stack == Cube {
			r.Status, r.Step, r.Progress = Starting, "Taking up new settings", 30
		}
		r.Settings, r.UpdatedAt = want, now
		e.begin(r, kind, now)
		return nil
	})
	if err != nil {
		return err
	}
	e.log.InfoContext(ctx, "app instance is brought up to date", "instance", r.ID, "app", app.NID)
	e.due(now)
	return nil
}

func leaving(r *InstanceRecord) bool {
	return r.Order.Kind == OrderRemove || r.Status == Terminating || r.Status == Terminated
}

// moved asks the provisioner whether an app is elsewhere than we know.
func (e *Engine) moved(ctx context.Context, r *InstanceRecord) (moved bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			e.log.ErrorContext(ctx, "the provisioner panicked", "instance", r.ID, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	d, err := e.provisioner.Status(ctx, r.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	u := strings.TrimRight(d.URL, "/")
	return u != "" && u != r.URL, nil
}

// url is where an instance is: a hosted app where the provisioner says, any other at its app's host.
func (r *InstanceRecord) url(app *App) string {
	if app.Stack == Cube {
		return r.URL
	}
	return app.Host
}
