package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/brianvoe/gofakeit/v7"

	"github.com/ensemble-platform/ensemble/connec"
)

// profile is what a generated company is like.
type profile struct {
	name, currency, industry string
	seed                     uint64
	customers, suppliers     int
	staff                    int
	invoicesPerMonth         int
	// kinds are what its customers and suppliers are, to make up names of.
	kinds     []string
	catalogue []product
}

type product struct {
	code, name string
	cents      int64
}

// records is a generated company, in the order in which it must be imported: what is referred to comes first.
type records struct {
	// crm is what the customer relationship app knows, books what the accounting app knows.
	crm, books []connec.Op
}

// generator makes the same company for the same profile and day.
type generator struct {
	profile
	fake    *gofakeit.Faker
	rng     *rand.Rand
	today   time.Time
	out     records
	weights []float64 // of the customers
	journal int
}

const months = 24

func generate(p profile, today time.Time) records {
	today = time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, time.UTC)
	g := &generator{profile: p, fake: gofakeit.New(p.seed), rng: rand.New(rand.NewPCG(p.seed, 7)), today: today}
	g.company()
	g.organizations()
	g.people()
	g.accounts()
	g.items()
	g.employees()
	for m := range months {
		g.month(m, time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, m-months+1, 0))
	}
	return g.out
}

func (g *generator) add(to *[]connec.Op, provider, collection, id string, attrs map[string]any) {
	*to = append(*to, connec.Op{
		Collection: collection, Attributes: attrs,
		WriteOptions: connec.WriteOptions{ExternalIDs: connec.IDSet{{ID: id, Provider: provider, Realm: "demo"}}},
	})
}

func (g *generator) crm(collection, id string, attrs map[string]any) {
	g.add(&g.out.crm, "crm", collection, id, attrs)
}

func (g *generator) books(collection, id string, attrs map[string]any) {
	g.add(&g.out.books, "books", collection, id, attrs)
}

func ref(provider, id string) connec.IDSet {
	return connec.IDSet{{ID: id, Provider: provider, Realm: "demo"}}
}

func cents(c int64) json.Number {
	sign := ""
	if c < 0 {
		sign, c = "-", -c
	}
	return json.Number(fmt.Sprintf("%s%d.%02d", sign, c/100, c%100))
}

func num(n int) json.Number { return json.Number(strconv.Itoa(n)) }

func day(t time.Time) string { return t.Format(time.RFC3339) }

func (g *generator) address() map[string]any {
	a := g.fake.Address()
	return map[string]any{"billing": map[string]any{"line1": a.Street, "city": a.City, "region": a.State, "postal_code": a.Zip, "country": "US"}}
}

func (g *generator) company() {
	g.crm("company", "company", map[string]any{"name": g.name, "currency": g.currency, "industry": g.industry, "timezone": "Europe/Dublin", "address": g.address()})
}

func (g *generator) organizations() {
	seen := map[string]bool{}
	for i := range g.customers + g.suppliers {
		name := g.firm()
		for seen[name] {
			name = g.firm()
		}
		seen[name] = true
		customer := i < g.customers
		g.crm("organizations", fmt.Sprintf("org-%d", i), map[string]any{
			"name": name, "is_customer": customer, "is_supplier": !customer, "industry": g.industry,
			"email": map[string]any{"address": fmt.Sprintf("accounts%d@example.com", i)}, "phone": map[string]any{"landline": g.fake.Phone()},
			"address": g.address(),
		})
		if customer {
			// A few customers bring most of the revenue.
			g.weights = append(g.weights, 1/float64(i+2))
		}
	}
}

// firm makes up a name. It is nobody's, as far as chance goes.
func (g *generator) firm() string {
	kind := g.kinds[g.rng.IntN(len(g.kinds))]
	switch g.rng.IntN(4) {
	case 0:
		return g.fake.LastName() + " & " + g.fake.LastName() + " " + kind
	case 1:
		return g.fake.City() + " " + kind
	default:
		return g.fake.LastName() + "'s " + kind
	}
}

func (g *generator) people() {
	for i := range g.customers + g.suppliers {
		first, last := g.fake.FirstName(), g.fake.LastName()
		g.crm("people", fmt.Sprintf("person-%d", i), map[string]any{
			"first_name": first, "last_name": last, "job_title": g.fake.JobTitle(), "is_customer": i < g.customers,
			"organization_id": ref("crm", fmt.Sprintf("org-%d", i)),
			"email":           map[string]any{"address": fmt.Sprintf("%s.%d@example.com", slug(first), i)},
		})
	}
}

// chart is the chart of accounts: code, name, class, type.
var chart = [][4]string{
	{"1000", "Bank", "ASSET", "BANK"},
	{"1100", "Accounts receivable", "ASSET", "ACCOUNTSRECEIVABLE"},
	{"1400", "Stock", "ASSET", "OTHERCURRENTASSET"},
	{"2000", "Accounts payable", "LIABILITY", "ACCOUNTSPAYABLE"},
	{"2200", "Sales tax payable", "LIABILITY", "OTHERCURRENTLIABILITY"},
	{"3000", "Owner's equity", "EQUITY", "EQUITY"},
	{"4000", "Sales", "REVENUE", "INCOME"},
	{"5000", "Cost of goods sold", "EXPENSE", "COSTOFGOODSSOLD"},
	{"6000", "Wages", "EXPENSE", "EXPENSE"},
	{"6100", "Rent", "EXPENSE", "EXPENSE"},
	{"6200", "Utilities", "EXPENSE", "EXPENSE"},
	{"6300", "Marketing", "EXPENSE", "EXPENSE"},
}

func (g *generator) accounts() {
	for _, a := range chart {
		g.books("accounts", a[0], map[string]any{"code": a[0], "name": a[1], "class": a[2], "type": a[3], "currency": g.currency})
	}
}

func (g *generator) items() {
	for _, p := range g.catalogue {
		g.books("items", p.code, map[string]any{
			"code": p.code, "name": p.name, "type": "PRODUCT", "is_inventoried": true, "quantity_on_hand": num(g.rng.IntN(400) + 20),
			"sale_price":     map[string]any{"net_amount": cents(p.cents), "currency": g.currency},
			"purchase_price": map[string]any{"net_amount": cents(p.cents * 55 / 100), "currency": g.currency},
		})
	}
}

var jobs = []struct {
	title  string
	annual int64
}{
	{"Managing Director", 98000},
	{"Finance Manager", 71000},
	{"Sales Manager", 66000},
	{"Production Manager", 62000},
	{"Account Executive", 46000},
	{"Bookkeeper", 41000},
	{"Buyer", 43000},
	{"Production Assistant", 34000},
	{"Driver", 33000},
	{"Warehouse Assistant", 31500},
	{"Customer Support", 34500},
	{"Apprentice", 24000},
}

func (g *generator) employees() {
	for i := range g.staff {
		job := jobs[min(i, len(jobs)-1)]
		if i >= len(jobs) {
			job = jobs[4+g.rng.IntN(len(jobs)-4)]
		}
		gender, first := "F", g.fake.FirstName()
		if g.rng.IntN(2) == 0 {
			gender = "M"
		}
		last := g.fake.LastName()
		annual := job.annual + int64(g.rng.IntN(12)-4)*500
		g.books("employees", fmt.Sprintf("emp-%d", i+1), map[string]any{
			"employee_id": fmt.Sprintf("E%03d", i+1), "first_name": first, "last_name": last, "full_name": first + " " + last,
			"job_title": job.title, "gender": gender,
			"birth_date": day(g.today.AddDate(-22-g.rng.IntN(40), -g.rng.IntN(12), -g.rng.IntN(28))),
			"hired_date": day(g.today.AddDate(0, -2-g.rng.IntN(110), 0)),
			"email":      map[string]any{"address": fmt.Sprintf("%s.%s@example.com", slug(first), slug(last))},
			"employee_salaries": []any{map[string]any{
				"name": "Base pay", "type": "SALARY", "annual_salary": json.Number(fmt.Sprint(annual)), "hours_per_week": num(38), "currency": g.currency,
			}},
		})
	}
}

// season makes winter busy and growth steady.
func season(m int, month time.Month) float64 {
	f := 1 + 0.012*float64(m)
	switch month {
	case time.November, time.December:
		return f * 1.5
	case time.January, time.February:
		return f * 0.8
	default:
		return f
	}
}

func (g *generator) month(m int, first time.Time) {
	n := int(float64(g.invoicesPerMonth)*season(m, first.Month())) + g.rng.IntN(4)
	for range n {
		at := first.AddDate(0, 0, g.rng.IntN(28))
		if !at.After(g.today) {
			g.invoice(at)
		}
	}
	if end := first.AddDate(0, 1, -1); !end.After(g.today) {
		var wages int64
		for i := range g.staff {
			wages += jobs[min(i, len(jobs)-1)].annual * 100 / 12
		}
		g.entry(end, "Wages "+first.Format("January 2006"), line{"6000", wages}, line{"1000", -wages})
		rent := int64(g.staff) * 18000
		g.entry(first, "Rent "+first.Format("January 2006"), line{"6100", rent}, line{"1000", -rent})
		power := rent/6 + int64(g.rng.IntN(9000))
		g.entry(end, "Utilities "+first.Format("January 2006"), line{"6200", power}, line{"1000", -power})
	}
}

func (g *generator) customer() int {
	var total float64
	for _, w := range g.weights {
		total += w
	}
	x := g.rng.Float64() * total
	for i, w := range g.weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(g.weights) - 1
}

func (g *generator) invoice(at time.Time) {
	number := fmt.Sprintf("%s-%05d", at.Format("2006"), len(g.out.books))
	customer := fmt.Sprintf("org-%d", g.customer())
	var lines []any
	var net int64
	for i := range 1 + g.rng.IntN(4) {
		p := g.catalogue[g.rng.IntN(len(g.catalogue))]
		qty := int64(1 + g.rng.IntN(12))
		net += qty * p.cents
		lines = append(lines, map[string]any{
			"id": ref("books", fmt.Sprintf("%s-%d", number, i+1)), "line_number": num(i + 1), "item_id": ref("books", p.code), "description": p.name,
			"quantity":    num(int(qty)),
			"unit_price":  map[string]any{"net_amount": cents(p.cents), "currency": g.currency},
			"total_price": map[string]any{"net_amount": cents(qty * p.cents), "currency": g.currency},
		})
	}
	tax := net / 5
	age := int(g.today.Sub(at).Hours() / 24)
	status, balance := "AUTHORISED", net+tax
	switch {
	case g.rng.IntN(80) == 0:
		status, balance = "VOIDED", 0
	case age < 4:
		status = "DRAFT"
	case age > 45 && g.rng.IntN(100) < 93, age > 20 && g.rng.IntN(100) < 45:
		status, balance = "PAID", 0
	}
	g.books("invoices", number, map[string]any{
		"transaction_number": number, "type": "CUSTOMER", "status": status, "transaction_date": day(at), "due_date": day(at.AddDate(0, 0, 30)),
		"organization_id": ref("crm", customer),
		"amount":          map[string]any{"net_amount": cents(net), "tax_amount": cents(tax), "total_amount": cents(net + tax), "tax_rate": num(20), "currency": g.currency},
		"balance":         cents(balance), "lines": lines,
	})
	if status == "VOIDED" || status == "DRAFT" {
		return
	}
	g.entry(at, "Invoice "+number, line{"1100", net + tax}, line{"4000", -net}, line{"2200", -tax})
	cost := net * 55 / 100
	g.entry(at, "Cost of "+number, line{"5000", cost}, line{"1400", -cost})
	if status != "PAID" {
		return
	}
	paid := at.AddDate(0, 0, 8+g.rng.IntN(35))
	if paid.After(g.today) {
		paid = g.today
	}
	g.books("payments", "pay-"+number, map[string]any{
		"payment_reference": "PAY-" + number, "type": "CUSTOMER", "transaction_date": day(paid), "organization_id": ref("crm", customer),
		"account_id": ref("books", "1000"), "amount": map[string]any{"total_amount": cents(net + tax), "currency": g.currency},
		"payment_lines": []any{map[string]any{
			"id": ref("books", "pay-"+number+"-1"), "amount": cents(net + tax),
			"linked_transactions": []any{map[string]any{"id": ref("books", number), "class": "Invoice", "applied_amount": cents(net + tax)}},
		}},
	})
	g.entry(paid, "Payment of "+number, line{"1000", net + tax}, line{"1100", -net - tax})
}

// line is one side of a journal entry: a debit when cents is positive, a credit when it is negative.
type line struct {
	account string
	cents   int64
}

func (g *generator) entry(at time.Time, text string, lines ...line) {
	g.journal++
	id := fmt.Sprintf("J%05d", g.journal)
	out := make([]any, len(lines))
	for i, l := range lines {
		side, amount := "DEBIT", l.cents
		if amount < 0 {
			side, amount = "CREDIT", -amount
		}
		out[i] = map[string]any{
			"id": ref("books", fmt.Sprintf("%s-%d", id, i+1)), "account_id": ref("books", l.account), "type": side,
			"amount": map[string]any{"total_amount": cents(amount), "currency": g.currency},
		}
	}
	g.books("journals", id, map[string]any{
		"transaction_number": id, "transaction_date": day(at), "status": "POSTED", "currency": g.currency, "description": text, "lines": out,
	})
}

func slug(s string) string {
	b := []byte{}
	for _, r := range s {
		switch {
		case r >= 'A' && r <= 'Z':
			b = append(b, byte(r-'A'+'a'))
		case r >= 'a' && r <= 'z':
			b = append(b, byte(r))
		}
	}
	return string(b)
}

// The two companies of the demo.
var (
	harbour = profile{
		name: "Harbour Coffee Roasters", currency: "EUR", industry: "Hospitality", seed: 20, customers: 48, suppliers: 9, staff: 16, invoicesPerMonth: 22,
		kinds: []string{"Café", "Bakery", "Kitchen", "Hotel", "Bistro", "Deli", "Coffee House", "Canteen", "Tea Room", "Market"},
		catalogue: []product{
			{"ESP-1", "Harbour Espresso 1 kg", 2150},
			{"ESP-5", "Harbour Espresso 5 kg", 9900},
			{"FIL-1", "Lighthouse Filter 1 kg", 2390},
			{"DEC-1", "Quiet Tide Decaf 1 kg", 2480},
			{"SO-ETH", "Single Origin Ethiopia 1 kg", 3150},
			{"SO-COL", "Single Origin Colombia 1 kg", 2890},
			{"SO-KEN", "Single Origin Kenya 1 kg", 3320},
			{"CB-12", "Cold Brew, case of 12", 3840},
			{"TEA-BB", "Breakfast Tea, 100 bags", 1190},
			{"GRN-S", "Grinder service", 8500},
			{"MCH-R", "Espresso machine rental, month", 14900},
			{"CUP-8", "Paper cups 8 oz, 1000", 6450},
		},
	}
	alder = profile{
		name: "Alder Street Cycles", currency: "GBP", industry: "Retail", seed: 77, customers: 22, suppliers: 6, staff: 7, invoicesPerMonth: 8,
		kinds: []string{"Couriers", "School", "Garden Centre", "Estates", "Sports Club", "Hostel", "Surgery", "Landscapes"},
		catalogue: []product{
			{"CITY-7", "City bike, 7 speed", 54900},
			{"KIDS-20", "Children's bike 20\"", 23900},
			{"EBK-1", "Electric commuter", 189900},
			{"SRV-B", "Basic service", 6500},
			{"SRV-F", "Full service", 14500},
			{"HLM-M", "Helmet", 4900},
			{"LCK-D", "D-lock", 3950},
			{"TYR-28", "Tyre 28\"", 2790},
		},
	}
)
