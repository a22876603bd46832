package impac

import (
	"encoding/json"
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
