package nex

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/internal/seal"
)

func TestSealer(t *testing.T) {
	t.Parallel()
	k1, k2 := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	old, err := seal.New("nex", k1)
	require.NoError(t, err)
	both, err := seal.New("nex", k2, k1)
	require.NoError(t, err)
	now, err := seal.New("nex", k2)
	require.NoError(t, err)
	var clear *seal.Sealer
	v := secrets{Env: map[string]string{"MNO_API_SECRET": "hush"}, Key: "k"}

	sealed, err := old.SealJSON("app/x", v)
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "hush")
	again, err := old.SealJSON("app/x", v)
	require.NoError(t, err)
	require.NotEqual(t, sealed, again, "nothing tells that two values are equal")
	var got secrets
	for name, s := range map[string]*seal.Sealer{"the same key": old, "a new key beside the old one": both} {
		got = secrets{}
		require.NoError(t, s.OpenJSON("app/x", sealed, &got), name)
		require.Equal(t, v, got)
	}
	require.ErrorContains(t, now.OpenJSON("app/x", sealed, &got), "is not there")
	require.ErrorContains(t, clear.OpenJSON("app/x", sealed, &got), "is not there")
	require.ErrorContains(t, old.OpenJSON("app/y", sealed, &got), "moved", "a value is bound to its owner")
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 0x40
		require.Error(t, old.OpenJSON("app/x", bad, &got), "byte %d", i)
		require.Error(t, old.OpenJSON("app/x", sealed[:i], &got), "cut off at %d", i)
	}
	plain, err := clear.SealJSON("app/x", v)
	require.NoError(t, err)
	got = secrets{}
	require.NoError(t, old.OpenJSON("app/x", plain, &got), "a key can be introduced later")
	require.Equal(t, v, got)
	require.Panics(t, func() { New(nil, nil, nil, WithKey([]byte("short"))) })
}

func TestP90(t *testing.T) {
	t.Parallel()
	var all []time.Duration
	for i := range 10 {
		all = append(all, time.Duration(10-i))
		require.NotPanics(t, func() { p90(all) })
	}
	require.Equal(t, time.Duration(9), p90(all))
	require.Equal(t, time.Duration(5), p90([]time.Duration{5}))
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	e := New(nil, nil, nil, WithRestarts(RestartPolicy{Initial: time.Second, Max: 10 * time.Second}))
	for attempts, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 5: 10 * time.Second, 1000000: 10 * time.Second} {
		require.Equal(t, want, e.backoff(attempts), attempts)
	}
}
