package idm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
)

const password = "correct horse battery"

// clock is a time that tests move.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

// spy counts and disturbs what the engine asks of its store.
type spy struct {
	idm.Store
	reads, touches atomic.Int64
	fail           atomic.Bool
	onMemberships  func()
}

var errBroken = errors.New("the disk is on fire")

func (s *spy) read() error {
	s.reads.Add(1)
	if s.fail.Load() {
		return errBroken
	}
	return nil
}

func (s *spy) GetSession(ctx context.Context, h idm.TokenHash) (*idm.SessionRecord, error) {
	if err := s.read(); err != nil {
		return nil, err
	}
	return s.Store.GetSession(ctx, h)
}

func (s *spy) GetUser(ctx context.Context, id string) (*idm.User, error) {
	if err := s.read(); err != nil {
		return nil, err
	}
	return s.Store.GetUser(ctx, id)
}

func (s *spy) GetOrganization(ctx context.Context, id string) (*idm.Organization, error) {
	if err := s.read(); err != nil {
		return nil, err
	}
	return s.Store.GetOrganization(ctx, id)
}

func (s *spy) ListMemberships(ctx context.Context, user, org string) ([]*idm.Membership, error) {
	if err := s.read(); err != nil {
		return nil, err
	}
	ms, err := s.Store.ListMemberships(ctx, user, org)
	if f := s.onMemberships; f != nil {
		s.onMemberships = nil
		f()
	}
	return ms, err
}

func (s *spy) TouchSession(ctx context.Context, h idm.TokenHash, at time.Time) error {
	s.touches.Add(1)
	return s.Store.TouchSession(ctx, h, at)
}

// office is an engine with one member of one organization who is signed in.
func office(t testing.TB, opts ...idm.Option) (e *idm.Engine, s *spy, c *clock, user *idm.User, session *idm.Session) {
	t.Helper()
	ctx := context.Background()
	s, c = &spy{Store: idmmem.New()}, newClock()
	e = idm.New(s, append([]idm.Option{cheap, idm.WithClock(c.now)}, opts...)...)
	user, err := e.CreateUser(ctx, idm.User{Email: "ann@example.com"}, password)
	require.NoError(t, err)
	require.NoError(t, e.PutOrganization(ctx, idm.Organization{ID: "org-1"}))
	_, err = e.PutMembership(ctx, user.ID, "org-1", idm.Member)
	require.NoError(t, err)
	session, err = e.CreateSession(ctx, user.ID)
	require.NoError(t, err)
	return e, s, c, user, session
}

func readOrg(token string) authz.Request {
	return authz.Request{Credential: authz.SessionToken(token), Action: authz.Read, Resource: authz.Resource{Type: authz.Organization, ID: "org-1"}}
}

func allowed(t testing.TB, e *idm.Engine, token string) bool {
	t.Helper()
	d, err := e.Authorize(context.Background(), readOrg(token))
	require.NoError(t, err)
	return d.Allowed
}

func TestSessionExpiry(t *testing.T) {
	t.Parallel()
	e, s, c, _, session := office(t, idm.WithSessionLife(8*time.Hour, 24*time.Hour))
	require.Equal(t, c.now().UTC().Add(8*time.Hour), session.IdleExpiresAt)
	require.Equal(t, c.now().UTC().Add(24*time.Hour), session.ExpiresAt)

	for range 600 {
		require.True(t, allowed(t, e, session.Token))
		c.advance(time.Minute)
	}
	require.Equal(t, int64(9), s.touches.Load(), "in ten hours the store hears of the use once an hour, an eighth of the idle time")
	c.advance(7*time.Hour - time.Minute)
	require.True(t, allowed(t, e, session.Token), "used within the idle time")
	c.advance(8 * time.Hour)
	require.False(t, allowed(t, e, session.Token), "absolute expiry, though used")

	other, err := e.CreateSession(t.Context(), session.UserID)
	require.NoError(t, err)
	c.advance(8*time.Hour - time.Microsecond)
	info, err := e.Introspect(t.Context(), other.Token)
	require.NoError(t, err)
	require.True(t, info.Active)
	c.advance(8 * time.Hour)
	require.False(t, allowed(t, e, other.Token), "idle expiry")
}

func TestTokenExpiry(t *testing.T) {
	t.Parallel()
	e, _, c, _, _ := office(t, idm.WithTokenLife(time.Minute))
	key, err := e.PutClient(t.Context(), idm.Client{ID: "svc-1", Kind: idm.ServiceClient}, "")
	require.NoError(t, err)
	s, err := e.ClientToken(t.Context(), "svc-1", key)
	require.NoError(t, err)
	c.advance(time.Minute - time.Microsecond)
	require.True(t, allowed(t, e, s.Token))
	c.advance(time.Microsecond)
	require.False(t, allowed(t, e, s.Token), "use does not put off the end of an access token")
}

func TestRunDeletesExpiredSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := idmmem.New()
		e := idm.New(store, cheap, idm.WithSessionLife(time.Minute, time.Hour))
		u, err := e.CreateUser(t.Context(), idm.User{Email: "ann@example.com"}, password)
		require.NoError(t, err)
		_, err = e.CreateSession(t.Context(), u.ID)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- e.Run(ctx) }()
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		n, err := store.DeleteExpiredSessions(t.Context(), time.Now())
		require.NoError(t, err)
		require.Zero(t, n, "Run has deleted it")
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
}

func TestHotDecisionsAskNoStore(t *testing.T) {
	t.Parallel()
	e, s, c, _, session := office(t)
	require.True(t, allowed(t, e, session.Token))
	before := s.reads.Load()
	for range 100 {
		require.True(t, allowed(t, e, session.Token))
	}
	require.Equal(t, before, s.reads.Load())
	c.advance(2 * time.Second)
	require.True(t, allowed(t, e, session.Token))
	require.Greater(t, s.reads.Load(), before, "facts grow old")
}

func TestAnotherEnginesChangeIsSeenInTime(t *testing.T) {
	t.Parallel()
	e, s, c, user, session := office(t)
	other := idm.New(s.Store, cheap, idm.WithClock(c.now))
	require.True(t, allowed(t, e, session.Token))
	require.NoError(t, other.DeleteMembership(t.Context(), user.ID, "org-1"))
	c.advance(2 * time.Second)
	require.False(t, allowed(t, e, session.Token))
}

func TestFactsThatChangeWhileTheyAreReadAreNotKept(t *testing.T) {
	t.Parallel()
	e, s, _, user, session := office(t)
	s.onMemberships = func() { require.NoError(t, e.DeleteMembership(t.Context(), user.ID, "org-1")) }
	_, err := e.Authorize(t.Context(), readOrg(session.Token)) // began before the change: may say either
	require.NoError(t, err)
	require.False(t, allowed(t, e, session.Token), "began after the change")
}

func TestBrokenStoreDeniesAll(t *testing.T) {
	t.Parallel()
	e, s, c, _, session := office(t)
	require.True(t, allowed(t, e, session.Token))
	c.advance(time.Minute)
	s.fail.Store(true)
	d, err := e.Authorize(t.Context(), readOrg(session.Token))
	require.ErrorIs(t, err, authz.ErrUnavailable)
	require.ErrorIs(t, err, errBroken)
	require.NotContains(t, err.Error(), "fire", "the cause is for logs")
	require.Equal(t, authz.Decision{}, d)
	ids, err := e.Filter(t.Context(), readOrg(session.Token), []string{"org-1"})
	require.ErrorIs(t, err, authz.ErrUnavailable)
	require.Empty(t, ids)
	_, err = e.Introspect(t.Context(), session.Token)
	require.ErrorIs(t, err, authz.ErrUnavailable)
	s.fail.Store(false)
	require.True(t, allowed(t, e, session.Token))
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	e, _, _, user, _ := office(t, idm.WithCacheSize(4))
	for range 50 {
		s, err := e.CreateSession(t.Context(), user.ID)
		require.NoError(t, err)
		require.True(t, allowed(t, e, s.Token))
		require.NoError(t, e.EndSession(t.Context(), s.Token))
		require.False(t, allowed(t, e, s.Token))
	}
}

func TestLoginBackoff(t *testing.T) {
	t.Parallel()
	e, _, c, _, _ := office(t, idm.WithLoginBackoff(3, 4*time.Second))
	login := func(pw string) error {
		_, _, err := e.Login(t.Context(), "ann@example.com", pw)
		return err
	}
	for _, wait := range []time.Duration{0, 0, time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second} {
		require.ErrorIs(t, login("wrong"), idm.ErrCredentials)
		if wait > 0 {
			require.ErrorIs(t, login(password), idm.ErrTooManyAttempts, "even the right password must wait")
			c.advance(wait - time.Millisecond)
			require.ErrorIs(t, login(password), idm.ErrTooManyAttempts)
			c.advance(time.Millisecond)
		}
	}
	_, _, err := e.Login(t.Context(), "ben@example.com", "wrong")
	require.ErrorIs(t, err, idm.ErrCredentials, "other accounts are not concerned")
	require.NoError(t, login(password))
	require.ErrorIs(t, login("wrong"), idm.ErrCredentials)
	require.NoError(t, login(password), "a success begins anew")
}

// hashes lets a test see the stored password hash.
func hashOf(t *testing.T, s idm.Store, email string) string {
	t.Helper()
	_, h, err := s.FindUser(t.Context(), email)
	require.NoError(t, err)
	return h
}

func TestPasswordHashes(t *testing.T) {
	t.Parallel()
	_, s, c, user, _ := office(t)
	h := hashOf(t, s, "ann@example.com")
	require.Regexp(t, `^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, h)
	require.NotContains(t, fmt.Sprintf("%+v", user), "argon2id")

	dearer := idm.New(s, idm.WithPasswordCost(128, 2, 1), idm.WithClock(c.now))
	session, _, err := dearer.Login(t.Context(), "ann@example.com", password)
	require.NoError(t, err, "hashes of another cost still count")
	h = hashOf(t, s, "ann@example.com")
	require.True(t, strings.HasPrefix(h, "$argon2id$v=19$m=128,t=2,p=1$"), "and are raised to the new cost: %s", h)
	require.True(t, allowed(t, dearer, session.Token))
	_, _, err = dearer.Login(t.Context(), "ann@example.com", password)
	require.NoError(t, err)
	require.Equal(t, h, hashOf(t, s, "ann@example.com"), "once")

	for _, bad := range []string{"", "plain", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		require.NoError(t, s.SetPasswordHash(t.Context(), user.ID, bad))
		_, _, err = dearer.Login(t.Context(), "ann@example.com", password)
		require.Error(t, err, bad)
		require.NotErrorIs(t, err, idm.ErrCredentials, "a broken row is trouble, not a wrong password")
	}
}

func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	e, _, _, _, _ := office(t, idm.WithPasswordHashers(1), idm.WithPasswordCost(64<<10, 3, 1))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			_, _, err := e.Login(ctx, fmt.Sprintf("user%d@example.com", i), "wrong")
			if !errors.Is(err, idm.ErrCredentials) && !errors.Is(err, context.Canceled) {
				t.Errorf("Login: %v", err)
			}
		})
	}
	cancel() // those who wait their turn give up
	wg.Wait()
}

func TestSecretsAreNotStored(t *testing.T) {
	t.Parallel()
	e, s, _, _, session := office(t)
	key, err := e.PutClient(t.Context(), idm.Client{ID: "app-1", Kind: idm.AppClient}, "")
	require.NoError(t, err)
	all := fmt.Sprintf("%+v %#v", s.Store, s.Store)
	_, hash, err := s.Store.GetClient(t.Context(), "app-1")
	require.NoError(t, err)
	for _, secret := range []string{key, key[4:], session.Token, session.Token[4:], password} {
		require.NotContains(t, all+hash, secret)
	}
	require.True(t, strings.HasPrefix(session.Token, "ses_"))
	require.True(t, strings.HasPrefix(key, "key_"))
}

func TestMadeUpTokensAskNoStore(t *testing.T) {
	t.Parallel()
	e, s, _, _, session := office(t)
	before := s.reads.Load()
	flipped := []byte(session.Token)
	flipped[10] ^= 1
	for _, token := range []string{string(flipped), "ses_" + strings.Repeat("x", 48), "key_" + session.Token[4:], strings.Repeat("y", 1<<20)} {
		require.False(t, allowed(t, e, token))
	}
	require.Equal(t, before, s.reads.Load(), "the checksum tells")
}

func FuzzToken(f *testing.F) {
	e, _, _, _, session := office(f)
	f.Add("ses_")
	f.Add(session.Token[:20])
	f.Add("ses_" + strings.Repeat("A", 48))
	f.Fuzz(func(t *testing.T, token string) {
		if token != session.Token && allowed(t, e, token) {
			t.Errorf("%q opens the door", token)
		}
	})
}

func BenchmarkAuthorizeSession(b *testing.B) {
	e, _, _, _, session := office(b)
	req := readOrg(session.Token)
	b.ReportAllocs()
	for b.Loop() {
		if d, err := e.Authorize(b.Context(), req); err != nil || !d.Allowed {
			b.Fatal(d, err)
		}
	}
}

func BenchmarkAuthorizeKey(b *testing.B) {
	e, _, _, _, _ := office(b)
	key, err := e.PutClient(b.Context(), idm.Client{ID: "app-1", Kind: idm.AppClient}, "")
	require.NoError(b, err)
	require.NoError(b, e.PutGroup(b.Context(), idm.Group{ID: "cld-1", ClientID: "app-1", OrganizationID: "org-1"}))
	req := authz.Request{Credential: authz.Key("app-1", key), Action: authz.Write, Resource: authz.Resource{Type: authz.ConnecEntity, ID: "cld-1/invoices"}}
	b.ReportAllocs()
	for b.Loop() {
		if d, err := e.Authorize(b.Context(), req); err != nil || !d.Allowed {
			b.Fatal(d, err)
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	e, _, _, user, session := office(b)
	ids := make([]string, 20)
	for i := range ids {
		ids[i] = fmt.Sprintf("org-%d", i)
		require.NoError(b, e.PutOrganization(b.Context(), idm.Organization{ID: ids[i]}))
		_, err := e.PutMembership(b.Context(), user.ID, ids[i], idm.Member)
		require.NoError(b, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := e.Filter(b.Context(), readOrg(session.Token), ids); err != nil || len(got) != 20 {
			b.Fatal(got, err)
		}
	}
}

func BenchmarkLogin(b *testing.B) {
	e := idm.New(idmmem.New())
	_, err := e.CreateUser(b.Context(), idm.User{Email: "ann@example.com"}, password)
	require.NoError(b, err)
	for b.Loop() {
		if _, _, err := e.Login(b.Context(), "ann@example.com", password); err != nil {
			b.Fatal(err)
		}
	}
}
