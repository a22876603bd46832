package uitest

import (
	"fmt"
	"time"
)

var collectionNames = []string{"accounts", "company", "employees", "invoices", "items", "journals", "organizations", "payments", "people", "quotes", "tax_codes", "warehouses"}

func text() object             { return object{"type": "string"} }
func num() object              { return object{"type": "number"} }
func day() object              { return object{"type": "string", "format": "date-time"} }
func ref(c string) object      { return object{"type": "string", "x-reference": c} }
func enum(vs ...string) object { return object{"type": "string", "enum": vs} }
func props(p object) object    { return object{"type": "object", "properties": p} }
func children(p object) object {
	return object{"type": "array", "x-children": true, "items": props(p)}
}

func amount() object {
	return object{"type": "object", "x-amount": true, "properties": object{"total_amount": num(), "net_amount": num(), "tax_amount": num(), "tax_rate": num(), "currency": text()}}
}

func address() object {
	return props(object{"line1": text(), "city": text(), "postal_code": text(), "country": text()})
}

var schemas = map[string]object{
	"accounts":      props(object{"code": text(), "name": text(), "class": enum("ASSET", "LIABILITY", "EXPENSE", "REVENUE", "EQUITY"), "type": text(), "balance": num(), "currency": text(), "status": enum("ACTIVE", "INACTIVE")}),
	"company":       props(object{"name": text(), "currency": text(), "timezone": text(), "industry": text(), "address": props(object{"billing": address()})}),
	"employees":     props(object{"employee_id": text(), "first_name": text(), "last_name": text(), "job_title": text(), "gender": enum("M", "F"), "hired_date": day(), "email": props(object{"address": text()})}),
	"invoices":      props(object{"transaction_number": text(), "title": text(), "transaction_date": day(), "due_date": day(), "organization_id": ref("organizations"), "person_id": ref("people"), "status": enum("DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED"), "type": enum("CUSTOMER", "SUPPLIER"), "amount": amount(), "balance": num(), "currency": text(), "public_note": text(), "billing_address": address(), "lines": children(object{"id": text(), "line_number": object{"type": "integer"}, "description": text(), "item_id": ref("items"), "quantity": num(), "unit_price": amount(), "total_price": amount()})}),
	"items":         props(object{"code": text(), "name": text(), "reference": text(), "type": enum("PURCHASED", "PRODUCT", "SERVICE"), "sale_price": amount(), "quantity_on_hand": num(), "status": enum("ACTIVE", "INACTIVE", "ARCHIVED")}),
	"journals":      props(object{"transaction_number": text(), "transaction_date": day(), "status": text()}),
	"organizations": props(object{"name": text(), "code": text(), "is_customer": object{"type": "boolean"}, "is_supplier": object{"type": "boolean"}, "email": props(object{"address": text()}), "phone": props(object{"landline": text()}), "website": props(object{"url": text()}), "address": props(object{"billing": address()}), "industry": text(), "status": enum("ACTIVE", "INACTIVE", "ARCHIVED")}),
	"payments":      props(object{"payment_reference": text(), "transaction_date": day(), "organization_id": ref("organizations"), "amount": amount(), "status": text()}),
	"people":        props(object{"full_name": text(), "first_name": text(), "last_name": text(), "organization_id": ref("organizations"), "job_title": text(), "email": props(object{"address": text()}), "status": enum("ACTIVE", "INACTIVE")}),
	"quotes":        props(object{"transaction_number": text()}),
	"tax_codes":     props(object{"code": text(), "name": text(), "sale_tax_rate": num()}),
	"warehouses":    props(object{"code": text(), "name": text()}),
}

var (
	customers = []string{"Alpenblick Sport AG", "Bergmann & Söhne", "Camino Outdoor SL", "Deichgraf Handel", "Evergreen Trails Ltd", "Fjord Ausrüster AS", "Gipfelstürmer OHG", "Hütte 1840", "Isar Kletterhalle", "Jura Randonnée SARL", "Kompass Reisen", "Lofoten Adventures"}
	products  = []string{"Trekking tent Aurora 3", "Rope 9.8 mm, 60 m", "Down jacket Skarn", "Headlamp 400", "Sleeping bag Lapp -12", "Carabiner set", "Stove Primo", "Backpack 55 l"}
	firsts    = []string{"Mara", "Jonas", "Elif", "Pieter", "Sofia", "Tomasz", "Ingrid", "Yusuf", "Chiara", "Lukas", "Noor", "Emil", "Greta", "Oskar"}
	lasts     = []string{"Brandt", "Nowak", "Yılmaz", "de Vries", "Rossi", "Keller", "Haugen", "Demir", "Conti", "Fischer", "Haddad", "Larsson", "Vogel", "Stein"}
	jobs      = []string{"Sales representative", "Warehouse clerk", "Accountant", "Product manager", "Store manager"}
	states    = []string{"PAID", "PAID", "AUTHORISED", "PAID", "SUBMITTED", "PAID", "DRAFT"}
)

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func price(total float64) object {
	net := float64(int(total/1.19*100)) / 100
	return object{"total_amount": total, "net_amount": net, "tax_amount": float64(int((total-net)*100+0.5)) / 100, "currency": "EUR"}
}

// companyData makes the shared data of Acme. It's the same at every start.
func companyData() (records, history map[string][]object) {
	records, history = map[string][]object{}, map[string][]object{}
	start := time.Date(2025, 1, 6, 9, 30, 0, 0, time.UTC)
	add := func(collection string, n int, at time.Time, attrs object) object {
		attrs["id"] = fmt.Sprintf("0194%04d-7c1a-7b2e-9f00-%012d", len(collection)*100, n)
		attrs["created_at"], attrs["updated_at"] = stamp(at), stamp(at.Add(time.Duration(n)*time.Hour))
		attrs["group_id"], attrs["channel_id"], attrs["resource_type"] = Acme, Acme, collection
		records[collection] = append(records[collection], attrs)
		return attrs
	}
	for i, name := range customers {
		add("organizations", i, start, object{
			"name": name, "code": fmt.Sprintf("C%03d", i+1), "is_customer": true, "is_supplier": i%5 == 4, "status": "ACTIVE", "industry": "Retail",
			"email": object{"address": fmt.Sprintf("office%d@customer.example", i+1)}, "phone": object{"landline": fmt.Sprintf("+49 89 55%03d", i*37)},
			"website": object{"url": fmt.Sprintf("https://customer%d.example", i+1)},
			"address": object{"billing": object{"line1": fmt.Sprintf("Marktplatz %d", i+1), "city": "München", "postal_code": "80331", "country": "DE"}},
		})
	}
	for i, name := range products {
		add("items", i, start, object{"code": fmt.Sprintf("IT%d", i+1), "name": name, "reference": fmt.Sprintf("SKU-%04d", 1000+i*7), "type": "PRODUCT", "status": "ACTIVE", "quantity_on_hand": 12 + i*9, "sale_price": price(49 + float64(i)*37.5)})
	}
	for i := range 14 {
		at := start.AddDate(0, i, i)
		add("employees", i, at, object{"employee_id": fmt.Sprintf("E%03d", i+1), "first_name": firsts[i], "last_name": lasts[i], "job_title": jobs[i%len(jobs)], "gender": []string{"F", "M"}[i%2], "hired_date": at.Format(time.DateOnly) + "T00:00:00Z", "email": object{"address": fmt.Sprintf("staff%d@acme.example", i+1)}})
		add("people", i, at, object{"full_name": firsts[13-i] + " " + lasts[i], "organization_id": records["organizations"][i%12]["id"], "job_title": "Buyer", "status": "ACTIVE", "email": object{"address": fmt.Sprintf("buyer%d@customer.example", i+1)}})
	}
	for i := range 132 {
		at := start.AddDate(0, 0, i*5)
		total := float64(120+(i*i*37)%2900) + 0.5
		status := states[i%len(states)]
		balance := total
		if status == "PAID" {
			balance = 0
		}
		org := records["organizations"][(i*i)%len(customers)]
		invoice := add("invoices", i, at, object{
			"transaction_number": fmt.Sprintf("INV-%05d", 20100+i), "transaction_date": at.Format(time.DateOnly) + "T00:00:00Z", "due_date": at.AddDate(0, 0, 30).Format(time.DateOnly) + "T00:00:00Z",
			"organization_id": org["id"], "status": status, "type": "CUSTOMER", "amount": price(total), "balance": balance, "currency": "EUR",
			"billing_address": org["address"].(object)["billing"], "public_note": "Thank you for your order.",
			"lines": []object{
				{"id": fmt.Sprintf("l-%d-1", i), "line_number": 1, "item_id": records["items"][i%8]["id"], "description": products[i%8], "quantity": 1 + i%4, "unit_price": price(total / 4), "total_price": price(total / 2)},
				{"id": fmt.Sprintf("l-%d-2", i), "line_number": 2, "item_id": records["items"][(i+3)%8]["id"], "description": products[(i+3)%8], "quantity": 1, "unit_price": price(total / 2), "total_price": price(total / 2)},
			},
		})
		history[invoice["id"].(string)] = invoiceHistory(invoice, at)
		if status == "PAID" {
			add("payments", i, at.AddDate(0, 0, 12), object{"payment_reference": fmt.Sprintf("PAY-%05d", 7000+i), "transaction_date": at.AddDate(0, 0, 12).Format(time.DateOnly) + "T00:00:00Z", "organization_id": org["id"], "status": "ACTIVE", "amount": price(total)})
		}
	}
	for i, name := range []string{"Bank", "Trade receivables", "Trade payables", "Revenue", "Cost of goods sold", "Wages"} {
		add("accounts", i, start, object{"code": fmt.Sprint(1000 + i*200), "name": name, "class": []string{"ASSET", "ASSET", "LIABILITY", "REVENUE", "EXPENSE", "EXPENSE"}[i], "type": "BANK", "balance": 18400.25 * float64(i+1), "currency": "EUR", "status": "ACTIVE"})
	}
	add("company", 1, start, object{"name": "Acme Outdoor GmbH", "currency": "EUR", "timezone": "Europe/Berlin", "industry": "Sporting goods", "address": object{"billing": object{"line1": "Isarweg 12", "city": "München", "postal_code": "80469", "country": "DE"}}})
	add("tax_codes", 1, start, object{"code": "VAT19", "name": "VAT 19 %", "sale_tax_rate": 19})
	return records, history
}

func invoiceHistory(invoice object, at time.Time) []object {
	key := invoice["id"].(string)
	first := clone(invoice)
	first["status"], first["balance"], first["public_note"] = "DRAFT", invoice["amount"].(object)["total_amount"], ""
	second := clone(first)
	second["status"], second["due_date"] = "AUTHORISED", at.AddDate(0, 0, 30).Format(time.DateOnly)+"T00:00:00Z"
	first["due_date"] = at.AddDate(0, 0, 14).Format(time.DateOnly) + "T00:00:00Z"
	first["lines"].([]any)[0].(object)["quantity"] = 9
	return []object{
		transaction(key, 3, "UPDATE", "app", "Ledger Bridge", "cld-books", second, clone(invoice), stamp(at.AddDate(0, 0, 12))),
		transaction(key, 2, "UPDATE", "user", "Anna Lindqvist", "cld-crm", first, second, stamp(at.Add(26*time.Hour))),
		transaction(key, 1, "CREATE", "app", "Contact Desk", "cld-crm", nil, first, stamp(at)),
	}
}
