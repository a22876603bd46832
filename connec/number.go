package connec

import (
	"math"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// canonicalNumber checks that s is a number of JSON that fits a double, and writes it without exponent, without a plus sign,
// leading zeros or a negative zero. Trailing zeros stay: 10.50 is what was sent. Databases print JSON numbers in just this form.
func canonicalNumber(s string) (string, bool) {
	if len(s) > 400 || !isJSONNumber(s) {
		return "", false
	}
	if f, err := strconv.ParseFloat(s, 64); err != nil || math.IsInf(f, 0) {
		return "", false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if exp, err := strconv.Atoi(s[i+1:]); err != nil || exp < -400 {
			return "", false
		}
		d, err := decimal.NewFromString(s)
		if err != nil {
			return "", false
		}
		s = d.String()
	}
	if strings.HasPrefix(s, "-") && !strings.ContainsAny(s, "123456789") {
		s = s[1:]
	}
	return s, true
}

// isJSONNumber follows the grammar of RFC 8259.
func isJSONNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s != "" && s[0]|0x20 == 'e' {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := digits(s)
		if n == 0 {
			return false
		}
		s = s[n:]
	}
	return s == ""
}

func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
