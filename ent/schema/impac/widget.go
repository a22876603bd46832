package impac

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Widget is a place on a dashboard.
type Widget struct{ ent.Schema }

// Annotations names the table.
func (Widget) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("impac_widgets")}
}

// Fields of Widget.
func (Widget) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable(),
		field.Int64("dashboard_id").Immutable(),
		field.String("name"),
		field.String("endpoint").Immutable(),
		field.Int("width"),
		field.Text("metadata"),
	}
}

// Edges of Widget.
func (Widget) Edges() []ent.Edge {
	return []ent.Edge{edge.From("dashboard", Dashboard.Type).Ref("widgets").Field("dashboard_id").Unique().Required().Immutable()}
}

// Indexes of Widget.
func (Widget) Indexes() []ent.Index {
	return []ent.Index{index.Fields("dashboard_id").StorageKey("impac_widgets_dashboard_id")}
}
