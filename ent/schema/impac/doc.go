// Package impac describes the tables of the package impacsql.
//
// Metadata is JSON in a text column and not in a JSON one: it must come back as it was given, which PostgreSQL's jsonb doesn't promise.
// Instants are microseconds since 1970 (UTC). Every table and index carries the prefix impac_, so that the subsystems can
// share a database.
package impac

//go:generate go tool ent generate --feature sql/versioned-migration,sql/lock --target ../../impacdb .
