package hubtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/hub"
)

// epoch is what the suites' times are reckoned from, with microseconds in another zone, as a store must take them.
var epoch = time.Date(2026, 3, 1, 10, 0, 0, 123456000, time.FixedZone("CET", 3600))

// TestStore proves that what open returns keeps the contract of hub.Store. open is called for each part and returns an
// empty store.
func TestStore(t *testing.T, open func(t *testing.T) hub.Store) {
	for name, test := range map[string]func(*testing.T, hub.Store){
		"Organizations":      testOrganizations,
		"Apps":               testApps,
		"Instances":          testInstances,
		"ScanInstances":      testScanInstances,
		"OneActiveInstance":  testOneActiveInstance,
		"Orders":             testOrders,
		"ConcurrentClaims":   testConcurrentClaims,
		"ConcurrentUpdates":  testConcurrentUpdates,
		"ConcurrentOrdering": testConcurrentOrdering,
		"StrangeReferences":  testStrangeReferences,
		"Cancellation":       testCancellation,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func organization(id string) hub.Organization {
	return hub.Organization{ID: id, Name: "Bébé & Söhne 株式会社 'x' \"y\"", Currency: "EUR", FinancialYearEndMonth: 3, CreatedAt: epoch, UpdatedAt: epoch.Add(time.Second), Role: "Member"}
}

func testOrganizations(t *testing.T, s hub.Store) {
	ctx := t.Context()
	first, err := s.CreateOrganization(ctx, organization("org-a"))
	require.NoError(t, err)
	second, err := s.CreateOrganization(ctx, organization("org-b"))
	require.NoError(t, err)
	require.Positive(t, first.Number)
	require.Greater(t, second.Number, first.Number)
	require.Empty(t, first.Role, "roles are not the store's")
	_, err = s.CreateOrganization(ctx, organization("org-a"))
	require.ErrorIs(t, err, hub.ErrConflict)

	got, err := s.GetOrganization(ctx, "org-b")
	require.NoError(t, err)
	require.Equal(t, second, got)
	require.Equal(t, organization("org-b").Name, got.Name)
	require.Equal(t, "EUR", got.Currency)
	require.Equal(t, 3, got.FinancialYearEndMonth)
	require.True(t, got.CreatedAt.Equal(epoch), got.CreatedAt)
	require.Equal(t, time.UTC, got.CreatedAt.Location())
	got, err = s.GetOrganization(ctx, strconv.FormatInt(first.Number, 10))
	require.NoError(t, err)
	require.Equal(t, "org-a", got.ID)
	got.Name = "changed"
	again, err := s.GetOrganization(ctx, "org-a")
	require.NoError(t, err)
	require.NotEqual(t, "changed", again.Name, "values are copies")
	_, err = s.GetOrganization(ctx, "org-c")
	require.ErrorIs(t, err, hub.ErrNotFound)

	for _, c := range []struct {
		ids  []string
		want []string
	}{
		{nil, []string{"org-a", "org-b"}},
		{[]string{}, nil},
		{[]string{"org-b", "org-x"}, []string{"org-b"}},
		{[]string{"org-b", "org-a"}, []string{"org-a", "org-b"}},
	} {
		list, err := s.ListOrganizations(ctx, c.ids)
		require.NoError(t, err)
		var ids []string
		for _, o := range list {
			ids = append(ids, o.ID)
		}
		require.Equal(t, c.want, ids)
	}
}

func testApps(t *testing.T, s hub.Store) {
	ctx := t.Context()
	full := hub.App{
		ID: "app-1", NID: "crm", Name: "Zebra CRM", TinyDescription: "tiny", Description: "long\ntext", Logo: "data:image/svg+xml,<svg/>",
		Categories: []string{"CRM", "Sales"}, Stack: hub.Cloud, Host: "https://crm.test", SSOInitPath: "/sso", NotificationPath: "/hook",
		Collections: []string{"invoices"}, ExternalIDs: true, RedirectPaths: []string{"/cb"}, Active: true, CreatedAt: epoch, UpdatedAt: epoch,
	}
	r, err := s.PutApp(ctx, "crm", func(r *hub.AppRecord) error {
		require.Equal(t, hub.AppRecord{App: hub.App{NID: "crm"}}, *r)
		r.App, r.SealedKey, r.Published = full, []byte{0, 1, 255}, true
		return nil
	})
	require.NoError(t, err)
	require.Positive(t, r.Number)
	want := full
	want.Number, want.CreatedAt, want.UpdatedAt = r.Number, epoch.UTC(), epoch.UTC()
	require.Equal(t, hub.AppRecord{App: want, SealedKey: []byte{0, 1, 255}, Published: true}, *r)
	for _, ref := range []string{"crm", "app-1", strconv.FormatInt(r.Number, 10)} {
		got, err := s.GetApp(ctx, ref)
		require.NoError(t, err)
		require.Equal(t, r, got)
		got.Categories[0] = "changed"
	}
	again, err := s.PutApp(ctx, "crm", func(r *hub.AppRecord) error {
		require.Equal(t, want, r.App, "values are copies")
		r.Name, r.Categories, r.Collections, r.Active, r.ExternalIDs, r.SealedKey = "Aardvark CRM", nil, nil, false, false, nil
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, r.Number, again.Number)
	got, err := s.GetApp(ctx, "app-1")
	require.NoError(t, err)
	require.Equal(t, "Aardvark CRM", got.Name)
	require.Empty(t, got.Categories)
	require.Nil(t, got.Collections)
	require.False(t, got.Active)
	require.Empty(t, got.SealedKey)

	failure := errors.New("no")
	_, err = s.PutApp(ctx, "crm", func(r *hub.AppRecord) error { r.Name = "never"; return failure })
	require.ErrorIs(t, err, failure)
	_, err = s.PutApp(ctx, "other", func(r *hub.AppRecord) error { r.ID = "app-2"; return failure })
	require.ErrorIs(t, err, failure)
	_, err = s.GetApp(ctx, "other")
	require.ErrorIs(t, err, hub.ErrNotFound)
	_, err = s.PutApp(ctx, "thief", func(r *hub.AppRecord) error { r.ID, r.Name, r.Stack = "app-1", "Thief", hub.Cube; return nil })
	require.ErrorIs(t, err, hub.ErrConflict)

	_, err = s.PutApp(ctx, "notes", func(r *hub.AppRecord) error { r.ID, r.Name, r.Stack = "app-3", "AA Notes", hub.Cube; return nil })
	require.NoError(t, err)
	list, err := s.ListApps(ctx)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "AA Notes", list[0].Name)
	require.Equal(t, "Aardvark CRM", list[1].Name)
}

func instance(t *testing.T, s hub.Store, org, app, id string) hub.InstanceRecord {
	t.Helper()
	ctx := t.Context()
	if _, err := s.GetOrganization(ctx, org); errors.Is(err, hub.ErrNotFound) {
		_, err := s.CreateOrganization(ctx, organization(org))
		require.NoError(t, err)
	}
	_, err := s.PutApp(ctx, app, func(r *hub.AppRecord) error {
		if r.ID == "" {
			r.ID, r.Name, r.Stack = "app-"+app, app, hub.Cube
		}
		return nil
	})
	require.NoError(t, err)
	return hub.InstanceRecord{
		AppInstance: hub.AppInstance{ID: id, OrganizationID: org, Name: app, Status: hub.Provisioning, Step: "Ordered", Progress: 5, CreatedAt: epoch, UpdatedAt: epoch},
		AppID:       "app-" + app, ClientID: "app-own", SealedSecrets: []byte("s"),
		Order: hub.Order{Kind: hub.OrderAdd, Step: "client", StepAt: epoch, DueAt: epoch},
	}
}

func testInstances(t *testing.T, s hub.Store) {
	ctx := t.Context()
	in := instance(t, s, "org-a", "crm", "cld-1")
	created, err := s.CreateInstance(ctx, in)
	require.NoError(t, err)
	require.Positive(t, created.Number)
	want := in
	want.Number, want.CreatedAt, want.UpdatedAt, want.Order.StepAt, want.Order.DueAt = created.Number, epoch.UTC(), epoch.UTC(), epoch.UTC(), epoch.UTC()
	require.Equal(t, &want, created)
	for _, ref := range []string{"cld-1", strconv.FormatInt(created.Number, 10)} {
		got, err := s.GetInstance(ctx, ref)
		require.NoError(t, err)
		require.Equal(t, &want, got)
	}
	later := epoch.Add(time.Minute)
	changed, err := s.UpdateInstance(ctx, "cld-1", func(r *hub.InstanceRecord) error {
		require.Equal(t, &want, r)
		r.Name, r.Status, r.Progress, r.Step, r.Errors, r.URL = "CRM", hub.Running, 100, "Running", []string{"a", "b"}, "http://x.test"
		r.Durations = map[hub.Status]time.Duration{hub.Starting: 1500 * time.Millisecond}
		r.StartedAt, r.TerminatedAt, r.UpdatedAt, r.SealedSecrets, r.Settings = later, later, later, nil, "digest"
		r.Order = hub.Order{}
		r.OrganizationID, r.AppID, r.ID, r.Number = "org-z", "app-z", "cld-z", 99
		return nil
	})
	require.NoError(t, err)
	want.Name, want.Status, want.Progress, want.Step, want.Errors, want.URL = "CRM", hub.Running, 100, "Running", []string{"a", "b"}, "http://x.test"
	want.Durations = map[hub.Status]time.Duration{hub.Starting: 1500 * time.Millisecond}
	want.StartedAt, want.TerminatedAt, want.UpdatedAt, want.SealedSecrets, want.Order = later.UTC(), later.UTC(), later.UTC(), nil, hub.Order{}
	want.Settings = "digest"
	require.Equal(t, &want, changed, "and what names a record can't be changed")
	changed.Errors[0] = "changed"
	got, err := s.GetInstance(ctx, "cld-1")
	require.NoError(t, err)
	require.Equal(t, &want, got)

	failure := errors.New("no")
	_, err = s.UpdateInstance(ctx, "cld-1", func(r *hub.InstanceRecord) error { r.Name = "never"; return failure })
	require.ErrorIs(t, err, failure)
	_, err = s.UpdateInstance(ctx, "cld-x", func(*hub.InstanceRecord) error { return nil })
	require.ErrorIs(t, err, hub.ErrNotFound)
	_, err = s.GetInstance(ctx, "cld-x")
	require.ErrorIs(t, err, hub.ErrNotFound)

	_, err = s.CreateInstance(ctx, instance(t, s, "org-a", "erp", "cld-2"))
	require.NoError(t, err)
	_, err = s.CreateInstance(ctx, instance(t, s, "org-b", "crm", "cld-3"))
	require.NoError(t, err)
	_, err = s.UpdateInstance(ctx, "cld-2", func(r *hub.InstanceRecord) error { r.Status = hub.Terminating; return nil })
	require.NoError(t, err)
	list, err := s.ListInstances(ctx, "org-a")
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "cld-1", list[0].ID)
	require.Equal(t, "cld-2", list[1].ID)
	_, err = s.UpdateInstance(ctx, "cld-2", func(r *hub.InstanceRecord) error { r.Status = hub.Terminated; return nil })
	require.NoError(t, err)
	list, err = s.ListInstances(ctx, "org-a")
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func testScanInstances(t *testing.T, s hub.Store) {
	ctx := t.Context()
	var want []*hub.InstanceRecord
	for n := range 5 {
		in := instance(t, s, fmt.Sprint("org-", n), []string{"crm", "erp"}[n%2], fmt.Sprint("cld-", n))
		in.Settings = fmt.Sprint("digest ", n)
		r, err := s.CreateInstance(ctx, in)
		require.NoError(t, err)
		want = append(want, r)
	}
	_, err := s.UpdateInstance(ctx, "cld-1", func(r *hub.InstanceRecord) error { r.Status = hub.Terminated; return nil })
	require.NoError(t, err)
	scan := func(app string, after int64, limit int, wanted ...int) {
		t.Helper()
		got, err := s.ScanInstances(ctx, app, after, limit)
		require.NoError(t, err)
		require.Len(t, got, len(wanted))
		for i, n := range wanted {
			require.Equal(t, want[n], got[i])
		}
	}
	scan("", 0, 10, 0, 2, 3, 4)
	scan("", 0, 2, 0, 2)
	scan("", want[2].Number, 10, 3, 4)
	scan("", want[4].Number, 10)
	scan("app-crm", 0, 10, 0, 2, 4)
	scan("app-crm", want[0].Number, 1, 2)
	scan("app-erp", 0, 10, 3)
	scan("app-none", 0, 10)
}

func testOneActiveInstance(t *testing.T, s hub.Store) {
	ctx := t.Context()
	_, err := s.CreateInstance(ctx, instance(t, s, "org-a", "crm", "cld-1"))
	require.NoError(t, err)
	_, err = s.CreateInstance(ctx, instance(t, s, "org-a", "crm", "cld-2"))
	require.ErrorIs(t, err, hub.ErrConflict, "one of the same app is there")
	_, err = s.CreateInstance(ctx, instance(t, s, "org-b", "crm", "cld-1"))
	require.ErrorIs(t, err, hub.ErrConflict, "the id is taken")
	_, err = s.UpdateInstance(ctx, "cld-1", func(r *hub.InstanceRecord) error { r.Status = hub.Terminated; return nil })
	require.NoError(t, err)
	_, err = s.CreateInstance(ctx, instance(t, s, "org-a", "crm", "cld-2"))
	require.NoError(t, err, "the former one is terminated")
}

func testOrders(t *testing.T, s hub.Store) {
	ctx := t.Context()
	at := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }
	for n, due := range []int{20, 10, 99} {
		in := instance(t, s, "org-a", fmt.Sprint("crm", n), fmt.Sprint("cld-", n))
		in.Order.DueAt = at(due)
		_, err := s.CreateInstance(ctx, in)
		require.NoError(t, err)
	}
	idle := instance(t, s, "org-a", "idle", "cld-idle")
	idle.Order = hub.Order{}
	_, err := s.CreateInstance(ctx, idle)
	require.NoError(t, err)

	claim := func(now int, name, want string) {
		t.Helper()
		r, err := s.ClaimOrder(ctx, at(now), name, at(now+15))
		if want == "" {
			require.ErrorIs(t, err, hub.ErrNotFound)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, r.ID)
		require.Equal(t, name, r.Order.Claim)
		require.True(t, r.Order.ClaimedUntil.Equal(at(now+15)))
		stored, err := s.GetInstance(ctx, want)
		require.NoError(t, err)
		require.Equal(t, r, stored)
	}
	claim(9, "a", "")
	claim(30, "a", "cld-1") // due longest
	claim(30, "b", "cld-0")
	claim(44, "c", "")
	claim(45, "c", "cld-1") // the claim ran out
	_, err = s.UpdateInstance(ctx, "cld-0", func(r *hub.InstanceRecord) error {
		require.Equal(t, "b", r.Order.Claim)
		r.Order.Claim, r.Order.ClaimedUntil, r.Order.DueAt = "", time.Time{}, at(45)
		return nil
	})
	require.NoError(t, err)
	claim(45, "d", "cld-0") // released
	_, err = s.UpdateInstance(ctx, "cld-1", func(r *hub.InstanceRecord) error { r.Order = hub.Order{}; return nil })
	require.NoError(t, err)
	claim(61, "e", "cld-0")
	claim(98, "e", "cld-0")
	claim(99, "f", "cld-2")
	claim(99, "g", "")
}

func testConcurrentClaims(t *testing.T, s hub.Store) {
	ctx := t.Context()
	const orders = 12
	for n := range orders {
		_, err := s.CreateInstance(ctx, instance(t, s, "org-a", fmt.Sprint("crm", n), fmt.Sprint("cld-", n)))
		require.NoError(t, err)
	}
	var mu sync.Mutex
	claimed := map[string]int{}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for {
				r, err := s.ClaimOrder(ctx, epoch, fmt.Sprint("worker-", w), epoch.Add(time.Minute))
				mu.Lock()
				if err == nil {
					claimed[r.ID]++
				}
				n := len(claimed)
				mu.Unlock()
				// A store that skips what another caller holds may find nothing while orders are left: ask again.
				if err != nil && (n == orders || !errors.Is(err, hub.ErrNotFound)) {
					return
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, claimed, orders)
	for id, n := range claimed {
		require.Equal(t, 1, n, id)
	}
}

func testConcurrentUpdates(t *testing.T, s hub.Store) {
	ctx := t.Context()
	_, err := s.CreateInstance(ctx, instance(t, s, "org-a", "crm", "cld-1"))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				_, err := s.UpdateInstance(ctx, "cld-1", func(r *hub.InstanceRecord) error { r.Order.Attempts++; return nil })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := s.GetInstance(ctx, "cld-1")
	require.NoError(t, err)
	require.Equal(t, 20, got.Order.Attempts)
}

func testConcurrentOrdering(t *testing.T, s hub.Store) {
	ctx := t.Context()
	records := make([]hub.InstanceRecord, 6)
	for n := range records {
		records[n] = instance(t, s, "org-a", "crm", fmt.Sprint("cld-", n))
	}
	var created atomic.Int32
	var wg sync.WaitGroup
	for _, r := range records {
		wg.Go(func() {
			switch _, err := s.CreateInstance(ctx, r); {
			case err == nil:
				created.Add(1)
			case !errors.Is(err, hub.ErrConflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int32(1), created.Load())
}

func testStrangeReferences(t *testing.T, s hub.Store) {
	ctx := t.Context()
	_, err := s.CreateInstance(ctx, instance(t, s, "org-a", "crm", "cld-1"))
	require.NoError(t, err)
	for _, ref := range []string{"", "0", "-1", "+1", "01", " 1", "1.0", "99999999999999999999", "' OR 1=1 --", "\x00", "\xff", "ORG-A", "%"} {
		_, err := s.GetOrganization(ctx, ref)
		require.ErrorIs(t, err, hub.ErrNotFound, "%q", ref)
		_, err = s.GetApp(ctx, ref)
		require.ErrorIs(t, err, hub.ErrNotFound, "%q", ref)
		_, err = s.GetInstance(ctx, ref)
		require.ErrorIs(t, err, hub.ErrNotFound, "%q", ref)
		list, err := s.ListOrganizations(ctx, []string{ref})
		require.NoError(t, err, "%q", ref)
		require.Empty(t, list)
	}
}

func testCancellation(t *testing.T, s hub.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.ListApps(ctx)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.CreateOrganization(ctx, organization("org-a"))
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.GetOrganization(t.Context(), "org-a")
	require.ErrorIs(t, err, hub.ErrNotFound)
}
