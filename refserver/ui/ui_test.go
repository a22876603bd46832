//go:build !noui

package ui

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func get(t *testing.T, h http.Handler, target, accept string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://console.test/", nil)
	r.URL.Path = target // as a server would have decoded it, with dots and all
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	resp := w.Result()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp, string(b)
}

const browser = "text/html,application/xhtml+xml,*/*;q=0.8"

func TestPages(t *testing.T) {
	t.Parallel()
	h := NewHandler(WithTitle("Acme & Co"))
	require.True(t, Available())
	for target, status := range map[string]int{
		"/": 200, "/login": 200, "/apps": 200, "/marketplace": 200, "/marketplace/notes": 200,
		"/data": 200, "/data/invoices": 200, "/data/invoices/0198-a.b": 200, "/data/": 200,
		"/nothing": 404, "/data/a/b/c": 404, "/marketplace/a/b": 404, "/index.html": 404,
	} {
		resp, body := get(t, h, target, browser)
		require.Equal(t, status, resp.StatusCode, target)
		require.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"), target)
		require.Equal(t, "no-cache", resp.Header.Get("Cache-Control"), target)
		require.Contains(t, body, "<title>Acme &amp; Co</title>", target)
		require.NotContains(t, body, "%", "every placeholder is filled in")

		policy := resp.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.Contains(t, policy, "frame-ancestors 'none'")
		require.NotContains(t, policy, "unsafe")
		require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	}
	_, body := get(t, h, "/", browser)
	for _, script := range regexp.MustCompile(`(?s)<script([^>]*)>(.*?)</script>`).FindAllStringSubmatch(body, -1) {
		require.Contains(t, script[1], "src=")
		require.Empty(t, script[2], "no inline script")
	}
	require.NotContains(t, body, "<style")
}

func TestUnknownAPIPathIsNoPage(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/api/v2/org-1/people", "/mnoe/jpi/v1/current_user", "/assets/none.js"} {
		resp, body := get(t, NewHandler(), target, "application/json")
		require.Equal(t, http.StatusNotFound, resp.StatusCode)
		require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
		require.Contains(t, body, `"code":"not_found"`)
	}
}

// TestAssets loads every file that the document names, and every file that those import.
func TestAssets(t *testing.T) {
	t.Parallel()
	h := NewHandler()
	_, document := get(t, h, "/", browser)
	refs := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(document, -1)
	require.GreaterOrEqual(t, len(refs), 3)
	types := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	for _, ref := range refs {
		resp, body := get(t, h, ref[1], "*/*")
		require.Equal(t, http.StatusOK, resp.StatusCode, ref[1])
		require.NotEmpty(t, body)
		require.Equal(t, types[ref[1][strings.LastIndex(ref[1], "."):]], resp.Header.Get("Content-Type"))
		if strings.HasPrefix(ref[1], "/assets/") {
			require.Contains(t, resp.Header.Get("Cache-Control"), "immutable", ref[1])
		}
	}
	resp, body := get(t, h, impacPrefix+"/impac.js", "*/*")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "no-cache", resp.Header.Get("Cache-Control"))
	name := regexp.MustCompile(`from "\./([^"]+)"`).FindStringSubmatch(body)
	require.NotNil(t, name)
	resp, _ = get(t, h, impacPrefix+"/"+name[1], "*/*")
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestNoTraversal(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"/assets/../ui.go", "/assets/../../../go.mod", "/../ui.go", "/assets/..%2fui.go", "/assets/", "/assets", "//assets/x",
		"/assets/impac/../../ui.go", "/assets/impac/", "/assets/\x00",
	} {
		resp, body := get(t, NewHandler(), target, "*/*")
		require.Equal(t, http.StatusNotFound, resp.StatusCode, target)
		require.NotContains(t, body, "package ui", target)
		require.NotContains(t, body, "module github.com", target)
	}
}

func TestOnlyReads(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		w := httptest.NewRecorder()
		NewHandler().ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		require.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
	}
}
