// Package hub is the storage schema of the hub: its tables, from which package hubdb is generated. It holds no rules; those are in
// package hub.
package hub

//go:generate go tool ent generate --feature sql/versioned-migration,sql/lock --target ../../hubdb .
