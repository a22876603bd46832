// Package ent gathers the storage schemas: ent/schema/<subsystem> is written by hand, ent/<subsystem>db is generated from it.
//
// The generated packages are outside the compatibility promise.
package ent
