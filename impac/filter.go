package impac

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// ParseFilter reads a condition in Connec's filter language, as it is handed to [Source.Records], and returns a function that
// tells whether a record meets it. It is for sources that can't select by themselves. The empty filter lets everything through.
//
// The language: PATH eq|ne|gt|gte|lt|lte VALUE, PATH in ['a','b'], PATH match /text/, joined by and, or, not and parentheses. Values are
// 'text', numbers, true, false and null; PATH is dotted, "_id" is the id; a path through a list is about any of its elements. Texts that
// are times compare as instants. What is not there is ne everything but null, and nothing else.
func ParseFilter(filter string) (func(Record) bool, error) {
	if strings.TrimSpace(filter) == "" {
		return func(Record) bool { return true }, nil
	}
	if len(filter) > maxFilter {
		return nil, invalid("filter", "is longer than %d characters", maxFilter)
	}
	if !utf8.ValidString(filter) {
		return nil, invalid("filter", "must be UTF-8")
	}
	p := &filterParser{src: filter}
	cond := p.or(0)
	if p.skip(); p.err == nil && p.pos < len(p.src) {
		p.fail("unexpected %.20q", p.src[p.pos:])
	}
	if p.err != nil {
		return nil, p.err
	}
	return cond, nil
}

type condition = func(Record) bool

type filterParser struct {
	src string
	pos int
	err error
}

func (p *filterParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid("filter", "at position %d: %s", p.pos+1, fmt.Sprintf(format, args...))
	}
}

func (p *filterParser) skip() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// take consumes a punctuation character.
func (p *filterParser) take(c byte) bool {
	p.skip()
	if p.pos < len(p.src) && p.src[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// word reads what is neither blank nor punctuation.
func (p *filterParser) word() string {
	p.skip()
	from := p.pos
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n()[],'", p.src[p.pos]) < 0 {
		p.pos++
	}
	return p.src[from:p.pos]
}

// keyword consumes the next word if it is w in any case.
func (p *filterParser) keyword(w string) bool {
	from := p.pos
	if strings.EqualFold(p.word(), w) {
		return true
	}
	p.pos = from
	return false
}

func (p *filterParser) or(depth int) condition {
	left := p.and(depth)
	for p.err == nil && p.keyword("or") {
		a, b := left, p.and(depth)
		left = func(r Record) bool { return a(r) || b(r) }
	}
	return left
}

func (p *filterParser) and(depth int) condition {
	left := p.clause(depth)
	for p.err == nil && p.keyword("and") {
		a, b := left, p.clause(depth)
		left = func(r Record) bool { return a(r) && b(r) }
	}
	return left
}

func (p *filterParser) clause(depth int) condition {
	if depth > 50 {
		p.fail("too many parentheses")
		return nil
	}
	if p.keyword("not") {
		c := p.clause(depth + 1)
		return func(r Record) bool { return !c(r) }
	}
	if p.take('(') {
		c := p.or(depth + 1)
		if p.err == nil && !p.take(')') {
			p.fail("a ) is missing")
		}
		return c
	}
	name := p.word()
	if name == "" {
		p.fail("an attribute is expected")
		return nil
	}
	path := strings.FieldsFunc(name, func(c rune) bool { return c == '.' || c == '/' })
	if name == "_id" {
		path = []string{"id"}
	}
	switch op := strings.ToLower(p.word()); op {
	case "in":
		return p.in(path)
	case "match":
		return p.match(path)
	case "eq", "ne", "gt", "gte", "lt", "lte":
		v, ok := p.value()
		if !ok {
			return nil
		}
		return compareTo(path, op, v)
	default:
		p.fail("an operator is expected: eq, ne, gt, gte, lt, lte, in or match")
		return nil
	}
}

func compareTo(path []string, op string, want any) condition {
	holds := func(got any) bool {
		if op == "eq" || op == "ne" {
			return sameValue(got, want)
		}
		c, ok := orderValues(got, want)
		if !ok {
			return false
		}
		switch op {
		case "gt":
			return c > 0
		case "gte":
			return c >= 0
		case "lt":
			return c < 0
		default:
			return c <= 0
		}
	}
	return func(r Record) bool { return anyAt(r, path, holds) != (op == "ne") }
}

// anyAt reports whether holds does for a value at path, where a list stands for each of its elements.
func anyAt(v any, path []string, holds func(any) bool) bool {
	for i, step := range path {
		switch in := v.(type) {
		case Record:
			v = in[step]
		case map[string]any:
			v = in[step]
		case []any:
			return slices.ContainsFunc(in, func(el any) bool { return anyAt(el, path[i:], holds) })
		default:
			return holds(nil)
		}
	}
	return holds(v)
}

func (p *filterParser) in(path []string) condition {
	if !p.take('[') {
		p.fail("a [ is expected")
		return nil
	}
	var values []any
	for !p.take(']') {
		if len(values) > 0 && !p.take(',') {
			p.fail("a , or ] is expected")
			return nil
		}
		v, ok := p.value()
		if !ok {
			return nil
		}
		values = append(values, v)
	}
	return func(r Record) bool {
		return anyAt(r, path, func(got any) bool {
			return slices.ContainsFunc(values, func(v any) bool { return sameValue(got, v) })
		})
	}
}

// match reads /text/: a regular expression, or what is no valid one as plain text, that is somewhere in the value in any case.
func (p *filterParser) match(path []string) condition {
	if !p.take('/') {
		p.fail("a /text/ is expected")
		return nil
	}
	n := strings.IndexByte(p.src[p.pos:], '/')
	if n < 0 {
		p.fail("the second / is missing")
		return nil
	}
	text := p.src[p.pos : p.pos+n]
	p.pos += n + 1
	re, err := regexp.Compile("(?i)" + text)
	if err != nil {
		re = regexp.MustCompile("(?i)" + regexp.QuoteMeta(text))
	}
	return func(r Record) bool {
		return anyAt(r, path, func(got any) bool {
			s, ok := got.(string)
			return ok && re.MatchString(s)
		})
	}
}

func (p *filterParser) value() (any, bool) {
	if p.take('\'') {
		// Clients don't escape quotes: a text ends at one after which a filter can go on.
		from := p.pos
		for i := from; i < len(p.src); i++ {
			if p.src[i] == '\'' && endsValue(p.src[i+1:]) {
				p.pos = i + 1
				return strings.ReplaceAll(p.src[from:i], "''", "'"), true
			}
		}
		p.fail("the closing quote is missing")
		return nil, false
	}
	w := p.word()
	switch strings.ToLower(w) {
	case "":
		p.fail("a value is expected")
		return nil, false
	case "null":
		return nil, true
	case "true":
		return true, true
	case "false":
		return false, true
	}
	if d, ok := parseDecimal(w); ok {
		return d, true
	}
	return w, true
}

func endsValue(rest string) bool {
	rest = strings.TrimLeft(rest, " \t\r\n")
	if rest == "" || strings.IndexByte(")],", rest[0]) >= 0 {
		return true
	}
	w, _, _ := strings.Cut(rest, " ")
	return strings.EqualFold(w, "and") || strings.EqualFold(w, "or")
}

func sameValue(got, want any) bool {
	if got == nil || want == nil {
		return got == nil && want == nil
	}
	if b, ok := got.(bool); ok {
		w, ok := want.(bool)
		return ok && b == w
	}
	c, ok := orderValues(got, want)
	return ok && c == 0
}

// orderValues compares a record's value with a filter's: numbers as numbers, times as instants, else texts.
func orderValues(got, want any) (int, bool) {
	if w, ok := want.(decimal.Decimal); ok {
		if text, ok := got.(string); ok {
			return strings.Compare(text, w.String()), true
		}
		d, ok := decimalOf(got)
		return d.Cmp(w), ok
	}
	w, ok := want.(string)
	if !ok {
		return 0, false
	}
	if wt, ok := instant(w); ok {
		if gt, ok := instant(got); ok {
			return gt.Compare(wt), true
		}
	}
	switch g := got.(type) {
	case map[string]any, []any, nil, bool:
		return 0, false
	case string:
		return strings.Compare(g, w), true
	}
	if g, ok := decimalOf(got); ok {
		if d, ok := parseDecimal(w); ok {
			return g.Cmp(d), true
		}
	}
	return strings.Compare(str(got), w), true
}

func instant(v any) (time.Time, bool) {
	switch x := v.(type) {
	case time.Time:
		return x, true
	case string:
		if len(x) < len(time.DateOnly) || x[4] != '-' {
			return time.Time{}, false
		}
		if t, err := time.Parse(time.DateOnly, x); err == nil {
			return t, true
		}
		for _, l := range timeLayouts {
			if t, err := time.Parse(l, x); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}
