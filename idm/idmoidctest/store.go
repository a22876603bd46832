// Package idmoidctest proves implementations of idmoidc.Store.
package idmoidctest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/idm/idmoidc"
)

var epoch = time.Date(2026, 3, 1, 10, 30, 0, 123456000, time.UTC)

// TestStore runs the conformance suite. newStore returns an empty store each time.
func TestStore(t *testing.T, newStore func(t *testing.T) idmoidc.Store) {
	for name, test := range map[string]func(*testing.T, idmoidc.Store){
		"Requests": testRequests, "Codes": testCodes, "CodeRace": testCodeRace, "Tokens": testTokens,
		"Rotation": testRotation, "RotationRace": testRotationRace, "Keys": testKeys, "KeyRace": testKeyRace, "Expiry": testExpiry,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newStore(t))
		})
	}
}

func request(id string) idmoidc.Request {
	return idmoidc.Request{
		ID: id, ClientID: "app-1", RedirectURI: "https://a.example/cb", Scopes: []string{"openid", "email"}, State: "s'\"é", Nonce: "n",
		CodeChallenge: "c", Silent: true, MaxAge: new(uint(7)), AskedGroup: "cld-1", AskedUser: "usr-1",
		CreatedAt: epoch, ExpiresAt: epoch.Add(time.Hour),
	}
}

func token(hash, family string) idmoidc.Token {
	return idmoidc.Token{
		Hash: hash, Family: family, Refresh: true, UserID: "usr-1", ClientID: "app-1", Scopes: []string{"openid"},
		Group: "cld-1", Organization: "org-1", AuthTime: epoch, ExpiresAt: epoch.Add(time.Hour),
	}
}

// withCode adds a request that has a code.
func withCode(t *testing.T, s idmoidc.Store, id, codeHash string) {
	t.Helper()
	require.NoError(t, s.CreateRequest(t.Context(), request(id)))
	_, err := s.UpdateRequest(t.Context(), id, func(r *idmoidc.Request) error { r.CodeHash = codeHash; return nil })
	require.NoError(t, err)
}

func testRequests(t *testing.T, s idmoidc.Store) {
	ctx := t.Context()
	_, err := s.GetRequest(ctx, "req_1")
	require.ErrorIs(t, err, idmoidc.ErrNotFound)
	_, err = s.UpdateRequest(ctx, "req_1", func(*idmoidc.Request) error { return nil })
	require.ErrorIs(t, err, idmoidc.ErrNotFound)
	want := request("req_1")
	require.NoError(t, s.CreateRequest(ctx, want))
	got, err := s.GetRequest(ctx, "req_1")
	require.NoError(t, err)
	require.Equal(t, &want, got)
	got.Scopes[0], *got.MaxAge = "changed", 9
	got, err = s.GetRequest(ctx, "req_1")
	require.NoError(t, err)
	require.Equal(t, &want, got, "what a store returns is a copy")

	refused := errors.New("refused")
	_, err = s.UpdateRequest(ctx, "req_1", func(r *idmoidc.Request) error { r.UserID = "usr-2"; return refused })
	require.ErrorIs(t, err, refused)
	want.UserID, want.Group, want.Organization, want.AuthTime = "usr-1", "cld-1", "org-1", epoch
	got, err = s.UpdateRequest(ctx, "req_1", func(r *idmoidc.Request) error { *r = want; return nil })
	require.NoError(t, err)
	require.Equal(t, &want, got)
	got, err = s.GetRequest(ctx, "req_1")
	require.NoError(t, err)
	require.Equal(t, &want, got)
}

func testCodes(t *testing.T, s idmoidc.Store) {
	ctx := t.Context()
	require.NoError(t, s.CreateRequest(ctx, request("req_0")))
	for _, code := range []string{"", "none"} {
		_, _, err := s.UseCode(ctx, code)
		require.ErrorIs(t, err, idmoidc.ErrNotFound, "no code is not a code")
	}
	withCode(t, s, "req_1", "code1")
	withCode(t, s, "req_2", "code2")
	r, first, err := s.UseCode(ctx, "code1")
	require.NoError(t, err)
	require.True(t, first)
	require.Equal(t, "req_1", r.ID)
	require.True(t, r.Used)
	require.False(t, r.Replayed)
	require.NoError(t, s.AddTokens(ctx, "req_1", token("t1", "req_1")))
	require.NoError(t, s.AddTokens(ctx, "req_2", token("t2", "req_2")))

	r, first, err = s.UseCode(ctx, "code1")
	require.NoError(t, err)
	require.False(t, first)
	require.True(t, r.Replayed)
	_, err = s.GetToken(ctx, "t1")
	require.ErrorIs(t, err, idmoidc.ErrNotFound, "a replay revokes")
	_, err = s.GetToken(ctx, "t2")
	require.NoError(t, err)
	require.ErrorIs(t, s.AddTokens(ctx, "req_1", token("t3", "req_1")), idmoidc.ErrNotFound, "nothing comes after a replay")
	require.ErrorIs(t, s.AddTokens(ctx, "req_9", token("t3", "req_9")), idmoidc.ErrNotFound)
}

func testCodeRace(t *testing.T, s idmoidc.Store) {
	ctx := t.Context()
	withCode(t, s, "req_1", "code1")
	var wg sync.WaitGroup
	var mu sync.Mutex
	firsts := 0
	for i := range 6 {
		wg.Go(func() {
			_, first, err := s.UseCode(ctx, "code1")
			if err != nil {
				t.Errorf("UseCode: %v", err)
			}
			if first {
				mu.Lock()
				firsts++
				mu.Unlock()
				if err := s.AddTokens(ctx, "req_1", token(fmt.Sprint("t", i), "req_1")); err != nil && !errors.Is(err, idmoidc.ErrNotFound) {
					t.Errorf("AddTokens: %v", err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, firsts)
	for i := range 6 {
		_, err := s.GetToken(ctx, fmt.Sprint("t", i))
		require.ErrorIs(t, err, idmoidc.ErrNotFound, "a replay leaves no token, whoever is quicker")
	}
}

func testTokens(t *testing.T, s idmoidc.Store) {
	ctx := t.Context()
	require.NoError(t, s.CreateRequest(ctx, request("req_1")))
	require.NoError(t, s.CreateRequest(ctx, request("req_2")))
	_, err := s.GetToken(ctx, "t1")
	require.ErrorIs(t, err, idmoidc.ErrNotFound)
	t1, t2, t3 := token("t1", "req_1"), token("t2", "req_1"), token("t3", "req_2")
	t2.Refresh, t2.ClientID, t3.ClientID = false, "app-2", "app-2"
	require.NoError(t, s.AddTokens(ctx, "req_1", t1, t2))
	require.NoError(t, s.AddTokens(ctx, "req_2", t3))
	for _, want := range []idmoidc.Token{t1, t2, t3} {
		got, err := s.GetToken(ctx, want.Hash)
		require.NoError(t, err)
		require.Equal(t, &want, got)
	}
	gone := func(hashes ...string) {
		for _, h := range hashes {
			_, err := s.GetToken(ctx, h)
			require.ErrorIs(t, err, idmoidc.ErrNotFound)
		}
	}
	require.NoError(t, s.DeleteUserTokens(ctx, "usr-1", "app-1"))
	require.NoError(t, s.DeleteUserTokens(ctx, "usr-2", "app-2"))
	gone("t1")
	_, err = s.GetToken(ctx, "t2")
	require.NoError(t, err)
	require.NoError(t, s.DeleteFamily(ctx, "req_1"))
	require.NoError(t, s.DeleteFamily(ctx, "req_9"))
	gone("t2")
	_, err = s.GetToken(ctx, "t3")
	require.NoError(t, err)
}

func testRotation(t *testing.T, s idmoidc.Store) {
	ctx := t.Context()
	require.NoError(t, s.CreateRequest(ctx, request("req_1")))
	require.NoError(t, s.AddTokens(ctx, "req_1", token("t1", "req_1")))
	_, err := s.Rotate(ctx, "none", token("t2", "req_1"))
	require.ErrorIs(t, err, idmoidc.ErrNotFound)
	first, err := s.Rotate(ctx, "t1", token("t2", "req_1"), token("t3", "req_1"))
	require.NoError(t, err)
	require.True(t, first)
	old, err := s.GetToken(ctx, "t1")
	require.NoError(t, err)
	require.True(t, old.Used)
	fresh, err := s.GetToken(ctx, "t2")
	require.NoError(t, err)
	require.False(t, fresh.Used)
	first, err = s.Rotate(ctx, "t1", token("t4", "req_1"))
	require.NoError(t, err)
	require.False(t, first)
	for _, h := range []string{"t1", "t2", "t3", "t4"} {
		_, err := s.GetToken(ctx, h)
		require.ErrorIs(t, err, idmoidc.ErrNotFound, "reuse revokes the family: %s", h)
	}
}

func testRotationRace(t *testing.T, s idmoidc.Store) {
	ctx := t.Context()
	require.NoError(t, s.CreateRequest(ctx, request("req_1")))
	require.NoError(t, s.AddTokens(ctx, "req_1", token("t", "req_1")))
	var wg sync.WaitGroup
	var mu sync.Mutex
	firsts := 0
	for i := range 6 {
		wg.Go(func() {
			first, err := s.Rotate(ctx, "t", token(fmt.Sprint("t", i), "req_1"))
			if err != nil && !errors.Is(err, idmoidc.ErrNotFound) {
				t.Errorf("Rotate: %v", err)
			}
			if first {
				mu.Lock()
				firsts++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, firsts)
	for i := range 6 {
		_, err := s.GetToken(ctx, fmt.Sprint("t", i))
		require.ErrorIs(t, err, idmoidc.ErrNotFound)
	}
}

func testKeys(t *testing.T, s idmoidc.Store) {
	ctx := t.Context()
	keys, err := s.Keys(ctx)
	require.NoError(t, err)
	require.Empty(t, keys)
	k1 := idmoidc.Key{ID: "key-1", PrivateKey: []byte{0, 1, 255}, CreatedAt: epoch}
	k2 := idmoidc.Key{ID: "key-2", PrivateKey: []byte{2}, CreatedAt: epoch.Add(time.Microsecond)}
	require.NoError(t, s.AddKey(ctx, k1, true))
	require.NoError(t, s.AddKey(ctx, k2, true))
	keys, err = s.Keys(ctx)
	require.NoError(t, err)
	require.Equal(t, []idmoidc.Key{k1}, keys)
	require.NoError(t, s.AddKey(ctx, k2, false))
	keys, err = s.Keys(ctx)
	require.NoError(t, err)
	require.Equal(t, []idmoidc.Key{k2, k1}, keys, "the newest first")
	require.NoError(t, s.DeleteKey(ctx, "key-1"))
	require.NoError(t, s.DeleteKey(ctx, "key-1"))
	keys, err = s.Keys(ctx)
	require.NoError(t, err)
	require.Equal(t, []idmoidc.Key{k2}, keys)
}

func testKeyRace(t *testing.T, s idmoidc.Store) {
	ctx := t.Context()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			if err := s.AddKey(ctx, idmoidc.Key{ID: fmt.Sprint("key-", i), PrivateKey: []byte{1}, CreatedAt: epoch}, true); err != nil {
				t.Errorf("AddKey: %v", err)
			}
		})
	}
	wg.Wait()
	keys, err := s.Keys(ctx)
	require.NoError(t, err)
	require.Len(t, keys, 1, "processes that start together agree on one key")
}

func testExpiry(t *testing.T, s idmoidc.Store) {
	ctx := t.Context()
	r1, r2 := request("req_1"), request("req_2")
	r1.ExpiresAt = epoch
	require.NoError(t, s.CreateRequest(ctx, r1))
	require.NoError(t, s.CreateRequest(ctx, r2))
	t1, t2 := token("t1", "req_2"), token("t2", "req_2")
	t1.ExpiresAt = epoch
	require.NoError(t, s.AddTokens(ctx, "req_2", t1, t2))
	n, err := s.DeleteExpired(ctx, epoch)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = s.DeleteExpired(ctx, epoch.Add(time.Second))
	require.NoError(t, err)
	require.Equal(t, 2, n)
	_, err = s.GetRequest(ctx, "req_2")
	require.NoError(t, err)
	_, err = s.GetToken(ctx, "t2")
	require.NoError(t, err)
	_, err = s.GetRequest(ctx, "req_1")
	require.ErrorIs(t, err, idmoidc.ErrNotFound)
}
