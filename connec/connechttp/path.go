package connechttp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Serves reports whether the path of r is one that [NewHandler]'s handler serves. It is for dispatching to it without a
// ServeMux, which would redirect paths with doubled slashes that the handler accepts.
func Serves(r *http.Request) bool {
	segs := splitPath(r.URL)
	switch {
	case len(segs) == 0:
		return false
	case len(segs) == 1:
		return segs[0] == "batch" || segs[0] == "version"
	default:
		return segs[0] == "api" && segs[1] == "v2"
	}
}

// splitPath returns the segments of a path as the API means it: unescaped, without empty ones, and without the suffix .json
// wherever clients put it. The group keeps it unless it comes last: it is the only segment that may look like a file name.
func splitPath(u *url.URL) []string {
	p := u.Path
	if u.RawPath != "" {
		p = u.EscapedPath()
	}
	segs := make([]string, 0, 6)
	for s := range strings.SplitSeq(p, "/") {
		if s == "" {
			continue
		}
		if u.RawPath != "" {
			if d, err := url.PathUnescape(s); err == nil {
				s = d
			}
		}
		segs = append(segs, s)
	}
	for i := len(segs) - 1; i >= 0; i-- {
		if i != len(segs)-1 && i < 3 {
			break
		}
		if segs[i] = strings.TrimSuffix(segs[i], ".json"); segs[i] == "" {
			segs = slices.Delete(segs, i, i+1)
		}
	}
	return segs
}

// tidyQuery makes a raw query readable that a browser or an old SDK has not escaped: a semicolon and a stray percent sign stand for
// themselves, where net/url would drop the parameter. Empty parameters mean nothing and go.
func tidyQuery(raw string) string {
	if !strings.ContainsAny(raw, ";%&=") {
		return raw
	}
	var b strings.Builder
	b.Grow(len(raw))
	for pair := range strings.SplitSeq(raw, "&") {
		if _, v, _ := strings.Cut(pair, "="); v == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		for i := 0; i < len(pair); i++ {
			switch c := pair[i]; {
			case c == ';':
				b.WriteString("%3B")
			case c == '%' && (i+2 >= len(pair) || !isHex(pair[i+1]) || !isHex(pair[i+2])):
				b.WriteString("%25")
			default:
				b.WriteByte(c)
			}
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
