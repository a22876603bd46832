// Package docsui shows the API descriptions in the browser, with Swagger UI 5.35.0 (Apache-2.0, see dist/LICENSE).
package docsui

import (
	"bytes"
	"compress/gzip"
	"embed"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed dist
var dist embed.FS

var page = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ensemble API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/docs.css">
</head>
<body>
<header><h1>Ensemble API</h1><label for="spec">Subsystem</label><select id="spec">{{range .}}<option>{{.}}</option>{{end}}</select><a href="/">Console</a></header>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/docs.js"></script>
</body>
</html>`))

// NewHandler serves the page at /docs/ for the descriptions at /openapi/NAME.yaml.
func NewHandler(names []string) http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	static := http.StripPrefix("/docs/", http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		// Swagger UI sets style attributes.
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'")
		switch strings.TrimPrefix(r.URL.Path, "/docs") {
		case "":
			http.Redirect(w, r, "/docs/", http.StatusMovedPermanently)
		case "/":
			h.Set("Content-Type", "text/html; charset=utf-8")
			_ = page.Execute(w, names)
		case "/swagger-ui-bundle.js":
			h.Set("Cache-Control", "max-age=3600")
			bundle(w, r, files)
		default:
			h.Set("Cache-Control", "max-age=3600")
			static.ServeHTTP(w, r)
		}
	})
}

// bundle serves the script, which is kept compressed: it is large.
func bundle(w http.ResponseWriter, r *http.Request, files fs.FS) {
	b, err := fs.ReadFile(files, "swagger-ui-bundle.js.gz")
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(b)
		return
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		http.Error(w, "unreadable", http.StatusInternalServerError)
		return
	}
	_, _ = io.Copy(w, z)
}
