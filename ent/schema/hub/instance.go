package hub

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Instance is an app in an organization, with the order that is being carried out.
type Instance struct{ ent.Schema }

// Annotations names the table.
func (Instance) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("hub_instances")}
}

// Fields of Instance. The id is the Number.
func (Instance) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("uid").Immutable(),
		field.String("organization_uid").Immutable(),
		field.String("app_uid").Immutable(),
		field.String("client_uid"),
		field.String("active_key").Optional().Nillable().Comment("The organization and the app while not terminated, so that there is one such instance."),
		field.String("name"),
		field.String("status"),
		field.Int("progress"),
		field.String("step"),
		field.Strings("errors").Optional(),
		field.String("url"),
		field.JSON("durations", map[string]int64{}).Optional().Comment("In nanoseconds, by status."),
		field.Bytes("sealed_secrets").Optional().Sensitive(),
		field.String("settings").Default("").Comment("A digest of what the instance took from its app and the platform."),
		field.String("order_kind"),
		field.String("order_step"),
		field.Time("order_step_at").Optional().Nillable(),
		field.Int("order_attempts"),
		field.Time("order_due_at").Optional().Nillable(),
		field.Time("order_free_at").Optional().Nillable().Comment("When the order can be claimed: the later of when it is due and the end of the claim on it."),
		field.String("order_claim"),
		field.Time("order_claimed_until").Optional().Nillable(),
		field.Time("created_at").Immutable(),
		field.Time("started_at").Optional().Nillable(),
		field.Time("terminated_at").Optional().Nillable(),
		field.Time("updated_at"),
	}
}

// Indexes of Instance.
func (Instance) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("uid").Unique().StorageKey("hub_instances_uid"),
		index.Fields("active_key").Unique().StorageKey("hub_instances_active"),
		index.Fields("organization_uid").StorageKey("hub_instances_organization"),
		index.Fields("order_free_at", "order_due_at").StorageKey("hub_instances_order"),
	}
}
