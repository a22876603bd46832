package nex

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// DurationSample is how long an app of a template was once in a status.
type DurationSample struct{ ent.Schema }

// Annotations names the table.
func (DurationSample) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("nex_durations")}
}

// Fields of DurationSample.
func (DurationSample) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("template").Immutable(),
		field.String("status").Immutable(),
		field.Int64("duration").Immutable(),
	}
}

// Indexes of DurationSample.
func (DurationSample) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("template", "status", "id").StorageKey("nex_durations_template"),
	}
}
