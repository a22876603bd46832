package nex

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Template says how to run one product.
type Template struct{ ent.Schema }

// Annotations names the table.
func (Template) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("nex_templates")}
}

// Fields of Template.
func (Template) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable().Comment("The name."),
		field.String("version"),
		field.Strings("command"),
		field.String("health_path"),
		field.Int64("stop_grace"),
		field.Bytes("sealed").Sensitive().Comment("The environment."),
	}
}
