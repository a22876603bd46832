package connecsql

import (
	"strings"
	"unicode/utf8"

	"github.com/ensemble-platform/ensemble/connec"
)

// key is an attribute that is also in a column of its own, as far as it is a text.
type key struct {
	column string
	path   []string
	kind   connec.FilterKind
}

var keys = []key{
	{"code", []string{"code"}, connec.KindText},
	{"reference", []string{"reference"}, connec.KindText},
	{"name", []string{"name"}, connec.KindText},
	{"email", []string{"email", "address"}, connec.KindText},
	{"first_name", []string{"first_name"}, connec.KindText},
	{"last_name", []string{"last_name"}, connec.KindText},
	{"status", []string{"status"}, connec.KindText},
	{"transaction_date", []string{"transaction_date"}, connec.KindTime},
}

// keyAt returns the key that a path leads to, or nil.
func keyAt(p connec.Path) *key {
	for i := range keys {
		if keys[i].at(p) {
			return &keys[i]
		}
	}
	return nil
}

func (k *key) at(p connec.Path) bool {
	if len(p) != len(k.path) {
		return false
	}
	for i, s := range p {
		if s.Each || s.Name != k.path[i] {
			return false
		}
	}
	return true
}

// maxKey is how much of a text its column holds, in bytes: PostgreSQL refuses index entries above 2.7 kB.
const maxKey = 255

// cut is the beginning of a text that a column holds. A text that was cut off keeps at least minCut bytes.
func cut(s string) string {
	if len(s) <= maxKey {
		return s
	}
	i := maxKey
	for i > minCut && !utf8.RuneStart(s[i]) {
		i--
	}
	return s[:i]
}

const minCut = maxKey - utf8.UTFMax + 1

// exact tells whether comparing the column with s is as good as comparing the attribute with it: no text that was cut off is equal to
// s, or a beginning of it.
func exact(s string) bool { return len(s) < minCut }

// columns gives the values of the key columns, in the order of keys.
func columns(attrs map[string]any) []any {
	out := make([]any, len(keys))
	for i, k := range keys {
		var v any = attrs
		for _, name := range k.path {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		s, ok := v.(string)
		if !ok {
			continue
		}
		if k.kind == connec.KindTime {
			s = strings.TrimSuffix(s, "Z")
		}
		out[i] = cut(s)
	}
	return out
}
