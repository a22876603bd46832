package connec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ensemble-platform/ensemble/connec/connecschema"
)

// model is the compiled collections.
type model struct {
	types map[string]*collection
	names []string
	// classes finds collections by other spellings of their names: "Invoice", "Entity::AppUser".
	classes map[string]string
}

// collection is a compiled ResourceType.
type collection struct {
	ResourceType
	validator *jsonschema.Schema
	attr      *attr // the record itself
}

// attr is what the engine knows of one attribute, or of a record.
type attr struct {
	isString, isNumber, isInteger, isBool, isObject, isArray bool

	dateTime, amount, country bool
	enum                      []string
	def                       any
	refs                      []string
	refType                   string
	children                  bool
	props                     map[string]*attr
	items                     *attr
}

// CanonicalTypes returns the canonical model, which package connecschema describes, by name.
func CanonicalTypes() []*ResourceType {
	out := make([]*ResourceType, 0, len(canonical().names))
	for _, name := range canonical().names {
		out = append(out, canonical().types[name].copy())
	}
	return out
}

func (c *collection) copy() *ResourceType {
	rt := c.ResourceType
	rt.Schema = bytes.Clone(rt.Schema)
	return &rt
}

var canonical = sync.OnceValue(func() *model {
	m, err := loadCanonical()
	if err != nil {
		panic(fmt.Sprintf("connec: canonical model: %v", err)) // the files are embedded and tested
	}
	return m
})

func loadCanonical() (*model, error) {
	files, err := fs.Glob(connecschema.Files, "*.json")
	if err != nil {
		return nil, err
	}
	docs := map[string]map[string]any{}
	for _, file := range files {
		b, err := connecschema.Files.ReadFile(file)
		if err != nil {
			return nil, err
		}
		doc, err := decodeObject(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		docs[file] = doc
	}
	defs, _ := docs["common.json"]["$defs"].(map[string]any)
	delete(docs, "common.json")
	var types []ResourceType
	for _, file := range slices.Sorted(maps.Keys(docs)) {
		doc := inline(docs[file], defs).(map[string]any)
		schema, err := json.Marshal(doc)
		if err != nil {
			return nil, err
		}
		singleton, _ := doc["x-singleton"].(bool)
		prefix, _ := doc["x-code-prefix"].(string)
		types = append(types, ResourceType{Name: strings.TrimSuffix(file, ".json"), Singleton: singleton, CodePrefix: prefix, Schema: schema})
	}
	return newModel(types)
}

// inline replaces references to common.json by what they refer to, so that each schema stands alone.
func inline(v any, defs map[string]any) any {
	switch x := v.(type) {
	case map[string]any:
		if ref, ok := x["$ref"].(string); ok {
			if name, ok := strings.CutPrefix(ref, "common.json#/$defs/"); ok {
				return inline(defs[name], defs)
			}
		}
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = inline(e, defs)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = inline(e, defs)
		}
		return out
	}
	return v
}

func decodeObject(b []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var doc map[string]any
	return doc, dec.Decode(&doc)
}

func newModel(types []ResourceType) (*model, error) {
	m := &model{types: map[string]*collection{}, classes: map[string]string{}}
	for _, rt := range types {
		c, err := compile(rt)
		if err != nil {
			return nil, fmt.Errorf("resource type %q: %w", rt.Name, err)
		}
		m.types[rt.Name] = c
	}
	m.names = slices.Sorted(maps.Keys(m.types))
	for _, name := range m.names {
		m.classes[classKey(name)] = name
		m.classes[classKey(singular(name))] = name
	}
	return m, nil
}

// with adds types, or replaces those with the same name.
func (m *model) with(types []ResourceType) (*model, error) {
	all := make([]ResourceType, 0, len(m.names)+len(types))
	for _, name := range m.names {
		all = append(all, m.types[name].ResourceType)
	}
	for _, rt := range types {
		rt.Schema = bytes.Clone(rt.Schema)
		all = append(all, rt)
	}
	return newModel(all)
}

func compile(rt ResourceType) (*collection, error) {
	if !collectionName(rt.Name) {
		return nil, fmt.Errorf("the name must be of lower-case letters, digits and underscores")
	}
	doc, err := decodeObject(rt.Schema)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(rt.Schema))
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	url := "connec:///" + rt.Name + ".json"
	if err := compiler.AddResource(url, parsed); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	validator, err := compiler.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	record := newAttr(doc, doc, 0)
	record.isObject = true
	return &collection{ResourceType: rt, validator: validator, attr: record}, nil
}

func collectionName(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// newAttr reads the keywords that the engine acts upon. References within the document are followed, to a depth that ends recursive ones.
func newAttr(schema, doc map[string]any, depth int) *attr {
	if ref, ok := schema["$ref"].(string); ok {
		if target := pointer(doc, ref); target != nil {
			merged := maps.Clone(target)
			for k, v := range schema {
				if k != "$ref" {
					merged[k] = v
				}
			}
			schema = merged
		}
	}
	a := &attr{def: schema["default"], refs: texts(schema["x-reference"]), enum: texts(schema["enum"])}
	for _, t := range texts(schema["type"]) {
		switch t {
		case "string":
			a.isString = true
		case "number":
			a.isNumber = true
		case "integer":
			a.isInteger = true
		case "boolean":
			a.isBool = true
		case "object":
			a.isObject = true
		case "array":
			a.isArray = true
		}
	}
	a.dateTime = a.isString && schema["format"] == "date-time"
	a.refType, _ = schema["x-reference-type"].(string)
	a.children, _ = schema["x-children"].(bool)
	a.amount, _ = schema["x-amount"].(bool)
	a.country, _ = schema["x-country"].(bool)
	if depth > 16 {
		return a
	}
	if props, ok := schema["properties"].(map[string]any); ok {
		a.props = make(map[string]*attr, len(props))
		for name, p := range props {
			if sub, ok := p.(map[string]any); ok {
				a.props[name] = newAttr(sub, doc, depth+1)
			}
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		a.items = newAttr(items, doc, depth+1)
	}
	return a
}

func pointer(doc map[string]any, ref string) map[string]any {
	rest, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	for name := range strings.SplitSeq(rest, "/") {
		doc, ok = doc[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)].(map[string]any)
		if !ok {
			return nil
		}
	}
	return doc
}

func texts(v any) []string {
	switch x := v.(type) {
	case string:
		return []string{x}
	case []any:
		out := make([]string, 0, len(x))
		for _, e := range x {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// prop is the declaration of a member, or one that declares nothing.
func (a *attr) prop(name string) *attr {
	if p := a.props[name]; p != nil {
		return p
	}
	return undeclared
}

// item is the declaration of a list's elements.
func (a *attr) item() *attr {
	if a.items != nil {
		return a.items
	}
	return undeclared
}

var undeclared = &attr{}

// lookup finds a declared attribute for filters.
func (c *collection) lookup(names []string) (Path, FilterKind) {
	path := make(Path, 0, len(names))
	a := c.attr
	for _, name := range names {
		a = a.prop(name)
		step := Step{Name: name}
		if a.isArray {
			step.Each = true
			a = a.item()
		}
		path = append(path, step)
	}
	return path, a.kind()
}

func (a *attr) kind() FilterKind {
	switch {
	case a.dateTime:
		return KindTime
	case a.isNumber, a.isInteger:
		return KindNumber
	case a.isBool:
		return KindBool
	case a.isString:
		return KindText
	}
	return ""
}

// class finds the collection that "Entity::AppUser", "AppUser" or "app_users" means.
func (m *model) class(name string) (string, bool) {
	c, ok := m.classes[classKey(name)]
	return c, ok
}

func classKey(s string) string {
	s = strings.TrimPrefix(s, "Entity::")
	return strings.ToLower(strings.NewReplacer("_", "", " ", "", "-", "").Replace(s))
}

func singular(s string) string {
	switch {
	case strings.HasSuffix(s, "people"):
		return strings.TrimSuffix(s, "people") + "person"
	case strings.HasSuffix(s, "ies"):
		return strings.TrimSuffix(s, "ies") + "y"
	case strings.HasSuffix(s, "sses"), strings.HasSuffix(s, "xes"):
		return strings.TrimSuffix(s, "es")
	default:
		return strings.TrimSuffix(s, "s")
	}
}

// FilterScope tells [ParseFilter] and [ParseOrder] what the attributes of the collection are.
func (rt *ResourceType) FilterScope() (FilterScope, error) {
	c, err := compile(*rt)
	if err != nil {
		return FilterScope{}, err
	}
	return FilterScope{Attribute: c.lookup, Constants: map[string]string{"resource_type": c.Name}}, nil
}
