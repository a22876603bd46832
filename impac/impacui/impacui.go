// Package impacui serves web components that show Impac's widgets in any page.
//
//	mux.Handle("/impac/ui/", impacui.NewHandler("/impac/ui"))
//
// and then, in a page of the same origin:
//
//	<script type="module" src="/impac/ui/impac.js"></script>
//	<impac-widget endpoint="sales/aged" organizations="org-1" currency="EUR"></impac-widget>
//
// The components call Impac's own API with the browser's session and need nothing else: no framework, no style sheet, no
// inline script or style. They don't lay out dashboards and don't store settings; they tell the page by events what the
// user wants (see README.md).
package impacui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/ensemble-platform/ensemble/internal/webasset"
)

// Entry is the name of the script to load, below the prefix. It is the only name that stays the same between versions.
const Entry = "impac.js"

// Option sets something of the handler.
type Option func(*config)

type config struct {
	APIBase string `json:"apiBase,omitempty"`
}

// WithAPIBase says where Impac's engine API is, such as "https://reports.example.com/impac/api/v1". The default is
// "/impac/api/v1" of the page's own origin. Each element can override it with the attribute api-base.
func WithAPIBase(url string) Option {
	return func(c *config) { c.APIBase = strings.TrimRight(url, "/") }
}

// NewHandler serves the components below prefix, such as "/impac/ui". It needs no credential. Built with the tag noui, it
// answers 404.
func NewHandler(prefix string, opts ...Option) http.Handler {
	var c config
	for _, o := range opts {
		o(&c)
	}
	prefix = "/" + strings.Trim(prefix, "/")
	files := load(c)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, strings.TrimRight(prefix, "/")+"/")
		f := files[name]
		if !ok || f == nil {
			http.NotFound(w, r)
			return
		}
		f.Serve(w, r, http.StatusOK)
	})
}

// load reads the bundle and adds the entry, which names the hashed bundle and carries the configuration.
func load(c config) webasset.Files {
	fsys := dist()
	if fsys == nil {
		return nil
	}
	files, err := webasset.Load(fsys)
	if err != nil {
		panic(err) // the files are in the binary
	}
	main, ok := files.Find("impac-", ".js")
	if !ok {
		return nil
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // a struct of strings
	}
	files[Entry] = webasset.NewFile(Entry, fmt.Appendf(nil,
		"import { configure } from \"./%s\";\nconfigure(%s);\nexport * from \"./%s\";\n", main, b, main))
	return files
}

// Available reports whether the components were built into this program.
func Available() bool { return dist() != nil }
