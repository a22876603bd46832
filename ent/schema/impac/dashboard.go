package impac

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Dashboard is an arrangement of widgets.
type Dashboard struct{ ent.Schema }

// Annotations names the table.
func (Dashboard) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("impac_dashboards")}
}

// Fields of Dashboard.
func (Dashboard) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable(),
		field.String("owner_id").Immutable(),
		field.String("name"),
		field.Strings("organization_ids").Immutable(),
		field.String("currency"),
		field.Text("metadata"),
		field.JSON("widgets_order", []int64{}),
		field.Int64("created_at").Immutable(),
		field.Int64("updated_at"),
	}
}

// Edges of Dashboard.
func (Dashboard) Edges() []ent.Edge {
	return []ent.Edge{edge.To("widgets", Widget.Type).Annotations(entsql.OnDelete(entsql.Cascade))}
}

// Indexes of Dashboard.
func (Dashboard) Indexes() []ent.Index {
	return []ent.Index{index.Fields("owner_id").StorageKey("impac_dashboards_owner_id")}
}
