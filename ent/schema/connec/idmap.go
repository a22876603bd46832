package connec

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// IDMap ties an external id to a record or a nested record.
type IDMap struct{ ent.Schema }

// Annotations names the table.
func (IDMap) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("connec_id_maps")}
}

// Fields of IDMap.
func (IDMap) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("organization").Immutable(),
		field.String("scope").Immutable(),
		field.String("provider").Immutable(),
		field.String("realm").Immutable(),
		field.String("external_id").Immutable(),
		field.String("parent").Immutable(),
		field.String("record_id"),
		field.String("group_id"),
	}
}

// Indexes of IDMap.
func (IDMap) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("organization", "scope", "provider", "realm", "external_id", "parent").Unique().StorageKey("connec_id_maps_external"),
		// Without the organization, so that no planner can mistake it for the one above.
		index.Fields("record_id").StorageKey("connec_id_maps_record"),
	}
}
