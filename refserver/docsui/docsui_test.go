package docsui_test

import (
	"compress/gzip"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/refserver/docsui"
)

func TestHandler(t *testing.T) {
	t.Parallel()
	h := docsui.NewHandler([]string{"connec", "<hub>"})
	get := func(path, accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Encoding", accept)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec
	}
	page := get("/docs/", "")
	require.Equal(t, 200, page.Code)
	require.Contains(t, page.Body.String(), "<option>connec</option>")
	require.Contains(t, page.Body.String(), "&lt;hub&gt;")
	require.Contains(t, page.Header().Get("Content-Security-Policy"), "script-src 'self'")
	require.Equal(t, 301, get("/docs", "").Code)
	require.Equal(t, 404, get("/docs/../config.go", "").Code)

	plain, zipped := get("/docs/swagger-ui-bundle.js", ""), get("/docs/swagger-ui-bundle.js", "gzip, br")
	require.Equal(t, "gzip", zipped.Header().Get("Content-Encoding"))
	require.Empty(t, plain.Header().Get("Content-Encoding"))
	z, err := gzip.NewReader(zipped.Body)
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, len(b), plain.Body.Len())
	require.Greater(t, len(b), 1_000_000)
}
