package impac_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/impac"
)

func filterRecord() impac.Record {
	return impac.Record{
		"id": "u1", "status": "PAID", "n": json.Number("3.50"), "lead": true, "name": "O'Neill & Sons", "at": "2026-01-31T10:00:00.000Z", "empty": "",
		"address": map[string]any{"city": "Sydney"}, "lines": []any{map[string]any{"item_id": "i1"}, map[string]any{"item_id": "i2"}},
	}
}

func TestParseFilter(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]bool{
		"":                                  true,
		"status eq 'PAID'":                  true,
		"status EQ 'PAID' AND lead eq true": true,
		"status eq 'paid'":                  false,
		"status ne 'DRAFT'":                 true,
		"missing ne 'DRAFT'":                true,
		"missing eq null":                   true,
		"status eq null":                    false,
		"status ne null":                    true,
		"empty eq ''":                       true,
		"n eq 3.5":                          true,
		"n eq '3.5'":                        true,
		"n gt 3 and n lt 4":                 true,
		"n gte 3.5 and n lte 3.5":           true,
		"n gt '10'":                         false,
		"missing gt 0":                      false,
		"at eq '2026-01-31T10:00:00Z'":      true,
		"at eq '2026-01-31T21:00:00+11:00'": true,
		"at gt '2026-01-31T09:59:59Z'":      true,
		"at lt 2026-02-01T00:00:00Z":        true,
		"at gt '2026-02-01'":                false,
		"_id in ['u1','u2']":                true,
		"_id in [u2,u1]":                    true,
		"id in []":                          false,
		"name eq 'O'Neill & Sons'":          true,
		"name eq 'O''Neill & Sons'":         true,
		"name match /neill/":                true,
		"name match /[/":                    false,
		"name match /^o.*sons$/":            true,
		"address.city eq 'Sydney'":          true,
		"address/city eq 'Sydney'":          true,
		"lines.item_id eq 'i2'":             true,
		"lines/item_id ne 'i2'":             false,
		"lines.item_id eq 'i3'":             false,
		"status eq 'X' or status eq 'PAID' and lead eq true":    true,
		"(status eq 'X' or status eq 'PAID') and lead eq false": false,
		"not status eq 'X' and not (lead eq false)":             true,
	} {
		match, err := impac.ParseFilter(filter)
		require.NoError(t, err, filter)
		require.Equal(t, want, match(filterRecord()), filter)
	}
	for _, filter := range []string{
		"status", "status eq", "eq 'x'", "status is 'x'", "status eq 'x", "(status eq 'x'", "status eq 'x')", "status in ['x'", "status in 'x'", "status match x",
		"status match /x", "status eq 'x' and", "n eq 1 n eq 2", strings.Repeat("(", 100), strings.Repeat("not ", 100) + "a eq 1", strings.Repeat("x", 20_000),
	} {
		_, err := impac.ParseFilter(filter)
		require.ErrorIs(t, err, impac.ErrInvalid, filter)
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add("status eq 'PAID' and (n gt 3 or not name match /x/)")
	f.Add("_id in ['a',b] AND at lt 2026-01-01T00:00:00Z")
	f.Add("a.b/c ne null or 'x'")
	f.Fuzz(func(t *testing.T, filter string) {
		match, err := impac.ParseFilter(filter)
		if err != nil {
			require.ErrorIs(t, err, impac.ErrInvalid)
			return
		}
		match(filterRecord())
	})
}
