package connecsql_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/id"
)

// names are members of documents, among them some that mean something in SQL, JSON paths or LIKE.
var names = []string{"a", "name", "code", "lines", "0", "a.b", `q"uote`, `it's`, `back\slash`, "", "$", "a[0]", "Größe", "emoji😀", "email", "address", "%", "type", "#-1", "status", "transaction_date"}

var texts = []string{
	"", "a", "A", "b", "ab", "a%b", "a_b", `a\b`, "PAID", "paid", "Ä", "ä", "ß", "true", "1", "1.0", "null", `{"a":"b"}`, `["a"]`, "it's", `"`,
	"line\nbreak", "😀", "e\u0301", "é", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.25Z", "2026-01-02T03:04:06Z", "Z", "zZ", "\u2028<&>",
	long, long + "x", long + "xy", long[:252], long[:251], long[:255], strings.Repeat("ü", 130), "a" + strings.Repeat("ü", 130), long + "Z", long[:200] + "Z",
}

// long is more than a column for an attribute holds.
var long = strings.Repeat("0123456789", 30)

var numbers = []string{
	"0", "1", "-1", "1.0", "1.50", "1.5", "10.50", "0.1", "0.30000000000000004", "0.3", "2", "10", "9007199254740992", "9007199254740993",
	"123456789012345678901234567890", "1234567.89", "0.000001", "-0.5", "99999999.99",
}

func drawValue(t *rapid.T, depth int) any {
	kinds := 4
	if depth > 0 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0, 1:
		return rapid.SampledFrom(texts).Draw(t, "text")
	case 2:
		return json.Number(rapid.SampledFrom(numbers).Draw(t, "number"))
	case 3:
		return rapid.Bool().Draw(t, "bool")
	case 4:
		return drawObject(t, depth-1)
	default:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, drawValue(t, depth-1))
		}
		return list
	}
}

func drawObject(t *rapid.T, depth int) map[string]any {
	m := map[string]any{}
	for range rapid.IntRange(0, 5).Draw(t, "members") {
		m[rapid.SampledFrom(names).Draw(t, "name")] = drawValue(t, depth)
	}
	return m
}

// drawPath follows a document most of the time, so that paths lead somewhere.
func drawPath(t *rapid.T, doc map[string]any, each bool) connec.Path {
	if rapid.IntRange(0, 9).Draw(t, "own") == 0 {
		return connec.Path{{Name: rapid.SampledFrom([]string{"id", "created_at", "updated_at"}).Draw(t, "column")}}
	}
	if rapid.IntRange(0, 3).Draw(t, "known") == 0 {
		return connec.Path{{Name: "email"}, {Name: "address"}}
	}
	var p connec.Path
	var v any = doc
	for range 4 {
		m, ok := v.(map[string]any)
		if !ok || len(m) == 0 {
			break
		}
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		s := connec.Step{Name: rapid.SampledFrom(keys).Draw(t, "step")}
		v = m[s.Name]
		if list, ok := v.([]any); ok && each && rapid.IntRange(0, 4).Draw(t, "each") > 0 {
			s.Each = true
			if len(list) > 0 {
				v = list[rapid.IntRange(0, len(list)-1).Draw(t, "element")]
			}
		}
		p = append(p, s)
	}
	if len(p) == 0 || rapid.IntRange(0, 5).Draw(t, "beyond") == 0 {
		p = append(p, connec.Step{Name: rapid.SampledFrom(names).Draw(t, "step"), Each: each && rapid.Bool().Draw(t, "each")})
	}
	return p
}

func drawFilter(t *rapid.T, docs []*connec.Resource, depth int) connec.Filter {
	if depth > 0 {
		switch rapid.IntRange(0, 5).Draw(t, "node") {
		case 0:
			var f connec.FilterAnd
			for range rapid.IntRange(0, 3).Draw(t, "parts") {
				f = append(f, drawFilter(t, docs, depth-1))
			}
			return f
		case 1:
			var f connec.FilterOr
			for range rapid.IntRange(0, 3).Draw(t, "parts") {
				f = append(f, drawFilter(t, docs, depth-1))
			}
			return f
		case 2:
			return connec.FilterNot{Filter: drawFilter(t, docs, depth-1)}
		}
	}
	doc := rapid.SampledFrom(docs).Draw(t, "doc")
	f := connec.FilterCompare{Path: drawPath(t, doc.Attributes, true)}
	f.Op = rapid.SampledFrom([]connec.FilterOp{
		connec.FilterIn, connec.FilterGt, connec.FilterGte, connec.FilterLt, connec.FilterLte, connec.FilterMatch, connec.FilterExists,
	}).Draw(t, "op")
	switch f.Op {
	case connec.FilterMatch:
		f.Pattern = connec.Pattern(rapid.SampledFrom([]string{"", "a", "^a", "b$", "A.B", "a.*b", "%", "_", `\`, `a\\b`, "^$", "ä", "Ä", "x|^b$", "0.?", "\n", `"a"`, "[", "^.$"}).Draw(t, "pattern"))
	case connec.FilterExists:
	default:
		f.Kind = drawKind(t)
		n := 1
		if f.Op == connec.FilterIn {
			n = rapid.IntRange(0, 4).Draw(t, "values")
		}
		for range n {
			f.Values = append(f.Values, drawLiteral(t, f.Kind, docs))
		}
	}
	return f
}

func drawKind(t *rapid.T) connec.FilterKind {
	return rapid.SampledFrom([]connec.FilterKind{connec.KindText, connec.KindNumber, connec.KindBool, connec.KindTime}).Draw(t, "kind")
}

func drawLiteral(t *rapid.T, kind connec.FilterKind, docs []*connec.Resource) any {
	switch kind {
	case connec.KindNumber:
		f, _ := strconv.ParseFloat(rapid.SampledFrom(numbers).Draw(t, "literal"), 64)
		return f
	case connec.KindBool:
		return rapid.Bool().Draw(t, "literal")
	case connec.KindTime:
		return rapid.SampledFrom([]time.Time{
			docs[0].CreatedAt, docs[len(docs)/2].UpdatedAt, start,
			time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2026, 1, 2, 3, 4, 5, 5e8, time.UTC), time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC),
		}).Draw(t, "literal")
	default:
		return rapid.SampledFrom(append([]string{docs[0].ID, docs[len(docs)/2].ID}, texts...)).Draw(t, "literal")
	}
}

// What SQL answers must be what Filter.Match and Less say.
func TestListAgreesWithMatch(t *testing.T) {
	onBoth(t, func(t *testing.T, entDialect string) {
		store := newStore(t, entDialect)
		rapid.Check(t, func(rt *rapid.T) {
			org := id.New("org")
			docs := make([]*connec.Resource, rapid.IntRange(1, 12).Draw(rt, "docs"))
			for i := range docs {
				at := start.Add(time.Duration(rapid.IntRange(0, 3).Draw(rt, "at")) * 500 * time.Millisecond)
				docs[i] = &connec.Resource{
					ID: id.UUID(), Collection: "things", Organization: org, Version: 1, Attributes: drawObject(rt, 3),
					CreatedAt: at, UpdatedAt: at.Add(time.Duration(rapid.IntRange(0, 2).Draw(rt, "update")) * time.Second),
				}
			}
			insert(t, store, docs...)
			for range 8 {
				q := connec.ListQuery{Organization: org, Collection: "things", Top: rapid.IntRange(1, 13).Draw(rt, "top"), Skip: rapid.IntRange(0, 4).Draw(rt, "skip")}
				if rapid.IntRange(0, 9).Draw(rt, "filtered") > 0 {
					q.Filter = drawFilter(rt, docs, 3)
				}
				for range rapid.IntRange(0, 2).Draw(rt, "keys") {
					doc := rapid.SampledFrom(docs).Draw(rt, "doc")
					q.Order = append(q.Order, connec.OrderKey{Path: drawPath(rt, doc.Attributes, false), Kind: drawKind(rt), Desc: rapid.Bool().Draw(rt, "desc")})
				}
				var want []*connec.Resource
				for _, d := range docs {
					if q.Filter == nil || q.Filter.Match(d) {
						want = append(want, d)
					}
				}
				slices.SortFunc(want, connec.Less(q.Order))
				got, total, err := store.List(t.Context(), q)
				what := fmt.Sprintf("filter %v, order %v", q.Filter, q.Order)
				require.NoError(rt, err, what)
				require.Equal(rt, len(want), total, what)
				want = want[min(q.Skip, len(want)):]
				want = want[:min(q.Top, len(want))]
				require.Equal(rt, idsOf(want), idsOf(got), what)
				for i := range want {
					require.Equal(rt, want[i], got[i])
				}
			}
		})
	})
}

func idsOf(rs []*connec.Resource) []string {
	out := []string{}
	for _, r := range rs {
		out = append(out, r.ID)
	}
	return out
}
