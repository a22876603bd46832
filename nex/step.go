package nex

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	// maxErrors is how many errors an app shows.
	maxErrors = 5
	// patience is how long an app may be unhealthy at its start before the reason is shown.
	patience = 10 * time.Second
	// forever is the delay of a step after which nothing is left to do.
	forever = time.Duration(-1)
)

// step takes an app one status further. It answers when to look again, or forever. Each step may be cut off anywhere and
// begins anew from what store and backend say.
func (e *Engine) step(ctx context.Context, w *worker) (time.Duration, error) {
	r, err := e.store.GetApp(ctx, w.uid)
	if errors.Is(err, ErrNotFound) {
		return forever, nil
	}
	if err != nil {
		return 0, err
	}
	if w.status != r.Status {
		w.status, w.since, w.unhealthy = r.Status, time.Now(), 0
		if w.adopting {
			w.since = time.Time{}
		}
	}
	defer func() { w.adopting = false }()
	e.routes.show(r)
	switch r.Status {
	case Provisioning:
		return e.provision(ctx, w, r)
	case Starting:
		return e.bringUp(ctx, w, r)
	case Running:
		return e.lookAfter(ctx, w, r)
	case Stopping:
		return e.bringDown(ctx, w, r)
	case Terminating:
		return e.terminate(ctx, w, r)
	case Staged, Stopped:
		return forever, e.stayDown(ctx, r)
	case Terminated, Updating:
	}
	return forever, nil
}

// provision prepares the instance.
func (e *Engine) provision(ctx context.Context, w *worker, r *AppRecord) (time.Duration, error) {
	if wait := r.RetryAt.Sub(e.time()); wait > 0 {
		return wait, nil
	}
	spec, err := e.spec(ctx, r)
	if err == nil {
		_, err = e.backend.Ensure(ctx, spec)
	}
	if err != nil {
		return e.fail(ctx, r, err)
	}
	return 0, e.enter(ctx, w, r, Starting)
}

// bringUp starts the instance, unless it runs, and waits for it to be healthy.
func (e *Engine) bringUp(ctx context.Context, w *worker, r *AppRecord) (time.Duration, error) {
	i, err := e.instance(ctx, r.UID)
	if err != nil {
		return e.fail(ctx, r, err)
	}
	if i.State != InstanceRunning {
		if wait := r.RetryAt.Sub(e.time()); wait > 0 {
			return wait, nil
		}
		spec, err := e.spec(ctx, r)
		if err == nil {
			_, err = e.backend.Ensure(ctx, spec)
		}
		if err == nil {
			i, err = e.backend.Start(ctx, r.UID)
		}
		if err != nil {
			return e.fail(ctx, r, err)
		}
		e.tell(ctx, r.UID, "started: %s", spec.Command[0])
	}
	return e.awaitHealth(ctx, w, r, i)
}

func (e *Engine) awaitHealth(ctx context.Context, w *worker, r *AppRecord, i *Instance) (time.Duration, error) {
	t, err := e.store.GetTemplate(ctx, r.Template)
	if err != nil {
		return 0, err
	}
	shown := false
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		unhealthy := e.probe(ctx, r.UID, i.Addr, t.HealthPath)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		// Asked afterwards, so that an answer of somebody else at the same port doesn't count.
		if i, err = e.instance(ctx, r.UID); err != nil {
			return 0, err
		}
		if i.State != InstanceRunning {
			return e.fail(ctx, r, fmt.Errorf("the program ended before it was healthy%s", exitWords(i)))
		}
		if unhealthy == nil {
			break
		}
		age := e.time().Sub(i.StartedAt)
		if age > e.health.StartTimeout {
			unhealthy = fmt.Errorf("not healthy within %s: %w", e.health.StartTimeout, unhealthy)
			if err := e.backend.Stop(ctx, r.UID, or(t.StopGrace, defaultStopGrace)); err != nil {
				return 0, err
			}
			return e.fail(ctx, r, unhealthy)
		}
		if !shown && age > patience {
			if r, err = e.update(ctx, r, func(r *AppRecord) { r.show(fmt.Errorf("not healthy yet: %w", unhealthy)) }); err != nil {
				return 0, err
			}
			shown = true
		}
		if !sleep(ctx, pause, w.wake) {
			return 0, ctx.Err()
		}
	}
	e.routes.open(r.UID, i.Addr)
	if err := e.enter(ctx, w, r, Running); err != nil {
		return 0, err
	}
	e.tell(ctx, r.UID, "healthy, reachable at %s", e.url(r.UID))
	w.probedAt = time.Now()
	return e.health.Interval, nil
}

// lookAfter keeps a running app running.
func (e *Engine) lookAfter(ctx context.Context, w *worker, r *AppRecord) (time.Duration, error) {
	i, err := e.instance(ctx, r.UID)
	if err != nil {
		return 0, err
	}
	if i.State != InstanceRunning {
		if w.adopting {
			e.tell(ctx, r.UID, "was not running when nex started")
			_, err := e.update(ctx, r, func(r *AppRecord) { r.enter(Starting, e.time()) })
			return 0, err
		}
		return e.crashed(ctx, r, fmt.Errorf("the program ended by itself%s", exitWords(i)))
	}
	e.routes.open(r.UID, i.Addr)
	if w.adopting {
		e.tell(ctx, r.UID, "found running")
	}
	if r.Attempts > 0 && e.time().Sub(r.StartedAt) >= e.restarts.Reset {
		if r, err = e.update(ctx, r, func(r *AppRecord) { r.Attempts = 0 }); err != nil {
			return 0, err
		}
	}
	if wait := e.health.Interval - time.Since(w.probedAt); wait > 0 {
		return wait, nil
	}
	t, err := e.store.GetTemplate(ctx, r.Template)
	if err != nil {
		return 0, err
	}
	err = e.probe(ctx, r.UID, i.Addr, t.HealthPath)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	w.probedAt = time.Now()
	if err == nil {
		w.unhealthy = 0
		return e.health.Interval, nil
	}
	if w.unhealthy++; w.unhealthy < e.health.Failures {
		e.tell(ctx, r.UID, "not healthy (%d of %d): %v", w.unhealthy, e.health.Failures, err)
		return e.health.Interval, nil
	}
	e.routes.close(r.UID, doorWaiting)
	if err := e.backend.Stop(ctx, r.UID, or(t.StopGrace, defaultStopGrace)); err != nil {
		return 0, err
	}
	return e.crashed(ctx, r, fmt.Errorf("not healthy any more: %w", err))
}

// crashed begins a start that nobody asked for.
func (e *Engine) crashed(ctx context.Context, r *AppRecord, cause error) (time.Duration, error) {
	e.routes.close(r.UID, doorWaiting)
	e.tell(ctx, r.UID, "%v", cause)
	e.log.WarnContext(ctx, "app crashed", "app", r.UID, "error", cause)
	_, err := e.update(ctx, r, func(r *AppRecord) {
		r.enter(Starting, e.time())
		r.Restarts++
		r.Attempts++
		r.RetryAt = e.time().Add(e.backoff(r.Attempts))
		r.show(cause)
	})
	return 0, err
}

// bringDown stops an app: first no more requests, then no more program.
func (e *Engine) bringDown(ctx context.Context, w *worker, r *AppRecord) (time.Duration, error) {
	if wait := r.RetryAt.Sub(e.time()); wait > 0 {
		return wait, nil
	}
	next := Stopped
	if r.NextStatus == Running {
		next = Starting
	}
	if err := e.routes.empty(ctx, r.UID, e.drain); err != nil {
		return 0, err
	}
	grace, err := e.stopGrace(ctx, r.Template)
	if err == nil {
		err = e.backend.Stop(ctx, r.UID, grace)
	}
	if err != nil {
		return e.fail(ctx, r, err)
	}
	e.tell(ctx, r.UID, "stopped")
	if err := e.enter(ctx, w, r, next); err != nil {
		return 0, err
	}
	return 0, nil
}

// stayDown stops an instance that shouldn't run.
func (e *Engine) stayDown(ctx context.Context, r *AppRecord) error {
	i, err := e.instance(ctx, r.UID)
	if err != nil || i.State != InstanceRunning {
		return err
	}
	e.tell(ctx, r.UID, "was running although it should not")
	grace, err := e.stopGrace(ctx, r.Template)
	if err != nil {
		return err
	}
	return e.backend.Stop(ctx, r.UID, grace)
}

// terminate removes all that the app had.
func (e *Engine) terminate(ctx context.Context, w *worker, r *AppRecord) (time.Duration, error) {
	if wait := r.RetryAt.Sub(e.time()); wait > 0 {
		return wait, nil
	}
	if err := e.routes.empty(ctx, r.UID, e.drain); err != nil {
		return 0, err
	}
	grace, err := e.stopGrace(ctx, r.Template)
	if err == nil {
		err = e.backend.Stop(ctx, r.UID, grace)
	}
	if err == nil {
		err = e.backend.Remove(ctx, r.UID)
	}
	if err != nil {
		return e.fail(ctx, r, err)
	}
	if err := e.enter(ctx, w, r, Terminated); err != nil {
		return 0, err
	}
	e.log.InfoContext(ctx, "app terminated", "app", r.UID)
	return forever, nil
}

// instance is the backend's view, InstanceCreated when it has none.
func (e *Engine) instance(ctx context.Context, uid string) (*Instance, error) {
	i, err := e.backend.Get(ctx, uid)
	if errors.Is(err, ErrNotFound) {
		return &Instance{ID: uid, State: InstanceCreated}, nil
	}
	return i, err
}

// enter goes to the next status of an operation that succeeded so far.
func (e *Engine) enter(ctx context.Context, w *worker, r *AppRecord, s Status) error {
	took := time.Since(w.since)
	measured := !w.since.IsZero() && len(r.Errors) == 0 && r.Attempts == 0
	_, err := e.update(ctx, r, func(r *AppRecord) {
		r.enter(s, e.time())
		r.Errors, r.RetryAt = nil, time.Time{}
		if s == Terminated {
			r.Sealed = nil
		}
	})
	if err != nil {
		return err
	}
	if measured {
		if err := e.durations.add(ctx, e.store, r.Template, r.Status, took.Truncate(time.Microsecond)); err != nil {
			e.log.WarnContext(ctx, "remember a duration", "template", r.Template, "error", err)
		}
	}
	return nil
}

// fail keeps the app in its status and plans the next attempt.
func (e *Engine) fail(ctx context.Context, r *AppRecord, cause error) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	e.tell(ctx, r.UID, "%v", cause)
	e.log.WarnContext(ctx, "app operation failed", "app", r.UID, "status", r.Status, "error", cause)
	var wait time.Duration
	_, err := e.update(ctx, r, func(r *AppRecord) {
		if r.Attempts++; r.Status == Starting {
			r.Restarts++
		}
		wait = e.backoff(r.Attempts)
		r.RetryAt = e.time().Add(wait)
		r.show(cause)
	})
	return wait, err
}

// update changes the record unless a newer wish has overtaken this step.
func (e *Engine) update(ctx context.Context, r *AppRecord, change func(*AppRecord)) (*AppRecord, error) {
	return e.store.UpdateApp(ctx, r.UID, func(now *AppRecord) error {
		if now.Operation != r.Operation || now.Status != r.Status {
			return errStale
		}
		change(now)
		return nil
	})
}

func (e *Engine) backoff(attempts int) time.Duration {
	f := float64(e.restarts.Initial) * math.Pow(2, float64(min(attempts, 60)-1))
	return time.Duration(min(f, float64(e.restarts.Max)))
}

// tell adds a line of nex's own to the app's log.
func (e *Engine) tell(ctx context.Context, uid, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	e.log.DebugContext(ctx, "app log", "app", uid, "text", text)
	if lw, ok := e.backend.(LogWriter); ok {
		if err := lw.WriteLog(ctx, uid, LogLine{At: e.time(), Stream: "nex", Text: text}); err != nil && !errors.Is(err, ErrNotFound) {
			e.log.WarnContext(ctx, "write to an app's log", "app", uid, "error", err)
		}
	}
}

// show adds an error for people to see.
func (r *AppRecord) show(err error) {
	text := err.Error()
	if len(text) > 1000 {
		text = text[:1000] + "…"
	}
	r.Errors = append(slices.DeleteFunc(r.Errors, func(s string) bool { return s == text }), text)
	r.Errors = r.Errors[max(0, len(r.Errors)-maxErrors):]
}

func exitWords(i *Instance) string {
	if i.Exit == "" {
		return ""
	}
	return " (" + i.Exit + ")"
}
