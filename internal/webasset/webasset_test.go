package webasset

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func serve(f *File, method string, header ...string) *http.Response {
	r := httptest.NewRequest(method, "/x", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.Serve(w, r, http.StatusOK)
	return w.Result()
}

func TestServe(t *testing.T) {
	t.Parallel()
	body := []byte(strings.Repeat("let a = 1;\n", 500))
	f := NewFile("app-7QXZ4M2K.js", body)

	plain := serve(f, http.MethodGet)
	defer func() { _ = plain.Body.Close() }()
	got, err := io.ReadAll(plain.Body)
	require.NoError(t, err)
	require.Equal(t, body, got)
	require.Equal(t, Immutable, plain.Header.Get("Cache-Control"))
	require.Equal(t, "text/javascript; charset=utf-8", plain.Header.Get("Content-Type"))
	require.Equal(t, "Accept-Encoding", plain.Header.Get("Vary"))

	zipped := serve(f, http.MethodGet, "Accept-Encoding", "br, gzip;q=0.5")
	defer func() { _ = zipped.Body.Close() }()
	require.Equal(t, "gzip", zipped.Header.Get("Content-Encoding"))
	z, err := gzip.NewReader(zipped.Body)
	require.NoError(t, err)
	got, err = io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, body, got)
	require.NotEqual(t, plain.Header.Get("ETag"), zipped.Header.Get("ETag"), "each coding needs its own validator")

	for _, tag := range []string{plain.Header.Get("ETag"), `"other", W/` + plain.Header.Get("ETag"), "*"} {
		resp := serve(f, http.MethodGet, "If-None-Match", tag)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusNotModified, resp.StatusCode, tag)
	}

	refused := serve(f, http.MethodGet, "Accept-Encoding", "gzip;q=0")
	require.NoError(t, refused.Body.Close())
	require.Empty(t, refused.Header.Get("Content-Encoding"))

	head := serve(f, http.MethodHead)
	defer func() { _ = head.Body.Close() }()
	got, err = io.ReadAll(head.Body)
	require.NoError(t, err)
	require.Empty(t, got)
	require.Equal(t, "5500", head.Header.Get("Content-Length"))

	post := serve(f, http.MethodPost)
	require.NoError(t, post.Body.Close())
	require.Equal(t, http.StatusMethodNotAllowed, post.StatusCode)
	require.Equal(t, "GET, HEAD", post.Header.Get("Allow"))
}

func TestCaching(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"app-7QXZ4M2K.js": Immutable, "assets/chunk-AAAAAAA1.css": Immutable,
		"index.html": Revalidate, "impac.js": Revalidate, "my-favicon.svg": Revalidate,
	} {
		resp := serve(NewFile(name, []byte("x")), http.MethodGet)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.Header.Get("Cache-Control"), name)
	}
}

func TestLoadAndFind(t *testing.T) {
	t.Parallel()
	files, err := Load(fstest.MapFS{
		"assets/app-7QXZ4M2K.js":      {Data: []byte("a")},
		"assets/app-7QXZ4M2K.css":     {Data: []byte("b")},
		"assets/app-long-7QXZ4M2K.js": {Data: []byte("c")},
	})
	require.NoError(t, err)
	require.Len(t, files, 3)
	name, ok := files.Find("assets/app-", ".js")
	require.True(t, ok)
	require.True(t, bytes.Equal([]byte("a"), files[name].Body()))
	_, ok = files.Find("assets/none-", ".js")
	require.False(t, ok)
}
