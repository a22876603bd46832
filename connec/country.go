package connec

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// alpha2 returns a copy of attributes in which countries are ISO 3166 alpha-2 codes, where they are known.
func alpha2(a *attr, v any) any {
	switch x := v.(type) {
	case string:
		if a.country {
			return countryCode(x)
		}
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, e := range x {
			out[name] = alpha2(a.prop(name), e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = alpha2(a.item(), e)
		}
		return out
	}
	return v
}

// countryCode finds the code of a country by code ("FR", "FRA", "250") or English name; it returns what it doesn't know as it is.
func countryCode(s string) string {
	key := countryKey(s)
	if len(key) == 2 || len(key) == 3 {
		if key == "uk" {
			return "GB"
		}
		if r, err := language.ParseRegion(key); err == nil && r.IsCountry() {
			return r.String()
		}
	}
	if code, ok := countryNames()[key]; ok {
		return code
	}
	return s
}

func countryKey(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "the ")
	return strings.NewReplacer("&", "and", ".", "", ",", "", "’", "'", "st ", "saint ").Replace(s)
}

var countryNames = sync.OnceValue(func() map[string]string {
	out := map[string]string{
		"united states of america": "US", "america": "US", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
		"northern ireland": "GB", "holland": "NL", "czech republic": "CZ", "russian federation": "RU", "south korea": "KR", "korea": "KR",
		"republic of korea": "KR", "north korea": "KP", "viet nam": "VN", "ivory coast": "CI", "burma": "MM", "macedonia": "MK",
		"swaziland": "SZ", "turkey": "TR", "cape verde": "CV", "hong kong": "HK", "macau": "MO", "taiwan": "TW", "bosnia": "BA",
		"congo": "CG", "democratic republic of the congo": "CD", "east timor": "TL", "vatican city": "VA", "palestine": "PS",
		"iran islamic republic of": "IR", "venezuela bolivarian republic of": "VE", "tanzania united republic of": "TZ", "brunei darussalam": "BN",
		"lao people's democratic republic": "LA", "moldova republic of": "MD", "syrian arab republic": "SY",
	}
	namer := display.English.Regions()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			r, err := language.ParseRegion(string([]rune{a, b}))
			if err != nil || !r.IsCountry() || r.String() != string([]rune{a, b}) {
				continue
			}
			if name := countryKey(namer.Name(r)); name != "" {
				if _, ok := out[name]; !ok {
					out[name] = r.String()
				}
			}
		}
	}
	return out
})
