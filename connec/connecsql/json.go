package connecsql

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The store reads and writes documents of few types only, and most of a list's time goes into reading them: this takes a
// third of what encoding/json takes.

// encode writes attributes as JSON, with the members of objects in order.
func encode(attrs map[string]any) (string, error) {
	b, err := appendObject(make([]byte, 0, 512), attrs)
	if err != nil {
		return "", fmt.Errorf("encode attributes: %w", err)
	}
	return string(b), nil
}

func appendObject(b []byte, m map[string]any) ([]byte, error) {
	var room [24]string
	names := room[:0]
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendText(b, name); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendValue(b, m[name]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return appendText(b, v)
	case json.Number:
		if !isNumber(string(v)) {
			return nil, fmt.Errorf("%q is no number", string(v))
		}
		return append(b, v...), nil
	case bool:
		if v {
			return append(b, "true"...), nil
		}
		return append(b, "false"...), nil
	case map[string]any:
		return appendObject(b, v)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendValue(b, e); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	default:
		return appendOther(b, v)
	}
}

func appendText(b []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf && !utf8.ValidString(s[i:]) {
			return appendOther(b, s)
		} else if c >= utf8.RuneSelf {
			if strings.ContainsAny(s[i:], "\"\\") || strings.ContainsFunc(s[i:], func(r rune) bool { return r < ' ' }) {
				return appendOther(b, s)
			}
			break
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"'), nil
}

func appendOther(b []byte, v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...), nil
}

// isNumber follows the grammar of RFC 8259.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	rest := strings.TrimLeft(s, "0123456789")
	whole := len(s) - len(rest)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	if strings.HasPrefix(rest, ".") {
		after := strings.TrimLeft(rest[1:], "0123456789")
		if len(after) == len(rest)-1 {
			return false
		}
		rest = after
	}
	if rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		exponent := rest[1:]
		if exponent != "" && (exponent[0] == '+' || exponent[0] == '-') {
			exponent = exponent[1:]
		}
		rest = strings.TrimLeft(exponent, "0123456789")
		if len(rest) == len(exponent) {
			return false
		}
	}
	return rest == ""
}

var errDocument = errors.New("malformed document")

// decode reads attributes, with numbers as they were written. Texts share the memory of doc.
func decode(doc string) (map[string]any, error) {
	r := reader{s: doc}
	r.space()
	v, err := r.value(0)
	if err == nil {
		r.space()
		if m, ok := v.(map[string]any); ok && r.i == len(r.s) {
			return m, nil
		}
		err = errDocument
	}
	return nil, fmt.Errorf("decode attributes: %w", err)
}

// maxDepth is encoding/json's bound on nesting.
const maxDepth = 10_000

type reader struct {
	s string
	i int
}

func (r *reader) space() {
	for r.i < len(r.s) && (r.s[r.i] == ' ' || r.s[r.i] == '\n' || r.s[r.i] == '\t' || r.s[r.i] == '\r') {
		r.i++
	}
}

// take reads c, if it comes next after white space.
func (r *reader) take(c byte) bool {
	r.space()
	if r.i < len(r.s) && r.s[r.i] == c {
		r.i++
		return true
	}
	return false
}

func (r *reader) value(depth int) (any, error) {
	if r.i >= len(r.s) || depth > maxDepth {
		return nil, errDocument
	}
	switch c := r.s[r.i]; c {
	case '"':
		return r.text()
	case '{':
		return r.object(depth)
	case '[':
		return r.list(depth)
	case 't':
		return true, r.word("true")
	case 'f':
		return false, r.word("false")
	case 'n':
		return nil, r.word("null")
	default:
		from := r.i
		for r.i < len(r.s) && strings.IndexByte("+-.0123456789Ee", r.s[r.i]) >= 0 {
			r.i++
		}
		if !isNumber(r.s[from:r.i]) {
			return nil, errDocument
		}
		return json.Number(r.s[from:r.i]), nil
	}
}

func (r *reader) word(w string) error {
	if !strings.HasPrefix(r.s[r.i:], w) {
		return errDocument
	}
	r.i += len(w)
	return nil
}

func (r *reader) text() (string, error) {
	r.i++
	from := r.i
	for plain := true; r.i < len(r.s); r.i++ {
		switch c := r.s[r.i]; {
		case c == '"':
			r.i++
			if plain {
				return r.s[from : r.i-1], nil
			}
			var s string
			err := json.Unmarshal([]byte(r.s[from-1:r.i]), &s)
			return s, err
		case c == '\\':
			plain = false
			r.i++
		case c < ' ':
			return "", errDocument
		case c >= utf8.RuneSelf && plain:
			plain = utf8.ValidString(r.s[r.i:min(r.i+runeLen(c), len(r.s))])
			if plain {
				r.i += runeLen(c) - 1
			}
		}
	}
	return "", errDocument
}

// runeLen is how many bytes a rune has that begins with c.
func runeLen(c byte) int {
	switch {
	case c >= 0xf0:
		return 4
	case c >= 0xe0:
		return 3
	default:
		return 2
	}
}

func (r *reader) object(depth int) (any, error) {
	r.i++
	m := map[string]any{}
	if r.take('}') {
		return m, nil
	}
	for {
		r.space()
		if r.i >= len(r.s) || r.s[r.i] != '"' {
			return nil, errDocument
		}
		name, err := r.text()
		if err != nil {
			return nil, err
		}
		if !r.take(':') {
			return nil, errDocument
		}
		r.space()
		if m[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
		switch {
		case r.take(','):
		case r.take('}'):
			return m, nil
		default:
			return nil, errDocument
		}
	}
}

func (r *reader) list(depth int) (any, error) {
	r.i++
	list := []any{}
	if r.take(']') {
		return list, nil
	}
	for {
		r.space()
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		switch {
		case r.take(','):
		case r.take(']'):
			return list, nil
		default:
			return nil, errDocument
		}
	}
}
