package nex_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexmem"
	"github.com/ensemble-platform/ensemble/nex/nextest"
)

func quick(opts ...nex.Option) []nex.Option {
	return append([]nex.Option{
		nex.WithRestarts(nex.RestartPolicy{Initial: time.Millisecond, Max: 20 * time.Millisecond, Reset: time.Hour}),
		nex.WithDrain(50 * time.Millisecond),
	}, opts...)
}

// TestRunAgain: a new engine goes on where the last one ended, wherever that was.
func TestRunAgain(t *testing.T) {
	t.Parallel()
	store, b := nexmem.New(), nexmem.NewBackend()
	b.Handle("app", nextest.Program)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	ctx := operator(t)
	first := nex.New(store, b, nextest.Authorizer(), quick()...)
	require.NoError(t, first.PutTemplate(ctx, nex.Template{Name: "notes", Command: []string{"app"}}))
	for _, uid := range []string{"lives", "dies", "goes", "later"} {
		_, err := first.CreateApp(ctx, nex.AppSpec{UID: uid, Organization: nextest.OrgA, Template: "notes"})
		require.NoError(t, err)
	}
	stop := nextest.RunEngine(t, first)
	for _, uid := range []string{"lives", "dies", "goes", "later"} {
		nextest.Await(t, first, uid, nex.Running)
	}
	require.Error(t, first.Run(ctx), "one Run at a time")
	stop()
	lives, err := b.Get(ctx, "lives")
	require.NoError(t, err)
	require.Equal(t, nex.InstanceRunning, lives.State, "apps go on without an engine")

	require.NoError(t, b.Stop(ctx, "dies", 0))
	_, err = first.TerminateApp(ctx, "goes")
	require.NoError(t, err)
	_, err = b.Ensure(ctx, nex.Spec{ID: "unknown", Command: []string{"app"}})
	require.NoError(t, err)
	_, err = b.Start(ctx, "unknown")
	require.NoError(t, err)

	second := nex.New(store, b, nextest.Authorizer(), quick()...)
	nextest.RunEngine(t, second)
	nextest.Await(t, second, "goes", nex.Terminated)
	require.Eventually(t, func() bool {
		i, err := b.Get(ctx, "dies")
		_, gone := b.Get(ctx, "unknown")
		return err == nil && i.State == nex.InstanceRunning && errors.Is(gone, nex.ErrNotFound)
	}, soon, time.Millisecond)
	a := nextest.Await(t, second, "dies", nex.Running)
	require.Zero(t, a.Restarts)
	same, err := b.Get(ctx, "lives")
	require.NoError(t, err)
	require.Equal(t, lives, same, "it was taken over, not started again")
}

// TestWrongStore: an engine over a store that has never had an app deletes nothing.
func TestWrongStore(t *testing.T) {
	t.Parallel()
	b := nexmem.NewBackend()
	b.Handle("app", nextest.Program)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	_, err := b.Ensure(t.Context(), nex.Spec{ID: "precious", Command: []string{"app"}})
	require.NoError(t, err)
	_, err = b.Start(t.Context(), "precious")
	require.NoError(t, err)
	nextest.RunEngine(t, nex.New(nexmem.New(), b, nextest.Authorizer(), quick()...))
	require.Eventually(t, func() bool {
		i, err := b.Get(t.Context(), "precious")
		require.NoError(t, err)
		return i.State == nex.InstanceExited
	}, soon, time.Millisecond)
}

// TestCrashLoop: an app that ends at once is started again and again, ever slower, for ever, and can be stopped.
func TestCrashLoop(t *testing.T) {
	t.Parallel()
	e, b := nextest.NewEngine(t, nexmem.New(), nex.WithRestarts(nex.RestartPolicy{Initial: 8 * time.Millisecond, Max: 40 * time.Millisecond}))
	var mu sync.Mutex
	var starts []time.Time
	b.Handle("app", func(*nexmem.Process) (http.Handler, error) {
		mu.Lock()
		defer mu.Unlock()
		starts = append(starts, time.Now())
		return nil, errors.New("no luck today")
	})
	ctx := operator(t)
	require.NoError(t, e.PutTemplate(ctx, nex.Template{Name: "notes", Command: []string{"app"}}))
	_, err := e.CreateApp(ctx, nex.AppSpec{UID: "x", Organization: nextest.OrgA, Template: "notes"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(starts) >= 6
	}, soon, time.Millisecond)
	mu.Lock()
	for i, least := range []time.Duration{8, 16, 32, 40, 40} {
		require.GreaterOrEqual(t, starts[i+1].Sub(starts[i]), least*time.Millisecond, "start %d", i+1)
	}
	mu.Unlock()
	a, err := e.GetApp(ctx, "x")
	require.NoError(t, err)
	require.Equal(t, nex.Starting, a.Status)
	require.Len(t, a.Errors, 1, "the same error is shown once")
	require.Contains(t, a.Errors[0], "no luck today")
	require.GreaterOrEqual(t, a.Restarts, 5)

	_, err = e.StopApp(ctx, "x")
	require.NoError(t, err, "trouble doesn't lock an app")
	nextest.Await(t, e, "x", nex.Stopped)
	b.Handle("app", nextest.Program)
	_, err = e.StartApp(ctx, "x")
	require.NoError(t, err)
	a = nextest.Await(t, e, "x", nex.Running)
	require.Zero(t, a.Restarts)
	require.Empty(t, a.Errors)
}

// TestUnhealthy: an app that runs but no longer answers is restarted.
func TestUnhealthy(t *testing.T) {
	t.Parallel()
	e, b := nextest.NewEngine(t, nexmem.New(), nex.WithHealth(nex.HealthPolicy{Interval: 5 * time.Millisecond, Failures: 3}))
	var sick atomic.Bool
	var starts atomic.Int32
	b.Handle("app", func(*nexmem.Process) (http.Handler, error) {
		starts.Add(1)
		sick.Store(false)
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if sick.Load() {
				w.WriteHeader(http.StatusTeapot)
			}
		}), nil
	})
	ctx := operator(t)
	require.NoError(t, e.PutTemplate(ctx, nex.Template{Name: "notes", Command: []string{"app"}}))
	_, err := e.CreateApp(ctx, nex.AppSpec{UID: "x", Organization: nextest.OrgA, Template: "notes"})
	require.NoError(t, err)
	nextest.Await(t, e, "x", nex.Running)
	sick.Store(true)
	require.Eventually(t, func() bool { return starts.Load() == 2 }, soon, time.Millisecond)
	a := nextest.Await(t, e, "x", nex.Running)
	require.Equal(t, 1, a.Restarts)
	lines, err := e.Logs(ctx, "x", 0)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(lines), "not healthy any more")
}

// TestTerminateInterrupts: nothing holds up the end of an app, not even a start that hangs.
func TestTerminateInterrupts(t *testing.T) {
	t.Parallel()
	e, b := nextest.NewEngine(t, nexmem.New(), nex.WithHealth(nex.HealthPolicy{Timeout: time.Hour, StartTimeout: time.Hour}))
	asked := make(chan struct{}, 100)
	b.Handle("app", func(*nexmem.Process) (http.Handler, error) {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			<-r.Context().Done()
		}), nil
	})
	ctx := operator(t)
	require.NoError(t, e.PutTemplate(ctx, nex.Template{Name: "notes", Command: []string{"app"}, StopGrace: time.Millisecond}))
	_, err := e.CreateApp(ctx, nex.AppSpec{UID: "x", Organization: nextest.OrgA, Template: "notes"})
	require.NoError(t, err)
	<-asked
	for _, f := range []func(context.Context, string) (*nex.App, error){e.StopApp, e.RestartApp} {
		_, err = f(ctx, "x")
		require.ErrorIs(t, err, nex.ErrBusy)
		require.ErrorContains(t, err, "starting", "it says what is under way")
	}
	_, err = e.TerminateApp(ctx, "x")
	require.NoError(t, err)
	nextest.Await(t, e, "x", nex.Terminated)
	_, err = b.Get(ctx, "x")
	require.ErrorIs(t, err, nex.ErrNotFound)
}

// TestBackendTrouble: a backend that fails is asked again until it works, and no step is lost.
func TestBackendTrouble(t *testing.T) {
	t.Parallel()
	inner := nexmem.NewBackend()
	inner.Handle("app", nextest.Program)
	t.Cleanup(func() { require.NoError(t, inner.Close()) })
	b := &flaky{Backend: inner}
	store := nexmem.New()
	e := nex.New(store, b, nextest.Authorizer(), quick()...)
	nextest.RunEngine(t, e)
	ctx := operator(t)
	require.NoError(t, e.PutTemplate(ctx, nex.Template{Name: "notes", Command: []string{"app"}}))
	_, err := e.CreateApp(ctx, nex.AppSpec{UID: "x", Organization: nextest.OrgA, Template: "notes", Env: map[string]string{"A": "1"}})
	require.NoError(t, err)
	nextest.Await(t, e, "x", nex.Running)
	_, err = e.StopApp(ctx, "x")
	require.NoError(t, err)
	nextest.Await(t, e, "x", nex.Stopped)
	_, err = e.TerminateApp(ctx, "x")
	require.NoError(t, err)
	nextest.Await(t, e, "x", nex.Terminated)
	require.Positive(t, b.failed.Load())
	r, err := store.GetApp(ctx, "x")
	require.NoError(t, err)
	require.Empty(t, r.Sealed, "secrets end with the app")
}

// flaky fails two of three changing calls of a kind.
type flaky struct {
	nex.Backend
	ensures, stops, removes, failed atomic.Int32
}

func (f *flaky) fail(calls *atomic.Int32) error {
	if calls.Add(1)%3 != 0 {
		f.failed.Add(1)
		return errors.New("the backend has a bad day")
	}
	return nil
}

func (f *flaky) Ensure(ctx context.Context, spec nex.Spec) (*nex.Instance, error) {
	if err := f.fail(&f.ensures); err != nil {
		return nil, err
	}
	return f.Backend.Ensure(ctx, spec)
}

func (f *flaky) Stop(ctx context.Context, id string, grace time.Duration) error {
	if err := f.fail(&f.stops); err != nil {
		return err
	}
	return f.Backend.Stop(ctx, id, grace)
}

func (f *flaky) Remove(ctx context.Context, id string) error {
	if err := f.fail(&f.removes); err != nil {
		return err
	}
	return f.Backend.Remove(ctx, id)
}

// TestConfigureAfterMoving proves that an app which outlived its engine hears of its new public address.
func TestConfigureAfterMoving(t *testing.T) {
	t.Parallel()
	store, b := nexmem.New(), nexmem.NewBackend()
	b.Handle("app", nextest.Program)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	ctx, env := operator(t), map[string]string{"A": "1"}
	first := nex.New(store, b, nextest.Authorizer(), quick()...)
	require.NoError(t, first.PutTemplate(ctx, nex.Template{Name: "notes", Command: []string{"app"}}))
	stop := nextest.RunEngine(t, first)
	_, err := first.CreateApp(ctx, nex.AppSpec{UID: "x", Organization: nextest.OrgA, Template: "notes", Env: env})
	require.NoError(t, err)
	nextest.Await(t, first, "x", nex.Running)
	stop()

	second := nex.New(store, b, nextest.Authorizer(), quick(nex.WithURL(func(uid string) string { return "http://" + uid + ".apps.localhost:99" }))...)
	nextest.RunEngine(t, second)
	a, err := second.ConfigureApp(ctx, "x", env)
	require.NoError(t, err)
	require.Equal(t, nex.Stopping, a.Status)
	a = nextest.Await(t, second, "x", nex.Running)
	require.Equal(t, "http://x.apps.localhost:99", a.URL)
	i, err := b.Get(ctx, "x")
	require.NoError(t, err)
	resp, err := http.Get("http://" + i.Addr + "/env?name=NEX_PUBLIC_URL")
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, a.URL, string(text))
	a, err = second.ConfigureApp(ctx, "x", env)
	require.NoError(t, err)
	require.Equal(t, nex.Running, a.Status, "once is enough")
}
