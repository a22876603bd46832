package hub_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
)

// crashing is a provisioner whose apps can crash after they ran.
type crashing struct {
	hub.Provisioner
	now atomic.Pointer[func(context.Context) (*hub.Deployment, error)]
}

func (c *crashing) Status(ctx context.Context, uid string) (*hub.Deployment, error) {
	if f := c.now.Load(); f != nil {
		return (*f)(ctx)
	}
	return c.Provisioner.Status(ctx, uid)
}

func (c *crashing) say(f func(context.Context) (*hub.Deployment, error)) { c.now.Store(&f) }

// A customer sees how his hosted app is now, not how it was when he added it.
func TestLiveStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := hubmem.New()
		p, ctx, o := setup(t, store)
		c := &crashing{Provisioner: p.Provisioner}
		e := hub.New(store, p.Identity, p.Identity, hub.WithProvisioner(c), hub.WithDataSharing(p.DataSharing))
		run, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(run) }()
		defer func() {
			stop()
			require.NoError(t, <-done)
		}()
		i, err := e.AddApp(ctx, o.ID, "notes")
		require.NoError(t, err)
		time.Sleep(time.Minute)
		status := func() *hub.AppInstance {
			got, err := e.GetAppInstance(ctx, i.ID)
			require.NoError(t, err)
			list, err := e.ListAppInstances(ctx, o.ID)
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.Equal(t, got, list[0], "both show the same")
			return got
		}
		require.Equal(t, hub.Running, status().Status)

		c.say(func(context.Context) (*hub.Deployment, error) {
			return &hub.Deployment{Status: hub.Starting, Errors: []string{"exit code 1"}}, nil
		})
		got := status()
		require.Equal(t, hub.Starting, got.Status)
		require.Equal(t, "Starting again", got.Step)
		require.Equal(t, []string{"exit code 1"}, got.Errors)

		c.say(func(context.Context) (*hub.Deployment, error) { return nil, errors.New("away") })
		require.Equal(t, hub.Running, status().Status, "what was last known")
		c.say(func(ctx context.Context) (*hub.Deployment, error) { <-ctx.Done(); return nil, ctx.Err() })
		begin := time.Now()
		require.Equal(t, hub.Running, status().Status, "a provisioner that hangs holds nobody up")
		require.LessOrEqual(t, time.Since(begin), 3*time.Second)
	})
}
