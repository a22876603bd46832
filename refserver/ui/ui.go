// Package ui is the console: the pages in which people sign in, add apps, look at shared data and read reports.
//
//	mux.Handle("/", ui.NewHandler())
//
// It is a program in the browser that calls the subsystems' HTTP APIs on its own origin with the session cookie. The
// handler serves the program and nothing else; it holds no state and needs no credential.
package ui

import (
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/ensemble-platform/ensemble/impac/impacui"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/internal/webasset"
)

var errNotFound = problem.Sentinel("not_found", http.StatusNotFound, "Not found")

// csp lets the console run its own files only. Pictures of marketplace entries may come from elsewhere.
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self'; " +
	"font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

// routes are the addresses of pages. Others get the same document with status 404, and it says so.
var routes = regexp.MustCompile(`^/(login|apps|marketplace(/[^/]+)?|data(/[^/]+){0,2})?/?$`)

// Option sets something of the handler.
type Option func(*config)

type config struct{ title string }

// WithTitle names the product in the browser's title bar. The default is "Ensemble".
func WithTitle(title string) Option { return func(c *config) { c.title = title } }

// impacPrefix is where the console finds the widgets; src/pages/home.tsx knows it.
const impacPrefix = "/assets/impac"

// NewHandler serves the console. Mount it at "/", behind every API. Built with the tag noui, it answers 404.
func NewHandler(opts ...Option) http.Handler {
	c := config{title: "Ensemble"}
	for _, o := range opts {
		o(&c)
	}
	h := &handler{widgets: impacui.NewHandler(impacPrefix)}
	if fsys := dist(); fsys != nil {
		files, err := webasset.Load(fsys)
		if err != nil {
			panic(err) // the files are in the binary
		}
		h.files = files
		if index := files["index.html"]; index != nil {
			h.index = webasset.NewFile("index.html", setTitle(index.Body(), c.title))
		}
	}
	return h
}

type handler struct {
	files   webasset.Files
	index   *webasset.File // nil without a bundle
	widgets http.Handler
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	switch p := r.URL.Path; {
	case strings.HasPrefix(p, impacPrefix+"/"):
		h.widgets.ServeHTTP(w, r)
	case strings.HasPrefix(p, "/assets/"), path.Ext(p) != "" && h.files[p[1:]] != nil && p != "/index.html":
		if f := h.files[p[1:]]; f != nil {
			f.Serve(w, r, http.StatusOK)
			return
		}
		problem.Write(w, errNotFound)
	case h.index == nil:
		problem.Write(w, errNotFound)
	case routes.MatchString(p):
		h.page(w, r, http.StatusOK)
	case strings.Contains(r.Header.Get("Accept"), "text/html"):
		h.page(w, r, http.StatusNotFound)
	default:
		problem.Write(w, errNotFound)
	}
}

func (h *handler) page(w http.ResponseWriter, r *http.Request, status int) {
	head := w.Header()
	head.Set("Content-Security-Policy", csp)
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.index.Serve(w, r, status)
}

// Available reports whether the console was built into this program.
func Available() bool { return dist() != nil }
