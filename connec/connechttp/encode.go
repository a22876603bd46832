package connechttp

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
)

// shape says how records are written.
type shape struct {
	externalIDs bool
	versions    bool
}

// meta are the members of a record that are not attributes: Connec sets them, and ignores them in requests.
var meta = map[string]bool{
	"id": true, "created_at": true, "updated_at": true, "group_id": true, "channel_id": true, "resource_type": true,
	"_version": true, "opts": true, "matching_records": true,
}

// encoder writes records. It is the busiest code of the package, and encoding/json spends most of its time on maps of any.
type encoder struct {
	keys []string // sorted keys of the objects around the current value
}

// envelope appends {"people":{…}}.
func (e *encoder) envelope(b []byte, collection string, r *connec.Resource, s shape) []byte {
	b = append(b, '{')
	b = appendString(b, collection)
	b = append(b, ':')
	b = e.record(b, r, s)
	return append(b, '}')
}

// sort puts the keys of m behind those that are there and tells where they begin.
func (e *encoder) sort(m map[string]any) int {
	from := len(e.keys)
	for k := range m {
		e.keys = append(e.keys, k)
	}
	slices.Sort(e.keys[from:])
	return from
}

// record appends a record: its id, its attributes by name, and what Connec knows of it.
func (e *encoder) record(b []byte, r *connec.Resource, s shape) []byte {
	b = append(b, `{"id":`...)
	if s.externalIDs {
		b = appendIDSet(b, fullIDSet(r))
	} else {
		b = appendString(b, r.ID)
	}
	from := e.sort(r.Attributes)
	for i := from; i < from+len(r.Attributes); i++ {
		k := e.keys[i]
		if meta[k] {
			continue
		}
		b = append(b, ',')
		b = appendString(b, k)
		b = append(b, ':')
		b = e.value(b, r.Attributes[k])
	}
	e.keys = e.keys[:from]
	group := r.Group
	if group == "" {
		group = r.Organization // the reader came without an app instance
	}
	b = append(b, `,"created_at":`...)
	b = appendTime(b, r.CreatedAt)
	b = append(b, `,"updated_at":`...)
	b = appendTime(b, r.UpdatedAt)
	b = append(b, `,"group_id":`...)
	b = appendString(b, group)
	b = append(b, `,"channel_id":`...)
	b = appendString(b, r.Organization)
	b = append(b, `,"resource_type":`...)
	b = appendString(b, r.Collection)
	if s.versions {
		b = append(b, `,"_version":`...)
		b = appendInt(b, r.Version)
	}
	return append(b, '}')
}

// fullIDSet is all ids of a record, Connec's own among them, once.
func fullIDSet(r *connec.Resource) connec.IDSet {
	own := func(x connec.ExternalID) bool { return x.Provider == connec.ProviderConnec }
	if slices.ContainsFunc(r.ExternalIDs, own) {
		return r.ExternalIDs
	}
	out := make(connec.IDSet, 0, len(r.ExternalIDs)+1)
	out = append(out, connec.ExternalID{ID: r.ID, Provider: connec.ProviderConnec, Realm: r.Organization})
	return append(out, r.ExternalIDs...)
}

func appendIDSet(b []byte, ids connec.IDSet) []byte {
	b = append(b, '[')
	for i, x := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = appendString(b, x.ID)
		b = append(b, `,"provider":`...)
		b = appendString(b, x.Provider)
		b = append(b, `,"realm":`...)
		b = appendString(b, x.Realm)
		if x.GroupID != "" {
			b = append(b, `,"group_id":`...)
			b = appendString(b, x.GroupID)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// value appends a value of an attribute. Anything but the types that a Resource holds goes through encoding/json.
func (e *encoder) value(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case json.Number:
		return append(b, v...)
	case bool:
		if v {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case map[string]any:
		b = append(b, '{')
		from := e.sort(v)
		for i := from; i < from+len(v); i++ {
			if i > from {
				b = append(b, ',')
			}
			b = appendString(b, e.keys[i])
			b = append(b, ':')
			b = e.value(b, v[e.keys[i]])
		}
		e.keys = e.keys[:from]
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.value(b, x)
		}
		return append(b, ']')
	case connec.IDSet:
		return appendIDSet(b, v)
	case time.Time:
		return appendTime(b, v)
	default:
		j, err := json.Marshal(v)
		if err != nil {
			return append(b, "null"...)
		}
		return append(b, j...)
	}
}

// appendTime appends "2006-01-02T15:04:05Z": clients compare such times as strings, and choke on null.
func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func appendInt(b []byte, n int64) []byte {
	return strconv.AppendInt(b, n, 10)
}

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendEscaped(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}
