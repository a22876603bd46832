package connec

import (
	"strconv"
	"strings"
	"time"
)

// String implements Filter.
func (f FilterAnd) String() string { return join([]Filter(f), " and ", "true") }

// String implements Filter.
func (f FilterOr) String() string { return join([]Filter(f), " or ", "false") }

// String implements Filter.
func (f FilterNot) String() string { return "not (" + f.Filter.String() + ")" }

// String implements Filter.
func (f FilterConst) String() string { return strconv.FormatBool(bool(f)) }

// String implements Filter.
func (f FilterCompare) String() string {
	switch f.Op {
	case FilterExists:
		return f.Path.String() + " ne null"
	case FilterMatch:
		return f.Path.String() + " match /" + string(f.Pattern) + "/"
	case FilterIn:
		vs := make([]string, len(f.Values))
		for i, v := range f.Values {
			vs[i] = literal(v)
		}
		return f.Path.String() + " in [" + strings.Join(vs, ",") + "]"
	default:
		return f.Path.String() + " " + string(f.Op) + " " + literal(f.Values[0])
	}
}

func join(parts []Filter, sep, empty string) string {
	if len(parts) == 0 {
		return empty
	}
	ss := make([]string, len(parts))
	for i, p := range parts {
		ss[i] = p.String()
	}
	return "(" + strings.Join(ss, sep) + ")"
}

func literal(v any) string {
	switch x := v.(type) {
	case bool:
		return strconv.FormatBool(x)
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case time.Time:
		return "'" + FormatTime(x) + "'"
	case string:
		return "'" + x + "'"
	}
	return "null"
}
