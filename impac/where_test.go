package impac

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzWhere: any expression is refused, or evaluates in a moment.
func FuzzWhere(f *testing.F) {
	f.Add(`status in ["PAID"] and amount.net > 5.5`)
	f.Add(`any(lines, .q > 1) or len(filter(lines, true)) == 2`)
	f.Add(`let x = amount; x?.net ?? 0 < 3`)
	f.Add(`map(lines, {sum(lines, .q)})[0] > 3 ? true : false`)
	f.Add(`id matches "(a+)+$" and $env["id"] != nil`)
	f.Add(`reduce(lines, #acc + #.q, 0) > 2 and date("2026-01-01") < date(at)`)
	rec := Record{
		"id": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "status": "PAID", "at": "2026-02-01", "amount": map[string]any{"net": json.Number("5.75")},
		"lines": []any{map[string]any{"q": json.Number("2")}, map[string]any{"q": json.Number("1e400")}},
	}
	f.Fuzz(func(t *testing.T, src string) {
		w, err := compileWhere(src)
		if err != nil {
			return
		}
		from := time.Now()
		w.holds(&row{record: rec})
		w.holds(&row{record: rec, element: map[string]any{"q": json.Number("1")}})
		require.Less(t, time.Since(from), 5*time.Second)
	})
}

// The bounds keep an evaluation from running away.
func TestWhereBounds(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		`all(1..100000, true)`, `len(1..99) > 0`, `any(a, any(a, any(a, true)))`, `1 + 1`, `"x"`,
	} {
		_, err := compileWhere(src)
		require.Error(t, err, src)
	}
	for _, src := range []string{`repeat("x", 1000000) != ""`, `now().Year() > 2000`} {
		if w, err := compileWhere(src); err == nil {
			require.False(t, w.holds(&row{record: Record{}}), src)
			require.Error(t, w.check(), src)
		}
	}
	// Memory runs out before the machine's does.
	long := make([]any, 1000)
	w, err := compileWhere(`len(map(a, {map(a, {#})})) > 0`)
	require.NoError(t, err)
	require.False(t, w.holds(&row{record: Record{"a": long}}))
	require.ErrorContains(t, w.check(), "memory budget exceeded")
}

// Text that doubles with each element, or that is copied for each, would take all memory there is.
func TestWhereText(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		`reduce(a, #acc + #acc, s) != ""`, `replace(s, "x", s) != ""`,
		strings.Repeat("s + ", maxPlus+1) + `s != ""`,
	} {
		_, err := compileWhere(src)
		require.Error(t, err, src)
	}
	refused := func(src string, r Record) {
		w, err := compileWhere(src)
		require.NoError(t, err, src)
		from := time.Now()
		require.False(t, w.holds(&row{record: r}), src)
		require.ErrorIs(t, w.check(), errLarge, src)
		require.Less(t, time.Since(from), time.Second)
	}
	many := make([]any, 10_000)
	for i := range many {
		many[i] = json.Number("1")
	}
	long := strings.Repeat("x", 1<<20)
	refused(`let b = s + s; let c = b + b; let d = c + c; let e = d + d; let f = e + e; let g = f + f; let h = g + g; let i = h + h; i != ""`, Record{"s": long})
	refused(`join(map(a, s)) != ""`, Record{"s": long, "a": many})
	refused(`string(map(a, s + s)) != ""`, Record{"s": long[:20_000], "a": many})
	refused(`all(a, all(a, # > 0))`, Record{"a": many})

	// What is usual is not.
	for src, r := range map[string]Record{
		`s + "y" == s + "y"`: {"s": long}, `sum(a, # + 1) == 20000`: {"a": many}, `all(a, # > 0) and any(a, # == 1)`: {"a": many[:2000]},
		`any(a, s == "abc" + "def")`: {"a": many, "s": "abcdef"},
	} {
		w, err := compileWhere(src)
		require.NoError(t, err, src)
		require.True(t, w.holds(&row{record: r}), "%s: %v", src, w.err)
	}
}
