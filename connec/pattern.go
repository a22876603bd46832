package connec

import "strings"

// Pattern is what the filter operator match looks for: a text that a string contains, without regard to the case of the ASCII letters
// (and only theirs: databases disagree about the others). These characters have a meaning:
//
//	.    any character
//	.*   any characters, or none
//	^    at the start of an alternative: the string begins here
//	$    at the end of an alternative: the string ends here
//	|    separates alternatives
//	\    takes the character behind it as it is
//
// All others, also those that mean more in other regular expressions, stand for themselves; so every text is a valid pattern,
// and every pattern is a few LIKE expressions.
type Pattern string

// Like gives the pattern as LIKE patterns, one of which must match the string after both went through ASCII lower casing. The escape
// character is the backslash; "_" matches one character (code point) and "%" any number.
func (p Pattern) Like() []string {
	var out []string
	for _, tokens := range p.alternatives() {
		var b strings.Builder
		for _, t := range tokens {
			switch {
			case t.kind == anyRun:
				b.WriteByte('%')
			case t.kind == anyOne:
				b.WriteByte('_')
			case t.r == '%' || t.r == '_' || t.r == '\\':
				b.WriteByte('\\')
				b.WriteRune(t.r)
			default:
				b.WriteRune(t.r)
			}
		}
		out = append(out, b.String())
	}
	return out
}

// Match tells whether s matches.
func (p Pattern) Match(s string) bool {
	runes := []rune(s)
	for i, r := range runes {
		runes[i] = lowerASCII(r)
	}
	for _, tokens := range p.alternatives() {
		if matchTokens(tokens, runes) {
			return true
		}
	}
	return false
}

type tokenKind int

const (
	oneRune tokenKind = iota
	anyOne
	anyRun
)

type token struct {
	kind tokenKind
	r    rune
}

func (p Pattern) alternatives() [][]token {
	var out [][]token
	cur := []token{{kind: anyRun}}
	end := func() {
		out = append(out, append(cur, token{kind: anyRun}))
		cur = []token{{kind: anyRun}}
	}
	runes := []rune(string(p))
	start := true // of an alternative
	closed := false
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		last := i+1 == len(runes) || runes[i+1] == '|'
		switch {
		case r == '|':
			if closed {
				out = append(out, cur)
				cur = []token{{kind: anyRun}}
			} else {
				end()
			}
			start, closed = true, false
			continue
		case r == '^' && start:
			cur = cur[:0]
		case r == '$' && last:
			closed = true
		case r == '.' && i+1 < len(runes) && runes[i+1] == '*':
			cur = append(cur, token{kind: anyRun})
			i++
		case r == '.':
			cur = append(cur, token{kind: anyOne})
		case r == '\\' && i+1 < len(runes):
			i++
			cur = append(cur, token{r: lowerASCII(runes[i])})
		default:
			cur = append(cur, token{r: lowerASCII(r)})
		}
		start = false
	}
	if closed {
		return append(out, cur)
	}
	end()
	return out
}

// matchTokens is the usual wildcard match: on a mismatch it goes back to the last run only, so it takes at most len(tokens)*len(s) steps.
func matchTokens(tokens []token, s []rune) bool {
	ti, si, lastRun, mark := 0, 0, -1, 0
	for si < len(s) {
		switch {
		case ti < len(tokens) && tokens[ti].kind == anyRun:
			lastRun, mark = ti, si
			ti++
		case ti < len(tokens) && (tokens[ti].kind == anyOne || tokens[ti].r == s[si]):
			ti++
			si++
		case lastRun >= 0:
			mark++
			ti, si = lastRun+1, mark
		default:
			return false
		}
	}
	for ti < len(tokens) && tokens[ti].kind == anyRun {
		ti++
	}
	return ti == len(tokens)
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}
