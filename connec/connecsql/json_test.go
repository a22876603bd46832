package connecsql

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// decode reads what encoding/json reads, and encode writes what decode reads.
func FuzzDocument(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { "a" : [ 1 , 2.50 , -0.1e+7 , true , false , "x" , { } , [ ] ] } `, `{"é\u00e9\ud83d\ude00":"\"\\\/\b\f\n\r\t"}`, "{\"\xff\":\"a\xc3\"}", `{"a":"ä` + "\x01" + `"}`,
		`{"a":01}`, `{"a":1.}`, `{"a":}`, `{"a":1,}`, `{"a":1}x`, `[1]`, `null`, `{"a":"\ud800"}`, `{"a":nul}`, `{"a":"\`, `{"😀":"😀\"` + "\u2028" + `"}`, `{"a":-}`, `{"a" 1}`, `{"a":[1 2]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		got, err := decode(doc)
		d := json.NewDecoder(strings.NewReader(doc))
		d.UseNumber()
		var want map[string]any
		if !json.Valid([]byte(doc)) || d.Decode(&want) != nil || want == nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, got)
		again, err := encode(got)
		require.NoError(t, err)
		require.True(t, json.Valid([]byte(again)))
		back, err := decode(again)
		require.NoError(t, err)
		require.Equal(t, want, back)
	})
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for _, v := range []any{json.Number(""), json.Number("1;"), json.Number("--1"), json.Number("NaN"), make(chan int)} {
		_, err := encode(map[string]any{"a": []any{map[string]any{"b": v}}})
		require.Error(t, err)
	}
	got, err := encode(map[string]any{"b": 1.5, "a": nil, "c": []string{"<x>"}})
	require.NoError(t, err)
	require.Equal(t, `{"a":null,"b":1.5,"c":["<x>"]}`, got) //nolint:testifylint // to the letter: equal documents are equal texts
}

func BenchmarkDecode(b *testing.B) {
	const doc = `{"amount":{"currency":"EUR","net_amount":9,"total_amount":9.50},"code":"INV9","lines":[{"description":"A thing","id":"01a20a4e-22cb-7432-81e5-8a21a1ea6aff","quantity":2}],"status":"PAID","title":"Invoice 9"}`
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if _, err := decode(doc); err != nil {
			b.Fatal(err)
		}
	}
}
