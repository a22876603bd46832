package impac

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// params are a widget's metadata. What comes over the wire in a query holds text only, so "5" is a number and "true" is true.
type params map[string]any

func (p params) text(name string) string {
	s, _ := p[name].(string)
	return s
}

// oneOf reads a choice, in the spelling of choices; the first is the default.
func (p params) oneOf(name string, choices ...string) (string, error) {
	s := p.text(name)
	if s == "" {
		return choices[0], nil
	}
	for _, c := range choices {
		if strings.EqualFold(s, c) {
			return c, nil
		}
	}
	return "", invalid("metadata."+name, "must be one of %s", strings.Join(choices, ", "))
}

func (p params) boolean(name string) bool {
	switch v := p[name].(type) {
	case bool:
		return v
	case string:
		b, _ := strconv.ParseBool(v)
		return b
	}
	return false
}

// integer reads a number between low and high; def when there is none.
func (p params) integer(name string, def, low, high int) (int, error) {
	v := p[name]
	if v == nil || v == "" {
		return def, nil
	}
	d, ok := decimalOf(v)
	if !ok || !d.IsInteger() || d.LessThan(decimalOfInt(low)) || d.GreaterThan(decimalOfInt(high)) {
		return 0, invalid("metadata."+name, "must be a whole number from %d to %d", low, high)
	}
	return int(d.IntPart()), nil
}

func (p params) object(name string) params {
	m, _ := p[name].(map[string]any)
	return m
}

// organizations reads organization_ids.
func (p params) organizations() ([]string, error) {
	const path = "metadata.organization_ids"
	var uids []string
	switch v := p["organization_ids"].(type) {
	case string:
		uids = []string{v}
	case []string:
		uids = slices.Clone(v)
	case []any:
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, invalid(path, "must hold the ids of organizations")
			}
			uids = append(uids, s)
		}
	case nil:
	default:
		return nil, invalid(path, "must be a list of ids of organizations")
	}
	return uids, checkOrganizations(path, uids)
}

// offset reads utc_offset, minutes east of UTC.
func (p params) offset() (time.Duration, error) {
	m, err := p.integer("utc_offset", 0, -24*60, 24*60)
	return time.Duration(m) * time.Minute, err
}

// currency reads the currency that figures are asked in, "" when none is.
func (p params) currency() (string, error) {
	c := strings.ToUpper(p.text("currency"))
	if c != "" && !isCurrency(c) {
		return "", invalid("metadata.currency", "must be an ISO 4217 code, such as USD")
	}
	return c, nil
}

func decimalOfInt(n int) decimal.Decimal { return decimal.NewFromInt(int64(n)) }
