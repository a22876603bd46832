package connechttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// write is what a request's body asks to store.
type write struct {
	attrs map[string]any
	opts  connec.WriteOptions
	// id is the Connec id that the body named outright, which a create must not. It is the service that refuses it.
	id string
}

// decodeDocument reads a JSON object and nothing after it, with exact numbers.
func decodeDocument(body []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, problem.Invalid(connec.ErrInvalid, "", "malformed JSON at byte %d: there is more after the value", dec.InputOffset())
	}
	obj, ok := doc.(map[string]any)
	if !ok {
		return nil, problem.Invalid(connec.ErrInvalid, "", "the body must be a JSON object")
	}
	return obj, nil
}

// toWrite takes a record out of its envelope. The key is the collection's name, or what the request called it in its path; other
// keys are ignored.
func toWrite(doc map[string]any, collection, spelt string) (*write, error) {
	v, ok := doc[collection]
	if !ok {
		v, ok = doc[spelt]
	}
	if !ok {
		return nil, problem.Invalid(connec.ErrInvalid, collection, "is missing: it holds the attributes")
	}
	attrs, ok := v.(map[string]any)
	if !ok {
		return nil, problem.Invalid(connec.ErrInvalid, collection, "must be an object")
	}
	w := &write{attrs: attrs}
	if err := w.takeOpts(attrs["opts"]); err != nil {
		return nil, err
	}
	switch id := attrs["id"].(type) {
	case map[string]any:
		w.opts.ExternalIDs, _ = toIDSet([]any{id})
	case []any:
		set, ok := toIDSet(id)
		if !ok {
			return nil, problem.Invalid(connec.ErrInvalid, "id", "must be a list of objects with id, provider and realm")
		}
		w.opts.ExternalIDs = set
	default:
		w.id = idText(id)
	}
	for k := range meta {
		delete(attrs, k)
	}
	for k, v := range attrs {
		attrs[k] = toIDs(k, v)
	}
	return w, nil
}

// create puts the id back that the service refuses, or ignores in singleton collections.
func (w *write) create() map[string]any {
	if w.id != "" {
		w.attrs["id"] = w.id
	}
	return w.attrs
}

// takeOpts reads the options inside a record. Unknown ones mean nothing.
func (w *write) takeOpts(v any) error {
	opts, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	switch s := opts["sparse"].(type) {
	case bool:
		w.opts.Authoritative = !s
	case string:
		w.opts.Authoritative = strings.EqualFold(s, "false")
	}
	const shape = "must be a list of attribute names, or of lists of them"
	switch fields := opts["matching_fields"].(type) {
	case nil:
	case string:
		w.opts.MatchingFields = [][]string{{fields}}
	case []any:
		for _, alt := range fields {
			switch alt := alt.(type) {
			case string:
				w.opts.MatchingFields = append(w.opts.MatchingFields, []string{alt})
			case []any:
				names := make([]string, len(alt))
				for i, n := range alt {
					if names[i], ok = n.(string); !ok {
						return problem.Invalid(connec.ErrInvalid, "opts.matching_fields", shape)
					}
				}
				w.opts.MatchingFields = append(w.opts.MatchingFields, names)
			default:
				return problem.Invalid(connec.ErrInvalid, "opts.matching_fields", shape)
			}
		}
	default:
		return problem.Invalid(connec.ErrInvalid, "opts.matching_fields", shape)
	}
	return nil
}

// toIDs turns lists of id objects into IDSets, wherever an id or a reference stands. Ids in other forms are left to the service.
func toIDs(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			switch e.(type) {
			case map[string]any, []any:
				v[k] = toIDs(k, e)
			}
		}
	case []any:
		if key == "id" || strings.HasSuffix(key, "_id") {
			if set, ok := toIDSet(v); ok {
				return set
			}
		}
		for i, e := range v {
			v[i] = toIDs("", e)
		}
	}
	return v
}

// toIDSet reads a list of id objects, and only such. An object that names no provider holds a Connec id; one without an id says
// nothing.
func toIDSet(list []any) (connec.IDSet, bool) {
	set := make(connec.IDSet, 0, len(list))
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return nil, false
		}
		x := connec.ExternalID{ID: idText(m["id"]), Provider: idText(m["provider"]), Realm: idText(m["realm"]), GroupID: idText(m["group_id"])}
		if x.ID == "" {
			continue
		}
		if x.Provider == "" {
			x.Provider = connec.ProviderConnec
		}
		set = append(set, x)
	}
	return set, true
}

func idText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return ""
	}
}
