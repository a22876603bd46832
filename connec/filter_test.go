package connec_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ensemble-platform/ensemble/connec"
)

func invoices(t testing.TB) connec.FilterScope {
	for _, rt := range connec.CanonicalTypes() {
		if rt.Name == "invoices" {
			scope, err := rt.FilterScope()
			require.NoError(t, err)
			return scope
		}
	}
	return connec.FilterScope{}
}

// TestFilterTree checks what stores get to see; what it selects is up to connectest.
func TestFilterTree(t *testing.T) {
	scope := invoices(t)
	for in, want := range map[string]string{
		"code eq 'a'":                       "code in ['a']",
		"code ne 'a'":                       "not (code in ['a'])",
		"code ne null":                      "code ne null",
		"code eq null":                      "not (code ne null)",
		"balance in ['1',2,x]":              "balance in [1,2]",
		"balance eq x":                      "false",
		"lines/item_id EQ 'i'":              "lines.item_id in ['i']",
		"_id in [a,b]":                      "id in ['a','b']",
		"x eq 5":                            "(x in ['5'] or x in [5])",
		"x gt 5":                            "x gt 5",
		"x eq true":                         "(x in ['true'] or x in [true])",
		"a eq 'x' or b eq 'y' and c eq 'z'": "(a in ['x'] or (b in ['y'] and c in ['z']))",
		"not not code eq 'a'":               "not (not (code in ['a']))",
		"not eq 'a'":                        "not in ['a']",
		"code ge 'a' and code le 'b'":       "(code gte 'a' and code lte 'b')",
		"title eq 'Tom and Jerry's' and code eq 'a'":            "(title in ['Tom and Jerry's'] and code in ['a'])",
		"title match /a/b/ and code eq 'a'":                     "(title match /a/b/ and code in ['a'])",
		"due_date gt 2026-01-31T10:00:00+02:00":                 "due_date gt '2026-01-31T08:00:00Z'",
		"due_date gt 2026-01-31T10:00:00 02:00":                 "due_date gt '2026-01-31T08:00:00Z'",
		"due_date gt '2026-01-31T10:00:00 02:00'":               "due_date gt '2026-01-31T08:00:00Z'",
		"due_date gt 'Sat Jan 31 2026 10:00:00 GMT+0100 (CET)'": "due_date gt '2026-01-31T09:00:00Z'",
		"due_date gt 'Sat, 31 Jan 2026 10:00:00 GMT'":           "due_date gt '2026-01-31T10:00:00Z'",
		"due_date gt '2026-01-31 10:00:00'":                     "due_date gt '2026-01-31T10:00:00Z'",
		"due_date gt '2026-01-31T10:00:00.123456789Z'":          "due_date gt '2026-01-31T10:00:00.123456Z'",
		"code in ()":    "false",
		"code in ('a')": "code in ['a']",
	} {
		f, err := connec.ParseFilter(in, scope)
		require.NoError(t, err, in)
		require.Equal(t, want, f.String(), in)
	}
	f, err := connec.ParseFilter("lines.unit_price.net_amount gt 1", scope)
	require.NoError(t, err)
	require.Equal(t, connec.FilterCompare{
		Path: connec.Path{{Name: "lines", Each: true}, {Name: "unit_price"}, {Name: "net_amount"}}, Op: connec.FilterGt, Kind: connec.KindNumber, Values: []any{1.0},
	}, f)
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{
		"a eq 'b'", "_id in ['a',b]", "x match /a.*b$/ and not (y ne null)", "a eq 'it's' or b lt 1e3", "((((", "a in [", "d gt 2017-01-01T00:00:00 00:00", "a eq ''''",
	} {
		f.Add(s)
	}
	r := &connec.Resource{ID: "1", Attributes: map[string]any{"a": "b", "x": json.Number("1"), "lines": []any{map[string]any{"id": "1"}}}, CreatedAt: time.Unix(0, 0).UTC()}
	f.Fuzz(func(t *testing.T, s string) {
		filter, err := connec.ParseFilter(s, connec.FilterScope{})
		if err != nil {
			require.ErrorIs(t, err, connec.ErrInvalid)
			return
		}
		filter.Match(r)
		_ = filter.String()
		_, _ = connec.ParseOrder(s, connec.FilterScope{})
	})
}

// TestPattern compares Match with a regular expression made of Like, which is what databases go by.
func TestPattern(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := connec.Pattern(rapid.StringOfN(rapid.RuneFrom([]rune(`aAbé.*^$|\%_(`)), 0, 12, -1).Draw(t, "pattern"))
		s := rapid.StringOfN(rapid.RuneFrom([]rune("aAbBé.%_\\(\n|$^*")), 0, 12, -1).Draw(t, "text")
		want := false
		for _, like := range p.Like() {
			want = want || likeRegexp(like).MatchString(lowerASCII(s))
		}
		if got := p.Match(s); got != want {
			t.Fatalf("%q matches %q: %v, but LIKE %q: %v", p, s, got, p.Like(), want)
		}
	})
	long := connec.Pattern(strings.Repeat("a.*", 2000) + "c$")
	require.False(t, long.Match(strings.Repeat("a", 20000)), "and does not take forever")
}

func likeRegexp(like string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	escaped := false
	for _, r := range like {
		switch {
		case escaped:
			b.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '%':
			b.WriteString(".*")
		case r == '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile(b.String() + `\z`)
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 32
		}
		return r
	}, s)
}
