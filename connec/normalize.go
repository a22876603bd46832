package connec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

const (
	maxDepth      = 32
	maxIDs        = 100 // of one record, in one write
	maxNameLength = 200
)

// platform names the members of a record that are not its own attributes. What clients send for them is left out.
var platform = map[string]bool{
	"id": true, "created_at": true, "updated_at": true, "group_id": true, "channel_id": true, "resource_type": true,
	"matching_records": true, "opts": true,
}

// normalizer turns what callers send into attributes in the one form in which they are stored: a patch, in which nil clears an
// attribute. Ids and references become IDSets. It works on no store, so it can run before a write transaction begins.
type normalizer struct {
	fields []problem.Field
}

func (n *normalizer) refuse(path, format string, args ...any) {
	if len(n.fields) < 100 {
		n.fields = append(n.fields, problem.Field{Path: path, Reason: fmt.Sprintf(format, args...)})
	}
}

func (n *normalizer) err() error {
	if len(n.fields) == 0 {
		return nil
	}
	return &ValidationError{Sentinel: ErrInvalid, Fields: n.fields}
}

func sub(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (n *normalizer) object(a *attr, path string, obj map[string]any, depth int) map[string]any {
	out := make(map[string]any, len(obj))
	if depth > maxDepth {
		n.refuse(path, "is nested deeper than %d", maxDepth)
		return out
	}
	for name, v := range obj {
		if depth == 0 && platform[name] {
			continue
		}
		if name == "" || len(name) > maxNameLength || strings.ContainsRune(name, 0) || !utf8.ValidString(name) {
			n.refuse(path, "has a member whose name is empty, too long or not a text")
			continue
		}
		if v, keep := n.value(a.prop(name), sub(path, name), v, depth+1); keep {
			out[name] = v
		}
	}
	return out
}

// value normalizes one value. A nil result clears the attribute; keep is false for what says nothing.
func (n *normalizer) value(a *attr, path string, v any, depth int) (_ any, keep bool) {
	if len(a.refs) > 0 {
		return n.ids(path, v)
	}
	switch x := v.(type) {
	case nil:
		return nil, true
	case string:
		return n.text(a, path, x)
	case json.Number:
		return n.number(a, path, string(x))
	case float64:
		return n.number(a, path, strconv.FormatFloat(x, 'f', -1, 64))
	case int:
		return n.number(a, path, strconv.Itoa(x))
	case int64:
		return n.number(a, path, strconv.FormatInt(x, 10))
	case bool:
		if a.isString && !a.isBool {
			return strconv.FormatBool(x), true
		}
		return x, true
	case time.Time:
		return FormatTime(x.Truncate(time.Microsecond)), true
	case map[string]any:
		if a.isArray && !a.isObject && len(x) == 0 {
			return []any{}, true
		}
		return n.object(a, path, x, depth), true
	case []any:
		return n.list(a, path, x, depth)
	case IDSet: // in an attribute that is no reference
		return n.value(a, path, asJSON(x), depth)
	default:
		plain, err := plainJSON(x)
		if err != nil {
			n.refuse(path, "is of a type that JSON doesn't have")
			return nil, false
		}
		return n.value(a, path, plain, depth)
	}
}

// plainJSON turns any value of Go that JSON has a form for into JSON's own types.
func plainJSON(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var out any
	err = dec.Decode(&out)
	return out, err
}

func asJSON(s IDSet) any {
	out := make([]any, len(s))
	for i, e := range s {
		m := map[string]any{"id": e.ID, "provider": e.Provider, "realm": e.Realm}
		if e.GroupID != "" {
			m["group_id"] = e.GroupID
		}
		out[i] = m
	}
	return out
}

func (n *normalizer) list(a *attr, path string, list []any, depth int) (any, bool) {
	if a.isObject && !a.isArray && len(list) == 0 {
		return nil, false // PHP writes an empty object as []
	}
	if depth > maxDepth {
		n.refuse(path, "is nested deeper than %d", maxDepth)
		return nil, false
	}
	if a.children && len(list) > maxChildren {
		n.refuse(path, "must not have more than %d elements", maxChildren)
		return nil, false
	}
	out := make([]any, 0, len(list))
	for i, e := range list {
		at := sub(path, strconv.Itoa(i))
		if a.children {
			child, ok := e.(map[string]any)
			if !ok {
				plain, err := plainJSON(e)
				if child, ok = plain.(map[string]any); err != nil || !ok {
					n.refuse(at, "must be an object")
					continue
				}
			}
			out = append(out, n.child(a.item(), at, child, depth+1))
			continue
		}
		if v, keep := n.value(a.item(), at, e, depth+1); keep && v != nil {
			out = append(out, v)
		}
	}
	return out, true
}

// child normalizes a nested record, whose id becomes an IDSet.
func (n *normalizer) child(a *attr, path string, obj map[string]any, depth int) map[string]any {
	rest := make(map[string]any, len(obj))
	var ids any
	for k, v := range obj {
		if k == "id" {
			ids, _ = n.ids(sub(path, "id"), v)
			continue
		}
		rest[k] = v
	}
	out := n.object(a, path, rest, depth)
	if set, ok := ids.(IDSet); ok {
		out["id"] = set
	}
	return out
}

func (n *normalizer) text(a *attr, path, s string) (any, bool) {
	switch {
	case !utf8.ValidString(s):
		n.refuse(path, "must be UTF-8")
		return nil, false
	case strings.ContainsRune(s, 0):
		n.refuse(path, "must not contain the character NUL")
		return nil, false
	}
	declared := a.isString || a.isNumber || a.isInteger || a.isBool || a.isObject || a.isArray
	if !declared {
		return s, true
	}
	s = strings.TrimSpace(s)
	plainText := a.isString && !a.dateTime && a.enum == nil
	if s == "" && !plainText {
		return nil, true
	}
	switch {
	case a.dateTime:
		t, ok := parseTime(s)
		if !ok {
			n.refuse(path, "must be a date such as 2017-01-31T10:00:00Z")
			return nil, false
		}
		return FormatTime(t), true
	case a.enum != nil:
		if i := slices.IndexFunc(a.enum, func(e string) bool { return strings.EqualFold(e, s) }); i >= 0 {
			return a.enum[i], true
		}
		return s, true
	case a.isString:
		return s, true
	case a.isNumber, a.isInteger:
		return n.numberText(a, path, s)
	case a.isBool:
		switch strings.ToLower(s) {
		case "true", "1":
			return true, true
		case "false", "0":
			return false, true
		}
	}
	return s, true
}

// numberText reads numbers as people and PHP write them: "007", ".5", "+3", "1e3".
func (n *normalizer) numberText(a *attr, path, s string) (any, bool) {
	t := strings.TrimPrefix(s, "+")
	sign := ""
	if strings.HasPrefix(t, "-") {
		sign, t = "-", t[1:]
	}
	t = strings.TrimLeft(t, "0")
	if t == "" || t[0] < '0' || t[0] > '9' {
		t = "0" + t
	}
	if _, ok := canonicalNumber(sign + t); !ok {
		n.refuse(path, "must be a number")
		return nil, false
	}
	return n.number(a, path, sign+t)
}

func (n *normalizer) number(a *attr, path, s string) (any, bool) {
	c, ok := canonicalNumber(s)
	if !ok {
		n.refuse(path, "must be a number that a double can hold")
		return nil, false
	}
	switch {
	case a.isNumber:
	case a.isInteger:
		if whole, frac, found := strings.Cut(c, "."); found && strings.Trim(frac, "0") == "" {
			c = whole
		}
	case a.isBool && (c == "0" || c == "1"):
		return c == "1", true
	case a.isString && !a.dateTime && a.enum == nil:
		return c, true
	}
	return json.Number(c), true
}

// ids reads an id or a reference in every form that clients use: a text, a number, one id object or a list of them. The plain forms are Connec's
// own ids.
func (n *normalizer) ids(path string, v any) (_ any, keep bool) {
	set, ok := readIDs(v)
	if !ok {
		n.refuse(path, "must be an id, or a list of at most %d objects with id, provider and realm", maxIDs)
		return nil, false
	}
	if len(set) == 0 {
		if s, ok := v.(string); ok && strings.TrimSpace(s) == "" || v == nil {
			return nil, true // '' and null clear a reference
		}
		return nil, false
	}
	for _, e := range set {
		for _, s := range []string{e.ID, e.Provider, e.Realm, e.GroupID} {
			if len(s) > 512 || strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
				n.refuse(path, "must have ids of at most 512 bytes, in UTF-8 and without NUL")
				return nil, false
			}
		}
	}
	return set, true
}

func readIDs(v any) (IDSet, bool) {
	switch x := v.(type) {
	case nil:
		return nil, true
	case string:
		return plainID(x), true
	case json.Number:
		return plainID(string(x)), true
	case float64:
		return plainID(strconv.FormatFloat(x, 'f', -1, 64)), true
	case int:
		return plainID(strconv.Itoa(x)), true
	case int64:
		return plainID(strconv.FormatInt(x, 10)), true
	case ExternalID:
		return clean(IDSet{x}), true
	case IDSet:
		return clean(x), len(x) <= maxIDs
	case []ExternalID:
		return clean(x), len(x) <= maxIDs
	case map[string]any:
		return readIDs([]any{x})
	case []any:
		if len(x) > maxIDs {
			return nil, false
		}
		var set IDSet
		for _, e := range x {
			m, ok := e.(map[string]any)
			if !ok {
				if _, nested := e.([]any); nested {
					return nil, false
				}
				one, ok := readIDs(e)
				if !ok {
					return nil, false
				}
				set = append(set, one...)
				continue
			}
			set = append(set, ExternalID{ID: scalar(m["id"]), Provider: scalar(m["provider"]), Realm: scalar(m["realm"]), GroupID: scalar(m["group_id"])})
		}
		return clean(set), true
	default:
		plain, err := plainJSON(v)
		if err != nil {
			return nil, false
		}
		switch plain.(type) {
		case string, []any, map[string]any, json.Number, nil:
			return readIDs(plain)
		}
		return nil, false
	}
}

func plainID(s string) IDSet {
	return clean(IDSet{{ID: s, Provider: ProviderConnec}})
}

// clean leaves out empty ids and gives those without a provider, which are Connec's own, theirs.
func clean(in IDSet) IDSet {
	out := make(IDSet, 0, len(in))
	for _, e := range in {
		e.ID, e.Provider, e.Realm = strings.TrimSpace(e.ID), strings.TrimSpace(e.Provider), strings.TrimSpace(e.Realm)
		if e.ID == "" {
			continue
		}
		if e.Provider == "" {
			e.Provider = ProviderConnec
		}
		if e.Provider == ProviderConnec {
			e.ID, e.Realm, e.GroupID = strings.ToLower(e.ID), "", ""
		}
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

func scalar(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return string(x)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case int:
		return strconv.Itoa(x)
	case int64:
		return strconv.FormatInt(x, 10)
	}
	return ""
}
