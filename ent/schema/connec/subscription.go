package connec

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Subscription is an app instance's wish to be told of changes.
type Subscription struct{ ent.Schema }

// Annotations names the table.
func (Subscription) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("connec_subscriptions")}
}

// Fields of Subscription.
func (Subscription) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("organization"),
		field.String("app_id"),
		field.Text("collections").Optional().Nillable().Comment("A JSON list; NULL is all."),
		field.Text("url"),
		field.String("username"),
		field.String("password").Sensitive(),
		field.String("secret").Sensitive(),
		field.Bool("external_ids"),
		field.Int64("created_at").Immutable(),
	}
}

// Indexes of Subscription.
func (Subscription) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("organization", "id").StorageKey("connec_subscriptions_organization"),
	}
}
