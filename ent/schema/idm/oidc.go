package idm

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// OIDCRequest is a sign-in to an app that is under way.
type OIDCRequest struct{ ent.Schema }

// Annotations names the table.
func (OIDCRequest) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("idm_oidc_requests")}
}

// Fields of OIDCRequest.
func (OIDCRequest) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("code_hash").Comment("SHA-256 of the code, in hex; empty until there is one."),
		field.Bool("used").Comment("The code was exchanged."),
		field.Bytes("data").Comment("The request, in JSON."),
		field.Int64("expires_at"),
	}
}

// Indexes of OIDCRequest.
func (OIDCRequest) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("code_hash").StorageKey("idm_oidc_requests_code"),
		index.Fields("expires_at").StorageKey("idm_oidc_requests_expiry"),
	}
}

// OIDCToken is an access token or a refresh token that an app got. Its id is the SHA-256 of the token, in hex.
type OIDCToken struct{ ent.Schema }

// Annotations names the table.
func (OIDCToken) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("idm_oidc_tokens")}
}

// Fields of OIDCToken.
func (OIDCToken) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("hash").Immutable(),
		field.String("family").Immutable().Comment("What one sign-in led to."),
		field.String("user_id").Immutable(),
		field.String("client_id").Immutable(),
		field.Bool("used").Comment("A refresh token that was exchanged for the next one."),
		field.Bytes("data").Immutable().Comment("The token's facts, in JSON."),
		field.Int64("expires_at").Immutable(),
	}
}

// Indexes of OIDCToken.
func (OIDCToken) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("family").StorageKey("idm_oidc_tokens_family"),
		index.Fields("user_id", "client_id").StorageKey("idm_oidc_tokens_user"),
		index.Fields("expires_at").StorageKey("idm_oidc_tokens_expiry"),
	}
}

// OIDCKey is a key that ID tokens are signed with.
type OIDCKey struct{ ent.Schema }

// Annotations names the table.
func (OIDCKey) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("idm_oidc_keys")}
}

// Fields of OIDCKey.
func (OIDCKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.Bytes("private_key").Sensitive().Immutable().Comment("PKCS #8."),
		field.Int64("created_at").Immutable(),
	}
}
