// Package webasset serves the files of a bundled front end: from memory, compressed once, with validators, and with
// immutable caching for files whose names carry a content hash.
package webasset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// types are fixed, because the system's table of media types may lack or distort them.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
	".woff2":       "font/woff2",
}

// hashed matches the names that the bundler gives: "app-7QXZ4M2K.js".
var hashed = regexp.MustCompile(`-[0-9A-Z]{8}\.[a-z0-9]+$`)

// Cache-Control values.
const (
	Immutable  = "public, max-age=31536000, immutable"
	Revalidate = "no-cache"
)

// File is one file, ready to be served.
type File struct {
	body        []byte
	contentType string
	etag        string
	cache       string
	gzipped     func() []byte
}

// NewFile makes a file of the given name, which decides its type and caching.
func NewFile(name string, body []byte) *File {
	sum := sha256.Sum256(body)
	f := &File{body: body, etag: hex.EncodeToString(sum[:12]), cache: Revalidate, contentType: types[path.Ext(name)]}
	if f.contentType == "" {
		f.contentType = "application/octet-stream"
	}
	if hashed.MatchString(name) {
		f.cache = Immutable
	}
	f.gzipped = sync.OnceValue(func() []byte {
		if len(body) < 1024 || strings.HasPrefix(f.contentType, "image/png") || f.contentType == "font/woff2" {
			return nil
		}
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		_, _ = z.Write(body) // a bytes.Buffer takes everything
		_ = z.Close()
		if b.Len() >= len(body) {
			return nil
		}
		return b.Bytes()
	})
	return f
}

// Body is the file's content, which the caller must not change.
func (f *File) Body() []byte { return f.body }

// Serve answers with the file. A status other than 200 is answered in full, without validators.
func (f *File) Serve(w http.ResponseWriter, r *http.Request, status int) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	body, etag := f.body, f.etag
	h.Set("Content-Type", f.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", f.cache)
	h.Add("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if z := f.gzipped(); z != nil {
			body, etag = z, f.etag+"-gz"
			h.Set("Content-Encoding", "gzip")
		}
	}
	if status == http.StatusOK {
		h.Set("ETag", `"`+etag+`"`)
		if matches(r.Header.Get("If-None-Match"), etag) {
			h.Del("Content-Type")
			h.Del("Content-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || tag == `"`+etag+`"` {
			return true
		}
	}
	return false
}

func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		q, isQ := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		v, err := strconv.ParseFloat(q, 64)
		return !isQ || err != nil || v > 0
	}
	return false
}

// Files are the files below a directory, by slash-separated path.
type Files map[string]*File

// Load reads every file of fsys.
func Load(fsys fs.FS) (Files, error) {
	files := Files{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		files[name] = NewFile(name, b)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read front end files: %w", err)
	}
	return files, nil
}

// Find returns the one name that begins with prefix, a content hash and ext, such as "app-" and ".js".
func (f Files) Find(prefix, ext string) (string, bool) {
	for name := range f {
		if rest, ok := strings.CutPrefix(name, prefix); ok && hashed.MatchString("-"+rest) && strings.HasSuffix(rest, ext) && len(rest) == 8+len(ext) {
			return name, true
		}
	}
	return "", false
}
