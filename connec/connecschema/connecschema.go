// Package connecschema holds the canonical model as data: one JSON Schema (2020-12) a collection.
//
// A file describes the attributes of one record of the collection that it is named after. Files refer to the value objects in common.json, and
// these keywords say what JSON Schema cannot:
//
//   - "x-singleton": an organization has one record of the collection.
//   - "x-code-prefix": how generated codes begin.
//   - "x-reference": the text is the id of a record of that collection, or of one of several. "projects/tasks" means the nested
//     records in the list tasks of projects.
//   - "x-reference-type": the sibling attribute that names the collection, or its class as in "Entity::AppUser", when there are several.
//   - "x-children": the objects in the list are nested records, which have ids of their own.
//   - "x-amount": total_amount, net_amount, tax_amount and tax_rate are derived from one another.
//   - "x-country": the text is a country.
//
// The files are a part of the compatibility promise: attributes are added, never removed or given another meaning.
package connecschema

import "embed"

// Files has the schemas, "invoices.json" and so on, and "common.json".
//
//go:embed *.json
var Files embed.FS
