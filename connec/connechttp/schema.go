package connechttp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/openapi/connecapi"
)

// VisitGetSchemaResponse writes the answer.
func (a *answer) VisitGetSchemaResponse(w http.ResponseWriter) error { return a.write(w) }

// VisitGetExampleResponse writes the answer.
func (a *answer) VisitGetExampleResponse(w http.ResponseWriter) error { return a.write(w) }

// GetVersion says what API this is. Connectors ask it before they sign in.
func (s *server) GetVersion(context.Context, connecapi.GetVersionRequestObject) (connecapi.GetVersionResponseObject, error) {
	return connecapi.GetVersion200JSONResponse{CiBranch: s.version.Branch, CiCommit: s.version.Commit, CiBuildNumber: s.version.Build}, nil
}

// GetReady asks the service.
func (s *server) GetReady(ctx context.Context, _ connecapi.GetReadyRequestObject) (connecapi.GetReadyResponseObject, error) {
	if err := s.svc.Ready(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotReady, err)
	}
	return connecapi.GetReady204Response{}, nil
}

// Discover links to the collections, for callers who may read the group.
func (s *server) Discover(ctx context.Context, req connecapi.DiscoverRequestObject) (connecapi.DiscoverResponseObject, error) {
	if authz.CredentialFrom(ctx).IsZero() {
		return nil, authz.ErrUnauthenticated
	}
	types, err := s.names.all(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(types, func(rt *connec.ResourceType) bool { return !rt.Singleton }); i >= 0 {
		// The service has no call that only asks about access.
		if _, err := s.svc.List(ctx, req.Group, types[i].Name, connec.Query{Top: 1}); err != nil {
			return nil, err
		}
	}
	out := connecapi.Discover200JSONResponse{UnderscoreLinks: make([]map[string]connecapi.Link, len(types))}
	for i, rt := range types {
		out.UnderscoreLinks[i] = map[string]connecapi.Link{rt.Name: {Href: "/api/v2/" + url.PathEscape(req.Group) + "/" + rt.Name}}
	}
	return out, nil
}

// ListResourceTypes describes the collections for connechttp.Client.
func (s *server) ListResourceTypes(ctx context.Context, _ connecapi.ListResourceTypesRequestObject) (connecapi.ListResourceTypesResponseObject, error) {
	types, err := s.names.all(ctx)
	if err != nil {
		return nil, err
	}
	out := connecapi.ListResourceTypes200JSONResponse{ResourceTypes: make([]connecapi.ResourceType, len(types))}
	for i, rt := range types {
		out.ResourceTypes[i] = connecapi.ResourceType{Name: rt.Name, Singleton: rt.Singleton, CodePrefix: rt.CodePrefix, Schema: rt.Schema}
	}
	return out, nil
}

// GetSchema describes a collection as connec-ui reads it: properties.COLLECTION.items.properties.ATTRIBUTE.
func (s *server) GetSchema(ctx context.Context, req connecapi.GetSchemaRequestObject) (connecapi.GetSchemaResponseObject, error) {
	rt, err := s.known(ctx, req.Collection)
	if err != nil {
		return nil, err
	}
	b, err := listSchema(rt)
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, media: mediaJSON, body: b}, nil
}

// known is collection for operations that the service takes no part in.
func (s *server) known(ctx context.Context, name string) (*connec.ResourceType, error) {
	rt, err := s.names.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if rt == nil {
		return nil, fmt.Errorf("%w: %s", connec.ErrUnknownCollection, name)
	}
	return rt, nil
}

// listSchema wraps a record's schema into that of a list. Definitions move to the top, where references to them look for
// them.
func listSchema(rt *connec.ResourceType) ([]byte, error) {
	var items map[string]json.RawMessage
	if err := json.Unmarshal(rt.Schema, &items); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", rt.Name, err)
	}
	doc := map[string]any{
		"$schema":    "https://json-schema.org/draft/2020-12/schema",
		"title":      rt.Name,
		"type":       "object",
		"properties": map[string]any{rt.Name: map[string]any{"type": "array", "items": items}},
	}
	if defs, ok := items["$defs"]; ok {
		doc["$defs"] = defs
		delete(items, "$defs")
	}
	delete(items, "$schema")
	delete(items, "$id")
	if _, ok := items["type"]; !ok {
		items["type"] = json.RawMessage(`"object"`)
	}
	return json.Marshal(doc)
}

// GetExample makes up a record from the collection's schema.
func (s *server) GetExample(ctx context.Context, req connecapi.GetExampleRequestObject) (connecapi.GetExampleResponseObject, error) {
	rt, err := s.known(ctx, req.Collection)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(rt.Schema))
	dec.UseNumber()
	var schema map[string]any
	if err := dec.Decode(&schema); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", rt.Name, err)
	}
	sample, _ := (&sampler{root: schema}).value("", schema, 0).(map[string]any)
	b := append([]byte{'{'}, appendString(nil, rt.Name)...)
	b = append(b, ':')
	b = new(encoder).value(b, sample)
	return &answer{status: http.StatusOK, media: mediaJSON, body: append(b, '}')}, nil
}

// sampler makes up values that a schema allows.
type sampler struct {
	root map[string]any
}

const sampleDepth = 8

func (s *sampler) value(name string, schema map[string]any, depth int) any {
	if ref, ok := schema["$ref"].(string); ok {
		target := s.resolve(ref)
		if target == nil || depth > sampleDepth {
			return nil
		}
		return s.value(name, target, depth+1)
	}
	for _, key := range []string{"const", "default"} {
		if v, ok := schema[key]; ok {
			return v
		}
	}
	for _, key := range []string{"examples", "enum"} {
		if list, ok := schema[key].([]any); ok && len(list) > 0 {
			return list[0]
		}
	}
	switch typeOf(schema) {
	case "object":
		out := map[string]any{}
		props, _ := schema["properties"].(map[string]any)
		for k, p := range props {
			if sub, ok := p.(map[string]any); ok && depth < sampleDepth {
				if v := s.value(k, sub, depth+1); v != nil {
					out[k] = v
				}
			}
		}
		return out
	case "array":
		if items, ok := schema["items"].(map[string]any); ok && depth < sampleDepth {
			if v := s.value(name, items, depth+1); v != nil {
				return []any{v}
			}
		}
		return []any{}
	case "string":
		return sampleText(name, schema)
	case "integer":
		return json.Number("1")
	case "number":
		return json.Number("100.5")
	case "boolean":
		return true
	default:
		return nil
	}
}

func (s *sampler) resolve(ref string) map[string]any {
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	node := s.root
	for step := range strings.SplitSeq(path, "/") {
		if node, ok = node[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)].(map[string]any); !ok {
			return nil
		}
	}
	return node
}

// typeOf is the schema's type; of several, the first that isn't null.
func typeOf(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		for _, e := range t {
			if name, ok := e.(string); ok && name != "null" {
				return name
			}
		}
	}
	if _, ok := schema["properties"]; ok {
		return "object"
	}
	return ""
}

func sampleText(name string, schema map[string]any) any {
	switch schema["format"] {
	case "date-time":
		return "2026-01-31T10:00:00Z"
	case "date":
		return "2026-01-31"
	case "email":
		return "jo@example.com"
	case "uri":
		return "https://example.com"
	}
	switch {
	case name == "id" || strings.HasSuffix(name, "_id") || schema["x-reference"] != nil:
		return "9e0c7c4e-0f3b-4c7e-9d2a-3f1b8f6f2a10"
	case strings.Contains(name, "currency"):
		return "EUR"
	case strings.Contains(name, "country"):
		return "FR"
	}
	return "Sample " + strings.ReplaceAll(name, "_", " ")
}
