package hubhttp

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestV2Like(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"abc", "abc", true},
		{"abc", "abcd", false},
		{"%", "", true},
		{"%b%", "abc", true},
		{"a%c", "abc", true},
		{"a%c", "ab", false},
		{"%a%a%", "a", false},
		{"a%a", "a", false},
		{"ab%ba", "aba", false},
		{"%%", "x", true},
		{"", "", true},
		{"", "x", false},
	} {
		require.Equal(t, c.want, v2Like(c.pattern, c.text), "%q %q", c.pattern, c.text)
	}
}

func FuzzV2Query(f *testing.F) {
	for _, q := range []string{
		"page[number]=2&page[size]=5&sort=-name,id&include=a,b.c&fields[x]=a,b&filter[id][]=1&filter[id][]=2", "filter[name.like]=%25a%25&first",
		"filter[owner.id]=3&filter[created_at.gt]=2026-01-01&_locale=en", "page[", "filter[]=1", "sort=,&include=..", "filter[x.in]=,",
	} {
		f.Add(q)
	}
	o := &v2Object{kind: "x", number: 7, attributes: map[string]any{
		"name": "Ada", "nothing": nil, "count": 3, "big": int64(4), "created_at": time.Unix(0, 0), "owner_id": int64(3), "flag": true, "list": []string{"a"},
	}}
	f.Fuzz(func(t *testing.T, raw string) {
		r := httptest.NewRequest(http.MethodGet, "/api/mnoe/v2/x", nil)
		r.URL.RawQuery = raw
		q, err := parseV2(r)
		if err != nil {
			return
		}
		_, _ = q.keep(o)
		_ = q.order([]*v2Object{o, o})
		for _, total := range []int{0, 1, 100} {
			links := q.links("/api/mnoe/v2/x", total)
			if next, ok := links["next"]; ok {
				u, err := url.Parse(next)
				require.NoError(t, err)
				require.NotEmpty(t, links["last"])
				again := httptest.NewRequest(http.MethodGet, u.RequestURI(), nil)
				following, err := parseV2(again)
				require.NoError(t, err)
				require.Equal(t, q.number+1, following.number, "following next goes on")
				require.Equal(t, q.size, following.size)
				require.Len(t, following.filters, len(q.filters))
			}
		}
	})
}
