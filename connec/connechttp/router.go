package connechttp

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// router finds the operation for a path. It takes the place of http.ServeMux under the generated code, which finds
// /api/v2/{group}/changes and /api/v2/json_schema/{collection} ambiguous: here a literal segment wins over a parameter, and an
// earlier segment over a later one.
type router struct {
	routes []*route
}

type route struct {
	method  string
	pattern string
	segs    []segment
	serve   http.HandlerFunc
}

type segment struct {
	literal string
	param   string // instead of literal
}

// rank puts literals before parameters.
func (s segment) rank() int { return min(len(s.param), 1) }

// HandleFunc adds an operation: a pattern is "GET /api/v2/{group}".
func (rt *router) HandleFunc(pattern string, serve func(http.ResponseWriter, *http.Request)) {
	method, path, _ := strings.Cut(pattern, " ")
	r := &route{method: method, pattern: path, serve: serve}
	for s := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if name, ok := strings.CutPrefix(s, "{"); ok {
			r.segs = append(r.segs, segment{param: strings.TrimSuffix(name, "}")})
		} else {
			r.segs = append(r.segs, segment{literal: s})
		}
	}
	rt.routes = append(rt.routes, r)
	slices.SortStableFunc(rt.routes, func(a, b *route) int {
		return slices.CompareFunc(a.segs, b.segs, func(x, y segment) int { return cmp.Compare(x.rank(), y.rank()) })
	})
}

// ServeHTTP is here for the generated interface; requests come in through find.
func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if found, _ := rt.find(r.Method, splitPath(r.URL)); found != nil {
		found.serve(w, r)
		return
	}
	http.NotFound(w, r)
}

// find returns the route, or nil and the methods that the path knows instead.
func (rt *router) find(method string, segs []string) (*route, []string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var allow []string
	for _, r := range rt.routes {
		if !r.matches(segs) {
			continue
		}
		if r.method == method {
			return r, nil
		}
		if !slices.Contains(allow, r.method) {
			allow = append(allow, r.method)
		}
	}
	return nil, allow
}

func (r *route) matches(segs []string) bool {
	if len(segs) != len(r.segs) {
		return false
	}
	for i, s := range r.segs {
		if s.param == "" && s.literal != segs[i] {
			return false
		}
	}
	return true
}

// setPathValues tells the generated code the parameters.
func (r *route) setPathValues(req *http.Request, segs []string) {
	for i, s := range r.segs {
		if s.param != "" {
			req.SetPathValue(s.param, segs[i])
		}
	}
}
