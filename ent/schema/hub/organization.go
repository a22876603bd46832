package hub

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Organization is a customer's profile.
type Organization struct{ ent.Schema }

// Annotations names the table.
func (Organization) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("hub_organizations")}
}

// Fields of Organization. The id is the Number.
func (Organization) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("uid").Immutable(),
		field.String("name"),
		field.String("currency"),
		field.Int("financial_year_end_month"),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Indexes of Organization.
func (Organization) Indexes() []ent.Index {
	return []ent.Index{index.Fields("uid").Unique().StorageKey("hub_organizations_uid")}
}
