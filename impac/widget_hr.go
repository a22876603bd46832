package impac

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// workforceSummary is how many are employed and what they cost, by gender, age, salary or job.
var workforceSummary = report{
	endpoint:    "hr/workforce_summary",
	collections: []string{"employees"},
	templates: []Template{{
		Endpoint: "hr/workforce_summary", Name: "Workforce summary", Icon: "users", Width: 6,
		Desc:     "Headcount and pay by gender, age, salary or job title.",
		Metadata: map[string]any{"filter": "gender", "period": "yearly"},
	}},
	compute: computeWorkforceSummary,
}

// payGroup is one share of the workforce.
type payGroup struct {
	label     string
	rank      int
	employees int
	amount    decimal.Decimal
}

func computeWorkforceSummary(ctx context.Context, s *showing) (map[string]any, error) {
	filter, err := s.params.oneOf("filter", "gender", "age_range", "salary_range", "job_title")
	if err != nil {
		return nil, err
	}
	period, n, err := s.params.payPeriod()
	if err != nil {
		return nil, err
	}
	all, some, err := s.employees(ctx)
	if err != nil || !some {
		return nil, err
	}
	of := s.grouping(filter, all, n)
	byLabel := map[string]*payGroup{}
	total, missing, unpaid := decimal.Zero, leftOut{}, 0
	for _, e := range all {
		name, rank := of(e)
		g := byLabel[name]
		if g == nil {
			g = &payGroup{label: name, rank: rank}
			byLabel[name] = g
		}
		g.employees++
		switch {
		case !e.hasPay:
			unpaid++
		case e.currency != s.currency:
			missing.add(e.currency, 1, per(e.annual, n))
		default:
			g.amount = g.amount.Add(per(e.annual, n))
			total = total.Add(per(e.annual, n))
		}
	}
	s.noteLeftOut(missing, "salaries")
	if unpaid > 0 {
		s.note("Not included", "the pay of %d employees, which is not known", unpaid)
	}
	var groups []*payGroup
	for _, g := range byLabel {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b *payGroup) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.employees, a.employees), strings.Compare(a.label, b.label))
	})
	data := make([]any, len(groups))
	for i, g := range groups {
		data[i] = map[string]any{"label": g.label, "value": number(g.amount), "currency": s.currency, "employees": g.employees}
	}
	return map[string]any{
		"total":   map[string]any{"amount": number(total), "currency": s.currency, "employees": len(all), "period": period},
		"summary": map[string]any{"filter": filter, "data": data},
	}, nil
}

// grouping is what puts an employee into a group, and the group's place; groups of one place go by size.
func (s *showing) grouping(filter string, all []*employee, n decimal.Decimal) func(*employee) (string, int) {
	last := func(name string, rank int) (string, int) {
		if name == unknownLabel {
			return name, 1 << 30
		}
		return name, rank
	}
	switch filter {
	case "age_range":
		return func(e *employee) (string, int) {
			name := ageRangeOf(e.record, s.today, s.offset)
			for i, r := range ageRanges {
				if r.label == name {
					return name, i
				}
			}
			return last(name, 0)
		}
	case "salary_range":
		step := salaryStep(all, s.currency, n)
		return func(e *employee) (string, int) {
			if !e.hasPay || e.currency != s.currency {
				return last(unknownLabel, 0)
			}
			i := int(per(e.annual, n).Div(step).Floor().IntPart())
			from := step.Mul(decimal.NewFromInt(int64(i)))
			return fmt.Sprintf("%s to %s", from, from.Add(step)), i
		}
	case "job_title":
		return func(e *employee) (string, int) {
			return last(cmp.Or(strings.TrimSpace(str(e.record["job_title"])), unknownLabel), 0)
		}
	default:
		return func(e *employee) (string, int) { return last(genderOf(e.record), 0) }
	}
}

// salaryStep is a round width of salary ranges that makes about five of them.
func salaryStep(all []*employee, currency string, n decimal.Decimal) decimal.Decimal {
	greatest := decimal.NewFromInt(1)
	for _, e := range all {
		if e.hasPay && e.currency == currency {
			greatest = decimal.Max(greatest, per(e.annual, n))
		}
	}
	want := greatest.Div(decimal.NewFromInt(5))
	unit := decimal.New(1, int32(want.NumDigits())+want.Exponent()-1)
	for _, f := range []string{"1", "2", "2.5", "5", "10"} {
		if step := unit.Mul(decimal.RequireFromString(f)); step.GreaterThanOrEqual(want) {
			return step
		}
	}
	return unit.Mul(decimal.NewFromInt(10))
}

// employeesList is who is employed, with job, contact and pay.
var employeesList = report{
	endpoint:    "hr/employees_list",
	collections: []string{"employees", "work_locations"},
	templates: []Template{{
		Endpoint: "hr/employees_list", Name: "Employees list", Icon: "address-book-o", Width: 6,
		Desc:     "Everybody employed today, with job, contact and pay.",
		Metadata: map[string]any{"period": "yearly"},
	}},
	compute: computeEmployeesList,
}

// maxListedEmployees bounds one answer.
const maxListedEmployees = 5000

func computeEmployeesList(ctx context.Context, s *showing) (map[string]any, error) {
	period, n, err := s.params.payPeriod()
	if err != nil {
		return nil, err
	}
	all, some, err := s.employees(ctx)
	if err != nil || !some {
		return nil, err
	}
	total, paid, missing := decimal.Zero, int64(0), leftOut{}
	for _, e := range all {
		switch {
		case !e.hasPay:
		case e.currency != s.currency:
			missing.add(e.currency, 1, per(e.annual, n))
		default:
			total, paid = total.Add(per(e.annual, n)), paid+1
		}
	}
	average := decimal.Zero
	if paid > 0 {
		average = total.DivRound(decimal.NewFromInt(paid), 8)
	}
	s.noteLeftOut(missing, "salaries")
	shown := all
	if len(shown) > maxListedEmployees {
		shown = shown[:maxListedEmployees]
		s.note("Shown", "%d of %d employees", len(shown), len(all))
	}
	var places []string
	for _, e := range shown {
		if id := workplace(e.record, s.today); id != "" && !slices.Contains(places, "work_locations/"+id) {
			places = append(places, "work_locations/"+id)
		}
	}
	names, err := s.names(ctx, places)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		names["employees/"+str(e.record["id"])] = labelOf(e.record)
	}
	list := make([]any, len(shown))
	for i, e := range shown {
		list[i] = s.employeeContent(e, n, names)
	}
	organizations := make([]any, len(s.organizations))
	for i, o := range s.organizations {
		organizations[i] = o
	}
	return map[string]any{
		"organizations": organizations,
		"total":         map[string]any{"employees": len(all), "average_rate": number(average), "period": period, "currency": s.currency},
		"employees":     list,
	}, nil
}

// workplace is the work location that somebody is at on a day: of those that are in force the one that began last.
func workplace(rec Record, day time.Time) string {
	list, _ := rec["work_locations"].([]any)
	place := ""
	var since time.Time
	for _, v := range list {
		m, ok := v.(map[string]any)
		id := str(at(v, "work_location_id"))
		if !ok || id == "" || !isActive(m) {
			continue
		}
		from, _ := dayOf(m["start_date"], 0)
		until, ends := dayOf(m["end_date"], 0)
		if from.After(day) || ends && until.Before(day) || place != "" && !from.After(since) {
			continue
		}
		place, since = id, from
	}
	return place
}

// employeeContent is the front end's employee object. Each salary is in its own currency; figures that aren't known are left out.
func (s *showing) employeeContent(e *employee, n decimal.Decimal, names map[string]label) map[string]any {
	rec := e.record
	out := map[string]any{"id": str(rec["id"]), "uid": str(rec["id"]), "company": cmp.Or(s.companies[e.organization].name, e.organization)}
	set := func(key, value string) {
		if value != "" {
			out[key] = value
		}
	}
	set("lastname", str(rec["last_name"]))
	set("firstname", str(rec["first_name"]))
	set("job_title", str(rec["job_title"]))
	set("phone", cmp.Or(str(at(rec, "phone.landline")), str(at(rec, "phone.mobile"))))
	set("email", str(at(rec, "email.address")))
	set("note", str(rec["note"]))
	set("gender", str(rec["gender"]))
	set("employment_status", cmp.Or(str(rec["status"]), "ACTIVE"))
	set("address", oneLineAddress(rec["address"]))
	if born, ok := dayOf(rec["birth_date"], s.offset); ok {
		set("dob", born.Format(time.DateOnly))
	}
	if id := workplace(rec, s.today); id != "" {
		set("location", names["work_locations/"+id].name)
	}
	set("supervisor", names["employees/"+str(rec["manager_id"])].name)
	set("department", str(rec["department"]))
	if e.hasPay {
		out["salary"] = map[string]any{"amount": number(per(e.annual, n)), "currency": e.currency}
	}
	return out
}

func oneLineAddress(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	for _, inner := range []string{"billing", "shipping"} {
		if b, ok := m[inner].(map[string]any); ok {
			m = b
			break
		}
	}
	var parts []string
	for _, k := range []string{"line1", "line2", "city", "region", "postal_code", "country"} {
		if s := str(m[k]); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}
