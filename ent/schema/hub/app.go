package hub

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// App is a marketplace entry.
type App struct{ ent.Schema }

// Annotations names the table.
func (App) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("hub_apps")}
}

// Fields of App. The id is the Number.
func (App) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("uid").Immutable(),
		field.String("nid").Immutable(),
		field.String("name"),
		field.Text("tiny_description"),
		field.Text("description"),
		field.Text("logo"),
		field.Strings("categories").Optional(),
		field.String("stack"),
		field.String("host"),
		field.String("sso_init_path"),
		field.String("notification_path"),
		field.Strings("collections").Optional(),
		field.Bool("external_ids"),
		field.Strings("redirect_paths").Optional(),
		field.Bool("active"),
		field.Bytes("sealed_key").Optional().Sensitive(),
		field.Bool("published"),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Indexes of App.
func (App) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("uid").Unique().StorageKey("hub_apps_uid"),
		index.Fields("nid").Unique().StorageKey("hub_apps_nid"),
	}
}
