package seal_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/internal/deptest"
	"github.com/ensemble-platform/ensemble/internal/seal"
)

const owner = "subscription/cld-1/secret"

func key(b byte) []byte { return bytes.Repeat([]byte{b}, seal.KeySize) }

func sealer(t testing.TB, purpose string, keys ...byte) *seal.Sealer {
	t.Helper()
	var old [][]byte
	for _, b := range keys[1:] {
		old = append(old, key(b))
	}
	s, err := seal.New(purpose, key(keys[0]), old...)
	require.NoError(t, err)
	return s
}

func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Only(t, "internal/seal")
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	s := sealer(t, "test", 1)
	for _, plain := range []string{"", "hush", "\x00\xff\n", "$seal$", "$seal$0$x", "$seal$1$", strings.Repeat("long", 10_000)} {
		sealed := s.Seal(owner, []byte(plain))
		require.True(t, bytes.HasPrefix(sealed, []byte("$seal$1$")))
		require.Regexp(t, `^[!-~]+$`, string(sealed))
		if len(plain) > 2 {
			require.NotContains(t, string(sealed)[8:], plain)
		}
		require.NotEqual(t, sealed, s.Seal(owner, []byte(plain)), "nothing tells that two values are equal")
		got, err := s.Open(owner, sealed)
		require.NoError(t, err)
		require.Equal(t, plain, string(got))
	}
}

// Values from before there was a key are read as they are, and those that look sealed aren't taken for it.
func TestPlain(t *testing.T) {
	t.Parallel()
	var none *seal.Sealer
	s := sealer(t, "test", 1)
	for _, plain := range []string{"", "hush", "\x00\xff", "$seal", "$seal$", "$seal$0$x", "$seal$1$x", "$seal$2$x"} {
		stored := none.Seal(owner, []byte(plain))
		if !strings.HasPrefix(plain, "$seal$") {
			require.Equal(t, plain, string(stored))
		}
		for _, reader := range []*seal.Sealer{none, s} {
			got, err := reader.Open(owner, stored)
			require.NoError(t, err, "%q", plain)
			require.Equal(t, plain, string(got))
		}
		require.True(t, none.Current(stored))
		require.False(t, s.Current(stored))
	}
	_, err := none.Open(owner, s.Seal(owner, []byte("hush")))
	require.ErrorIs(t, err, seal.ErrNoKey)
}

// What Seal and Open return shares no memory with what they were given.
func TestCopies(t *testing.T) {
	t.Parallel()
	var none *seal.Sealer
	plain := []byte("hush")
	none.Seal(owner, plain)[0] = 'x'
	got, err := none.Open(owner, plain)
	require.NoError(t, err)
	got[0] = 'x'
	require.Equal(t, "hush", string(plain))
}

func TestRotation(t *testing.T) {
	t.Parallel()
	before, both, after := sealer(t, "test", 1), sealer(t, "test", 2, 3, 1), sealer(t, "test", 2)
	sealed := before.Seal(owner, []byte("hush"))
	got, err := both.Open(owner, sealed)
	require.NoError(t, err)
	require.Equal(t, "hush", string(got))
	require.True(t, before.Current(sealed))
	require.False(t, both.Current(sealed))
	again := both.Seal(owner, got)
	require.True(t, both.Current(again))
	got, err = after.Open(owner, again)
	require.NoError(t, err, "the new key seals")
	require.Equal(t, "hush", string(got))
	_, err = after.Open(owner, sealed)
	require.ErrorIs(t, err, seal.ErrNoKey)
	_, err = before.Open(owner, again)
	require.ErrorIs(t, err, seal.ErrNoKey)
}

func TestBound(t *testing.T) {
	t.Parallel()
	s := sealer(t, "test", 1)
	sealed := s.Seal(owner, []byte("hush"))
	for _, other := range []string{"", owner + "x", owner[1:], "subscription/cld-2/secret"} {
		_, err := s.Open(other, sealed)
		require.ErrorIs(t, err, seal.ErrChanged, other)
	}
	_, err := sealer(t, "another", 1).Open(owner, sealed)
	require.ErrorIs(t, err, seal.ErrNoKey, "the same key for another purpose is another one")
}

func TestTampering(t *testing.T) {
	t.Parallel()
	s := sealer(t, "test", 1)
	for _, plain := range []string{"", "h", "hu", "hush"} { // all lengths of base64
		sealed := s.Seal(owner, []byte(plain))
		for i := len("$seal$"); i < len(sealed); i++ {
			for bit := range 8 {
				bad := bytes.Clone(sealed)
				bad[i] ^= 1 << bit
				got, err := s.Open(owner, bad)
				if i == len("$seal$") && bad[i] == '0' { // another form: nothing that was sealed gets out
					require.Equal(t, sealed[8:], got)
					continue
				}
				require.Error(t, err, "bit %d of byte %d", bit, i)
			}
			_, err := s.Open(owner, sealed[:i])
			require.Error(t, err, "cut off at %d", i)
			for _, more := range []byte("A=\n\r$") {
				_, err := s.Open(owner, slices.Insert(bytes.Clone(sealed), i, more))
				require.Error(t, err, "%q at %d", more, i)
			}
		}
		for _, more := range []string{"A", "=", "\n", "\r\n", " "} {
			_, err := s.Open(owner, append(bytes.Clone(sealed), more...))
			require.Error(t, err, "%q at the end", more)
		}
	}
	for _, bad := range []string{
		"$seal$", "$seal$1", "$seal$1$", "$seal$1$AA", "$seal$1$!", "$seal$2$AAAA", "$seal$x",
		"$seal$1$" + base64.RawURLEncoding.EncodeToString(make([]byte, 33)),
	} {
		_, err := s.Open(owner, []byte(bad))
		require.ErrorIs(t, err, seal.ErrForm, bad)
		require.False(t, s.Current([]byte(bad)))
	}
	_, err := s.Open(owner, []byte("$seal$1$"+base64.RawURLEncoding.EncodeToString(make([]byte, 34))))
	require.ErrorIs(t, err, seal.ErrNoKey)
	require.ErrorContains(t, err, "000000000000)")
}

func TestKeySize(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]byte{nil, key(1)[:31], append(key(1), 0)} {
		_, err := seal.New("test", bad)
		require.ErrorContains(t, err, "32 are needed")
		_, err = seal.New("test", key(1), bad)
		require.ErrorContains(t, err, "32 are needed")
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	s := sealer(t, "test", 1)
	in := map[string]string{"MNO_API_SECRET": "hush"}
	for _, w := range []*seal.Sealer{nil, s} {
		sealed, err := w.SealJSON(owner, in)
		require.NoError(t, err)
		var out map[string]string
		require.NoError(t, s.OpenJSON(owner, sealed, &out))
		require.Equal(t, in, out)
		_, err = w.SealJSON(owner, func() {})
		require.Error(t, err)
		require.ErrorContains(t, w.OpenJSON(owner, nil, &out), "nothing is sealed")
		require.Error(t, w.OpenJSON(owner, []byte("no JSON"), &out))
	}
	var out map[string]string
	sealed, err := s.SealJSON(owner, in)
	require.NoError(t, err)
	require.ErrorIs(t, s.OpenJSON("another", sealed, &out), seal.ErrChanged)
}

// golden was sealed once, with key(1) and key(2): what is in databases must stay readable.
var golden = map[string]string{
	"$seal$1$2rM9jYVH3q2lVM-KxWkovXRxSHfRPBVpaE0Qu64wvrNMow":           "",
	"$seal$1$2rM9jYVHeX38_PTtc9DTUktnVQqj5CQGOBBs6s8EYCI-NRE9qB4":      "hush",
	"$seal$1$2rM9jYVHfGBKFy14B3P6IqDU02xieMPC34NpiLpF3f8mbe6VHZrqtOmL": "$seal$1$",
	"$seal$1$iSJyPLzdEcLM2Tz93nlurUJ1pNb1z6XYxme3doCTeATKNUjyhLU":      "hush",
}

func TestGolden(t *testing.T) {
	t.Parallel()
	s := sealer(t, "test", 1, 2)
	for sealed, plain := range golden {
		got, err := s.Open(owner, []byte(sealed))
		require.NoError(t, err)
		require.Equal(t, plain, string(got))
	}
}

// Nobody without the key makes a value that opens, and whatever is no sealed value comes back as it is.
func FuzzOpen(f *testing.F) {
	s := sealer(f, "test", 1, 2)
	for sealed := range golden {
		f.Add([]byte(sealed))
	}
	for _, seed := range []string{"", "hush", "$seal$", "$seal$0$x", "$seal$1$AAAA", "$seal$2$", "$seal$1$" + strings.Repeat("A", 48)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		got, err := s.Open(owner, stored)
		text := string(stored)
		plain, escaped := strings.CutPrefix(text, "$seal$0$")
		want, known := golden[text]
		switch {
		case known:
			require.NoError(t, err)
			require.Equal(t, want, string(got))
		case escaped, !strings.HasPrefix(text, "$seal$"):
			require.NoError(t, err)
			require.Equal(t, plain, string(got))
		default:
			require.Error(t, err)
			require.Nil(t, got)
		}
		s.Current(stored)
		for _, w := range []*seal.Sealer{nil, s} {
			again, err := s.Open(owner, w.Seal(owner, stored))
			require.NoError(t, err)
			require.Equal(t, text, string(again))
			require.True(t, w.Current(w.Seal(owner, stored)))
		}
	})
}
