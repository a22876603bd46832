// Package nex runs single-tenant apps: it starts them from templates, gives each its own host name behind a router, watches
// over them, and brings what runs back to what is wanted after any crash.
package nex
