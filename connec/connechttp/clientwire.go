package connechttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
)

// encodeWrite makes the body of a create or an update.
func encodeWrite(collection string, attrs map[string]any, opts connec.WriteOptions) ([]byte, error) {
	b := append([]byte{'{'}, appendString(nil, collection)...)
	b = append(b, ':')
	b, err := appendWrite(b, attrs, opts)
	if err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

// appendWrite appends a record's attributes with the options that travel among them.
func appendWrite(b []byte, attrs map[string]any, opts connec.WriteOptions) ([]byte, error) {
	rec := make(map[string]any, len(attrs)+2)
	maps.Copy(rec, attrs)
	delete(rec, "opts")
	if len(opts.ExternalIDs) > 0 {
		rec["id"] = opts.ExternalIDs
	}
	o := map[string]any{}
	if len(opts.MatchingFields) > 0 {
		o["matching_fields"] = opts.MatchingFields
	}
	if opts.Authoritative {
		o["sparse"] = false
	}
	if len(o) > 0 {
		rec["opts"] = o
	}
	j, err := json.Marshal(rec)
	if err != nil {
		return nil, fmt.Errorf("%w: attributes: %w", connec.ErrInvalid, err)
	}
	return append(b, j...), nil
}

var errEnvelope = errors.New("the answer is not what connec answers: there is no record in it")

// splitEnvelope returns the first key of an answer and what stands there.
func splitEnvelope(body []byte) (string, json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return "", nil, errEnvelope
	}
	t, err := dec.Token()
	key, ok := t.(string)
	if err != nil || !ok {
		return "", nil, errEnvelope
	}
	var v json.RawMessage
	if err := dec.Decode(&v); err != nil {
		return "", nil, errEnvelope
	}
	return key, v, nil
}

func decodeEnvelope(body []byte, opts connec.ReadOptions) (*connec.Resource, error) {
	_, raw, err := splitEnvelope(body)
	if err != nil {
		return nil, err
	}
	var rec map[string]any
	if err := decode(raw, &rec); err != nil {
		return nil, err
	}
	return fromRecord(rec, opts)
}

func decodePage(body []byte, opts connec.ReadOptions) (*connec.Page, error) {
	key, _, err := splitEnvelope(body)
	if err != nil {
		return nil, err
	}
	var doc map[string]json.RawMessage
	if err := decode(body, &doc); err != nil {
		return nil, err
	}
	var p struct{ Skip, Top, Total int }
	if err := decode(doc["pagination"], &p); err != nil {
		return nil, err
	}
	var recs []map[string]any
	if err := decode(doc[key], &recs); err != nil {
		return nil, err
	}
	page := &connec.Page{Resources: make([]*connec.Resource, len(recs)), Skip: p.Skip, Top: p.Top, Total: p.Total}
	for i, rec := range recs {
		if page.Resources[i], err = fromRecord(rec, opts); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// fromRecord undoes encoder.record. It takes rec over.
func fromRecord(rec map[string]any, opts connec.ReadOptions) (*connec.Resource, error) {
	r := &connec.Resource{Attributes: rec}
	switch id := rec["id"].(type) {
	case string:
		r.ID = id
	case []any:
		set, _ := toIDSet(id)
		i := slices.IndexFunc(set, func(x connec.ExternalID) bool { return x.Provider == connec.ProviderConnec })
		if i < 0 {
			return nil, fmt.Errorf("%w: its id names none of connec's", errEnvelope)
		}
		r.ID = set[i].ID
		r.ExternalIDs = set
	default:
		return nil, fmt.Errorf("%w: it has no id", errEnvelope)
	}
	r.Collection, _ = rec["resource_type"].(string)
	r.Organization, _ = rec["channel_id"].(string)
	if g, _ := rec["group_id"].(string); g != r.Organization {
		r.Group = g
	}
	if n, ok := rec["_version"].(json.Number); ok {
		v, err := n.Int64()
		if err != nil {
			return nil, fmt.Errorf("%w: version %s", errEnvelope, n)
		}
		r.Version = v
	}
	for key, at := range map[string]*time.Time{"created_at": &r.CreatedAt, "updated_at": &r.UpdatedAt} {
		s, _ := rec[key].(string)
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return nil, fmt.Errorf("%w: %s is %q", errEnvelope, key, s)
		}
		*at = t.UTC()
	}
	for k := range meta {
		delete(rec, k)
	}
	if opts.ExternalIDs {
		for k, v := range rec {
			rec[k] = toIDs(k, v)
		}
	}
	return r, nil
}
