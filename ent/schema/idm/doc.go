// Package idm describes the tables of the package idmsql.
//
// Instants are microseconds since 1970 (UTC): the same on every database, exact, and cheap to compare.
// Every table and index carries the prefix idm_, so that the subsystems can share a database.
package idm

//go:generate go tool ent generate --feature sql/versioned-migration,sql/upsert,sql/lock,sql/execquery --target ../../idmdb .
