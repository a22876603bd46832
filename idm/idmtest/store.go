// Package idmtest proves implementations of idm's interfaces.
//
//	func TestStore(t *testing.T) {
//		idmtest.TestStore(t, func(t *testing.T) idm.Store { return mystore.New() })
//	}
package idmtest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/idm"
)

// epoch is a time that every store can keep exactly.
var epoch = time.Date(2026, 3, 1, 10, 30, 0, 123456000, time.UTC)

// weird are texts that have broken stores before.
var weird = []string{"O'Brien", `"; DROP TABLE idm_users; --`, "%_\\", "Zoë 🎻", "名前", " spaces ", "a\u00a0b", "\u202eabc"}

// TestStore runs the conformance suite of idm.Store. newStore returns an empty store each time.
func TestStore(t *testing.T, newStore func(t *testing.T) idm.Store) {
	for name, test := range map[string]func(*testing.T, idm.Store){
		"Users":              testUsers,
		"UpdateUser":         testUpdateUser,
		"Passwords":          testPasswords,
		"Organizations":      testOrganizations,
		"Memberships":        testMemberships,
		"LastOwner":          testLastOwner,
		"LastOwnerRace":      testLastOwnerRace,
		"Clients":            testClients,
		"Groups":             testGroups,
		"Sessions":           testSessions,
		"SessionProof":       testSessionProof,
		"ExpiredSessions":    testExpiredSessions,
		"ConcurrentUsers":    testConcurrentUsers,
		"ConcurrentUpdates":  testConcurrentUpdates,
		"CancelledContexts":  testCancelled,
		"ManyIDs":            testManyIDs,
		"ConcurrentSessions": testConcurrentSessions,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newStore(t))
		})
	}
}

func addUser(t *testing.T, s idm.Store, id string) *idm.User {
	t.Helper()
	u := &idm.User{ID: id, Email: id + "@example.com", CreatedAt: epoch, UpdatedAt: epoch}
	require.NoError(t, s.CreateUser(t.Context(), u, "hash of "+id))
	return u
}

func record(subject string, n int) idm.SessionRecord {
	return idm.SessionRecord{
		Hash: sha256.Sum256(fmt.Append(nil, subject, n)), ID: fmt.Sprintf("ses-%s-%d", subject, n), Subject: subject,
		CreatedAt: epoch, ExpiresAt: epoch.Add(time.Hour), IdleExpiresAt: epoch.Add(time.Minute),
	}
}

func testUsers(t *testing.T, s idm.Store) {
	ctx := t.Context()
	require.NoError(t, s.Ready(ctx))
	_, err := s.GetUser(ctx, "usr-none")
	require.ErrorIs(t, err, idm.ErrNotFound)
	_, _, err = s.FindUser(ctx, "none@example.com")
	require.ErrorIs(t, err, idm.ErrNotFound)
	all, err := s.ListUsers(ctx, nil)
	require.NoError(t, err)
	require.Empty(t, all)

	ann := &idm.User{
		ID: "usr-ann", Email: "Ann@Example.com", Name: "Ann", Surname: "Lee", Operator: true,
		CreatedAt: epoch, UpdatedAt: epoch.Add(time.Microsecond),
	}
	require.NoError(t, s.CreateUser(ctx, ann, "the hash"))
	require.Positive(t, ann.Number)

	got, err := s.GetUser(ctx, "usr-ann")
	require.NoError(t, err)
	require.Equal(t, ann, got)
	require.Equal(t, time.UTC, got.CreatedAt.Location())
	got.Name = "changed"
	again, err := s.GetUser(ctx, "usr-ann")
	require.NoError(t, err)
	require.Equal(t, "Ann", again.Name, "what a store returns is a copy")

	for _, email := range []string{"Ann@Example.com", "ann@example.com", "ANN@EXAMPLE.COM", " ann@example.com "} {
		found, hash, err := s.FindUser(ctx, email)
		require.NoError(t, err, email)
		require.Equal(t, ann, found)
		require.Equal(t, "the hash", hash)
		err = s.CreateUser(ctx, &idm.User{ID: "usr-other", Email: email, CreatedAt: epoch, UpdatedAt: epoch}, "x")
		require.ErrorIs(t, err, idm.ErrConflict, email)
	}

	last := ann.Number
	for i, name := range weird {
		u := &idm.User{ID: fmt.Sprintf("usr-%d", 9-i), Email: fmt.Sprintf("w%d@example.com", i), Name: name, Surname: name, CreatedAt: epoch, UpdatedAt: epoch}
		require.NoError(t, s.CreateUser(ctx, u, name))
		require.Greater(t, u.Number, last)
		last = u.Number
		got, hash, err := s.FindUser(ctx, u.Email)
		require.NoError(t, err)
		require.Equal(t, u, got)
		require.Equal(t, name, hash)
	}
	all, err = s.ListUsers(ctx, nil)
	require.NoError(t, err)
	require.Len(t, all, 1+len(weird))
	for i := range all[1:] {
		require.Less(t, all[i].Number, all[i+1].Number)
	}
	some, err := s.ListUsers(ctx, []string{"usr-3", "usr-none", "usr-ann", "usr-ann"})
	require.NoError(t, err)
	require.Len(t, some, 2)
	require.Equal(t, "usr-ann", some[0].ID)
	require.Equal(t, "usr-3", some[1].ID)
	none, err := s.ListUsers(ctx, []string{})
	require.NoError(t, err)
	require.Empty(t, none)
}

func testUpdateUser(t *testing.T, s idm.Store) {
	ctx := t.Context()
	ann, ben := addUser(t, s, "usr-ann"), addUser(t, s, "usr-ben")
	_, err := s.UpdateUser(ctx, "usr-none", func(*idm.User) error { return nil })
	require.ErrorIs(t, err, idm.ErrNotFound)

	refused := errors.New("refused")
	_, err = s.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Name = "x"; return refused })
	require.ErrorIs(t, err, refused)
	_, err = s.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Email = "USR-BEN@example.com"; return nil })
	require.ErrorIs(t, err, idm.ErrConflict)
	got, err := s.GetUser(ctx, ann.ID)
	require.NoError(t, err)
	require.Equal(t, ann, got, "a refused change leaves no trace")

	want := *ann
	want.Email, want.Name, want.Surname, want.Operator, want.UpdatedAt = "New@example.com", "A", "B", true, epoch.Add(time.Hour)
	got, err = s.UpdateUser(ctx, ann.ID, func(u *idm.User) error { *u = want; return nil })
	require.NoError(t, err)
	require.Equal(t, &want, got)
	got, _, err = s.FindUser(ctx, "new@EXAMPLE.com")
	require.NoError(t, err)
	require.Equal(t, &want, got)
	_, _, err = s.FindUser(ctx, ann.Email)
	require.ErrorIs(t, err, idm.ErrNotFound, "the old address is free")
	_, err = s.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Email = "NEW@example.com"; return nil })
	require.NoError(t, err, "an address may change its case")

	require.NoError(t, s.CreateSession(ctx, record(ann.ID, 1), ""))
	require.NoError(t, s.CreateSession(ctx, record(ben.ID, 1), ""))
	_, err = s.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Disabled = true; return nil })
	require.NoError(t, err)
	_, err = s.GetSession(ctx, record(ann.ID, 1).Hash)
	require.ErrorIs(t, err, idm.ErrNotFound, "disabling ends sessions")
	_, err = s.GetSession(ctx, record(ben.ID, 1).Hash)
	require.NoError(t, err)
}

func testPasswords(t *testing.T, s idm.Store) {
	ctx := t.Context()
	ann := addUser(t, s, "usr-ann")
	require.ErrorIs(t, s.SetPasswordHash(ctx, "usr-none", "x"), idm.ErrNotFound)
	hash := func() string {
		_, h, err := s.FindUser(ctx, ann.Email)
		require.NoError(t, err)
		return h
	}
	require.NoError(t, s.CreateSession(ctx, record(ann.ID, 1), ""))
	require.NoError(t, s.UpgradePasswordHash(ctx, ann.ID, "not the hash", "bad"))
	require.Equal(t, "hash of usr-ann", hash())
	require.NoError(t, s.UpgradePasswordHash(ctx, ann.ID, "hash of usr-ann", "better"))
	require.Equal(t, "better", hash())
	_, err := s.GetSession(ctx, record(ann.ID, 1).Hash)
	require.NoError(t, err, "a better hash of the same password ends no session")
	require.NoError(t, s.SetPasswordHash(ctx, ann.ID, "new"))
	require.Equal(t, "new", hash())
	_, err = s.GetSession(ctx, record(ann.ID, 1).Hash)
	require.ErrorIs(t, err, idm.ErrNotFound)
}

func testOrganizations(t *testing.T, s idm.Store) {
	ctx := t.Context()
	_, err := s.GetOrganization(ctx, "org-1")
	require.ErrorIs(t, err, idm.ErrNotFound)
	for _, o := range []idm.Organization{{ID: "org-1"}, {ID: "org-1", TenantID: "tnt-1", Frozen: true}, {ID: "org-1", TenantID: "tnt-2"}} {
		require.NoError(t, s.PutOrganization(ctx, o))
		got, err := s.GetOrganization(ctx, "org-1")
		require.NoError(t, err)
		require.Equal(t, &o, got)
	}
}

func testMemberships(t *testing.T, s idm.Store) {
	ctx := t.Context()
	ann, ben := addUser(t, s, "usr-ann"), addUser(t, s, "usr-ben")
	require.NoError(t, s.PutOrganization(ctx, idm.Organization{ID: "org-1"}))
	require.NoError(t, s.PutOrganization(ctx, idm.Organization{ID: "org-2"}))

	_, err := s.PutMembership(ctx, "usr-none", "org-1", idm.Member)
	require.ErrorIs(t, err, idm.ErrNotFound)
	_, err = s.PutMembership(ctx, ann.ID, "org-none", idm.Member)
	require.ErrorIs(t, err, idm.ErrNotFound)
	require.NoError(t, s.DeleteMembership(ctx, ann.ID, "org-1"))
	require.NoError(t, s.DeleteMembership(ctx, "usr-none", "org-none"))

	m1, err := s.PutMembership(ctx, ann.ID, "org-1", idm.Member)
	require.NoError(t, err)
	require.Positive(t, m1.Number)
	require.Equal(t, &idm.Membership{Number: m1.Number, UserID: ann.ID, OrganizationID: "org-1", Role: idm.Member}, m1)
	m2, err := s.PutMembership(ctx, ben.ID, "org-1", idm.SuperAdmin)
	require.NoError(t, err)
	require.Greater(t, m2.Number, m1.Number)
	m3, err := s.PutMembership(ctx, ann.ID, "org-2", idm.PowerUser)
	require.NoError(t, err)
	again, err := s.PutMembership(ctx, ann.ID, "org-1", idm.Admin)
	require.NoError(t, err)
	require.Equal(t, m1.Number, again.Number, "a new role keeps the number")
	m1.Role = idm.Admin

	for _, c := range []struct {
		user, org string
		want      []*idm.Membership
	}{
		{ann.ID, "", []*idm.Membership{m1, m3}},
		{"", "org-1", []*idm.Membership{m1, m2}},
		{ann.ID, "org-2", []*idm.Membership{m3}},
		{ben.ID, "org-2", nil},
		{"usr-none", "", nil},
	} {
		got, err := s.ListMemberships(ctx, c.user, c.org)
		require.NoError(t, err)
		require.Len(t, got, len(c.want))
		for i := range got {
			require.Equal(t, c.want[i], got[i])
		}
	}
	require.NoError(t, s.DeleteMembership(ctx, ann.ID, "org-1"))
	got, err := s.ListMemberships(ctx, ann.ID, "")
	require.NoError(t, err)
	require.Equal(t, []*idm.Membership{m3}, got)
	back, err := s.PutMembership(ctx, ann.ID, "org-1", idm.Member)
	require.NoError(t, err)
	require.Greater(t, back.Number, m3.Number, "numbers are not used again")
}

func testLastOwner(t *testing.T, s idm.Store) {
	ctx := t.Context()
	ann, ben := addUser(t, s, "usr-ann"), addUser(t, s, "usr-ben")
	for _, org := range []string{"org-1", "org-2"} {
		require.NoError(t, s.PutOrganization(ctx, idm.Organization{ID: org}))
		_, err := s.PutMembership(ctx, ann.ID, org, idm.SuperAdmin)
		require.NoError(t, err)
	}
	_, err := s.PutMembership(ctx, ben.ID, "org-1", idm.Admin)
	require.NoError(t, err)

	_, err = s.PutMembership(ctx, ann.ID, "org-1", idm.Admin)
	require.ErrorIs(t, err, idm.ErrLastOwner)
	require.ErrorIs(t, s.DeleteMembership(ctx, ann.ID, "org-1"), idm.ErrLastOwner)
	_, err = s.PutMembership(ctx, ann.ID, "org-1", idm.SuperAdmin)
	require.NoError(t, err, "the same role again")
	_, err = s.PutMembership(ctx, ben.ID, "org-1", idm.SuperAdmin)
	require.NoError(t, err)
	_, err = s.PutMembership(ctx, ann.ID, "org-1", idm.Member)
	require.NoError(t, err)
	require.ErrorIs(t, s.DeleteMembership(ctx, ben.ID, "org-1"), idm.ErrLastOwner)
	ms, err := s.ListMemberships(ctx, "", "org-1")
	require.NoError(t, err)
	require.Len(t, ms, 2)
	require.Equal(t, idm.Member, ms[0].Role)
	require.Equal(t, idm.SuperAdmin, ms[1].Role)
}

func testLastOwnerRace(t *testing.T, s idm.Store) {
	ctx := t.Context()
	ann, ben := addUser(t, s, "usr-ann"), addUser(t, s, "usr-ben")
	for i := range 10 {
		org := fmt.Sprintf("org-%d", i)
		require.NoError(t, s.PutOrganization(ctx, idm.Organization{ID: org}))
		for _, u := range []*idm.User{ann, ben} {
			_, err := s.PutMembership(ctx, u.ID, org, idm.SuperAdmin)
			require.NoError(t, err)
		}
		var wg sync.WaitGroup
		var errAnn, errBen error
		wg.Go(func() { _, errAnn = s.PutMembership(ctx, ann.ID, org, idm.Member) })
		wg.Go(func() { errBen = s.DeleteMembership(ctx, ben.ID, org) })
		wg.Wait()
		require.NotEqual(t, errAnn == nil, errBen == nil, "exactly one goes through: %v, %v", errAnn, errBen)
		require.ErrorIs(t, errors.Join(errAnn, errBen), idm.ErrLastOwner)
	}
}

func testClients(t *testing.T, s idm.Store) {
	ctx := t.Context()
	_, _, err := s.GetClient(ctx, "app-1")
	require.ErrorIs(t, err, idm.ErrNotFound)
	require.NoError(t, s.DeleteClient(ctx, "app-1"))

	c := idm.Client{ID: "app-1", Kind: idm.AppClient, Name: weird[0], RedirectURIs: []string{"https://a.example/cb", "https://b.example/cb?x=1,2"}, CreatedAt: epoch}
	created, err := s.PutClient(ctx, c, "hash1", true)
	require.NoError(t, err)
	require.True(t, created)
	got, hash, err := s.GetClient(ctx, "app-1")
	require.NoError(t, err)
	require.Equal(t, &c, got)
	require.Equal(t, "hash1", hash)
	got.RedirectURIs[0] = "changed"

	require.NoError(t, s.CreateSession(ctx, record("app-1", 1), "hash1"))
	change := c
	change.Name, change.RedirectURIs, change.CreatedAt = "New", nil, epoch.Add(time.Hour)
	created, err = s.PutClient(ctx, change, "hash2", true)
	require.NoError(t, err)
	require.False(t, created)
	change.CreatedAt = epoch
	got, hash, err = s.GetClient(ctx, "app-1")
	require.NoError(t, err)
	require.Empty(t, got.RedirectURIs)
	got.RedirectURIs = nil
	require.Equal(t, &change, got, "CreatedAt stays")
	require.Equal(t, "hash1", hash, "the key stays")
	_, err = s.PutClient(ctx, change, "hash1", false)
	require.NoError(t, err)
	_, err = s.GetSession(ctx, record("app-1", 1).Hash)
	require.NoError(t, err, "the same key again ends no session")
	_, err = s.PutClient(ctx, change, "hash3", false)
	require.NoError(t, err)
	_, hash, err = s.GetClient(ctx, "app-1")
	require.NoError(t, err)
	require.Equal(t, "hash3", hash)
	_, err = s.GetSession(ctx, record("app-1", 1).Hash)
	require.ErrorIs(t, err, idm.ErrNotFound, "a new key ends sessions")

	change.Kind = idm.ServiceClient
	_, err = s.PutClient(ctx, change, "x", true)
	require.ErrorIs(t, err, idm.ErrConflict)

	require.NoError(t, s.PutOrganization(ctx, idm.Organization{ID: "org-1"}))
	g := idm.Group{ID: "cld-1", ClientID: "app-1", OrganizationID: "org-1"}
	require.NoError(t, s.PutGroup(ctx, g))
	require.NoError(t, s.CreateSession(ctx, record("app-1", 2), ""))
	require.NoError(t, s.DeleteClient(ctx, "app-1"))
	_, _, err = s.GetClient(ctx, "app-1")
	require.ErrorIs(t, err, idm.ErrNotFound)
	_, err = s.GetSession(ctx, record("app-1", 2).Hash)
	require.ErrorIs(t, err, idm.ErrNotFound)
	_, err = s.GetGroup(ctx, "cld-1")
	require.ErrorIs(t, err, idm.ErrNotFound)
	_, err = s.PutClient(ctx, c, "hash1", false)
	require.NoError(t, err)
	require.ErrorIs(t, s.PutGroup(ctx, g), idm.ErrConflict)
}

func testGroups(t *testing.T, s idm.Store) {
	ctx := t.Context()
	for _, id := range []string{"app-1", "app-2"} {
		_, err := s.PutClient(ctx, idm.Client{ID: id, Kind: idm.AppClient, CreatedAt: epoch}, "h", false)
		require.NoError(t, err)
	}
	for _, id := range []string{"org-1", "org-2"} {
		require.NoError(t, s.PutOrganization(ctx, idm.Organization{ID: id}))
	}
	g1 := &idm.Group{ID: "cld-1", ClientID: "app-1", OrganizationID: "org-1"}
	g2 := &idm.Group{ID: "cld-2", ClientID: "app-1", OrganizationID: "org-2"}
	g3 := &idm.Group{ID: "notes.apps.example.com", ClientID: "app-2", OrganizationID: "org-1"}
	require.ErrorIs(t, s.PutGroup(ctx, idm.Group{ID: "cld-1", ClientID: "app-9", OrganizationID: "org-1"}), idm.ErrNotFound)
	require.ErrorIs(t, s.PutGroup(ctx, idm.Group{ID: "cld-1", ClientID: "app-1", OrganizationID: "org-9"}), idm.ErrNotFound)
	_, err := s.GetGroup(ctx, "cld-1")
	require.ErrorIs(t, err, idm.ErrNotFound)
	require.NoError(t, s.DeleteGroup(ctx, "cld-1"))
	for _, g := range []*idm.Group{g3, g2, g1, g1} {
		require.NoError(t, s.PutGroup(ctx, *g))
		got, err := s.GetGroup(ctx, g.ID)
		require.NoError(t, err)
		require.Equal(t, g, got)
	}
	require.ErrorIs(t, s.PutGroup(ctx, idm.Group{ID: "cld-1", ClientID: "app-2", OrganizationID: "org-1"}), idm.ErrConflict)
	require.ErrorIs(t, s.PutGroup(ctx, idm.Group{ID: "cld-1", ClientID: "app-1", OrganizationID: "org-2"}), idm.ErrConflict)
	for _, c := range []struct {
		client, org string
		want        []*idm.Group
	}{
		{"app-1", "", []*idm.Group{g1, g2}}, {"", "org-1", []*idm.Group{g1, g3}}, {"app-2", "org-1", []*idm.Group{g3}}, {"app-2", "org-2", nil},
	} {
		got, err := s.ListGroups(ctx, c.client, c.org)
		require.NoError(t, err)
		require.Len(t, got, len(c.want))
		for i := range got {
			require.Equal(t, c.want[i], got[i])
		}
	}
	require.NoError(t, s.DeleteGroup(ctx, "cld-1"))
	require.NoError(t, s.DeleteGroup(ctx, "cld-1"))
	_, err = s.GetGroup(ctx, "cld-1")
	require.ErrorIs(t, err, idm.ErrNotFound)
	require.ErrorIs(t, s.PutGroup(ctx, *g1), idm.ErrConflict, "a deleted id never returns")
	got, err := s.ListGroups(ctx, "app-1", "")
	require.NoError(t, err)
	require.Equal(t, []*idm.Group{g2}, got)
}

func testConcurrentUsers(t *testing.T, s idm.Store) {
	ctx := t.Context()
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	numbers := map[int64]bool{}
	for i := range 16 {
		wg.Go(func() {
			u := &idm.User{ID: fmt.Sprintf("usr-%d", i), Email: fmt.Sprintf("user%d@example.com", i/2), CreatedAt: epoch, UpdatedAt: epoch}
			err := s.CreateUser(ctx, u, "h")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
				numbers[u.Number] = true
			} else if !errors.Is(err, idm.ErrConflict) {
				t.Errorf("CreateUser: %v", err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 8, won, "one for each address")
	require.Len(t, numbers, 8)
}

func testConcurrentUpdates(t *testing.T, s idm.Store) {
	ctx := t.Context()
	ann := addUser(t, s, "usr-ann")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := s.UpdateUser(ctx, ann.ID, func(u *idm.User) error { u.Name += "x"; return nil })
			if err != nil {
				t.Errorf("UpdateUser: %v", err)
			}
		})
	}
	wg.Wait()
	got, err := s.GetUser(ctx, ann.ID)
	require.NoError(t, err)
	require.Equal(t, "xxxxxxxx", got.Name, "no update is lost")
}

func testManyIDs(t *testing.T, s idm.Store) {
	ann := addUser(t, s, "usr-ann")
	ids := make([]string, 70_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("usr-%d", i)
	}
	ids = append(ids, ann.ID)
	got, err := s.ListUsers(t.Context(), ids)
	require.NoError(t, err)
	require.Len(t, got, 1, "more ids than a database takes parameters")
}
