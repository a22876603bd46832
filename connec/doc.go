// Package connec shares business data between apps: one model, validated; one write path, audited; and every change
// delivered to the other apps of the organization.
//
//	store := connecmem.New() // or connecsql
//	engine := connec.New(store, authorizer)
//	invoice, _, err := engine.Create(ctx, group, "invoices", attributes, connec.WriteOptions{})
//
// [Engine] is the [Service] in process, over a [Store]. A write is judged by the authz.Authorizer, brought into its form, tied to the records
// that its ids mean, merged with what is there, validated, and then stored in one transaction together with its history and feed entry
// ([Transaction]) and a [Delivery] for every other app that wants it. A [Dispatcher] sends those as signed webhooks, or to functions of the
// same process. The collections are data: package connecschema has the canonical ones, and [WithResourceTypes] adds others.
//
// Connec does not resolve conflicts (the last write wins; the history has the others), does not delete (a status hides), and keeps no files.
package connec
