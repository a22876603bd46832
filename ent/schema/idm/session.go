package idm

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Session is a token's life. Its id is the SHA-256 of the token, in hex.
type Session struct{ ent.Schema }

// Annotations names the table.
func (Session) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("idm_sessions")}
}

// Fields of Session.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("hash").Immutable(),
		field.String("uid").Immutable(),
		field.String("subject").Immutable(),
		field.Int64("created_at").Immutable(),
		field.Int64("expires_at").Immutable(),
		field.Int64("idle_expires_at"),
	}
}

// Indexes of Session.
func (Session) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("subject").StorageKey("idm_sessions_subject"),
		index.Fields("expires_at").StorageKey("idm_sessions_expiry"),
		index.Fields("idle_expires_at").StorageKey("idm_sessions_idle_expiry"),
	}
}
