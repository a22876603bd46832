package idm

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Group is an app in an organization. The row stays when the group is deleted, so that its id never comes back.
type Group struct{ ent.Schema }

// Annotations names the table.
func (Group) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("idm_groups")}
}

// Fields of Group.
func (Group) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("client_id").Immutable(),
		field.String("organization_id").Immutable(),
		field.Bool("deleted"),
	}
}

// Indexes of Group.
func (Group) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("client_id", "organization_id").StorageKey("idm_groups_client"),
		index.Fields("organization_id").StorageKey("idm_groups_organization"),
	}
}
