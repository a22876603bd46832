package nex

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// CreateApp stores an app and starts it. It needs the right to manage the organization's app instances, like every change.
func (e *Engine) CreateApp(ctx context.Context, spec AppSpec) (*App, error) {
	if err := e.require(ctx, authz.ManageAppInstances, spec.Organization); err != nil {
		return nil, err
	}
	if err := e.checkSpec(ctx, &spec); err != nil {
		return nil, err
	}
	sealed, err := e.sealer.SealJSON(appOwner(spec.UID), secrets{Env: spec.Env, Key: newSecretKey()})
	if err != nil {
		return nil, err
	}
	r := AppRecord{
		App: App{
			UID: spec.UID, Name: spec.Name, Organization: spec.Organization, Template: spec.Template,
			Status: Provisioning, NextStatus: Running, CreatedAt: e.time(),
		},
		Sealed:    sealed,
		Operation: 1,
	}
	err = e.store.CreateApp(ctx, r)
	if errors.Is(err, ErrConflict) {
		return e.sameApp(ctx, spec)
	}
	if err != nil {
		return nil, err
	}
	e.changed(ctx, &r, "create")
	return e.app(ctx, &r)
}

// sameApp answers a CreateApp that was asked before.
func (e *Engine) sameApp(ctx context.Context, spec AppSpec) (*App, error) {
	r, err := e.store.GetApp(ctx, spec.UID)
	if err != nil {
		return nil, err
	}
	taken := fmt.Errorf("app %s: another one has or had that uid: %w", spec.UID, ErrConflict)
	if r.Organization != spec.Organization || r.Name != spec.Name || r.Template != spec.Template || r.Status == Terminating || r.Status == Terminated {
		return nil, taken
	}
	var own secrets
	if err := e.sealer.OpenJSON(appOwner(r.UID), r.Sealed, &own); err != nil {
		return nil, fmt.Errorf("environment of %s: %w", r.UID, err)
	}
	if !maps.Equal(own.Env, spec.Env) {
		return nil, taken
	}
	return e.app(ctx, r)
}

// checkSpec validates spec and fills in what may be left out.
func (e *Engine) checkSpec(ctx context.Context, spec *AppSpec) error {
	var bad []problem.Field
	add := func(path, reason string) { bad = append(bad, problem.Field{Path: path, Reason: reason}) }
	if spec.Name = strings.TrimSpace(spec.Name); spec.Name == "" {
		spec.Name = spec.Template
	}
	if utf8.RuneCountInString(spec.Name) > 200 || !utf8.ValidString(spec.Name) || strings.ContainsRune(spec.Name, 0) {
		add("name", "must be text of at most 200 characters")
	}
	if spec.Organization == "" || len(spec.Organization) > 128 {
		add("organization", "must name the organization that the app belongs to")
	}
	if !label.MatchString(spec.Template) {
		add("template", "must name a template")
	} else if _, err := e.store.GetTemplate(ctx, spec.Template); errors.Is(err, ErrNotFound) {
		add("template", "does not exist")
	} else if err != nil {
		return err
	}
	if spec.UID == "" {
		spec.UID = newUID(spec.Template)
	}
	if !label.MatchString(spec.UID) {
		add("uid", "must be a DNS label: lower case letters, digits and hyphens, at most 63")
	}
	if bad = append(bad, checkEnv(spec.Env, notForApps)...); len(bad) > 0 {
		return &ValidationError{Sentinel: ErrInvalid, Fields: bad}
	}
	return nil
}

// newUID makes a short uid that nobody has to guess right: it is a public name, not a secret.
func newUID(template string) string {
	return strings.TrimRight(template[:min(len(template), 40)], "-") + "-" + strings.ToLower(rand.Text()[:10])
}

// GetApp returns an app. It needs the right to read the organization.
func (e *Engine) GetApp(ctx context.Context, uid string) (*App, error) {
	r, err := e.load(ctx, authz.Read, uid)
	if err != nil {
		return nil, err
	}
	return e.app(ctx, r)
}

// ListApps lists by uid the apps of an organization, or with "" those of all organizations that the caller may read.
func (e *Engine) ListApps(ctx context.Context, organization string) ([]*App, error) {
	if organization != "" {
		if err := e.require(ctx, authz.Read, organization); err != nil {
			return nil, err
		}
	}
	records, err := e.store.ListApps(ctx, AppFilter{Organization: organization})
	if err != nil {
		return nil, err
	}
	if organization == "" {
		if records, err = e.readable(ctx, records); err != nil {
			return nil, err
		}
	}
	out := make([]*App, len(records))
	for i, r := range records {
		if out[i], err = e.app(ctx, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (e *Engine) readable(ctx context.Context, records []*AppRecord) ([]*AppRecord, error) {
	if err := e.requireKnown(ctx, authz.Read); err != nil {
		return nil, err
	}
	var organizations []string
	for _, r := range records {
		organizations = append(organizations, r.Organization)
	}
	slices.Sort(organizations)
	organizations = slices.Compact(organizations)
	req := authz.Request{Credential: authz.CredentialFrom(ctx), Action: authz.Read, Resource: authz.Resource{Type: authz.Organization}}
	may, err := e.authz.Filter(ctx, req, organizations)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(records, func(r *AppRecord) bool { return !slices.Contains(may, r.Organization) }), nil
}

// StartApp starts a stopped app. One that runs or starts already is left alone.
func (e *Engine) StartApp(ctx context.Context, uid string) (*App, error) {
	return e.change(ctx, uid, "start", func(r *AppRecord) (bool, error) {
		switch r.Status {
		case Running, Starting, Provisioning:
			return false, nil
		case Stopped, Staged:
			r.begin(Starting, e.time())
			return true, nil
		default:
			return false, busy(r)
		}
	})
}

// StopApp stops an app. One that is starting can be stopped only once it is in trouble; before that it is ErrBusy.
func (e *Engine) StopApp(ctx context.Context, uid string) (*App, error) {
	return e.change(ctx, uid, "stop", func(r *AppRecord) (bool, error) {
		switch {
		case r.Status == Stopped, r.Status == Staged, r.Status == Stopping && r.NextStatus == Stopped:
			return false, nil
		case r.Status == Running, r.inTrouble():
			r.begin(Stopping, e.time())
			r.NextStatus = Stopped
			return true, nil
		default:
			return false, busy(r)
		}
	})
}

// RestartApp stops and starts. It takes up the template as it is now. A stopped app is started.
func (e *Engine) RestartApp(ctx context.Context, uid string) (*App, error) {
	return e.change(ctx, uid, "restart", func(r *AppRecord) (bool, error) {
		switch {
		case r.Status == Stopped, r.Status == Staged:
			r.begin(Starting, e.time())
			return true, nil
		case r.Status == Running, r.inTrouble():
			r.begin(Stopping, e.time())
			r.NextStatus = Running
			return true, nil
		default:
			return false, busy(r)
		}
	})
}

// TerminateApp removes an app and its files for good, whatever else is under way.
func (e *Engine) TerminateApp(ctx context.Context, uid string) (*App, error) {
	return e.change(ctx, uid, "terminate", func(r *AppRecord) (bool, error) {
		if r.Status == Terminating || r.Status == Terminated {
			return false, nil
		}
		r.begin(Terminating, e.time())
		return true, nil
	})
}

// Logs returns the last lines that the app wrote, and what nex has to say about it.
func (e *Engine) Logs(ctx context.Context, uid string, tail int) ([]LogLine, error) {
	if _, err := e.load(ctx, authz.ManageAppInstances, uid); err != nil {
		return nil, err
	}
	if tail == 0 {
		tail = 200
	}
	if tail < 0 || tail > 5000 {
		return nil, problem.Invalid(ErrInvalid, "tail", "must be between 1 and 5000")
	}
	s, ok := e.backend.(LogStreamer)
	if !ok {
		return nil, nil
	}
	return s.Logs(ctx, uid, tail)
}

// change stores a wish. to reports whether there is anything to do.
func (e *Engine) change(ctx context.Context, uid, verb string, to func(*AppRecord) (bool, error)) (*App, error) {
	if _, err := e.load(ctx, authz.ManageAppInstances, uid); err != nil {
		return nil, err
	}
	var did bool
	r, err := e.store.UpdateApp(ctx, uid, func(r *AppRecord) (err error) {
		did, err = to(r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s app %s: %w", verb, uid, err)
	}
	if did {
		e.changed(ctx, r, verb)
	}
	return e.app(ctx, r)
}

// changed tells the reconciler and the log of a wish.
func (e *Engine) changed(ctx context.Context, r *AppRecord, verb string) {
	e.log.InfoContext(ctx, "app: "+verb, "app", r.UID, "organization", r.Organization, "status", r.Status)
	e.poke(r.UID, true)
}

// begin enters the first status of an operation that somebody asked for.
func (r *AppRecord) begin(s Status, now time.Time) {
	r.Operation++
	r.Errors, r.Attempts, r.RetryAt, r.Restarts = nil, 0, time.Time{}, 0
	r.enter(s, now)
}

// enter changes the status and what goes with it.
func (r *AppRecord) enter(s Status, now time.Time) {
	r.Status = s
	switch s {
	case Starting:
		r.StartedAt, r.NextStatus = now, Running
	case Stopping:
		r.StoppedAt = now
	case Stopped:
		r.StoppedAt, r.NextStatus = now, ""
	case Terminating:
		r.NextStatus = Terminated
	case Terminated:
		r.TerminatedAt, r.NextStatus = now, ""
	case Running:
		r.NextStatus = ""
	case Staged, Provisioning, Updating:
	}
}

// inTrouble reports an operation that fails again and again, which must not lock the app.
func (r *AppRecord) inTrouble() bool {
	return (r.Status == Starting || r.Status == Provisioning) && len(r.Errors) > 0
}

func busy(r *AppRecord) error {
	if r.Status == Terminated {
		return fmt.Errorf("it is terminated: %w", ErrConflict)
	}
	return fmt.Errorf("it is %s: %w", r.Status, ErrBusy)
}
