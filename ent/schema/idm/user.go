package idm

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// User is a person who can sign in. Its id is the number that the HUB API shows.
type User struct{ ent.Schema }

// Annotations names the table.
func (User) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("idm_users")}
}

// Fields of User.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("uid").Immutable(),
		field.String("email"),
		field.String("email_key").Comment("The address as it is compared."),
		field.String("name"),
		field.String("surname"),
		field.Bool("operator"),
		field.Bool("disabled"),
		field.String("password_hash").Sensitive().Comment("A PHC string."),
		field.Int64("created_at").Immutable(),
		field.Int64("updated_at"),
	}
}

// Indexes of User.
func (User) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("uid").Unique().StorageKey("idm_users_uid"),
		index.Fields("email_key").Unique().StorageKey("idm_users_email"),
	}
}
