package idm

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Organization is what judgements need to know of a customer.
type Organization struct{ ent.Schema }

// Annotations names the table.
func (Organization) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("idm_organizations")}
}

// Fields of Organization.
func (Organization) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("tenant_id"),
		field.Bool("frozen"),
	}
}
