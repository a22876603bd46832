package connec

import (
	"encoding/json"
	"maps"
)

// Document gives the record as clients and webhooks see it: its attributes with "id", which is an IDSet when ExternalIDs is set and a text
// otherwise, "group_id", "channel_id", "resource_type", "created_at" and "updated_at".
func (r *Resource) Document() map[string]any {
	doc := make(map[string]any, len(r.Attributes)+6)
	maps.Copy(doc, r.Attributes)
	doc["id"] = r.ID
	if r.ExternalIDs != nil {
		doc["id"] = r.ExternalIDs
	}
	doc["group_id"] = groupID(r.Group, r.Organization)
	doc["channel_id"] = r.Organization
	doc["resource_type"] = r.Collection
	doc["created_at"] = FormatTime(r.CreatedAt)
	doc["updated_at"] = FormatTime(r.UpdatedAt)
	return doc
}

// MarshalJSON gives the record's Document.
func (r *Resource) MarshalJSON() ([]byte, error) { return json.Marshal(r.Document()) }

// Clone returns a copy that shares nothing with r.
func (r *Resource) Clone() *Resource {
	c := *r
	c.ExternalIDs = append(IDSet(nil), r.ExternalIDs...)
	c.Attributes = cloneMap(r.Attributes)
	return &c
}

// Clone returns a copy that shares nothing with t.
func (t *Transaction) Clone() *Transaction {
	c := *t
	c.Before, c.After = cloneMap(t.Before), cloneMap(t.After)
	return &c
}
