package connec_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/connec/connectest"
)

// attributes draws what an app may send of an invoice.
func attributes(t *rapid.T) map[string]any {
	scalar := rapid.OneOf(
		rapid.Map(rapid.SampledFrom([]string{"", "x", "y z", "12"}), func(s string) any { return s }),
		rapid.Map(rapid.IntRange(-5, 5), func(n int) any { return json.Number(fmt.Sprint(n, ".50")) }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Just(any(nil)),
	)
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		if depth == 0 {
			return scalar
		}
		return rapid.OneOf(scalar,
			rapid.Map(rapid.SliceOfN(value(depth-1), 0, 3), func(l []any) any { return l }),
			rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"p", "q", "r"}), value(depth-1), 0, 3), func(m map[string]any) any { return m }))
	}
	out := rapid.MapOfN(rapid.SampledFrom([]string{"free", "other", "third"}), value(3), 0, 3).Draw(t, "free")
	if rapid.Bool().Draw(t, "declared") {
		out["title"] = rapid.SampledFrom([]any{"a", " b ", "", nil, json.Number("7")}).Draw(t, "title")
		out["balance"] = rapid.SampledFrom([]any{"1.0", json.Number("1"), json.Number("2.25"), "", nil}).Draw(t, "balance")
		out["amount"] = rapid.MapOf(rapid.SampledFrom([]string{"net_amount", "tax_amount", "total_amount", "tax_rate"}),
			rapid.Map(rapid.IntRange(0, 300), func(n int) any { return json.Number(fmt.Sprint(n)) })).Draw(t, "amount")
	}
	if rapid.Bool().Draw(t, "lines") {
		lines := []any{}
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 4), 0, 4).Draw(t, "line ids") {
			lines = append(lines, map[string]any{
				"id":       []any{map[string]any{"id": fmt.Sprint(n), "provider": "shop", "realm": "r"}},
				"quantity": json.Number(fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "quantity"))),
			})
		}
		out["lines"] = lines
	}
	return out
}

// TestMergeProperties checks what must hold of any two writes.
func TestMergeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := authz.WithCredential(t.Context(), connectest.AppKey("app-shop"))
		e := connec.New(connecmem.New(), connectest.NewAuthorizer())
		opts := connec.WriteOptions{Authoritative: rapid.Bool().Draw(t, "authoritative")}
		first, second := attributes(t), attributes(t)
		sent := copyOf(t, second)
		r, _, err := e.Create(ctx, connectest.Shop, "invoices", first, opts)
		require.NoError(t, err)
		r2, err := e.Update(ctx, connectest.Shop, "invoices", r.ID, second, opts)
		require.NoError(t, err)
		require.True(t, reflect.DeepEqual(sent, second), "what the caller gave is left alone")

		again, err := e.Update(ctx, connectest.Shop, "invoices", r.ID, second, opts)
		require.NoError(t, err)
		require.Equal(t, r2, again, "the same write again changes nothing")

		back, err := e.Update(ctx, connectest.Shop, "invoices", r.ID, r2.Attributes, opts)
		require.NoError(t, err)
		require.Equal(t, r2, back, "nor does a record that is sent back")

		for name, v := range r.Attributes {
			if _, touched := second[name]; !touched {
				require.Equal(t, v, r2.Attributes[name], "%s was not sent and stays", name)
			}
		}
		seen := map[any]bool{}
		lines, _ := r2.Attributes["lines"].([]any)
		for _, l := range lines {
			id := l.(map[string]any)["id"]
			require.False(t, seen[id], "ids of lines are unique")
			seen[id] = true
		}
		require.NotContains(t, string(encode(t, r2.Attributes)), "null", "nothing is null")
	})
}

func encode(t require.TestingT, v any) []byte {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

func copyOf(t require.TestingT, m map[string]any) (out map[string]any) {
	dec := json.NewDecoder(bytesReader(encode(t, m)))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&out))
	return out
}
