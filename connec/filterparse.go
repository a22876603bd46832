package connec

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

// Bounds of a filter.
const (
	maxFilterBytes       = 64 << 10
	maxFilterDepth       = 50
	maxFilterComparisons = 500
	maxFilterValues      = 5000
	maxPathSteps         = 16
)

// FilterScope tells [ParseFilter] what the names in a filter mean. The zero scope knows no attributes.
type FilterScope struct {
	// Attribute finds a declared attribute. The kind is empty for one that isn't declared or isn't a plain value.
	Attribute func(names []string) (Path, FilterKind)
	// Constants are names with the same text on every record.
	Constants map[string]string
}

// ParseFilter reads a filter expression:
//
//	filter  := clause { ("and" | "or") clause }      "and" binds tighter; both also in capitals
//	clause  := field op value | "not" clause | "(" filter ")"
//	field   := name { ("." | "/") name }             "_id" and "id" are the record's id
//	op      := eq | ne | gt | gte | lt | lte | match | in
//	value   := 'text' | number | true | false | null | date | /pattern/ | "[" item { "," item } "]"
//
// A text may hold single quotes as they are or doubled: it ends at a quote that is followed by the end, ")", "]", ",", "and" or "or". So does
// a pattern end at a slash; for its meaning see [Pattern]. A value is read as the attribute's declared type, so dates compare as
// instants and '3' equals 3; for an undeclared attribute a text that looks like a number equals both the text and the number. "ne" holds
// also for records without the attribute; "eq null" and "ne null" ask for absence and presence.
//
// A malformed filter is a *ValidationError for the path "$filter" whose reason names the byte position, counted from 0.
func ParseFilter(expr string, scope FilterScope) (Filter, error) {
	p := &filterParser{in: expr, scope: scope}
	switch {
	case len(expr) > maxFilterBytes:
		return nil, problem.Invalid(ErrInvalid, "$filter", "must not be longer than %d bytes", maxFilterBytes)
	case !utf8.ValidString(expr):
		return nil, problem.Invalid(ErrInvalid, "$filter", "must be UTF-8")
	case strings.ContainsRune(expr, 0):
		return nil, problem.Invalid(ErrInvalid, "$filter", "must not contain the character NUL, at byte %d", strings.IndexByte(expr, 0))
	}
	f, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.pos < len(p.in) {
		return nil, p.errorf(p.pos, `"and", "or" or the end expected`)
	}
	return f, nil
}

type filterParser struct {
	in                  string
	pos                 int
	comparisons, values int
	scope               FilterScope
}

func (p *filterParser) errorf(at int, format string, args ...any) error {
	return problem.Invalid(ErrInvalid, "$filter", "%s at byte %d", fmt.Sprintf(format, args...), at)
}

func (p *filterParser) space() {
	p.pos = skipSpace(p.in, p.pos)
}

func skipSpace(s string, i int) int {
	for i < len(s) && strings.IndexByte(" \t\r\n", s[i]) >= 0 {
		i++
	}
	return i
}

// keyword consumes one of words when it stands at the position as a whole word.
func (p *filterParser) keyword(word string) bool {
	p.space()
	if end := wordEnd(p.in, p.pos, word); end > 0 {
		p.pos = end
		return true
	}
	return false
}

func wordEnd(s string, at int, word string) int {
	end := at + len(word)
	if end > len(s) || !strings.EqualFold(s[at:end], word) {
		return 0
	}
	if end < len(s) && strings.IndexByte(" \t\r\n(", s[end]) < 0 {
		return 0
	}
	return end
}

func (p *filterParser) or(depth int) (Filter, error) {
	return p.chain("or", func() (Filter, error) {
		return p.chain("and", func() (Filter, error) { return p.clause(depth) }, func(fs []Filter) Filter { return FilterAnd(fs) })
	}, func(fs []Filter) Filter { return FilterOr(fs) })
}

func (p *filterParser) chain(word string, next func() (Filter, error), join func([]Filter) Filter) (Filter, error) {
	var parts []Filter
	for {
		f, err := next()
		if err != nil {
			return nil, err
		}
		if parts = append(parts, f); !p.keyword(word) {
			break
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return join(parts), nil
}

func (p *filterParser) clause(depth int) (Filter, error) {
	if depth > maxFilterDepth {
		return nil, p.errorf(p.pos, "nested deeper than %d", maxFilterDepth)
	}
	if p.space(); p.pos < len(p.in) && p.in[p.pos] == '(' {
		p.pos++
		f, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.space(); p.pos == len(p.in) || p.in[p.pos] != ')' {
			return nil, p.errorf(p.pos, `")" expected`)
		}
		p.pos++
		return f, nil
	}
	if start := p.pos; p.keyword("not") {
		// An attribute may be called "not".
		if op, _ := p.peekOperator(); op == "" {
			f, err := p.clause(depth + 1)
			if err != nil {
				return nil, err
			}
			return FilterNot{f}, nil
		}
		p.pos = start
	}
	return p.comparison()
}

// peekOperator tells the operator at the position and where it ends.
func (p *filterParser) peekOperator() (op string, end int) {
	i := skipSpace(p.in, p.pos)
	end = i
	for end < len(p.in) && isLetter(p.in[end]) {
		end++
	}
	switch op = strings.ToLower(p.in[i:end]); op {
	case "ge", "le":
		op = op[:1] + "te"
	case "eq", "ne", "gt", "gte", "lt", "lte", "match", "in":
	default:
		return "", i
	}
	return op, end
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func (p *filterParser) comparison() (Filter, error) {
	if p.comparisons++; p.comparisons > maxFilterComparisons {
		return nil, p.errorf(p.pos, "more than %d comparisons", maxFilterComparisons)
	}
	names, err := p.field()
	if err != nil {
		return nil, err
	}
	op, end := p.peekOperator()
	if op == "" {
		return nil, p.errorf(end, "an operator (eq, ne, gt, gte, lt, lte, match, in) expected")
	}
	p.pos = end
	p.space()
	if op == "in" {
		vs, err := p.list()
		if err != nil {
			return nil, err
		}
		return p.build(names, op, vs)
	}
	v, err := p.value(op == "match")
	if err != nil {
		return nil, err
	}
	return p.build(names, op, []filterValue{v})
}

func (p *filterParser) field() ([]string, error) {
	var names []string
	for {
		start := p.pos
		for p.pos < len(p.in) {
			r, n := utf8.DecodeRuneInString(p.in[p.pos:])
			if r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				break
			}
			p.pos += n
		}
		if p.pos == start {
			return nil, p.errorf(start, "the name of an attribute expected")
		}
		if names = append(names, p.in[start:p.pos]); len(names) > maxPathSteps {
			return nil, p.errorf(start, "a path of more than %d names", maxPathSteps)
		}
		if p.pos == len(p.in) || p.in[p.pos] != '.' && p.in[p.pos] != '/' {
			return names, nil
		}
		p.pos++
	}
}

type valueKind int

const (
	valueText valueKind = iota // in quotes
	valueBare
	valueNumber
	valueBool
	valueNull
	valuePattern
)

type filterValue struct {
	kind valueKind
	text string
	at   int
}

func (p *filterParser) list() ([]filterValue, error) {
	closing := byte(']')
	switch {
	case p.pos < len(p.in) && p.in[p.pos] == '[':
	case p.pos < len(p.in) && p.in[p.pos] == '(':
		closing = ')'
	default:
		return nil, p.errorf(p.pos, `"[" expected`)
	}
	p.pos++
	var vs []filterValue
	for {
		p.space()
		if len(vs) == 0 && p.pos < len(p.in) && p.in[p.pos] == closing {
			p.pos++
			return vs, nil
		}
		v, err := p.value(false)
		if err != nil {
			return nil, err
		}
		vs = append(vs, v)
		if p.space(); p.pos == len(p.in) || p.in[p.pos] != ',' && p.in[p.pos] != closing {
			return nil, p.errorf(p.pos, `"," or "%c" expected`, closing)
		}
		p.pos++
		if p.in[p.pos-1] == closing {
			return vs, nil
		}
	}
}

func (p *filterParser) value(pattern bool) (filterValue, error) {
	start := p.pos
	if p.values++; p.values > maxFilterValues {
		return filterValue{}, p.errorf(start, "more than %d values", maxFilterValues)
	}
	if start == len(p.in) {
		return filterValue{}, p.errorf(start, "a value expected")
	}
	switch c := p.in[start]; {
	case c == '\'':
		text, ok := p.delimited('\'')
		if !ok {
			return filterValue{}, p.errorf(start, "the text that begins here does not end")
		}
		return filterValue{valueText, text, start}, nil
	case c == '/' && pattern:
		text, ok := p.delimited('/')
		if !ok {
			return filterValue{}, p.errorf(start, "the pattern that begins here does not end")
		}
		return filterValue{valuePattern, text, start}, nil
	}
	for p.pos < len(p.in) && strings.IndexByte(" \t\r\n()[],'", p.in[p.pos]) < 0 {
		p.pos++
	}
	word := p.in[start:p.pos]
	switch {
	case word == "":
		return filterValue{}, p.errorf(start, "a value expected")
	case strings.EqualFold(word, "true"), strings.EqualFold(word, "false"):
		return filterValue{valueBool, strings.ToLower(word), start}, nil
	case strings.EqualFold(word, "null"):
		return filterValue{valueNull, "", start}, nil
	}
	if _, ok := parseNumber(word); ok {
		return filterValue{valueNumber, word, start}, nil
	}
	// The + of an offset that was not escaped in a URL arrives as a space.
	if rest := p.in[p.pos:]; len(word) >= len("2006-01-02T15:04:05") && len(rest) >= 6 && rest[0] == ' ' && rest[3] == ':' {
		if _, ok := parseTime(word + "+" + rest[1:6]); ok {
			p.pos += 6
			word += "+" + rest[1:6]
		}
	}
	return filterValue{valueBare, word, start}, nil
}

// delimited reads a text between quotes, or a pattern between slashes, whose end is a delimiter with the end of a clause behind it.
func (p *filterParser) delimited(delim byte) (string, bool) {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.in); i++ {
		switch {
		case p.in[i] != delim:
			b.WriteByte(p.in[i])
		case p.ends(i + 1):
			p.pos = i + 1
			return b.String(), true
		default:
			b.WriteByte(delim)
			if delim == '\'' && p.in[i+1] == '\'' && !p.ends(i+2) {
				i++
			}
		}
	}
	return "", false
}

// ends tells whether a value may end before byte i.
func (p *filterParser) ends(i int) bool {
	j := skipSpace(p.in, i)
	if j == len(p.in) || strings.IndexByte(")],", p.in[j]) >= 0 {
		return true
	}
	return j > i && (wordEnd(p.in, j, "and") > 0 || wordEnd(p.in, j, "or") > 0)
}

// parseNumber accepts JSON's numbers that fit a double.
func parseNumber(s string) (float64, bool) {
	if _, ok := canonicalNumber(s); !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}
