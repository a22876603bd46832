package apitest

import (
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"
)

// generator makes values that a schema allows, and some that it doesn't.
type generator struct {
	t     *rapid.T
	known map[string][]any
}

const maxDepth = 5

func (g *generator) pick(n int, label string) int { return rapid.IntRange(0, n-1).Draw(g.t, label) }

// oneIn is true once in n times. It shrinks towards false.
func (g *generator) oneIn(n int, label string) bool { return g.pick(n, label) == n-1 }

// odd are values that clients send by mistake or with intent.
var odd = []any{
	nil, "", " ", "0", -1.0, 1e300, true, "null", "\x00", "é\u202e😀", "'; drop table x; --", "../..", "%", "2026-13-45T99:00:00Z",
	[]any{},
	map[string]any{},
	[]any{map[string]any{"id": nil}},
	map[string]any{"id": []any{1.0, "x"}},
}

func (g *generator) value(name string, ref *openapi3.SchemaRef, depth int) any {
	if known := g.known[name]; len(known) > 0 && !g.oneIn(4, name+": unknown") {
		return known[g.pick(len(known), name)]
	}
	if g.oneIn(10, name+": odd") {
		return odd[g.pick(len(odd), "odd")]
	}
	if ref == nil || ref.Value == nil || depth > maxDepth {
		return g.any(name)
	}
	s := ref.Value
	switch {
	case s.Const != nil:
		return s.Const
	case len(s.Enum) > 0:
		return s.Enum[g.pick(len(s.Enum), name)]
	case len(s.OneOf) > 0:
		return g.value(name, s.OneOf[g.pick(len(s.OneOf), name+": one of")], depth+1)
	case len(s.AnyOf) > 0:
		return g.value(name, s.AnyOf[g.pick(len(s.AnyOf), name+": any of")], depth+1)
	case len(s.AllOf) > 0:
		all := map[string]any{}
		for _, part := range s.AllOf {
			if m, ok := g.value(name, part, depth+1).(map[string]any); ok {
				for k, v := range m {
					all[k] = v
				}
			}
		}
		return all
	}
	switch {
	case s.Type.Includes("object"):
		return g.object(s, depth)
	case s.Type.Includes("array"):
		out := make([]any, g.pick(4, name+": length"))
		for i := range out {
			out[i] = g.value(name, s.Items, depth+1)
		}
		return out
	case s.Type.Includes("string"):
		return g.text(name, s)
	case s.Type.Includes("integer"):
		return rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(-2, 1<<40)).Draw(g.t, name)
	case s.Type.Includes("number"):
		return rapid.Float64Range(-1e6, 1e6).Draw(g.t, name)
	case s.Type.Includes("boolean"):
		return rapid.Bool().Draw(g.t, name)
	default:
		return g.any(name)
	}
}

func (g *generator) object(s *openapi3.Schema, depth int) any {
	out := map[string]any{}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names) // rapid repeats draws in order
	for _, name := range names {
		if slices.Contains(s.Required, name) || !g.oneIn(2, name+": left out") {
			out[name] = g.value(name, s.Properties[name], depth+1)
		}
	}
	if extra := s.AdditionalProperties; extra.Schema != nil || extra.Has != nil && *extra.Has {
		for range g.pick(3, "extra members") {
			key := rapid.StringMatching(`[a-z]{1,8}(_id)?`).Draw(g.t, "member")
			out[key] = g.value(key, extra.Schema, depth+1)
		}
	}
	return out
}

func (g *generator) text(name string, s *openapi3.Schema) any {
	switch s.Format {
	case "date-time":
		return "2026-01-31T10:00:00Z"
	case "date":
		return "2026-01-31"
	case "uuid":
		return "0199d0c4-6f8e-7c3a-9f53-1f2a3b4c5d6e"
	case "email":
		return "jo@example.com"
	case "uri":
		return "https://example.com/x"
	}
	if s.Pattern != "" {
		return rapid.StringMatching(s.Pattern).Draw(g.t, name)
	}
	return rapid.StringN(0, 12, 48).Draw(g.t, name)
}

// any is for what a schema leaves open.
func (g *generator) any(name string) any {
	return rapid.OneOf(
		rapid.Just[any]("text"), rapid.Just[any](12.5), rapid.Just[any](true), rapid.Just[any](nil),
		rapid.Just[any]([]any{map[string]any{"id": "x", "provider": "p", "realm": "r"}}),
		rapid.Just[any](map[string]any{"line1": "1 Main Street", "country": "France"}),
	).Draw(g.t, name)
}
