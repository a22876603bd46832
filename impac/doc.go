// Package impac computes reports over shared business data: one query engine over a [Source], and widgets made of it.
//
//	engine := impac.New(impacmem.New(), source, authorizer)
//	frame, err := engine.Query(ctx, impac.Query{
//		OrganizationIDs: []string{"org-1"},
//		Collection:      "invoices",
//		GroupBy:         []impac.Dimension{{Name: "month", Attribute: "transaction_date", Interval: impac.Monthly}},
//		Measures:        []impac.Measure{{Name: "sold", Func: impac.Sum, Attribute: "amount.net_amount"}},
//	})
//
// A product computes over its own records by implementing Source, which is one method; package impacconnec reads those of
// Connec. Records stream through the engine once: it holds groups, not records, and refuses queries that would need too
// much of either. Figures are exact decimals.
//
// Show computes the widgets of docs/impac.md; dashboards, which arrange widgets, are kept in a [Store].
// The engine doesn't cache, and doesn't convert currencies: amounts in another currency than the one asked for are left out of a
// widget's figures and named in its content.info.
package impac
