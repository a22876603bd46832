package connec

import "encoding/json"

// ResourceType is one collection of the model: data, not code.
type ResourceType struct {
	// Name is the collection's plural snake_case name, "tax_codes".
	Name string
	// Singleton collections hold one record an organization.
	Singleton bool
	// CodePrefix makes codes such as "INV12" for records that come without one. Empty makes none.
	CodePrefix string
	// Schema is the JSON Schema (2020-12) of one record's attributes. Its keyword "x-reference" names the collection that an id
	// refers to; on an array, "x-children" marks nested records that have ids of their own. Package connecschema has the others.
	Schema json.RawMessage
}
