package hub

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/id"
)

// AddApp orders an app for an organization.
func (e *Engine) AddApp(ctx context.Context, organizationID, nid string) (*AppInstance, error) {
	o, _, err := e.organization(ctx, authz.Purchase, organizationID)
	if err != nil {
		return nil, err
	}
	app, err := e.store.GetApp(ctx, nid)
	if err == nil && !app.Active {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("app %s: %w", nid, err)
	}
	if app.Stack == Cube && e.provisioner == nil {
		return nil, fmt.Errorf("app %s: %w", nid,
			&ValidationError{Sentinel: ErrInvalid, Fields: []Field{{Path: "nid", Reason: "can't be added: this platform hosts no apps"}}})
	}
	now := e.time()
	r := InstanceRecord{
		AppInstance: AppInstance{
			ID: "cld-" + label(), OrganizationID: o.ID, Name: app.Name, Status: Provisioning,
			CreatedAt: now, UpdatedAt: now,
		},
		AppID: app.ID, ClientID: app.ID,
	}
	secrets := instanceSecrets{Webhook: webhookSecret()}
	if app.Stack == Cube {
		r.ClientID, secrets.Key = id.New("app"), id.Secret("key_")
	}
	if r.SealedSecrets, err = e.seal(r.ID, secrets); err != nil {
		return nil, err
	}
	r.Settings = e.settings(&r, app)
	e.begin(&r, OrderAdd, now)
	r.Step, r.Progress = "Ordered", 5
	created, err := e.store.CreateInstance(ctx, r)
	if errors.Is(err, ErrConflict) {
		return nil, &taken{o.Name + " has " + app.Name + " already"}
	}
	if err != nil {
		return nil, fmt.Errorf("add %s to %s: %w", app.NID, o.ID, err)
	}
	e.log.InfoContext(ctx, "app ordered", "instance", created.ID, "app", app.NID, "organization", o.ID)
	e.due(now)
	return shown(created, &app.App), nil
}

// taken is an ErrConflict in words for the customer.
type taken struct{ text string }

func (t *taken) Error() string { return t.text }
func (t *taken) Unwrap() error { return ErrConflict }

// GetAppInstance returns an instance of an organization that the caller may read.
func (e *Engine) GetAppInstance(ctx context.Context, id string) (*AppInstance, error) {
	r, err := e.instance(ctx, authz.Read, id)
	if err != nil {
		return nil, err
	}
	i, err := e.show(ctx, r)
	if err == nil {
		e.live(ctx, i)
	}
	return i, err
}

// ListAppInstances lists those that the caller may enter. Who manages app instances also sees those on their way.
func (e *Engine) ListAppInstances(ctx context.Context, organizationID string) ([]*AppInstance, error) {
	o, _, err := e.organization(ctx, authz.Read, organizationID)
	if err != nil {
		return nil, err
	}
	rs, err := e.store.ListInstances(ctx, o.ID)
	if err != nil {
		return nil, fmt.Errorf("app instances of %s: %w", o.ID, err)
	}
	_, err = authz.Require(ctx, e.authorizer, authz.ManageAppInstances, authz.Organization, o.ID)
	manages := err == nil
	if err != nil && !errors.Is(err, authz.ErrDenied) {
		return nil, fmt.Errorf("app instances of %s: %w", o.ID, err)
	}
	may := map[string]bool{}
	if !manages {
		ids := make([]string, len(rs))
		for i, r := range rs {
			ids[i] = r.ID
		}
		ids, err := e.filter(ctx, authz.Access, authz.AppInstance, ids)
		if err != nil {
			return nil, fmt.Errorf("app instances of %s: %w", o.ID, err)
		}
		for _, id := range ids {
			may[id] = true
		}
	}
	apps, err := e.store.ListApps(ctx)
	if err != nil {
		return nil, fmt.Errorf("app instances of %s: %w", o.ID, err)
	}
	byID := make(map[string]*AppRecord, len(apps))
	for _, a := range apps {
		byID[a.ID] = a
	}
	out := make([]*AppInstance, 0, len(rs))
	for _, r := range rs {
		if a := byID[r.AppID]; a != nil && (manages || may[r.ID]) {
			app := copyOf(a)
			out = append(out, shown(r, &app.App))
		}
	}
	e.live(ctx, out...)
	return out, nil
}

// RemoveApp ends an instance. When it returns without error, nobody enters the instance any more and its app can't act for
// the organization; what remains is done in the background. Removing it again is no error.
func (e *Engine) RemoveApp(ctx context.Context, id string) (*AppInstance, error) {
	r, err := e.instance(ctx, authz.ManageAppInstances, id)
	if err != nil {
		return nil, err
	}
	now := e.time()
	r, err = e.store.UpdateInstance(ctx, r.ID, func(r *InstanceRecord) error {
		if r.Order.Kind == OrderRemove || r.Status == Terminated {
			return nil
		}
		// Whoever carries out the former order keeps the claim until his step is over, and then finds the new one.
		e.begin(r, OrderRemove, now)
		r.Status, r.Step, r.Progress, r.Errors, r.UpdatedAt = Terminating, "Ending access", 10, nil, now
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("remove %s: %w", id, err)
	}
	e.log.InfoContext(ctx, "app removed", "instance", r.ID, "organization", r.OrganizationID)
	e.due(now)
	if err := e.endAccess(ctx, r); err != nil {
		return nil, fmt.Errorf("remove %s: access could not be ended yet, which is tried again: %w", r.ID, err)
	}
	return e.show(ctx, r)
}

// LaunchURL is where a user's browser enters the app.
func (e *Engine) LaunchURL(ctx context.Context, instanceID string) (string, error) {
	ref := instanceID
	r, err := e.store.GetInstance(ctx, ref)
	if err == nil {
		ref = r.ID
	} else if !errors.Is(err, ErrNotFound) {
		return "", fmt.Errorf("launch %s: %w", instanceID, err)
	}
	if err == nil && r.Status != Running {
		// Its group may not be there yet, or no more: who may read the organization may know how far it is.
		if _, err := authz.Require(ctx, e.authorizer, authz.Read, authz.Organization, r.OrganizationID); err != nil {
			return "", fmt.Errorf("launch %s: %w", instanceID, err)
		}
		return "", fmt.Errorf("launch %s: %s: %w", instanceID, r.Status, ErrNotRunning)
	}
	if _, denied := authz.Require(ctx, e.authorizer, authz.Access, authz.AppInstance, ref); denied != nil {
		return "", fmt.Errorf("launch %s: %w", instanceID, denied)
	}
	if err != nil {
		return "", fmt.Errorf("launch %s: %w", instanceID, err)
	}
	app, err := e.store.GetApp(ctx, r.AppID)
	if err != nil {
		return "", fmt.Errorf("launch %s: %w", instanceID, err)
	}
	at := r.url(&app.App)
	if app.SSOInitPath == "" || at == "" {
		return "", fmt.Errorf("launch %s: %w", instanceID,
			&ValidationError{Sentinel: ErrInvalid, Fields: []Field{{Path: "id", Reason: "names an app without sign-in"}}})
	}
	u, err := url.Parse(at + app.SSOInitPath)
	if err != nil {
		return "", fmt.Errorf("launch %s: %w", instanceID, err)
	}
	q := u.Query()
	q.Set("group_id", r.ID)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func (e *Engine) show(ctx context.Context, r *InstanceRecord) (*AppInstance, error) {
	app, err := e.store.GetApp(ctx, r.AppID)
	if err != nil {
		return nil, fmt.Errorf("app instance %s: %w", r.ID, err)
	}
	return shown(r, &app.App), nil
}

func shown(r *InstanceRecord, app *App) *AppInstance {
	i := r.AppInstance
	i.App, i.URL = app, r.url(app)
	return &i
}

// copyOf copies an app for another answer.
func copyOf(r *AppRecord) *AppRecord {
	c := *r
	c.Categories, c.Collections, c.RedirectPaths = slices.Clone(r.Categories), slices.Clone(r.Collections), slices.Clone(r.RedirectPaths)
	return &c
}
