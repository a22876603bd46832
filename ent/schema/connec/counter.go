package connec

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Counter counts within one collection of an organization.
type Counter struct{ ent.Schema }

// Annotations names the table.
func (Counter) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("connec_counters")}
}

// Fields of Counter.
func (Counter) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("organization").Immutable(),
		field.String("collection").Immutable(),
		field.Int64("number").Comment("The last number given out."),
		field.Int64("records").Comment("How many records there are, so that a list need not count them."),
		field.Int64("changes").Comment("Grows with every transaction that wrote records, so that a count is known to be good still."),
	}
}

// Indexes of Counter.
func (Counter) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("organization", "collection").Unique().StorageKey("connec_counters_collection"),
	}
}
