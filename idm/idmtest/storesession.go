package idmtest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/idm"
)

func testSessions(t *testing.T, s idm.Store) {
	ctx := t.Context()
	ann, ben := addUser(t, s, "usr-ann"), addUser(t, s, "usr-ben")
	r := record(ann.ID, 1)
	_, err := s.GetSession(ctx, r.Hash)
	require.ErrorIs(t, err, idm.ErrNotFound)
	require.NoError(t, s.DeleteSession(ctx, r.Hash))
	require.NoError(t, s.TouchSession(ctx, r.Hash, epoch))
	require.NoError(t, s.CreateSession(ctx, r, ""))
	require.Error(t, s.CreateSession(ctx, r, ""), "the same token twice")
	got, err := s.GetSession(ctx, r.Hash)
	require.NoError(t, err)
	require.Equal(t, &r, got)
	require.Equal(t, time.UTC, got.ExpiresAt.Location())

	require.NoError(t, s.TouchSession(ctx, r.Hash, epoch.Add(time.Hour)))
	require.NoError(t, s.TouchSession(ctx, r.Hash, epoch.Add(time.Second)))
	got, err = s.GetSession(ctx, r.Hash)
	require.NoError(t, err)
	require.Equal(t, epoch.Add(time.Hour), got.IdleExpiresAt, "put off, never brought forward")

	for _, other := range []idm.SessionRecord{record(ann.ID, 2), record(ann.ID, 3), record(ben.ID, 1)} {
		require.NoError(t, s.CreateSession(ctx, other, ""))
	}
	require.NoError(t, s.DeleteSession(ctx, r.Hash))
	_, err = s.GetSession(ctx, r.Hash)
	require.ErrorIs(t, err, idm.ErrNotFound)
	_, err = s.GetSession(ctx, record(ann.ID, 2).Hash)
	require.NoError(t, err)
	require.NoError(t, s.DeleteSessions(ctx, ann.ID))
	require.NoError(t, s.DeleteSessions(ctx, "usr-none"))
	for n := 2; n <= 3; n++ {
		_, err = s.GetSession(ctx, record(ann.ID, n).Hash)
		require.ErrorIs(t, err, idm.ErrNotFound)
	}
	_, err = s.GetSession(ctx, record(ben.ID, 1).Hash)
	require.NoError(t, err)
}

func testSessionProof(t *testing.T, s idm.Store) {
	ctx := t.Context()
	ann := addUser(t, s, "usr-ann")
	require.ErrorIs(t, s.CreateSession(ctx, record("usr-none", 1), ""), idm.ErrCredentials)
	require.ErrorIs(t, s.CreateSession(ctx, record(ann.ID, 1), "an older hash"), idm.ErrCredentials)
	require.NoError(t, s.CreateSession(ctx, record(ann.ID, 1), "hash of usr-ann"))
	_, err := s.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Disabled = true; return nil })
	require.NoError(t, err)
	require.ErrorIs(t, s.CreateSession(ctx, record(ann.ID, 2), "hash of usr-ann"), idm.ErrCredentials, "disabled")

	_, err = s.PutClient(ctx, idm.Client{ID: "svc-1", Kind: idm.ServiceClient, CreatedAt: epoch}, "key hash", false)
	require.NoError(t, err)
	require.ErrorIs(t, s.CreateSession(ctx, record("svc-1", 1), "other"), idm.ErrCredentials)
	require.NoError(t, s.CreateSession(ctx, record("svc-1", 1), "key hash"))
	require.NoError(t, s.CreateSession(ctx, record("svc-1", 2), ""))
}

func testExpiredSessions(t *testing.T, s idm.Store) {
	ctx := t.Context()
	ann := addUser(t, s, "usr-ann")
	for n := range 3 {
		r := record(ann.ID, n)
		r.ExpiresAt, r.IdleExpiresAt = epoch.Add(time.Hour), epoch.Add(time.Hour)
		switch n {
		case 0:
			r.ExpiresAt = epoch.Add(time.Minute)
		case 1:
			r.IdleExpiresAt = epoch.Add(time.Minute)
		}
		require.NoError(t, s.CreateSession(ctx, r, ""))
	}
	n, err := s.DeleteExpiredSessions(ctx, epoch.Add(time.Second))
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = s.DeleteExpiredSessions(ctx, epoch.Add(2*time.Minute))
	require.NoError(t, err)
	require.Equal(t, 2, n)
	_, err = s.GetSession(ctx, record(ann.ID, 2).Hash)
	require.NoError(t, err)
}

func testConcurrentSessions(t *testing.T, s idm.Store) {
	ctx := t.Context()
	ann := addUser(t, s, "usr-ann")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			r := record(ann.ID, n)
			if err := s.CreateSession(ctx, r, ""); err != nil {
				t.Errorf("CreateSession: %v", err)
			}
			if err := s.TouchSession(ctx, r.Hash, epoch.Add(time.Hour)); err != nil {
				t.Errorf("TouchSession: %v", err)
			}
			if _, err := s.GetSession(ctx, r.Hash); err != nil {
				t.Errorf("GetSession: %v", err)
			}
		})
	}
	wg.Wait()
}

func testCancelled(t *testing.T, s idm.Store) {
	ann := addUser(t, s, "usr-ann")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Ready(ctx), context.Canceled)
	require.ErrorIs(t, s.CreateUser(ctx, &idm.User{ID: "usr-x", Email: "x@example.com"}, "h"), context.Canceled)
	_, err := s.GetUser(ctx, ann.ID)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Name = "x"; return nil })
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.CreateSession(ctx, record(ann.ID, 1), ""), context.Canceled)
	_, err = s.GetSession(ctx, record(ann.ID, 1).Hash)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.GetUser(t.Context(), "usr-x")
	require.ErrorIs(t, err, idm.ErrNotFound)
}
