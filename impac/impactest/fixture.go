package impactest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impacmem"
)

// Now is the time in NewEngine's world.
var Now = time.Date(2026, 7, 15, 10, 0, 0, 0, time.UTC)

// members are the users of the world, by session token: alice is in both organizations, bob in one, carol in an empty one, and eve in none.
var members = map[string][]string{"alice": {"org-a", "org-b"}, "bob": {"org-b"}, "carol": {"org-empty"}, "eve": nil}

// As is a context that carries the credential of one of the world's users: alice, bob, carol or eve.
func As(ctx context.Context, user string) context.Context {
	return authz.WithCredential(ctx, authz.SessionToken(user))
}

// Authorizer judges the world's users. Its answers look like those of package idm.
func Authorizer() authz.Authorizer {
	return authz.Func(func(_ context.Context, r authz.Request) (authz.Decision, error) {
		if r.Credential.Secret == "outage" {
			return authz.Decision{}, fmt.Errorf("%w: no answer", authz.ErrUnavailable)
		}
		orgs, known := members[r.Credential.Secret]
		if r.Credential.Kind != authz.Session || !known {
			return authz.Decision{Reason: "who are you?"}, nil
		}
		d := authz.Decision{Authenticated: true, Principal: authz.Principal{Type: authz.User, ID: "usr-" + r.Credential.Secret}}
		org, _, _ := strings.Cut(r.Resource.ID, "/")
		if !slices.Contains(orgs, org) {
			d.Reason = "there is no such thing, or it is not yours"
			return d, nil
		}
		d.Allowed, d.Organization = true, org
		return d, nil
	})
}

// NewEngine makes an engine over store in a small world: see As, Source and Now.
func NewEngine(store impac.Store, opts ...impac.Option) *impac.Engine {
	return impac.New(store, Source(), Authorizer(), append([]impac.Option{impac.WithClock(func() time.Time { return Now })}, opts...)...)
}

// Source holds the world's records. Organization org-a reckons in EUR, org-b in USD.
func Source() impacmem.Source {
	invoice := func(id, date, status, customer, net, total, currency string) impac.Record {
		return impac.Record{
			"id": id, "transaction_number": "INV-" + id, "type": "CUSTOMER", "status": status, "transaction_date": date, "organization_id": customer,
			"amount": map[string]any{"net_amount": json.Number(net), "total_amount": json.Number(total), "currency": currency},
			"lines":  []any{map[string]any{"item_id": "i1", "quantity": json.Number("2"), "unit_price": map[string]any{"net_amount": json.Number("1.5")}}},
		}
	}
	employee := func(id, first, gender, job, birth, pay string) impac.Record {
		return impac.Record{
			"id": id, "first_name": first, "last_name": "Doe", "gender": gender, "job_title": job, "birth_date": birth, "hired_date": "2020-01-01T00:00:00Z",
			"employee_salaries": []any{map[string]any{"annual_salary": json.Number(pay), "currency": "EUR"}},
			"work_locations":    []any{map[string]any{"work_location_id": "w1"}},
		}
	}
	return impacmem.Source{
		"org-a": {
			"company": {{"id": "c", "name": "Alpha", "currency": "EUR"}},
			"invoices": {
				invoice("1", "2026-05-31T00:00:00Z", "PAID", "o1", "100.10", "110.11", "EUR"),
				invoice("2", "2026-06-01T00:00:00Z", "AUTHORISED", "o1", "200.20", "220.22", "EUR"),
				invoice("3", "2026-06-15T00:00:00Z", "SUBMITTED", "o2", "50", "55", "EUR"),
				invoice("4", "2026-06-16T00:00:00Z", "DRAFT", "o2", "1000", "1000", "EUR"),
				invoice("5", "2026-06-17T00:00:00Z", "VOIDED", "o2", "1000", "1000", "EUR"),
				invoice("6", "2026-06-18T00:00:00Z", "PAID", "o2", "70", "77", "USD"),
				{"id": "7", "type": "SUPPLIER", "status": "PAID", "transaction_date": "2026-06-18T00:00:00Z", "amount": map[string]any{"net_amount": json.Number("9")}},
			},
			"credit_notes": {{
				"id": "8", "type": "CUSTOMER", "status": "APPLIED", "transaction_date": "2026-06-20T00:00:00Z",
				"amount": map[string]any{"net_amount": json.Number("0.20"), "total_amount": json.Number("0.22"), "currency": "EUR"},
				"lines":  []any{map[string]any{"quantity": json.Number("1")}},
			}},
			"organizations": {{"id": "o1", "name": "One Ltd", "code": "C1"}, {"id": "o2", "name": "Two Ltd", "code": "C2"}},
			"people":        {},
			"items":         {{"id": "i1", "name": "Widget", "code": "W"}},
			"employees": {
				employee("e1", "Ann", "F", "Chef", "1990-01-01T00:00:00Z", "52000"),
				employee("e2", "Bob", "M", "Waiter", "2001-08-01T00:00:00Z", "26000"),
				{"id": "e3", "first_name": "Cat", "last_name": "Doe", "gender": "F", "job_title": "Waiter", "released_date": "2026-07-14T00:00:00Z"},
			},
			"work_locations": {{"id": "w1", "name": "Main Street"}},
		},
		"org-b": {
			"company":  {{"id": "c", "name": "Beta", "currency": "USD"}},
			"invoices": {invoice("b1", "2026-06-02T00:00:00Z", "PAID", "p1", "10", "11", "")},
		},
		"org-empty": {"invoices": {}, "employees": {}},
	}
}
