package impac_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impacmem"
)

// naive computes a query in the most obvious way: all records in memory, rational numbers, a pass for each figure.
func naive(src impacmem.Source, q impac.Query, keep func(impac.Record) bool) [][]string {
	var rows []impac.Record
	for _, org := range slices.Compact(slices.Sorted(slices.Values(q.OrganizationIDs))) {
		for _, r := range src[org][q.Collection] {
			if !keep(r) {
				continue
			}
			if q.Each == "" {
				rows = append(rows, r)
				continue
			}
			list, _ := r[q.Each].([]any)
			for _, el := range list {
				row := impac.Record{"record": map[string]any(r)}
				for k, v := range el.(map[string]any) {
					row[k] = v
				}
				rows = append(rows, row)
			}
		}
	}
	groups := map[string][]impac.Record{}
	for _, r := range rows {
		var key []string
		for _, d := range q.GroupBy {
			key = append(key, naiveKey(r, d))
		}
		k := strings.Join(key, "\x00")
		groups[k] = append(groups[k], r)
	}
	if len(q.GroupBy) == 0 && len(groups) == 0 {
		groups[""] = nil
	}
	out := [][]string{}
	for k, rs := range groups {
		var row []string
		if len(q.GroupBy) > 0 {
			row = strings.Split(k, "\x00")
		}
		for _, m := range q.Measures {
			row = append(row, naiveMeasure(rs, m))
		}
		out = append(out, row)
	}
	return out
}

func naiveAt(r impac.Record, path string) any {
	var v any = map[string]any(r)
	for _, step := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[step]
	}
	return v
}

func naiveKey(r impac.Record, d impac.Dimension) string {
	v := naiveAt(r, d.Attribute)
	if v == nil {
		return "null"
	}
	if d.Interval == "" {
		if n, ok := v.(json.Number); ok {
			x, _ := new(big.Rat).SetString(string(n))
			return "n" + x.RatString()
		}
		return fmt.Sprint("t", v)
	}
	day, err := time.Parse(time.RFC3339, v.(string))
	if err != nil {
		return "null"
	}
	switch d.Interval {
	case impac.Weekly:
		year, week := day.ISOWeek()
		// The Monday of the week: the day of the week that holds January the 4th, so many weeks on.
		jan4 := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC)
		monday := jan4.AddDate(0, 0, -(int(jan4.Weekday())+6)%7+7*(week-1))
		return "t" + monday.Format(time.DateOnly)
	case impac.Monthly:
		return "t" + day.Format("2006-01") + "-01"
	case impac.Quarterly:
		return fmt.Sprintf("t%d-%02d-01", day.Year(), []int{1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10}[day.Month()-1])
	case impac.Yearly:
		return "t" + day.Format("2006") + "-01-01"
	default:
		return "t" + day.Format(time.DateOnly)
	}
}

func naiveMeasure(rs []impac.Record, m impac.Measure) string {
	var nums []*big.Rat
	seen := map[string]bool{}
	n := 0
	for _, r := range rs {
		v := naiveAt(r, m.Attribute)
		if m.Attribute == "" || v != nil {
			n++
		}
		if v == nil {
			continue
		}
		seen[naiveKey(r, impac.Dimension{Attribute: m.Attribute})] = true
		if x, ok := v.(json.Number); ok {
			f, _ := new(big.Rat).SetString(string(x))
			nums = append(nums, f)
		}
	}
	sum := new(big.Rat)
	for _, x := range nums {
		sum.Add(sum, x)
	}
	switch {
	case m.Func == impac.Count:
		return fmt.Sprint(n)
	case m.Func == impac.Distinct:
		return fmt.Sprint(len(seen))
	case m.Func == impac.Sum:
		return sum.RatString()
	case len(nums) == 0:
		return "null"
	case m.Func == impac.Avg:
		return sum.Quo(sum, big.NewRat(int64(len(nums)), 1)).FloatString(10)
	}
	slices.SortFunc(nums, (*big.Rat).Cmp)
	if m.Func == impac.Min {
		return nums[0].RatString()
	}
	return nums[len(nums)-1].RatString()
}

// comparable gives the engine's rows the look of naive's.
func comparableRows(f *impac.Frame, q impac.Query) [][]string {
	out := make([][]string, len(f.Rows))
	for i, r := range f.Rows {
		for j, v := range r {
			switch {
			case v.Null:
				out[i] = append(out[i], "null")
			case j < len(q.GroupBy):
				if x, ok := new(big.Rat).SetString(v.Text); ok && q.GroupBy[j].Interval == "" {
					out[i] = append(out[i], "n"+x.RatString())
				} else {
					out[i] = append(out[i], "t"+v.Text)
				}
			default:
				x, _ := new(big.Rat).SetString(v.Number.String())
				if q.Measures[j-len(q.GroupBy)].Func == impac.Avg {
					out[i] = append(out[i], x.FloatString(10))
				} else {
					out[i] = append(out[i], x.RatString())
				}
			}
		}
	}
	return out
}

func genRecord(t *rapid.T, i int) impac.Record {
	amount := rapid.SampledFrom([]any{nil, json.Number("0.1"), json.Number("0.2"), json.Number("-7.005"), json.Number("1e3"), json.Number("12345678901234567.89"), "text"})
	r := impac.Record{"id": fmt.Sprint(i)}
	set := func(k string, v any) {
		if v != nil {
			r[k] = v
		}
	}
	set("status", rapid.SampledFrom([]any{nil, "PAID", "DRAFT", "", "\x01"}).Draw(t, "status"))
	set("n", rapid.SampledFrom([]any{nil, json.Number("1"), json.Number("1.0"), json.Number("2")}).Draw(t, "n"))
	set("date", rapid.SampledFrom([]any{
		nil, "2024-12-30T00:00:00Z", "2025-01-01T00:00:00Z", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "2020-02-29T12:00:00Z", "2021-01-03T00:00:00Z", "never",
	}).Draw(t, "date"))
	if v := amount.Draw(t, "amount"); v != nil {
		r["amount"] = map[string]any{"net": v}
	}
	var lines []any
	for range rapid.IntRange(0, 3).Draw(t, "lines") {
		line := map[string]any{"item": rapid.SampledFrom([]any{"a", "b"}).Draw(t, "item")}
		if v := amount.Draw(t, "price"); v != nil {
			line["price"] = v
		}
		lines = append(lines, line)
	}
	set("lines", any(lines))
	return r
}

// TestQueryAgainstNaive: the engine agrees with the obvious computation on any records and any query.
func TestQueryAgainstNaive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		src := impacmem.Source{}
		for _, org := range []string{"o1", "o2"} {
			var rs []impac.Record
			for i := range rapid.IntRange(0, 12).Draw(t, "records of "+org) {
				rs = append(rs, genRecord(t, i))
			}
			src[org] = map[string][]impac.Record{"docs": rs}
		}
		q := impac.Query{OrganizationIDs: rapid.SliceOfN(rapid.SampledFrom([]string{"o1", "o2"}), 1, 3).Draw(t, "organizations"), Collection: "docs"}
		attributes := []string{"status", "n", "amount.net", "amount", "missing", "date"}
		if rapid.Bool().Draw(t, "each") {
			q.Each, attributes = "lines", []string{"item", "price", "record.status", "record.amount.net", "missing"}
		}
		keep := func(impac.Record) bool { return true }
		if rapid.Bool().Draw(t, "filter") {
			q.Filter, keep = "status ne 'DRAFT'", func(r impac.Record) bool { return r["status"] != "DRAFT" }
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "dimensions") {
			d := impac.Dimension{Name: fmt.Sprint("d", i), Attribute: rapid.SampledFrom(attributes).Draw(t, "dimension")}
			if d.Attribute == "amount" {
				continue // an object: grouped by its JSON, which naive doesn't write
			}
			if d.Attribute == "date" {
				d.Interval = rapid.SampledFrom([]impac.Interval{impac.Daily, impac.Weekly, impac.Monthly, impac.Quarterly, impac.Yearly}).Draw(t, "interval")
			}
			q.GroupBy = append(q.GroupBy, d)
		}
		q.Measures = []impac.Measure{{Name: "all", Func: impac.Count}}
		for i := range rapid.IntRange(0, 4).Draw(t, "measures") {
			m := impac.Measure{
				Name: fmt.Sprint("m", i), Func: rapid.SampledFrom([]string{impac.Count, impac.Sum, impac.Avg, impac.Min, impac.Max, impac.Distinct}).Draw(t, "func"),
				Attribute: rapid.SampledFrom(attributes).Draw(t, "attribute"),
			}
			if m.Func == impac.Distinct && m.Attribute == "amount" {
				m.Attribute = "amount.net"
			}
			q.Measures = append(q.Measures, m)
		}
		f, err := engineAt(src, "2026-01-01").Query(context.Background(), q)
		require.NoError(t, err)
		want := naive(src, q, keep)
		got := comparableRows(f, q)
		order := func(a, b []string) int { return slices.Compare(a, b) }
		sortedGot := slices.Clone(got)
		slices.SortFunc(want, order)
		slices.SortFunc(sortedGot, order)
		require.Equal(t, want, sortedGot)

		// Sorted by a figure and cut: the same rows, in order, the first of them.
		q.OrderBy = rapid.SampledFrom([]string{"-", ""}).Draw(t, "direction") + rapid.SampledFrom(q.Measures).Draw(t, "order").Name
		full, err := engineAt(src, "2026-01-01").Query(context.Background(), q)
		require.NoError(t, err)
		column := slices.IndexFunc(full.Columns, func(c impac.Column) bool { return c.Name == strings.TrimPrefix(q.OrderBy, "-") })
		require.True(t, slices.IsSortedFunc(full.Rows, func(a, b []impac.Value) int {
			x, y := a[column], b[column]
			if x.Null || y.Null {
				return cmp.Compare(map[bool]int{true: 1}[x.Null], map[bool]int{true: 1}[y.Null])
			}
			if strings.HasPrefix(q.OrderBy, "-") {
				return y.Number.Cmp(x.Number)
			}
			return x.Number.Cmp(y.Number)
		}))
		q.Limit = rapid.IntRange(1, 5).Draw(t, "limit")
		first, err := engineAt(src, "2026-01-01").Query(context.Background(), q)
		require.NoError(t, err)
		require.Equal(t, full.Rows[:min(q.Limit, len(full.Rows))], first.Rows)
	})
}

// endless yields records without end, and counts them.
type endless struct{ n int }

func (s *endless) Records(ctx context.Context, _, _, _ string) iter.Seq2[impac.Record, error] {
	return func(yield func(impac.Record, error) bool) {
		for ctx.Err() == nil {
			s.n++
			if !yield(impac.Record{"id": fmt.Sprint(s.n)}, nil) {
				return
			}
		}
		yield(nil, ctx.Err())
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	src := &endless{}
	count := []impac.Measure{{Func: impac.Count}}
	q := impac.Query{OrganizationIDs: []string{"o"}, Collection: "docs", Measures: count}
	_, err := impac.New(impacmem.New(), src, allowAll(), impac.WithMaxRecords(100)).Query(t.Context(), q)
	require.ErrorIs(t, err, impac.ErrTooLarge)
	require.ErrorContains(t, err, "more than 100 docs")
	require.Equal(t, 101, src.n, "it stops where the bound is")

	e := impac.New(impacmem.New(), src, allowAll(), impac.WithMaxGroups(10))
	for name, q := range map[string]impac.Query{
		"groups":   {OrganizationIDs: []string{"o"}, Collection: "docs", GroupBy: []impac.Dimension{{Attribute: "id"}}},
		"distinct": {OrganizationIDs: []string{"o"}, Collection: "docs", Measures: []impac.Measure{{Func: impac.Distinct, Attribute: "id"}}},
	} {
		src.n = 0
		_, err := e.Query(t.Context(), q)
		require.ErrorIs(t, err, impac.ErrTooLarge, name)
		require.LessOrEqual(t, src.n, 11, name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = e.Query(ctx, q)
	require.ErrorIs(t, err, context.Canceled)
}

// A source that fails in the middle fails the report; half a figure is none.
func TestSourceFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	e := impac.New(impacmem.New(), sourceFunc(func(yield func(impac.Record, error) bool) {
		_ = yield(impac.Record{"id": "1"}, nil) && yield(nil, broken)
	}), allowAll())
	_, err := e.Query(t.Context(), impac.Query{OrganizationIDs: []string{"o"}, Collection: "docs", Measures: []impac.Measure{{Func: impac.Count}}})
	require.ErrorIs(t, err, broken)
	for _, endpoint := range []string{"sales/aged", "sales/summary", "invoices/list", "hr/workforce_summary", "hr/employees_list"} {
		_, err = e.Show(t.Context(), endpoint, map[string]any{"organization_ids": []any{"o"}})
		require.ErrorIs(t, err, broken, endpoint)
	}
}

type sourceFunc iter.Seq2[impac.Record, error]

func (s sourceFunc) Records(context.Context, string, string, string) iter.Seq2[impac.Record, error] {
	return iter.Seq2[impac.Record, error](s)
}

// Numbers of any Go type, huge exponents, and dates as times: what products' own records may hold.
func TestValues(t *testing.T) {
	t.Parallel()
	src := impacmem.Source{"o": {"docs": {
		{"n": 1, "at": time.Date(2026, 3, 31, 23, 30, 0, 0, time.UTC)},
		{"n": int32(2), "at": "2026-03-31"},
		{"n": 0.1, "at": "2026-03-31T00:00:00Z"},
		{"n": json.Number("1e999999999"), "at": "2026-03-31T23:30:00Z"},
		{"n": "0.5", "at": "2026-03-31 23:30:00"},
		{"n": true, "at": json.Number("5")},
		{"n": uint8(3), "at": "2026-04-01T01:00:00+02:00"},
	}}}
	q := impac.Query{
		OrganizationIDs: []string{"o"}, Collection: "docs", GroupBy: []impac.Dimension{{Attribute: "at", Interval: impac.Daily}},
		Measures: []impac.Measure{{Func: impac.Count}, {Func: impac.Sum, Attribute: "n"}},
	}
	rows := func() (out []string) {
		f, err := engineAt(src, "2026-01-01").Query(t.Context(), q)
		require.NoError(t, err)
		for _, r := range f.Rows {
			out = append(out, fmt.Sprint(r[0].Text, " ", r[1].Number, " ", r[2].Number))
		}
		return out
	}
	require.Equal(t, []string{"2026-03-31 6 6.6", " 1 0"}, rows())
	q.UTCOffset = 60
	require.Equal(t, []string{"2026-03-31 2 2.1", "2026-04-01 4 4.5", " 1 0"}, rows(), "a day stays a day, an instant moves")
}

func TestWhere(t *testing.T) {
	t.Parallel()
	src := impacmem.Source{"o": {"docs": {
		{"id": "1", "amount": map[string]any{"net": json.Number("10.5")}, "tags": []any{"a", "b"}, "lines": []any{map[string]any{"q": json.Number("2")}}},
		{"id": "2", "amount": map[string]any{"net": json.Number("5")}, "tags": []any{}, "lines": []any{map[string]any{"q": json.Number("1")}}},
		{"id": "3"},
	}}}
	for where, want := range map[string]int64{
		`amount.net > 5`:                        1,
		`amount?.net >= 5`:                      2,
		`(amount?.net ?? 0) < 6`:                2,
		`"a" in (tags ?? [])`:                   1,
		`id in ["1", "3"]`:                      2,
		`any(lines ?? [], .q > 1)`:              1,
		`id matches "^[12]$" and amount != nil`: 2,
		`false`:                                 0,
	} {
		f, err := engineAt(src, "2026-01-01").Query(t.Context(), impac.Query{
			OrganizationIDs: []string{"o"}, Collection: "docs", Where: where, Measures: []impac.Measure{{Func: impac.Count}},
		})
		require.NoError(t, err, where)
		require.Equal(t, want, f.Rows[0][0].Number.IntPart(), where)
	}
	f, err := engineAt(src, "2026-01-01").Query(t.Context(), impac.Query{
		OrganizationIDs: []string{"o"}, Collection: "docs", Each: "tags", Where: `record.id == "1" and value != "a"`, Measures: []impac.Measure{{Func: impac.Count}},
	})
	require.NoError(t, err)
	require.Equal(t, int64(1), f.Rows[0][0].Number.IntPart())
}
