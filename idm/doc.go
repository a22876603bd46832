// Package idm judges who may do what, and holds the facts that its judgements rest on: users, sessions, API keys,
// organizations, memberships and groups.
package idm
