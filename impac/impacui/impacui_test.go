//go:build !noui

package impacui

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func get(h http.Handler, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.Path = target
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	t.Parallel()
	require.True(t, Available())
	h := NewHandler("/impac/ui/", WithAPIBase(`https://reports.example.com/impac/api/v1/`))
	entry := get(h, "/impac/ui/impac.js")
	require.Equal(t, http.StatusOK, entry.Code)
	require.Contains(t, entry.Body.String(), `configure({"apiBase":"https://reports.example.com/impac/api/v1"});`)
	require.Equal(t, "no-cache", entry.Header().Get("Cache-Control"))

	name := regexp.MustCompile(`from "\./([^"]+)"`).FindStringSubmatch(entry.Body.String())
	require.NotNil(t, name)
	bundle := get(h, "/impac/ui/"+name[1])
	require.Equal(t, http.StatusOK, bundle.Code)
	require.Contains(t, bundle.Header().Get("Cache-Control"), "immutable")
	require.Contains(t, bundle.Body.String(), "impac-widget")

	// The bundle's own imports are relative and there.
	for _, imported := range regexp.MustCompile(`(?:from|import\()"\./([^"]+)"`).FindAllStringSubmatch(bundle.Body.String(), -1) {
		require.Equal(t, http.StatusOK, get(h, "/impac/ui/"+imported[1]).Code, imported[1])
	}
	for _, target := range []string{"/impac/ui/", "/impac/ui", "/impac.js", "/impac/ui/../impacui.go", "/impac/ui/nothing.js", "/"} {
		require.Equal(t, http.StatusNotFound, get(h, target).Code, target)
	}
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	require.Equal(t, http.StatusOK, get(NewHandler(""), "/impac.js").Code)
	require.Equal(t, http.StatusOK, get(NewHandler("/"), "/impac.js").Code)
	require.Equal(t, http.StatusOK, get(NewHandler("ui"), "/ui/impac.js").Code)
}

func TestConfigurationIsNoCode(t *testing.T) {
	t.Parallel()
	body := get(NewHandler("/", WithAPIBase(`"});alert(1);//</script>`)), "/impac.js").Body.String()
	require.Contains(t, body, `configure({"apiBase":"\"});alert(1);//`)
	require.NotContains(t, body, `</script>`)
}
