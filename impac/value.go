package impac

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// lookup follows a path through objects and, where a step is a number, lists. It returns nil where there is nothing.
func lookup(v any, path []string) any {
	for _, step := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case Record:
			v = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// at is lookup by a dotted path.
func at(v any, path string) any { return lookup(v, strings.Split(path, ".")) }

// textOf is a value as the text that it groups by. Numbers that are equal have equal texts. There is none for nil.
func textOf(v any) (string, bool) {
	switch x := v.(type) {
	case nil:
		return "", false
	case string:
		return x, true
	case bool:
		return strconv.FormatBool(x), true
	case time.Time:
		return x.UTC().Format(time.RFC3339Nano), true
	}
	if d, ok := decimalOf(v); ok {
		return d.String(), true
	}
	b, err := json.Marshal(v)
	if err != nil || string(b) == "null" {
		return "", false
	}
	return string(b), true
}

// str is a value as text, "" for none.
func str(v any) string {
	s, _ := textOf(v)
	return s
}

// maxExponent bounds what counts as a figure: 1e999999999 would take all memory when it is added to 1.
const maxExponent = 100

// decimalOf is a value as a figure: a number, or a text that is one.
func decimalOf(v any) (decimal.Decimal, bool) {
	switch x := v.(type) {
	case nil, bool, map[string]any, []any, time.Time:
		return decimal.Decimal{}, false
	case json.Number:
		return parseDecimal(string(x))
	case string:
		return parseDecimal(strings.TrimSpace(x))
	case decimal.Decimal:
		return x, true
	case int:
		return decimal.NewFromInt(int64(x)), true
	case int64:
		return decimal.NewFromInt(x), true
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return decimal.Decimal{}, false
		}
		return parseDecimal(strconv.FormatFloat(x, 'g', -1, 64))
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decimal.NewFromInt(r.Int()), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return parseDecimal(strconv.FormatUint(r.Uint(), 10))
	case reflect.Float32:
		return parseDecimal(strconv.FormatFloat(r.Float(), 'g', -1, 32))
	}
	return decimal.Decimal{}, false
}

func parseDecimal(s string) (decimal.Decimal, bool) {
	if s == "" || len(s) > maxExponent {
		return decimal.Decimal{}, false
	}
	if c := s[0]; (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Exponent() > maxExponent || d.Exponent() < -2*maxExponent {
		return decimal.Decimal{}, false
	}
	return d, true
}

// number is a figure as it goes into content: exact to four digits behind the point, more than any currency has.
func number(d decimal.Decimal) json.Number { return json.Number(d.Round(4).String()) }

func numbers(ds []decimal.Decimal) []any {
	out := make([]any, len(ds))
	for i, d := range ds {
		out[i] = number(d)
	}
	return out
}

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00"}

// dayOf is the day that a value falls on in the zone that lies offset east of UTC. A value that names only a day, as
// "2026-01-31" or as midnight UTC, which is how Connec keeps dates, is that day in every zone.
func dayOf(v any, offset time.Duration) (time.Time, bool) {
	var t time.Time
	switch x := v.(type) {
	case time.Time:
		t = x.UTC()
	case string:
		if len(x) == len(time.DateOnly) {
			t, err := time.Parse(time.DateOnly, x)
			return t, err == nil
		}
		var err error
		for _, l := range timeLayouts {
			if t, err = time.Parse(l, x); err == nil {
				break
			}
		}
		if err != nil {
			return time.Time{}, false
		}
		t = t.UTC()
	default:
		return time.Time{}, false
	}
	day := date(t.Year(), t.Month(), t.Day())
	if offset == 0 || t.Equal(day) {
		return day, true
	}
	t = t.Add(offset)
	return date(t.Year(), t.Month(), t.Day()), true
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// periodStart is the first day of the period that a day is in.
func periodStart(day time.Time, iv Interval) time.Time {
	switch iv {
	case Weekly:
		return day.AddDate(0, 0, -((int(day.Weekday()) + 6) % 7))
	case Monthly:
		return date(day.Year(), day.Month(), 1)
	case Quarterly:
		return date(day.Year(), (day.Month()-1)/3*3+1, 1)
	case Yearly:
		return date(day.Year(), 1, 1)
	default:
		return day
	}
}
