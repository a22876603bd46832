package nextest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/nex"
)

// TestStore proves a nex.Store. open returns an empty one.
func TestStore(t *testing.T, open func(t *testing.T) nex.Store) {
	t.Run("Templates", func(t *testing.T) { testStoreTemplates(t, open(t)) })
	t.Run("Apps", func(t *testing.T) { testStoreApps(t, open(t)) })
	t.Run("List", func(t *testing.T) { testStoreList(t, open(t)) })
	t.Run("Update", func(t *testing.T) { testStoreUpdate(t, open(t)) })
	t.Run("ConcurrentUpdates", func(t *testing.T) { testStoreConcurrent(t, open(t)) })
	t.Run("Durations", func(t *testing.T) { testStoreDurations(t, open(t)) })
	t.Run("Cancelled", func(t *testing.T) { testStoreCancelled(t, open(t)) })
}

// strange is text that storage has to bear.
const strange = "a'b\"c\\d %_ \t\n <é> 日本 🦊 {{}} ; --"

var storeTime = time.Date(2026, 3, 1, 12, 30, 15, 123456000, time.UTC)

func fullApp(uid string) nex.AppRecord {
	return nex.AppRecord{
		App: nex.App{
			UID: uid, Name: strange, Organization: OrgA, Template: "notes", Status: nex.Starting, NextStatus: nex.Running,
			Errors: []string{"one", strange}, Restarts: 3, CreatedAt: storeTime, StartedAt: storeTime.Add(time.Microsecond),
			StoppedAt: storeTime.Add(time.Hour), TerminatedAt: storeTime.Add(2 * time.Hour),
		},
		Sealed: []byte{0, 1, 2, 255}, Operation: 1 << 40, Attempts: 7, RetryAt: storeTime.Add(time.Minute),
	}
}

func testStoreTemplates(t *testing.T, s nex.Store) {
	ctx := t.Context()
	require.NoError(t, s.Ready(ctx))
	_, err := s.GetTemplate(ctx, "notes")
	require.ErrorIs(t, err, nex.ErrNotFound)
	list, err := s.ListTemplates(ctx)
	require.NoError(t, err)
	require.Empty(t, list)

	want := nex.TemplateRecord{
		Template: nex.Template{Name: "notes", Version: "1.2", Command: []string{"/bin/notes", "", strange}, HealthPath: "/healthz?x=1", StopGrace: 1500 * time.Millisecond},
		Sealed:   []byte("sealed\x00"),
	}
	require.NoError(t, s.PutTemplate(ctx, want))
	got, err := s.GetTemplate(ctx, "notes")
	require.NoError(t, err)
	require.Equal(t, &want, got)

	got.Command[0], got.Sealed[0] = "changed", 'X'
	again, err := s.GetTemplate(ctx, "notes")
	require.NoError(t, err)
	require.Equal(t, &want, again, "what the store hands out is a copy")

	want.Version, want.HealthPath, want.Command, want.Sealed = "2", "", []string{"/x"}, []byte{9}
	require.NoError(t, s.PutTemplate(ctx, want))
	other := nex.TemplateRecord{Template: nex.Template{Name: "crm", Command: []string{"/crm"}}, Sealed: []byte{0}}
	require.NoError(t, s.PutTemplate(ctx, other))
	list, err = s.ListTemplates(ctx)
	require.NoError(t, err)
	require.Equal(t, []*nex.TemplateRecord{&other, &want}, list)
}

func testStoreApps(t *testing.T, s nex.Store) {
	ctx := t.Context()
	_, err := s.GetApp(ctx, "missing")
	require.ErrorIs(t, err, nex.ErrNotFound)

	want := fullApp("notes-1")
	require.NoError(t, s.CreateApp(ctx, want))
	got, err := s.GetApp(ctx, "notes-1")
	require.NoError(t, err)
	require.Equal(t, &want, got)
	require.ErrorIs(t, s.CreateApp(ctx, want), nex.ErrConflict)

	got.Errors[0], got.Sealed[0] = "changed", 9
	again, err := s.GetApp(ctx, "notes-1")
	require.NoError(t, err)
	require.Equal(t, &want, again, "what the store hands out is a copy")

	bare := nex.AppRecord{App: nex.App{UID: "bare", Organization: OrgB, Template: "notes", Status: nex.Provisioning, CreatedAt: storeTime}}
	require.NoError(t, s.CreateApp(ctx, bare))
	got, err = s.GetApp(ctx, "bare")
	require.NoError(t, err)
	require.Equal(t, &bare, got, "zero times stay zero, no errors stay none")

	fine := fullApp("fine")
	fine.CreatedAt = storeTime.Add(999 * time.Nanosecond).In(time.FixedZone("east", 3600))
	require.NoError(t, s.CreateApp(ctx, fine))
	got, err = s.GetApp(ctx, "fine")
	require.NoError(t, err)
	require.Equal(t, storeTime, got.CreatedAt, "UTC, microseconds")
}

func testStoreList(t *testing.T, s nex.Store) {
	ctx := t.Context()
	for i, uid := range []string{"c", "a", "d", "b"} {
		r := fullApp(uid)
		if i%2 == 1 {
			r.Organization = OrgB
		}
		if uid == "d" {
			r.Status = nex.Terminated
		}
		require.NoError(t, s.CreateApp(ctx, r))
	}
	uids := func(f nex.AppFilter) []string {
		list, err := s.ListApps(ctx, f)
		require.NoError(t, err)
		out := []string{}
		for _, r := range list {
			out = append(out, r.UID)
		}
		return out
	}
	require.Equal(t, []string{"a", "b", "c"}, uids(nex.AppFilter{}))
	require.Equal(t, []string{"a", "b", "c", "d"}, uids(nex.AppFilter{Terminated: true}))
	require.Equal(t, []string{"c"}, uids(nex.AppFilter{Organization: OrgA}))
	require.Equal(t, []string{"c", "d"}, uids(nex.AppFilter{Organization: OrgA, Terminated: true}))
	require.Empty(t, uids(nex.AppFilter{Organization: "org-c"}))
}

func testStoreUpdate(t *testing.T, s nex.Store) {
	ctx := t.Context()
	_, err := s.UpdateApp(ctx, "missing", func(*nex.AppRecord) error { return nil })
	require.ErrorIs(t, err, nex.ErrNotFound)
	require.NoError(t, s.CreateApp(ctx, fullApp("x")))

	want := fullApp("x")
	want.Name, want.Status, want.NextStatus, want.Errors, want.Sealed = "renamed", nex.Stopped, "", nil, nil
	want.StartedAt, want.RetryAt, want.Attempts, want.Restarts, want.Operation = time.Time{}, time.Time{}, 0, 0, 5
	got, err := s.UpdateApp(ctx, "x", func(r *nex.AppRecord) error {
		require.Equal(t, fullApp("x"), *r)
		*r = want
		r.UID, r.Organization, r.Template, r.CreatedAt = "y", OrgB, "crm", storeTime.Add(time.Hour)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, &want, got)
	got, err = s.GetApp(ctx, "x")
	require.NoError(t, err)
	require.Equal(t, &want, got)

	refused := errors.New("refused")
	_, err = s.UpdateApp(ctx, "x", func(r *nex.AppRecord) error {
		r.Name = "not stored"
		return refused
	})
	require.Equal(t, refused, err)
	got, err = s.GetApp(ctx, "x")
	require.NoError(t, err)
	require.Equal(t, "renamed", got.Name)
}

func testStoreConcurrent(t *testing.T, s nex.Store) {
	ctx := t.Context()
	require.NoError(t, s.CreateApp(ctx, nex.AppRecord{App: nex.App{UID: "x", Organization: OrgA, Template: "notes", Status: nex.Running, CreatedAt: storeTime}}))
	const writers, each = 8, 10
	var wg sync.WaitGroup
	errs := make(chan error, writers)
	for range writers {
		wg.Go(func() {
			for range each {
				if _, err := s.UpdateApp(ctx, "x", func(r *nex.AppRecord) error { r.Operation++; return nil }); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	got, err := s.GetApp(ctx, "x")
	require.NoError(t, err)
	require.EqualValues(t, writers*each, got.Operation, "no update is lost")
}

func testStoreDurations(t *testing.T, s nex.Store) {
	ctx := t.Context()
	got, err := s.Durations(ctx, "notes")
	require.NoError(t, err)
	require.Empty(t, got)
	for i := range nex.DurationSamples + 10 {
		require.NoError(t, s.AddDuration(ctx, "notes", nex.Starting, time.Duration(i)*time.Millisecond))
	}
	require.NoError(t, s.AddDuration(ctx, "notes", nex.Stopping, 1234567*time.Microsecond))
	require.NoError(t, s.AddDuration(ctx, "crm", nex.Starting, time.Hour))
	got, err = s.Durations(ctx, "notes")
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Len(t, got[nex.Starting], nex.DurationSamples)
	for i, d := range got[nex.Starting] {
		require.Equal(t, time.Duration(nex.DurationSamples+9-i)*time.Millisecond, d, fmt.Sprint("newest first, at ", i))
	}
	require.Equal(t, []time.Duration{1234567 * time.Microsecond}, got[nex.Stopping])
}

func testStoreCancelled(t *testing.T, s nex.Store) {
	require.NoError(t, s.CreateApp(t.Context(), fullApp("x")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.GetApp(ctx, "x")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.ListApps(ctx, nex.AppFilter{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.UpdateApp(ctx, "x", func(r *nex.AppRecord) error { r.Name = "no"; return nil })
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.CreateApp(ctx, fullApp("y")), context.Canceled)
	got, err := s.GetApp(t.Context(), "x")
	require.NoError(t, err)
	require.Equal(t, strange, got.Name)
}
