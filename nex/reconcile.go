package nex

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// resyncEvery is how often Run looks for apps that another process has changed in the store.
const resyncEvery = 10 * time.Second

// worker drives one app, so that there is never more than one operation at a time for it.
type worker struct {
	uid  string
	wake chan struct{}

	cancel context.CancelFunc // ends the step under way; guarded by Engine.mu

	// What follows belongs to the worker's goroutine.
	adopting  bool      // nothing was done yet for this app since Run began
	status    Status    // seen last
	since     time.Time // when it was seen first; zero when that was not the beginning
	probedAt  time.Time
	unhealthy int // bad answers in a row
}

// errStale says that somebody else wants something new of the app.
var errStale = errors.New("the app was changed meanwhile")

// Run makes what runs equal to what is wanted, until ctx ends. It returns nil then and leaves the apps as they are: they go on
// serving, and the next Run takes them over. Instances that belong to no app are removed. Only one Run at a time may be at work
// on a Store and Backend.
func (e *Engine) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	e.mu.Lock()
	if e.start != nil {
		e.mu.Unlock()
		return errors.New("nex: Run runs already")
	}
	adopting := true
	e.start = func(w *worker) {
		w.adopting = adopting
		wg.Go(func() { e.work(ctx, w) })
	}
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.start = nil
		e.mu.Unlock()
		wg.Wait()
	}()
	if w, ok := e.backend.(Watcher); ok {
		wg.Go(func() { e.watchBackend(ctx, w) })
	}
	for {
		err := e.resync(ctx, adopting)
		delay := resyncEvery
		if err == nil {
			e.mu.Lock()
			adopting = false
			e.mu.Unlock()
		} else if delay = time.Second; ctx.Err() == nil {
			e.log.ErrorContext(ctx, "reconcile", "error", err)
		}
		if !sleep(ctx, delay, nil) {
			return nil
		}
	}
}

func (e *Engine) watchBackend(ctx context.Context, w Watcher) {
	for {
		err := w.Watch(ctx, func(id string) { e.poke(id, false) })
		if ctx.Err() != nil {
			return
		}
		e.log.ErrorContext(ctx, "watch backend", "error", err)
		if !sleep(ctx, time.Second, nil) {
			return
		}
	}
}

// resync sees to it that every app that needs one has a worker. The first time it also looks for what the backend has and
// the store doesn't know.
func (e *Engine) resync(ctx context.Context, first bool) error {
	records, err := e.store.ListApps(ctx, AppFilter{})
	if err != nil {
		return err
	}
	if first {
		if err := e.removeUnknown(ctx, records); err != nil {
			return err
		}
	}
	for _, r := range records {
		e.routes.show(r)
		if first || (r.Status != Stopped && r.Status != Staged) {
			e.ensureWorker(r.UID)
		}
	}
	return nil
}

// removeUnknown removes instances of no app. When the store has never had an app, it is more likely the wrong store than that all
// data is garbage: then instances are only stopped.
func (e *Engine) removeUnknown(ctx context.Context, records []*AppRecord) error {
	instances, err := e.backend.List(ctx)
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(records))
	for _, r := range records {
		known[r.UID] = true
	}
	empty := false
	if len(records) == 0 && len(instances) > 0 {
		all, err := e.store.ListApps(ctx, AppFilter{Terminated: true})
		if err != nil {
			return err
		}
		empty = len(all) == 0
	}
	for _, i := range instances {
		if known[i.ID] {
			continue
		}
		// CreateApp may have come in since the list was made.
		r, err := e.store.GetApp(ctx, i.ID)
		if err == nil && r.Status != Terminated {
			continue
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if empty {
			e.log.WarnContext(ctx, "stop an instance of an unknown app; its data is kept because the store has never had an app", "app", i.ID)
			err = e.backend.Stop(ctx, i.ID, defaultStopGrace)
		} else {
			e.log.WarnContext(ctx, "remove an instance of an unknown app", "app", i.ID)
			err = e.backend.Remove(ctx, i.ID)
		}
		if err != nil {
			return fmt.Errorf("instance %s: %w", i.ID, err)
		}
	}
	return nil
}

// poke makes the app's worker look again. With interrupt it gives up what it is waiting for.
func (e *Engine) poke(uid string, interrupt bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.workers[uid]
	switch {
	case e.start == nil:
	case w == nil:
		e.spawn(uid)
	default:
		select {
		case w.wake <- struct{}{}:
		default:
		}
		if interrupt && w.cancel != nil {
			w.cancel()
		}
	}
}

func (e *Engine) ensureWorker(uid string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.start != nil && e.workers[uid] == nil {
		e.spawn(uid)
	}
}

func (e *Engine) spawn(uid string) {
	w := &worker{uid: uid, wake: make(chan struct{}, 1)}
	e.workers[uid] = w
	e.start(w)
}

// work is a worker's life: step after step, until there is nothing left to do.
func (e *Engine) work(ctx context.Context, w *worker) {
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.workers[w.uid] == w {
			delete(e.workers, w.uid)
		}
	}()
	for ctx.Err() == nil {
		stepCtx, cancel := context.WithCancel(ctx)
		e.mu.Lock()
		w.cancel = cancel
		e.mu.Unlock()
		delay, err := e.step(stepCtx, w)
		interrupted := stepCtx.Err() != nil
		cancel()
		switch {
		case err == nil && delay < 0:
			if e.retire(w) {
				return
			}
			delay = 0
		case err == nil:
		case interrupted || errors.Is(err, errStale):
			delay = 0
		default:
			e.log.ErrorContext(ctx, "reconcile", "app", w.uid, "error", err)
			delay = time.Second
		}
		sleep(ctx, delay, w.wake)
	}
}

// retire lets a worker go that has nothing to do, unless it was just woken.
func (e *Engine) retire(w *worker) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-w.wake:
		return false
	default:
		delete(e.workers, w.uid)
		return true
	}
}

// sleep waits for d or a wake-up and reports whether ctx still lives.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-t.C:
	}
	return ctx.Err() == nil
}
