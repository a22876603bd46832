package connechttp

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
)

func TestSplitPath(t *testing.T) {
	for path, want := range map[string]string{
		"/version":                                "version",
		"/version.json":                           "version",
		"/batch/":                                 "batch",
		"/api/v2/cld-1/people":                    "api v2 cld-1 people",
		"/api/v2/cld-1/people/":                   "api v2 cld-1 people",
		"/api/v2/cld-1/people.json":               "api v2 cld-1 people",
		"/api/v2/cld-1/people/.json":              "api v2 cld-1 people",
		"/api/v2/cld-1/people.json/9e0c":          "api v2 cld-1 people 9e0c",
		"/api/v2/cld-1/people/9e0c.json":          "api v2 cld-1 people 9e0c",
		"/api/v2/cld-1/people/9e0c/history.json/": "api v2 cld-1 people 9e0c history",
		"//api/v2//cld-1.json":                    "api v2 cld-1",
		"/api/v2/shop.json/people":                "api v2 shop.json people",
		"/api/v2/cld-1/people/a%2Fb":              "api v2 cld-1 people a/b",
		"/api/v2/cld-1/people/%25":                "api v2 cld-1 people %",
		"/":                                       "",
	} {
		u, err := url.Parse("http://x" + path)
		require.NoError(t, err)
		require.Equal(t, want, strings.Join(splitPath(u), " "), path)
	}
}

func TestServes(t *testing.T) {
	for path, want := range map[string]bool{
		"/version": true, "/batch": true, "//api//v2/org-1": true, "/api/v2/cld-1/people.json": true,
		"/": false, "/api/v1/x": false, "/versions": false, "/console/api/v2": false,
	} {
		require.Equal(t, want, Serves(&http.Request{URL: &url.URL{Path: path}}), path)
	}
}

func TestTidyQuery(t *testing.T) {
	for raw, want := range map[string]string{
		"$filter=name eq 'a;b'&$top=":                          "name eq 'a;b'",
		"%24filter=status+ne+'ARCHIVED'":                       "status ne 'ARCHIVED'",
		"$filter=rate%20eq%20'5%'":                             "rate eq '5%'",
		"$filter=code%20match%20/50%25/":                       "code match /50%/",
		"$filter=updated_at gt '2017-03-01T10:00:00Z'&$top=50": "updated_at gt '2017-03-01T10:00:00Z'",
	} {
		q, err := url.ParseQuery(tidyQuery(raw))
		require.NoError(t, err)
		require.Equal(t, want, q.Get("$filter"), raw)
		require.NotContains(t, q["$top"], "")
	}
}

func FuzzTidyQuery(f *testing.F) {
	for _, s := range []string{"$filter=a;b&$top=5", "%24skip=1&%", "a=%zz&b=%2", "&&=&=;", "a=b=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		tidy := tidyQuery(raw)
		if _, err := url.ParseQuery(tidy); err != nil {
			t.Fatalf("%q became %q, which is malformed: %v", raw, tidy, err)
		}
		if again := tidyQuery(tidy); again != tidy {
			t.Fatalf("%q became %q and then %q", raw, tidy, again)
		}
	})
}

func FuzzRoute(f *testing.F) {
	for _, s := range []string{"/api/v2/g/people.json", "//api/v2/g/people/.json//", "/api/v2/g/people/%2F/history", "/..", "/api/v2/%zz", "/.json.json"} {
		f.Add(s)
	}
	h := NewHandler(nil)
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || u.Host != "" {
			return // not a path that a server gets
		}
		segs := splitPath(u)
		for _, s := range segs {
			if s == "" {
				t.Fatalf("%q has an empty segment: %q", path, segs)
			}
		}
		found, allow := h.(*handler).router.find(http.MethodPatch, segs)
		if found != nil {
			t.Fatalf("PATCH %q is an operation", path)
		}
		// No path is without an answer, and none reaches the service here.
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, &http.Request{Method: http.MethodPatch, URL: u, Header: http.Header{}, Body: http.NoBody})
		want := http.StatusNotFound
		if len(allow) > 0 {
			want = http.StatusMethodNotAllowed
		}
		if rec.Code != want {
			t.Fatalf("PATCH %q: status %d, not %d", path, rec.Code, want)
		}
	})
}

func TestNames(t *testing.T) {
	var types []*connec.ResourceType
	for _, n := range []string{
		"people", "tax_codes", "company", "app_users", "warehouses", "opportunities", "leave_applications", "invoices", "credit_notes", "contacts",
	} {
		types = append(types, &connec.ResourceType{Name: n})
	}
	table := newNameTable(types)
	for name, want := range map[string]string{
		"people": "people", "person": "people", "Person": "people", "PERSONS": "people", "People": "people",
		"TaxCode": "tax_codes", "tax_code": "tax_codes", "TAXCODES": "tax_codes", "TaxCodes": "tax_codes",
		"company": "company", "Company": "company", "COMPANYS": "company",
		"AppUser": "app_users", "App_User": "app_users", "warehouse": "warehouses", "Opportunity": "opportunities",
		"LeaveApplication": "leave_applications", "Invoice": "invoices", "credit-note": "credit_notes", "contact": "contacts",
	} {
		rt := table.find(name)
		require.NotNil(t, rt, name)
		require.Equal(t, want, rt.Name, name)
	}
	for _, name := range []string{"", "leads", "p", "é", "peoples_"} {
		if rt := table.find(name); rt != nil && name != "peoples_" {
			t.Errorf("%q means %s", name, rt.Name)
		}
	}
}

func TestRouterPrefersLiterals(t *testing.T) {
	h := NewHandler(nil).(*handler)
	for request, want := range map[string]string{
		"GET api v2 json_schema people":     "/api/v2/json_schema/{collection}",
		"GET api v2 json_schema changes":    "/api/v2/json_schema/{collection}",
		"PUT api v2 subscriptions changes":  "/api/v2/subscriptions/{id}",
		"GET api v2 cld-1 changes":          "/api/v2/{group}/changes",
		"GET api v2 cld-1 people":           "/api/v2/{group}/{collection}",
		"HEAD api v2 cld-1 people":          "/api/v2/{group}/{collection}",
		"GET api v2 cld-1 people example":   "/api/v2/{group}/{collection}/example",
		"PUT api v2 cld-1 people example":   "/api/v2/{group}/{collection}/{id}",
		"GET api v2 cld-1 people 1 history": "/api/v2/{group}/{collection}/{id}/history",
		"GET api v2 ready":                  "/api/v2/ready",
		"GET api v2 cld-1":                  "/api/v2/{group}",
	} {
		words := strings.Fields(request)
		found, _ := h.router.find(words[0], words[1:])
		require.NotNil(t, found, request)
		require.Equal(t, want, found.pattern, request)
	}
	_, allow := h.router.find(http.MethodPatch, []string{"api", "v2", "cld-1", "people", "1"})
	require.ElementsMatch(t, []string{"GET", "PUT", "DELETE"}, allow)
}
