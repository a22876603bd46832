package hub

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/id"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// How orders are carried out.
const (
	workers = 4
	// stepTimeout bounds one attempt at one step, and claimFor how long the order is another engine's to take after a crash.
	stepTimeout = 10 * time.Second
	claimFor    = 15 * time.Second
	// idlePoll is how often the store is asked for orders that another engine took on.
	idlePoll = time.Second
	// firstRetry and lastRetry bound the pause after a failure.
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
	maxErrors  = 5
)

// serviceID is who the hub is when it works on its own.
const serviceID = "svc-hub"

// Run carries out orders until ctx is done, then waits for the steps that are under way to stop and returns nil. What it leaves
// undone, or a crash interrupts, here or in any other engine on the store, is taken up again: steps may be repeated. When it begins, it
// brings app instances up to date with the platform's addresses.
func (e *Engine) Run(ctx context.Context) error {
	ctx = authz.WithCredential(ctx, authz.OnBehalfOf(serviceID))
	if e.sealer == nil {
		e.log.WarnContext(ctx, "secrets are stored without encryption: no secret key is set")
	}
	slots := make(chan struct{}, workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { e.keepUp(ctx) })
	for {
		select {
		case <-ctx.Done():
			return nil
		case slots <- struct{}{}:
		}
		now, claim := e.time(), id.UUID()
		r, err := e.store.ClaimOrder(ctx, now, claim, now.Add(claimFor))
		if err == nil {
			wg.Go(func() {
				defer func() { <-slots; e.signal() }()
				e.carryOut(ctx, r, claim)
			})
			continue
		}
		<-slots
		if !errors.Is(err, ErrNotFound) && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "claim an order", "error", err)
		}
		if !e.pause(ctx, errors.Is(err, ErrNotFound)) {
			return nil
		}
	}
}

// pause waits for the next order that may be due.
func (e *Engine) pause(ctx context.Context, healthy bool) bool {
	wait := idlePoll
	e.mu.Lock()
	if healthy && !e.next.IsZero() {
		wait = min(wait, max(e.next.Sub(e.now()), time.Millisecond))
		if !e.next.After(e.now()) {
			e.next = time.Time{}
		}
	}
	e.mu.Unlock()
	t := time.NewTimer(wait)
	defer t.Stop()
	if !healthy {
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
			return true
		}
	}
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-e.wake:
	}
	return true
}

// due tells Run of an order that is due at t.
func (e *Engine) due(t time.Time) {
	e.mu.Lock()
	if e.next.IsZero() || t.Before(e.next) {
		e.next = t
	}
	e.mu.Unlock()
	e.signal()
}

func (e *Engine) signal() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// errLost says that the order is no longer ours to carry out.
var errLost = errors.New("the order was taken over")

// carryOut does the steps of an order until it must wait, fails, is done, or isn't ours any more.
func (e *Engine) carryOut(ctx context.Context, r *InstanceRecord, claim string) {
	log := e.log.With("instance", r.ID)
	for r.Order.Kind != "" {
		kind, name, since := r.Order.Kind, r.Order.Step, r.Order.StepAt
		out, err := e.attempt(ctx, r)
		stopping := ctx.Err() != nil
		save, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
		r, err = e.store.UpdateInstance(save, r.ID, func(r *InstanceRecord) error {
			if r.Order.Claim != claim {
				return errLost
			}
			if r.Order.Kind != kind || r.Order.Step != name || !r.Order.StepAt.Equal(since) { // another order came in between
				e.release(r, r.Order.DueAt)
				return nil
			}
			e.record(ctx, r, out, err, stopping)
			if r.Order.Kind != "" && r.Order.Claim != "" {
				r.Order.ClaimedUntil = e.time().Add(claimFor)
			}
			return nil
		})
		cancel()
		switch {
		case errors.Is(err, errLost):
			return
		case err != nil:
			log.ErrorContext(ctx, "record a step", "step", name, "error", err)
			return // the claim runs out
		case r.Order.Claim == "":
			if r.Order.Kind != "" {
				e.due(r.Order.DueAt)
			}
			return
		}
	}
}

// record writes down how an attempt at the current step ended.
func (e *Engine) record(ctx context.Context, r *InstanceRecord, out outcome, err error, stopping bool) {
	now := e.time()
	steps := e.plan(r)
	i := slices.IndexFunc(steps, func(s step) bool { return s.name == r.Order.Step })
	r.UpdatedAt = now
	if i < 0 { // stored by a newer version
		e.log.WarnContext(ctx, "an unknown step", "instance", r.ID, "step", r.Order.Step, "error", err)
		e.release(r, now.Add(lastRetry))
		return
	}
	switch {
	case err != nil && stopping:
		e.release(r, now)
	case err != nil:
		r.Order.Attempts++
		text := steps[i].trouble
		if p := problem.Of(err); p.Detail != "" {
			text += ": " + p.Detail
		}
		addError(r, text)
		e.log.WarnContext(ctx, "a step failed", "instance", r.ID, "step", r.Order.Step, "attempt", r.Order.Attempts, "error", err)
		if steps[i].tries > 0 && r.Order.Attempts >= steps[i].tries {
			e.advance(r, steps, i, now)
			return
		}
		e.release(r, now.Add(retryAfter(r.Order.Attempts)))
	case out.wait > 0:
		out.change(r)
		r.Order.Attempts = 0
		e.release(r, now.Add(out.wait))
	default:
		if out.change != nil {
			out.change(r)
		}
		r.Errors = nil
		e.advance(r, steps, i, now)
	}
}

func (e *Engine) advance(r *InstanceRecord, steps []step, i int, now time.Time) {
	if steps[i].after != nil {
		steps[i].after(r, now)
	}
	r.Order.Attempts, r.Order.StepAt, r.Order.DueAt = 0, now, now
	if i+1 == len(steps) {
		r.Order = Order{}
		return
	}
	next := steps[i+1]
	r.Order.Step = next.name
	if next.text != "" {
		r.Step, r.Progress = next.text, next.progress
	}
}

// begin gives r a new order, whose first step is due at once. A claim on the former order stays. StepAt is a new one, so that whoever
// is at the same step of the former order notices.
func (e *Engine) begin(r *InstanceRecord, kind OrderKind, now time.Time) {
	at := now
	if !at.After(r.Order.StepAt) {
		at = r.Order.StepAt.Add(time.Microsecond)
	}
	r.Order.Kind, r.Order.Attempts, r.Order.StepAt, r.Order.DueAt = kind, 0, at, now
	r.Order.Step = firstStep[kind]
}

func (e *Engine) release(r *InstanceRecord, due time.Time) {
	r.Order.Claim, r.Order.ClaimedUntil, r.Order.DueAt = "", time.Time{}, due
}

// attempt does the current step once. A panic is a failure like any other.
func (e *Engine) attempt(ctx context.Context, r *InstanceRecord) (out outcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			e.log.ErrorContext(ctx, "a step panicked", "instance", r.ID, "step", r.Order.Step, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	app, err := e.store.GetApp(ctx, r.AppID)
	if err != nil {
		return outcome{}, err
	}
	for _, s := range e.plan(r) {
		if s.name == r.Order.Step {
			return s.do(ctx, r, app)
		}
	}
	return outcome{}, fmt.Errorf("unknown step %q", r.Order.Step)
}

func addError(r *InstanceRecord, text string) {
	if len(text) > 500 {
		text = text[:500]
	}
	if slices.Contains(r.Errors, text) {
		return
	}
	r.Errors = append(r.Errors, text)
	if n := len(r.Errors); n > maxErrors {
		r.Errors = slices.Clone(r.Errors[n-maxErrors:])
	}
}

// retryAfter is the pause after the n-th failure in a row, with jitter.
func retryAfter(n int) time.Duration {
	b := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstRetry), backoff.WithMultiplier(2), backoff.WithMaxInterval(lastRetry), backoff.WithMaxElapsedTime(0),
	)
	var d time.Duration
	for range min(n, 16) {
		d = b.NextBackOff()
	}
	return d
}
