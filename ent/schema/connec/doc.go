// Package connec describes the tables of the package connecsql.
//
// Instants are microseconds since 1970 (UTC): the same on every database, exact, and cheap to compare.
// Every table and index carries the prefix connec_, so that the subsystems can share a database.
package connec

//go:generate go tool ent generate --feature sql/versioned-migration --target ../../connecdb .
