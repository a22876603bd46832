package connecsql

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// encode writes attributes as JSON.
func encode(attrs map[string]any) (string, error) {
	if attrs == nil {
		return "{}", nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(attrs); err != nil {
		return "", fmt.Errorf("encode attributes: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// decode reads attributes, with numbers as they were written.
func decode(doc string) (map[string]any, error) {
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	attrs := map[string]any{}
	if err := d.Decode(&attrs); err != nil {
		return nil, fmt.Errorf("decode attributes: %w", err)
	}
	return attrs, nil
}

// key is an attribute with a column of its own, for an index.
type key struct {
	column string
	path   []string
}

var keys = []key{
	{"code", []string{"code"}},
	{"reference", []string{"reference"}},
	{"name", []string{"name"}},
	{"email", []string{"email", "address"}},
	{"first_name", []string{"first_name"}},
	{"last_name", []string{"last_name"}},
}

// maxKey is how much of an attribute its column holds, in bytes: PostgreSQL refuses index entries above 2.7 kB.
const maxKey = 255

// keyOf is the beginning of a text; whole says that it is all of it. A text of just maxKey bytes counts as cut off.
func keyOf(s string) (k string, whole bool) {
	if len(s) < maxKey {
		return s, true
	}
	i := maxKey
	for i > maxKey-utf8.UTFMax && i < len(s) && !utf8.RuneStart(s[i]) {
		i--
	}
	return s[:i], false
}

// keysOf gives the values of the key columns, in the order of keys.
func keysOf(attrs map[string]any) []any {
	out := make([]any, len(keys))
	for i, k := range keys {
		var v any = attrs
		for _, name := range k.path {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		if s, ok := v.(string); ok {
			out[i], _ = keyOf(s)
		}
	}
	return out
}
