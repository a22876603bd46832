package connec

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Delivery is one change on its way to one subscription.
type Delivery struct{ ent.Schema }

// Annotations names the table.
func (Delivery) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("connec_deliveries")}
}

// Fields of Delivery.
func (Delivery) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("subscription_id").Immutable(),
		field.String("organization").Immutable(),
		field.String("collection").Immutable(),
		field.String("resource_id").Immutable(),
		field.Int64("sequence").Immutable(),
		field.String("state"),
		field.Bool("pending").Comment("What state says, for indexes."),
		field.Bool("head").Comment("Pending, and the oldest pending one of its subscription and record: only such are handed out."),
		field.Int("attempts"),
		field.Int64("next_attempt_at"),
		field.Int64("due_at").Comment("next_attempt_at or, while leased, the end of the lease."),
		field.Int("last_status"),
		field.Text("last_error"),
		field.Int64("created_at").Immutable(),
		field.Int64("updated_at"),
	}
}

// Indexes of Delivery.
func (Delivery) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("subscription_id", "due_at", "sequence").StorageKey("connec_deliveries_due").Annotations(entsql.IndexWhere("head")),
		index.Fields("subscription_id", "resource_id", "sequence").StorageKey("connec_deliveries_pending").
			Annotations(entsql.IndexWhere("pending")),
		index.Fields("organization", "sequence").StorageKey("connec_deliveries_organization"),
		index.Fields("updated_at").StorageKey("connec_deliveries_finished").Annotations(entsql.IndexWhere("NOT pending")),
	}
}
