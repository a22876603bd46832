package impac

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Statuses of documents that count as sold.
var (
	soldInvoices    = []string{"AUTHORISED", "SUBMITTED", "PAID"}
	soldCreditNotes = []string{"AUTHORISED", "APPLIED", "PAID"}
)

// agedSales is what was sold in each interval: invoices to customers less credit notes, with tax (gross), without it (net), and in pieces.
var agedSales = report{
	endpoint:    "sales/aged",
	collections: []string{"invoices", "credit_notes"},
	templates: []Template{{
		Endpoint: "sales/aged", Name: "Sales summary by month", Icon: "line-chart", Width: 6,
		Desc:     "What was invoiced to customers, less credit notes, over time.",
		Metadata: map[string]any{"filter": "gross_value_sold"},
	}},
	compute: computeAgedSales,
}

func computeAgedSales(ctx context.Context, s *showing) (map[string]any, error) {
	w, err := s.params.window(s.today)
	if err != nil {
		return nil, err
	}
	if _, err := s.params.oneOf("filter", "gross_value_sold", "net_value_sold", "quantity_sold"); err != nil {
		return nil, err
	}
	gross, net, pieces := make([]decimal.Decimal, len(w.ends)), make([]decimal.Decimal, len(w.ends)), make([]decimal.Decimal, len(w.ends))
	missing, found := leftOut{}, 0
	for _, part := range []struct {
		collection string
		statuses   []string
		sign       int64
		optional   bool
	}{
		{"invoices", soldInvoices, 1, false},
		{"credit_notes", soldCreditNotes, -1, true},
	} {
		p := s.documents(part.collection, "CUSTOMER", part.statuses, w)
		p.optional = part.optional
		p.dims = append(p.dims, func(r *row) (string, bool) { return strconv.Itoa(s.interval(w, r)), true })
		p.measures = []measure{
			sumOf(func(r *row) decimal.Decimal { total, _ := documentAmount(r.record); return total }),
			sumOf(func(r *row) decimal.Decimal { _, n := documentAmount(r.record); return n }),
			sumOf(func(r *row) decimal.Decimal { return quantity(r.record) }),
		}
		got, err := s.aggregate(ctx, p)
		if err != nil {
			return nil, err
		}
		found += got.records
		sign := decimal.NewFromInt(part.sign)
		for _, g := range got.groups {
			if c := g.key[0].Text; c != s.currency {
				missing.add(c, g.accs[0].n, g.accs[0].sum.Mul(sign))
				continue
			}
			i, err := strconv.Atoi(g.key[1].Text)
			if err != nil {
				return nil, err
			}
			for j, into := range [][]decimal.Decimal{gross, net, pieces} {
				into[i] = into[i].Add(g.accs[j].sum.Mul(sign))
			}
		}
	}
	if found == 0 {
		if some, err := s.exists(ctx, "invoices", "type eq 'CUSTOMER'"); err != nil || !some {
			return nil, err
		}
	}
	s.noteLeftOut(missing, "invoices and credit notes")
	return map[string]any{
		"currency": s.currency,
		"dates":    w.dates(),
		"aged_sales": map[string]any{
			"gross_value_sold": numbers(gross), "net_value_sold": numbers(net), "quantity_sold": numbers(pieces),
		},
	}, nil
}

// documents is a plan over invoices or credit notes of a type, of some statuses, in a window. Its first dimension is the currency.
func (s *showing) documents(collection, typ string, statuses []string, w *window) *plan {
	return &plan{
		organizations: s.organizations,
		collection:    collection,
		filter:        "type eq '" + typ + "' and " + w.filter("transaction_date", s.offset),
		keep: func(r *row) bool {
			return slices.Contains(statuses, strings.ToUpper(str(r.record["status"]))) && s.interval(w, r) >= 0
		},
		dims: []func(*row) (string, bool){func(r *row) (string, bool) {
			return s.currencyOf(r.organization, at(r.record, "amount.currency")), true
		}},
	}
}

// interval is the interval of the window that a document's date is in, -1 for none.
func (s *showing) interval(w *window, r *row) int {
	day, ok := dayOf(r.record["transaction_date"], s.offset)
	if !ok {
		return -1
	}
	return w.index(day)
}

func sumOf(f func(*row) decimal.Decimal) measure {
	return measure{fn: Sum, of: func(r *row) (figure, bool) { return figure{Number: f(r)}, true }}
}

// salesSummary is who bought most, or what was sold most. Unlike agedSales it counts invoices alone.
var salesSummary = report{
	endpoint:    "sales/summary",
	collections: []string{"invoices", "organizations", "people", "items"},
	templates: []Template{
		{
			Endpoint: "sales/summary", Name: "Sales by customer", Icon: "pie-chart", Width: 6,
			Desc:     "The customers who bought most, and their share of all sales.",
			Metadata: map[string]any{"criteria": "customer", "filter": "net_value_sold"},
		},
		{
			Endpoint: "sales/summary", Name: "Sales by product", Icon: "pie-chart", Width: 6,
			Desc:     "The products that sold most, and their share of all sales.",
			Metadata: map[string]any{"criteria": "product", "filter": "net_value_sold"},
		},
	},
	compute: computeSalesSummary,
}

func computeSalesSummary(ctx context.Context, s *showing) (map[string]any, error) {
	w, err := s.params.window(s.today)
	if err != nil {
		return nil, err
	}
	criteria, err := s.params.oneOf("criteria", "default", "product", "customer")
	if err != nil {
		return nil, err
	}
	filter, err := s.params.oneOf("filter", "gross_value_sold", "net_value_sold", "quantity_sold",
		"gross_value_purchased", "net_value_purchased", "quantity_purchased")
	if err != nil {
		return nil, err
	}
	top, err := s.params.chartFilter()
	if err != nil {
		return nil, err
	}
	typ, noun := "CUSTOMER", "customers"
	if strings.HasSuffix(filter, "_purchased") {
		typ, noun = "SUPPLIER", "suppliers"
	}
	p := s.documents("invoices", typ, soldInvoices, w)
	var of func(*row) decimal.Decimal
	if criteria == "customer" {
		p.dims = append(p.dims, partyOf)
		of = func(r *row) decimal.Decimal { return pick(filter, r.record, nil) }
	} else {
		noun, p.each = "products", []string{"lines"}
		inWindow := p.keep
		p.keep = func(r *row) bool { return isActive(r.element) && inWindow(r) }
		p.dims = append(p.dims, func(r *row) (string, bool) {
			id := str(r.element["item_id"])
			return "items/" + id, id != ""
		})
		of = func(r *row) decimal.Decimal { return pick(filter, r.record, r.element) }
	}
	p.measures = []measure{sumOf(of)}
	got, err := s.aggregate(ctx, p)
	if err != nil {
		return nil, err
	}
	if got.records == 0 {
		if some, err := s.exists(ctx, "invoices", "type eq '"+typ+"'"); err != nil || !some {
			return nil, err
		}
	}
	var entries []*entry
	missing := leftOut{}
	isMoney := !strings.HasPrefix(filter, "quantity")
	byKey := map[string]*entry{}
	for _, g := range got.groups {
		if c := g.key[0].Text; isMoney && c != s.currency {
			missing.add(c, g.accs[0].n, g.accs[0].sum)
			continue
		}
		// Pieces of one thing may have been sold in several currencies.
		en := byKey[g.key[1].Text]
		if en == nil {
			en = &entry{key: g.key[1].Text}
			byKey[en.key] = en
			entries = append(entries, en)
		}
		en.n, en.total = en.n+g.accs[0].n, en.total.Add(g.accs[0].sum)
	}
	s.noteLeftOut(missing, "sales")
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Or(b.total.Cmp(a.total), strings.Compare(a.key, b.key)) })
	shown := entries[:top.of(len(entries))]
	names, err := s.names(ctx, keysOf(shown))
	if err != nil {
		return nil, err
	}
	summary := make([]any, 0, len(shown)+1)
	for _, en := range shown {
		name := names[en.key]
		summary = append(summary, map[string]any{"code": name.code, "name": name.name, "total": number(en.total), "count": en.n})
	}
	if rest := entries[len(shown):]; len(rest) > 0 {
		others := &entry{}
		for _, en := range rest {
			others.n, others.total = others.n+en.n, others.total.Add(en.total)
		}
		summary = append(summary, map[string]any{"code": "", "name": "Others", "total": number(others.total), "count": others.n})
	}
	return map[string]any{"currency": s.currency, "summary": summary, "chart_filter": top.content(len(entries), noun)}, nil
}

type entry struct {
	key   string
	n     int64
	total decimal.Decimal
}

func keysOf(entries []*entry) []string {
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.key
	}
	return out
}

// pick is the figure that a filter such as gross_value_sold names, of a document or of one of its lines.
func pick(filter string, rec Record, line map[string]any) decimal.Decimal {
	what, _, _ := strings.Cut(filter, "_")
	if what == "quantity" {
		if line != nil {
			return lineQuantity(line)
		}
		return quantity(rec)
	}
	var total, net decimal.Decimal
	if line != nil {
		total, net = lineAmount(line)
	} else {
		total, net = documentAmount(rec)
	}
	if what == "net" {
		return net
	}
	return total
}
