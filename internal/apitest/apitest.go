// Package apitest holds handlers to their API description: it sends generated requests for every operation of a description
// and checks each answer against it. It is for tests.
package apitest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ensemble-platform/ensemble/openapi"
)

// The seed that a failure prints repeats it as well as a file would, and leaves nothing lying about.
func init() { _ = flag.Set("rapid.nofailfile", "true") }

// Config says what to send where. Spec and Handler are needed.
type Config struct {
	// Spec is the name of the description, "connec" for openapi/connec.yaml.
	Spec    string
	Handler http.Handler
	// Known are values worth sending, by the name of a parameter or property: ids that exist, collections, states. They are mixed
	// with made-up ones.
	Known map[string][]any
	// Bodies are whole request bodies worth sending, by operation id. They are mixed with generated ones.
	Bodies map[string][]any
	// Prepare finishes a request: its credential, say.
	Prepare func(*http.Request)
	// Skip are the ids of operations to leave out.
	Skip []string
}

// Walk sends requests for every operation. It fails on an answer that the description doesn't allow, and on any of status
// 500 and above. rapid's flag -rapid.checks sets how many requests an operation gets.
func Walk(t *testing.T, c Config) {
	t.Helper()
	doc := Load(t, c.Spec)
	ran := 0
	for _, path := range doc.Paths.InMatchingOrder() {
		item := doc.Paths.Value(path)
		operations := item.Operations()
		for _, method := range slices.Sorted(maps.Keys(operations)) {
			op := operations[method]
			if slices.Contains(c.Skip, op.OperationID) {
				continue
			}
			ran++
			route := &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}
			t.Run(op.OperationID, func(t *testing.T) {
				rapid.Check(t, func(rt *rapid.T) { c.once(rt, route) })
			})
		}
	}
	require.Positive(t, ran, "the description has no operations")
}

// Load reads a description and fails unless it is valid.
func Load(t testing.TB, spec string) *openapi3.T {
	t.Helper()
	loader := openapi3.NewLoader()
	loader.IsExternalRefsAllowed = true
	loader.ReadFromURIFunc = func(_ *openapi3.Loader, u *url.URL) ([]byte, error) {
		return openapi.Spec(strings.TrimSuffix(u.Path, ".yaml"))
	}
	doc, err := loader.LoadFromURI(&url.URL{Path: spec + ".yaml"})
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context(), openapi3.DisableExamplesValidation()))
	return doc
}

// once sends one request and judges the answer.
func (c Config) once(t *rapid.T, route *routers.Route) {
	g := &generator{t: t, known: c.Known}
	req := c.request(g, route)
	sent := fmt.Sprintf("%s %s", req.Method, req.URL)
	if c.Prepare != nil {
		c.Prepare(req)
	}
	rec := httptest.NewRecorder()
	c.Handler.ServeHTTP(rec, req)
	if rec.Code >= http.StatusInternalServerError {
		t.Fatalf("%s: status %d: %s", sent, rec.Code, rec.Body)
	}
	if err := Validate(route, req, rec.Result()); err != nil {
		t.Fatalf("%s: status %d: the answer is not as described: %v\n%s", sent, rec.Code, err, rec.Body)
	}
}

// Validate checks an answer against its operation. It reads the answer's body to its end.
func Validate(route *routers.Route, req *http.Request, resp *http.Response) error {
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, Route: route},
		Status:                 resp.StatusCode,
		Header:                 resp.Header,
		Body:                   resp.Body,
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	return openapi3filter.ValidateResponse(req.Context(), in)
}

func (c Config) request(g *generator, route *routers.Route) *http.Request {
	path := route.Path
	query := url.Values{}
	header := http.Header{}
	params := slices.Concat(route.PathItem.Parameters, route.Operation.Parameters)
	for _, ref := range params {
		p := ref.Value
		if p.In != openapi3.ParameterInPath && !p.Required && g.oneIn(2, p.Name) {
			continue
		}
		v := text(g.value(p.Name, p.Schema, 0))
		switch p.In {
		case openapi3.ParameterInPath:
			if v == "" || v == "." || v == ".." {
				v = "-"
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(v))
		case openapi3.ParameterInQuery:
			query.Set(p.Name, v)
		case openapi3.ParameterInHeader:
			header.Set(p.Name, printable(v))
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var body []byte
	if rb := route.Operation.RequestBody; rb != nil {
		for media, content := range rb.Value.Content {
			body = c.body(g, route.Operation.OperationID, content.Schema)
			header.Set("Content-Type", media)
			break
		}
	}
	req := httptest.NewRequest(route.Method, path, bytes.NewReader(body))
	for k, v := range header {
		req.Header[k] = v
	}
	return req
}

// body is a known body, a generated one, or now and then no JSON at all.
func (c Config) body(g *generator, operation string, schema *openapi3.SchemaRef) []byte {
	if known := c.Bodies[operation]; len(known) > 0 && g.oneIn(2, "known body") {
		return marshal(known[g.pick(len(known), "body")])
	}
	if g.oneIn(12, "broken body") {
		return []byte(`{"cut off": [1, `)
	}
	return marshal(g.value("", schema, 0))
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // generated values are JSON's own
	}
	return b
}

// text is a value as a parameter.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = text(e)
		}
		return strings.Join(parts, ",")
	default:
		return string(marshal(v))
	}
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
