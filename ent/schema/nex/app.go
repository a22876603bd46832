package nex

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// App is one deployment. The row stays when the app is terminated, so that its uid never comes back.
type App struct{ ent.Schema }

// Annotations names the table.
func (App) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("nex_apps")}
}

// Fields of App.
func (App) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable().Comment("The uid."),
		field.String("name"),
		field.String("organization").Immutable(),
		field.String("template").Immutable(),
		field.String("status"),
		field.String("next_status"),
		field.Strings("errors"),
		field.Int("restarts"),
		field.Int64("created_at").Immutable(),
		field.Int64("started_at"),
		field.Int64("stopped_at"),
		field.Int64("terminated_at"),
		field.Bytes("sealed").Optional().Sensitive().Comment("The environment and the secret key."),
		field.Int64("operation"),
		field.Int("attempts"),
		field.Int64("retry_at"),
	}
}

// Indexes of App.
func (App) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("organization", "status").StorageKey("nex_apps_organization"),
		index.Fields("status").StorageKey("nex_apps_status"),
	}
}
