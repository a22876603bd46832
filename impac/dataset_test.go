package impac_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impacmem"
	"github.com/ensemble-platform/ensemble/internal/dataset"
)

// records is a folder of CSV files with the answers that reports over them must give.
type records struct {
	t       *testing.T
	dir     string
	Answers map[string]struct {
		Columns []string `json:"columns"`
		Rows    [][]any  `json:"rows"`
	} `json:"answers"`
}

func openDataset(t *testing.T, name string) *records {
	t.Helper()
	d := &records{t: t, dir: dataset.Dir(t, name)}
	b, err := os.ReadFile(filepath.Join(d.dir, "answers.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, d))
	return d
}

// rows reads a CSV file, by column.
func (d *records) rows(file string) []map[string]string {
	d.t.Helper()
	f, err := os.Open(filepath.Join(d.dir, file))
	require.NoError(d.t, err)
	defer func() { _ = f.Close() }()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		r, err = gzip.NewReader(f)
		require.NoError(d.t, err)
	}
	all, err := csv.NewReader(r).ReadAll()
	require.NoError(d.t, err)
	out := make([]map[string]string, len(all)-1)
	for i, rec := range all[1:] {
		out[i] = map[string]string{}
		for j, h := range all[0] {
			out[i][strings.TrimPrefix(h, "\ufeff")] = rec[j]
		}
	}
	return out
}

// answer compares rows of text and numbers with an expected answer, numbers within a cent.
func (d *records) answer(name string, got [][]any) {
	d.t.Helper()
	want, ok := d.Answers[name]
	require.True(d.t, ok, name)
	require.Len(d.t, got, len(want.Rows), name)
	for i, row := range want.Rows {
		require.Len(d.t, got[i], len(row), "%s row %d", name, i)
		for j, w := range row {
			if n, ok := w.(float64); ok {
				g, err := strconv.ParseFloat(toText(got[i][j]), 64)
				require.NoError(d.t, err, "%s row %d column %s: %v", name, i, want.Columns[j], got[i][j])
				require.InDelta(d.t, n, g, 0.0101, "%s row %d column %s", name, i, want.Columns[j])
				continue
			}
			require.Equal(d.t, w, toText(got[i][j]), "%s row %d column %s", name, i, want.Columns[j])
		}
	}
}

func toText(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return string(x)
	case int:
		return strconv.Itoa(x)
	case decimal.Decimal:
		return x.String()
	case impac.Value:
		if x.Text != "" {
			return x.Text
		}
		return x.Number.String()
	}
	return ""
}

func num(s string) json.Number { return json.Number(s) }

// day makes a date as Connec keeps it.
func day(s string) string {
	if s == "" {
		return ""
	}
	return s[:10] + "T00:00:00Z"
}

// classicModels is the dataset as Connec's records.
func classicModels(d *records) impacmem.Source {
	lines := map[string][]any{}
	net := map[string]decimal.Decimal{}
	for _, r := range d.rows("orderdetails.csv") {
		id := r["orderNumber"]
		amount := decimal.RequireFromString(r["quantityOrdered"]).Mul(decimal.RequireFromString(r["priceEach"]))
		net[id] = net[id].Add(amount)
		lines[id] = append(lines[id], map[string]any{
			"item_id": r["productCode"], "quantity": num(r["quantityOrdered"]), "unit_price": map[string]any{"net_amount": num(r["priceEach"])},
		})
	}
	var invoices, organizations, items, payments, employees []impac.Record
	status := map[string]string{"Shipped": "PAID", "Resolved": "PAID", "In Process": "SUBMITTED", "On Hold": "AUTHORISED", "Disputed": "AUTHORISED", "Cancelled": "VOIDED"}
	for _, r := range d.rows("orders.csv") {
		rec := impac.Record{
			"id": r["orderNumber"], "transaction_number": r["orderNumber"], "type": "CUSTOMER", "status": status[r["status"]],
			"transaction_date": day(r["orderDate"]), "organization_id": r["customerNumber"], "lines": lines[r["orderNumber"]],
		}
		// One in two has no amount, so that its lines count.
		if n, _ := strconv.Atoi(r["orderNumber"]); n%2 == 0 {
			rec["amount"] = map[string]any{"net_amount": num(net[r["orderNumber"]].String()), "currency": "USD"}
		}
		invoices = append(invoices, rec)
	}
	for _, r := range d.rows("customers.csv") {
		organizations = append(organizations, impac.Record{
			"id": r["customerNumber"], "name": r["customerName"], "is_customer": true,
			"address": map[string]any{"billing": map[string]any{"country": r["country"]}},
		})
	}
	for _, r := range d.rows("products.csv") {
		items = append(items, impac.Record{"id": r["productCode"], "code": r["productCode"], "name": r["productName"], "product_line": r["productLine"]})
	}
	for _, r := range d.rows("payments.csv") {
		payments = append(payments, impac.Record{
			"id": r["checkNumber"], "transaction_date": day(r["paymentDate"]), "amount": map[string]any{"total_amount": num(r["amount"]), "currency": "USD"},
		})
	}
	for _, r := range d.rows("employees.csv") {
		employees = append(employees, impac.Record{"id": r["employeeNumber"], "job_title": r["jobTitle"], "office": r["officeCode"]})
	}
	return impacmem.Source{"org-cm": {
		"invoices": invoices, "organizations": organizations, "people": nil, "items": items, "payments": payments, "employees": employees,
		"company": {{"id": "c", "name": "Classic Models", "currency": "USD"}},
	}}
}

// adventureWorks is the dataset's customers, orders and employees as Connec's records.
func adventureWorks(d *records) impacmem.Source {
	stores, kind := map[string]string{}, map[string]string{}
	for _, r := range d.rows("Sales.Store.csv") {
		stores[r["BusinessEntityID"]] = r["Name"]
	}
	var invoices, organizations, people, employees []impac.Record
	for _, r := range d.rows("Sales.Customer.csv.gz") {
		if r["StoreID"] != "" {
			kind[r["CustomerID"]] = "organization_id"
			organizations = append(organizations, impac.Record{"id": r["CustomerID"], "code": r["CustomerID"], "name": stores[r["StoreID"]]})
		} else {
			kind[r["CustomerID"]] = "person_id"
			people = append(people, impac.Record{"id": r["CustomerID"], "code": r["CustomerID"]})
		}
	}
	lines := map[string][]any{}
	for _, r := range d.rows("Sales.SalesOrderDetail.csv.gz") {
		reduction := decimal.RequireFromString(r["unitpricediscount"]).Mul(decimal.NewFromInt(100))
		lines[r["salesorderid"]] = append(lines[r["salesorderid"]], map[string]any{
			"item_id": r["productid"], "quantity": num(r["orderqty"]), "unit_price": map[string]any{"net_amount": num(r["unitprice"])},
			"reduction_percent": num(reduction.String()),
		})
	}
	for _, r := range d.rows("Sales.SalesOrderHeader.csv") {
		invoices = append(invoices, impac.Record{
			"id": r["salesorderid"], "transaction_number": "SO" + r["salesorderid"], "type": "CUSTOMER", "status": "PAID",
			"transaction_date": day(r["orderdate"]), "due_date": day(r["duedate"]), kind[r["customerid"]]: r["customerid"],
			"amount": map[string]any{
				"net_amount": num(r["subtotal"]), "tax_amount": num(r["taxamt"]), "total_amount": num(r["totaldue"]), "currency": "USD",
			},
			"freight": num(r["freight"]), "lines": lines[r["salesorderid"]], "online": r["onlineorderflag"] == "t",
		})
	}
	pay := map[string][]any{}
	for _, r := range d.rows("HumanResources.EmployeePayHistory.csv") {
		pay[r["BusinessEntityID"]] = append(pay[r["BusinessEntityID"]], map[string]any{
			"hourly_rate": num(r["Rate"]), "hours_per_week": num("40"), "start_date": day(r["RateChangeDate"]), "currency": "USD",
		})
	}
	for _, r := range d.rows("HumanResources.Employee.csv") {
		employees = append(employees, impac.Record{
			"id": r["BusinessEntityID"], "employee_id": r["NationalIDNumber"], "gender": r["Gender"], "salaried": r["SalariedFlag"] == "True",
			"job_title": r["JobTitle"], "birth_date": day(r["BirthDate"]), "hired_date": day(r["HireDate"]), "employee_salaries": pay[r["BusinessEntityID"]],
		})
	}
	return impacmem.Source{"org-aw": {
		"invoices": invoices, "organizations": organizations, "people": people, "employees": employees,
		"company": {{"id": "c", "name": "Adventure Works Cycles", "currency": "USD"}},
	}}
}

func allowAll() authz.Authorizer {
	return authz.Func(func(context.Context, authz.Request) (authz.Decision, error) {
		return authz.Decision{Allowed: true, Authenticated: true, Principal: authz.Principal{Type: authz.User, ID: "usr-1"}}, nil
	})
}

func engineAt(src impac.Source, now string) *impac.Engine {
	at, err := time.Parse(time.DateOnly, now)
	if err != nil {
		panic(err)
	}
	return impac.New(impacmem.New(), src, allowAll(), impac.WithClock(func() time.Time { return at.Add(10 * time.Hour) }))
}
