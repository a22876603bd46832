package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// step is one part of an order. It may be repeated any number of times, also after it succeeded.
type step struct {
	name string
	// text and progress are what the customer sees while the step is the next one; no text leaves what was there.
	text     string
	progress int
	// trouble is what the customer reads when an attempt fails.
	trouble string
	// tries is after how many failures the order goes on without the step; 0 is never.
	tries int
	do    func(ctx context.Context, r *InstanceRecord, app *AppRecord) (outcome, error)
	// after changes the record once the step is over.
	after func(r *InstanceRecord, now time.Time)
}

// outcome is what came of a step that didn't fail.
type outcome struct {
	// change is made to the record.
	change func(*InstanceRecord)
	// wait is when to look again. Zero means that the step is done.
	wait time.Duration
}

// Names of steps. They are stored.
const (
	stepClient    = "client"
	stepGroup     = "group"
	stepProvision = "provision"
	stepAwait     = "await"
	stepSignIn    = "sign_in"
	stepSubscribe = "subscribe"

	stepRevoke    = "revoke"
	stepTerminate = "terminate"
	stepGone      = "gone"
	stepForget    = "forget"
	stepNotify    = "notify"
)

var firstStep = map[OrderKind]string{OrderAdd: stepClient, OrderRemove: stepRevoke, OrderUpdate: stepProvision}

// plan lists the steps of r's order. Steps that don't concern an app do nothing, so that the plan is the same for all.
func (e *Engine) plan(r *InstanceRecord) []step {
	switch r.Order.Kind {
	case OrderUpdate: // what was shown stays
		return []step{
			{name: stepProvision, trouble: "The app could not be told of its new settings", do: e.doProvision},
			{name: stepSignIn, trouble: "Sign-in could not be set up", do: e.doSignIn},
			{name: stepSubscribe, trouble: "Data could not be connected", do: e.doSubscribe},
			{name: stepAwait, trouble: "The app's start could not be observed", do: e.doAwait, after: updated},
		}
	case OrderRemove:
		return []step{
			{name: stepRevoke, trouble: "Access could not be ended", do: e.doRevoke},
			{name: stepTerminate, text: "Removing the app", progress: 40, trouble: "The app could not be stopped", do: e.doTerminate},
			{name: stepGone, text: "Waiting for the app to end", progress: 60, trouble: "The app's end could not be observed", do: e.doGone},
			{name: stepForget, text: "Cleaning up", progress: 90, trouble: "The app's credentials could not be deleted", do: e.doForget, after: terminated},
			{name: stepNotify, trouble: "The app could not be told of the removal", tries: 10, do: e.doNotify},
		}
	}
	return []step{
		{name: stepClient, text: "Ordered", progress: 5, trouble: "The app's credentials could not be made", do: e.doClient},
		{name: stepGroup, text: "Granting access", progress: 15, trouble: "Access could not be granted", do: e.doGroup},
		{name: stepProvision, text: "Asking for a place to run", progress: 25, trouble: "The app could not be started", do: e.doProvision},
		{name: stepAwait, text: "Starting the app", progress: 30, trouble: "The app's start could not be observed", do: e.doAwait},
		{name: stepSignIn, text: "Setting up sign-in", progress: 85, trouble: "Sign-in could not be set up", do: e.doSignIn},
		{name: stepSubscribe, text: "Connecting data", progress: 95, trouble: "Data could not be connected", do: e.doSubscribe, after: running},
	}
}

func running(r *InstanceRecord, now time.Time) {
	r.Status, r.Step, r.Progress, r.Errors, r.StartedAt = Running, "Running", 100, nil, now
}

func updated(r *InstanceRecord, _ time.Time) {
	r.Status, r.Step, r.Progress, r.Errors = Running, "Running", 100, nil
}

func terminated(r *InstanceRecord, now time.Time) {
	r.Status, r.Step, r.Progress, r.Errors, r.TerminatedAt = Terminated, "Removed", 100, nil, now
}

func (e *Engine) secrets(r *InstanceRecord, app *AppRecord) (s instanceSecrets, err error) {
	if err := e.unseal(r.ID, r.SealedSecrets, &s); err != nil {
		return s, err
	}
	if app.Stack != Cube {
		s.Key, err = e.appKey(app)
	}
	return s, err
}

func (e *Engine) doClient(ctx context.Context, r *InstanceRecord, app *AppRecord) (outcome, error) {
	if app.Stack != Cube {
		return outcome{}, nil // PutApp made it
	}
	s, err := e.secrets(r, app)
	if err != nil {
		return outcome{}, err
	}
	return outcome{}, e.identity.PutClient(ctx, Client{ID: r.ClientID, Name: app.Name, Key: s.Key, RedirectURIs: redirectURIs(e.appURL(r), &app.App)})
}

func (e *Engine) doGroup(ctx context.Context, r *InstanceRecord, _ *AppRecord) (outcome, error) {
	if err := e.identity.PutGroup(ctx, Group{ID: r.ID, ClientID: r.ClientID, OrganizationID: r.OrganizationID}); err != nil {
		return outcome{}, err
	}
	// RemoveApp may have ended this access before it began.
	now, err := e.store.GetInstance(ctx, r.ID)
	if err == nil && now.Order.Kind != OrderAdd {
		err = e.endAccess(ctx, r)
	}
	return outcome{}, err
}

func (e *Engine) doProvision(ctx context.Context, r *InstanceRecord, app *AppRecord) (outcome, error) {
	if app.Stack != Cube {
		return outcome{}, nil
	}
	if e.provisioner == nil {
		return outcome{}, errors.New("no provisioner")
	}
	s, err := e.secrets(r, app)
	if err != nil {
		return outcome{}, err
	}
	d, err := e.provisioner.Provision(ctx, ProvisionSpec{
		UID: r.ID, Name: r.Name, OrganizationID: r.OrganizationID, Template: app.NID, Env: e.environment(r, app, s),
	})
	if err != nil {
		return outcome{}, err
	}
	return outcome{change: func(r *InstanceRecord) { r.take(d) }}, nil
}

// take copies what a deployment tells.
func (r *InstanceRecord) take(d *Deployment) {
	if d.URL != "" {
		r.URL = strings.TrimRight(d.URL, "/")
	}
	if d.Durations != nil {
		r.Durations = d.Durations
	}
}

func (e *Engine) doAwait(ctx context.Context, r *InstanceRecord, app *AppRecord) (outcome, error) {
	if app.Stack != Cube {
		return outcome{}, nil
	}
	d, err := e.provisioner.Status(ctx, r.ID)
	if err != nil {
		return outcome{}, err
	}
	// An app that somebody stopped needs no start to be up to date.
	if d.Status == Running || d.Status == Stopped && r.Order.Kind == OrderUpdate {
		return outcome{change: func(r *InstanceRecord) { r.take(d) }}, nil
	}
	if d.Status == Terminating || d.Status == Terminated {
		return outcome{}, fmt.Errorf("the app is %s", d.Status)
	}
	elapsed := e.time().Sub(r.Order.StepAt)
	return outcome{
		wait: min(max(elapsed/10, 200*time.Millisecond), 2*time.Second),
		change: func(r *InstanceRecord) {
			r.take(d)
			if d.Status == Provisioning || d.Status == Starting {
				r.Status = d.Status
			}
			r.Errors = nil
			for _, text := range d.Errors {
				addError(r, text)
			}
			expected := r.Durations[Provisioning] + r.Durations[Starting]
			if expected <= 0 {
				expected = 30 * time.Second
			}
			r.Progress = 30 + min(50, int(50*elapsed/expected))
		},
	}, nil
}

func (e *Engine) doSignIn(ctx context.Context, r *InstanceRecord, app *AppRecord) (outcome, error) {
	return e.doClient(ctx, r, app) // the redirect URIs need the URL, which is known only now
}

func (e *Engine) doSubscribe(ctx context.Context, r *InstanceRecord, app *AppRecord) (outcome, error) {
	if e.sharing == nil {
		return outcome{}, nil
	}
	at := r.url(&app.App)
	if app.NotificationPath == "" || at == "" { // any more
		return outcome{}, e.sharing.Unsubscribe(ctx, r.ID)
	}
	s, err := e.secrets(r, app)
	if err != nil {
		return outcome{}, err
	}
	return outcome{}, e.sharing.Subscribe(ctx, DataSubscription{
		InstanceID: r.ID, OrganizationID: r.OrganizationID, ClientID: r.ClientID, Key: s.Key,
		URL: at + app.NotificationPath, Secret: s.Webhook, Collections: app.Collections, ExternalIDs: app.ExternalIDs,
	})
}

// endAccess ends what the instance may do, for good.
func (e *Engine) endAccess(ctx context.Context, r *InstanceRecord) error {
	if err := e.identity.DeleteGroup(ctx, r.ID); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

func (e *Engine) doRevoke(ctx context.Context, r *InstanceRecord, _ *AppRecord) (outcome, error) {
	// RemoveApp did this, but maybe before the former order's last step let the group in.
	if err := e.endAccess(ctx, r); err != nil {
		return outcome{}, err
	}
	if e.sharing == nil {
		return outcome{}, nil
	}
	return outcome{}, e.sharing.Unsubscribe(ctx, r.ID)
}

func (e *Engine) doTerminate(ctx context.Context, r *InstanceRecord, app *AppRecord) (outcome, error) {
	if app.Stack != Cube || e.provisioner == nil {
		return outcome{}, nil
	}
	return outcome{}, e.provisioner.Terminate(ctx, r.ID)
}

func (e *Engine) doGone(ctx context.Context, r *InstanceRecord, app *AppRecord) (outcome, error) {
	if app.Stack != Cube || e.provisioner == nil {
		return outcome{}, nil
	}
	d, err := e.provisioner.Status(ctx, r.ID)
	if errors.Is(err, ErrNotFound) || err == nil && d.Status == Terminated {
		return outcome{}, nil
	}
	if err != nil {
		return outcome{}, err
	}
	elapsed := e.time().Sub(r.Order.StepAt)
	return outcome{wait: min(max(elapsed/10, 200*time.Millisecond), 2*time.Second), change: func(*InstanceRecord) {}}, nil
}

func (e *Engine) doForget(ctx context.Context, r *InstanceRecord, app *AppRecord) (outcome, error) {
	if app.Stack != Cube {
		return outcome{}, nil
	}
	if err := e.identity.DeleteClient(ctx, r.ClientID); err != nil && !errors.Is(err, ErrNotFound) {
		return outcome{}, err
	}
	return outcome{change: func(r *InstanceRecord) { r.SealedSecrets = nil }}, nil
}

// doNotify tells the app, with its own id and key, that the customer left. An app that the platform hosted is gone by now.
func (e *Engine) doNotify(ctx context.Context, r *InstanceRecord, app *AppRecord) (outcome, error) {
	if app.Stack == Cube || app.Host == "" {
		return outcome{}, nil
	}
	key, err := e.appKey(app)
	if err != nil {
		return outcome{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, app.Host+"/maestrano/account/groups/"+url.PathEscape(r.ID), nil)
	if err != nil {
		return outcome{}, err
	}
	req.SetBasicAuth(r.ClientID, key)
	resp, err := e.http.Do(req)
	if err != nil {
		return outcome{}, err
	}
	_ = resp.Body.Close()
	// An app that doesn't know the group, or has no such webhook, has nothing left to do.
	if resp.StatusCode >= 400 && resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusGone && resp.StatusCode != http.StatusMethodNotAllowed {
		return outcome{}, fmt.Errorf("the app answered %s", resp.Status)
	}
	return outcome{}, nil
}
