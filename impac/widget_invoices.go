package impac

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Bounds of an invoices list.
const (
	maxEntities     = 1000
	maxListedRows   = 20_000
	defaultEntities = 100
)

var listedInvoices = []string{"DRAFT", "SUBMITTED", "AUTHORISED", "PAID"}

// invoicesList is customers or suppliers with their invoices: what was invoiced, what is still due, what was paid. Credit notes
// are not deducted.
var invoicesList = report{
	endpoint:    "invoices/list",
	collections: []string{"invoices", "organizations", "people"},
	templates:   invoicesTemplates(),
	compute:     computeInvoicesList,
}

func invoicesTemplates() []Template {
	var out []Template
	for _, entity := range []string{"customers", "suppliers"} {
		title := strings.ToUpper(entity[:1]) + entity[1:]
		one := strings.TrimSuffix(title, "s")
		for _, t := range []struct {
			name, order, desc string
			width, limit      int
		}{
			{one + " invoices", "name", "All " + entity + " with their invoices.", 6, 0},
			{"Top " + entity, "total_invoiced", "The " + entity + " that most was invoiced for.", 3, 5},
			{title + " by amount due", "total_due", "The " + entity + " that most is still due for.", 3, 5},
			{title + " by amount paid", "total_paid", "The " + entity + " that most was paid for.", 3, 5},
		} {
			md := map[string]any{"entity": entity, "order_by": t.order}
			if t.limit > 0 {
				md["limit_entries"] = t.limit
			}
			out = append(out, Template{Endpoint: "invoices/list", Name: t.name, Desc: t.desc, Icon: "file-text-o", Width: t.width, Metadata: md})
		}
	}
	return append(out, Template{
		Endpoint: "invoices/list", Name: "Top customers by sales", Icon: "trophy", Width: 6,
		Desc: "The best customers: what they bought, how often, and when last.",
		Metadata: map[string]any{
			"template": "sales/top_customers", "entity": "customers", "order_by": "total_invoiced", "header": "total_sales", "limit_entries": 10,
		},
	})
}

// entity is a customer or supplier while the list is made.
type listedEntity struct {
	key                 string
	label               label
	invoiced, due, paid decimal.Decimal
	rows                []listedRow
}

type listedRow struct {
	number        string
	day           time.Time
	invoiced, due decimal.Decimal
}

func computeInvoicesList(ctx context.Context, s *showing) (map[string]any, error) {
	w, err := s.params.window(s.today)
	if err != nil {
		return nil, err
	}
	who, err := s.params.oneOf("entity", "customers", "suppliers")
	if err != nil {
		return nil, err
	}
	order, err := s.params.oneOf("order_by", "total_invoiced", "total_paid", "total_due", "name")
	if err != nil {
		return nil, err
	}
	limit, err := s.params.integer("limit_entries", defaultEntities, 1, maxEntities)
	if err != nil {
		return nil, err
	}
	typ := "CUSTOMER"
	if who == "suppliers" {
		typ = "SUPPLIER"
	}
	p := s.documents("invoices", typ, listedInvoices, w)
	p.dims = append(p.dims, partyOf)
	p.measures = []measure{
		sumOf(func(r *row) decimal.Decimal { total, _ := documentAmount(r.record); return total }),
		sumOf(func(r *row) decimal.Decimal { return dueOf(r.record) }),
	}
	got, err := s.aggregate(ctx, p)
	if err != nil {
		return nil, err
	}
	if got.records == 0 {
		if some, err := s.exists(ctx, "invoices", "type eq '"+typ+"'"); err != nil || !some {
			return nil, err
		}
	}
	missing := leftOut{}
	var entities []*listedEntity
	for _, g := range got.groups {
		if c := g.key[0].Text; c != s.currency {
			missing.add(c, g.accs[0].n, g.accs[0].sum)
			continue
		}
		en := &listedEntity{key: g.key[1].Text, invoiced: g.accs[0].sum, due: g.accs[1].sum}
		en.paid = en.invoiced.Sub(en.due)
		entities = append(entities, en)
	}
	s.noteLeftOut(missing, "invoices")
	if order == "name" {
		// The names decide who is shown.
		if err := s.name(ctx, entities); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(entities, func(a, b *listedEntity) int { return compareEntities(a, b, order) })
	if all := len(entities); all > limit {
		entities = entities[:limit]
		s.note("Shown", "%d of %d %s", limit, all, who)
	}
	if order != "name" {
		if err := s.name(ctx, entities); err != nil {
			return nil, err
		}
	}
	if err := s.listRows(ctx, p, w, entities); err != nil {
		return nil, err
	}
	list := make([]any, len(entities))
	for i, en := range entities {
		list[i] = en.content(s.currency)
	}
	return map[string]any{"currency": s.currency, "entities": list}, nil
}

func compareEntities(a, b *listedEntity, order string) int {
	c := 0
	switch order {
	case "name":
		c = strings.Compare(strings.ToLower(a.label.name), strings.ToLower(b.label.name))
	case "total_due":
		c = b.due.Cmp(a.due)
	case "total_paid":
		c = b.paid.Cmp(a.paid)
	default:
		c = b.invoiced.Cmp(a.invoiced)
	}
	return cmp.Or(c, strings.Compare(a.key, b.key))
}

func (s *showing) name(ctx context.Context, entities []*listedEntity) error {
	keys := make([]string, len(entities))
	for i, en := range entities {
		keys[i] = en.key
	}
	names, err := s.names(ctx, keys)
	if err != nil {
		return err
	}
	for _, en := range entities {
		en.label = names[en.key]
	}
	return nil
}

// listRows reads the invoices of the entities that are shown, oldest first. The first pass held only totals, so that memory depends
// on what is shown.
func (s *showing) listRows(ctx context.Context, p *plan, w *window, entities []*listedEntity) error {
	byKey := make(map[string]*listedEntity, len(entities))
	for _, en := range entities {
		byKey[en.key] = en
	}
	rows, dropped := 0, 0
	_, err := s.scan(ctx, p, func(r *row) error {
		if !p.keep(r) {
			return nil
		}
		key, _ := partyOf(r)
		en := byKey[key]
		if en == nil || s.currencyOf(r.organization, at(r.record, "amount.currency")) != s.currency {
			return nil
		}
		if rows == maxListedRows {
			dropped++
			return nil
		}
		rows++
		day, _ := dayOf(r.record["transaction_date"], s.offset)
		total, _ := documentAmount(r.record)
		number := cmp.Or(str(r.record["transaction_number"]), str(r.record["code"]), str(r.record["id"]))
		en.rows = append(en.rows, listedRow{number: number, day: day, invoiced: total, due: dueOf(r.record)})
		return nil
	})
	if err != nil {
		return err
	}
	if dropped > 0 {
		s.note("Not listed", "%d further invoices; the totals include them", dropped)
	}
	for _, en := range entities {
		slices.SortStableFunc(en.rows, func(a, b listedRow) int { return cmp.Or(a.day.Compare(b.day), strings.Compare(a.number, b.number)) })
	}
	return nil
}

// dueOf is what is still to be paid of an invoice: its balance, else nothing when it is PAID and all of it when it isn't.
func dueOf(rec Record) decimal.Decimal {
	if b, ok := decimalOf(rec["balance"]); ok {
		return b
	}
	if strings.EqualFold(str(rec["status"]), "PAID") {
		return decimal.Zero
	}
	total, _ := documentAmount(rec)
	return total
}

func (en *listedEntity) content(currency string) map[string]any {
	rows := make([]any, len(en.rows))
	for i, r := range en.rows {
		status := "partially paid"
		switch {
		case r.due.IsZero():
			status = "paid"
		case r.due.Equal(r.invoiced):
			status = "due"
		}
		rows[i] = map[string]any{
			"transaction_no": r.number, "invoice_date": r.day.Format(time.DateOnly), "tooltip_status": status,
			"invoiced": number(r.invoiced), "paid": number(r.invoiced.Sub(r.due)), "due": number(r.due), "fx_totals": map[string]any{},
		}
	}
	_, id, _ := strings.Cut(en.key, "/")
	return map[string]any{
		"id": id, "name": en.label.name, "code": en.label.code, "currency": currency,
		"total_invoiced": number(en.invoiced), "total_paid": number(en.paid), "total_due": number(en.due),
		"fx_totals": map[string]any{}, "invoices": rows,
	}
}
