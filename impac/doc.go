// Package impac computes reports over shared business data: one query engine over a [Source], and widgets made of it.
package impac
