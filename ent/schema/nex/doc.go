// Package nex describes the tables of the package nexsql.
//
// Instants are microseconds since 1970 (UTC), 0 for none, and durations are microseconds: the same on every database, exact, and
// cheap to compare. Every table and index carries the prefix nex_, so that the subsystems can share a database.
package nex

//go:generate go tool ent generate --feature sql/versioned-migration,sql/upsert,sql/lock --target ../../nexdb .
