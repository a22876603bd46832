package idm

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Membership is a user's role in an organization. Its id is the number that the HUB API shows.
type Membership struct{ ent.Schema }

// Annotations names the table.
func (Membership) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("idm_memberships")}
}

// Fields of Membership.
func (Membership) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("user_id").Immutable(),
		field.String("organization_id").Immutable(),
		field.String("role"),
	}
}

// Indexes of Membership.
func (Membership) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id", "organization_id").Unique().StorageKey("idm_memberships_user"),
		index.Fields("organization_id", "role").StorageKey("idm_memberships_organization"),
	}
}
