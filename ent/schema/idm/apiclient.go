package idm

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// APIClient is a program that holds an id and a key. (Client is taken by the generated code.)
type APIClient struct{ ent.Schema }

// Annotations names the table.
func (APIClient) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("idm_clients")}
}

// Fields of APIClient.
func (APIClient) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("kind").Immutable(),
		field.String("name"),
		field.Strings("redirect_uris"),
		field.String("key_hash").Sensitive().Comment("SHA-256, in hex."),
		field.Int64("created_at").Immutable(),
	}
}
