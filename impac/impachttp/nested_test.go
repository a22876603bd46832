package impachttp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/impac"
)

func TestParseNested(t *testing.T) {
	t.Parallel()
	m := func(kv ...any) map[string]any {
		out := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			out[kv[i].(string)] = kv[i+1]
		}
		return out
	}
	l := func(v ...any) []any { return v }
	for name, c := range map[string]struct {
		raw  string
		want map[string]any
	}{
		"nothing":              {"", m()},
		"plain":                {"a=1&b=&c", m("a", "1", "b", "", "c", "")},
		"jQuery, decoded":      {"metadata[organization_ids][]=org-1&metadata[organization_ids][]=org-2&metadata[currency]=EUR", m("metadata", m("organization_ids", l("org-1", "org-2"), "currency", "EUR"))},
		"encoded":              {"metadata%5Bhist_parameters%5D%5Bfrom%5D=2026-01-01&metadata%5Bx%5D%5B%5D=a%26b", m("metadata", m("hist_parameters", m("from", "2026-01-01"), "x", l("a&b")))},
		"list of objects":      {"d[0][id]=x&d[0][value]=true&d[1][id]=y", m("d", l(m("id", "x", "value", "true"), m("id", "y")))},
		"any order":            {"d[1]=b&d[0]=a", m("d", l("a", "b"))},
		"not a list":           {"d[1]=b&d[2]=a", m("d", m("1", "b", "2", "a"))},
		"Rack's objects":       {"d[][a]=1&d[][b]=2&d[][a]=3", m("d", l(m("a", "1", "b", "2"), m("a", "3")))},
		"lists of lists":       {"d[0][]=1&d[0][]=2&d[1][]=3", m("d", l(l("1", "2"), l("3")))},
		"spaces":               {"a=1+%2B+2&b[c d]=x+y", m("a", "1 + 2", "b", m("c d", "x y"))},
		"stray percent signs":  {"a=100%&b=5%zz&c=%4", m("a", "100%", "b", "5%zz", "c", "%4")},
		"stray brackets":       {"a[b=1&a]b=2&[x]=3&a[b]c=4&a[[b]]=5", m("a[b", "1", "a]b", "2", "", m("x", "3"), "a[b]c", "4", "a[[b]]", "5")},
		"contradictions":       {"a=1&a[b]=2&c[]=1&c[x]=2&e[x]=1&e[]=2&e=3&f=1&f=2", m("a", "1", "c", l("1"), "e", m("x", "1"), "f", "1")},
		"separators":           {"&&a=1&&&b=2&", m("a", "1", "b", "2")},
		"equals signs":         {"a=b=c", m("a", "b=c")},
		"not UTF-8":            {"a=%ff", m("a", "\xff")},
		"an object in an item": {"a[][x][y]=1&a[][x][z]=2", m("a", l(m("x", m("y", "1")), m("x", m("z", "2"))))},
	} {
		got, err := parseNested(c.raw)
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
	for name, raw := range map[string]string{
		"long":   strings.Repeat("a", maxQueryBytes+1),
		"many":   strings.Repeat("a=1&", maxQueryParams+1),
		"nested": "a" + strings.Repeat("[b]", maxQueryDepth) + "=1",
	} {
		_, err := parseNested(raw)
		require.ErrorIs(t, err, impac.ErrInvalid, name)
	}
}

func TestEncodeNested(t *testing.T) {
	t.Parallel()
	got, err := encodeNested("m", map[string]any{
		"s": "a&b=c [x] %41 +", "n": 5, "f": 1.5, "b": true, "l": []any{"x", "y"}, "nil": nil, "empty": []any{}, "typed": []string{"p", "q"},
		"o": []any{map[string]any{"id": "1"}, map[string]any{"id": "2", "deep": map[string]any{"x": []any{"y"}}}},
	})
	require.NoError(t, err)
	back, err := parseNested(got)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"m": map[string]any{
		"s": "a&b=c [x] %41 +", "n": "5", "f": "1.5", "b": "true", "l": []any{"x", "y"}, "typed": []any{"p", "q"},
		"o": []any{map[string]any{"id": "1"}, map[string]any{"id": "2", "deep": map[string]any{"x": []any{"y"}}}},
	}}, back)
	for name, v := range map[string]any{
		"bracket": map[string]any{"a[b]": "c"}, "empty key": map[string]any{"": "x"}, "function": map[string]any{"f": func() {}},
	} {
		_, err := encodeNested("m", v)
		require.ErrorIs(t, err, impac.ErrInvalid, name)
	}
	loop := map[string]any{}
	loop["again"] = loop
	_, err = encodeNested("m", loop)
	require.ErrorIs(t, err, impac.ErrInvalid)
}

// FuzzParseNested: any query is read or refused, and what was read arrives again when it is sent on.
func FuzzParseNested(f *testing.F) {
	for _, s := range []string{
		"metadata[organization_ids][]=org-1&metadata[hist_parameters][from]=2026-01-01&demo_data=true", "a[0][b]=1&a[1][]=2", "a[][b]=1&a[][b]=2",
		"a%5B%5D=1&b=%&c=%zz", "[=]&[[]]=&a[b=1", "m[1]=a&m[0]=b&m[]=c", "a=1&a[b]=2", "&&&", "m[][x][]=1&m[][x][]=2",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := parseNested(raw)
		if err != nil {
			require.ErrorIs(t, err, impac.ErrInvalid)
			return
		}
		m, ok := got["metadata"]
		if !ok {
			return
		}
		sent, err := encodeNested("metadata", m)
		if err != nil || len(sent) > maxQueryBytes {
			return
		}
		again, err := parseNested(sent)
		require.NoError(t, err)
		require.Equal(t, m, again["metadata"])
	})
}
