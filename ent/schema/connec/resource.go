package connec

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Resource is a record in its newest version.
type Resource struct{ ent.Schema }

// Annotations names the table.
func (Resource) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("connec_resources")}
}

// Fields of Resource.
func (Resource) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("organization").Immutable(),
		field.String("collection").Immutable(),
		field.Int64("version"),
		field.Text("attributes").SchemaType(map[string]string{dialect.Postgres: "jsonb"}),
		field.Int64("created_at").Immutable(),
		field.Int64("updated_at"),
		// The beginnings of some attributes: most queries need not look into the document. See connecsql.
		field.String("code").Optional().Nillable(),
		field.String("reference").Optional().Nillable(),
		field.String("name").Optional().Nillable(),
		field.String("email").Optional().Nillable(),
		field.String("first_name").Optional().Nillable(),
		field.String("last_name").Optional().Nillable(),
		field.String("status").Optional().Nillable(),
		field.String("transaction_date").Optional().Nillable(),
	}
}

// Indexes of Resource. created_at and id end those on an attribute, so that finding the oldest record reads one entry. The first one
// holds the status too, so that counting the records with or without one doesn't read them.
func (Resource) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("organization", "collection", "created_at", "id", "status").StorageKey("connec_resources_created"),
		index.Fields("organization", "collection", "updated_at", "id").StorageKey("connec_resources_updated"),
		attribute("code"),
		attribute("reference"),
		attribute("name"),
		attribute("email"),
		attribute("first_name"),
		attribute("last_name"),
		attribute("transaction_date"),
	}
}

func attribute(name string) ent.Index {
	return index.Fields("organization", "collection", name, "created_at", "id").
		StorageKey("connec_resources_" + name).
		Annotations(entsql.IndexWhere(name + " IS NOT NULL"))
}
