package connec

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Transaction is one change of one record: its audit entry, its version and its entry in the change feed. Rows are only ever added.
type Transaction struct{ ent.Schema }

// Annotations names the table.
func (Transaction) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("connec_transactions")}
}

// Fields of Transaction. What the record was before is the row of the version before.
func (Transaction) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").StorageKey("sequence").Immutable().
			Annotations(entsql.Annotation{Incremental: new(false)}),
		field.String("uid").Immutable(),
		field.String("organization").Immutable(),
		field.String("collection").Immutable(),
		field.String("resource_id").Immutable(),
		field.Int64("version").Immutable(),
		field.String("action").Immutable(),
		field.String("actor_type").Immutable(),
		field.String("actor_id").Immutable(),
		field.String("actor_name").Immutable(),
		field.String("group_id").Immutable(),
		field.String("request_id").Immutable(),
		field.Text("after").Immutable(),
		field.Int64("at").Immutable(),
	}
}

// Indexes of Transaction.
func (Transaction) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("organization", "id").StorageKey("connec_transactions_feed"),
		index.Fields("organization", "collection", "id").StorageKey("connec_transactions_collection_feed"),
		index.Fields("resource_id", "version").StorageKey("connec_transactions_version"),
	}
}
