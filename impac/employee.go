package impac

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// maxEmployees bounds what the workforce widgets hold.
const maxEmployees = 50_000

// employee is what the workforce widgets take from a record.
type employee struct {
	organization string
	record       Record
	key          string // to sort by
	// annual pay in currency; hasPay tells it from unknown.
	annual   decimal.Decimal
	currency string
	hasPay   bool
}

// employees reads who is employed today. The second result is whether there is any record at all.
func (s *showing) employees(ctx context.Context) ([]*employee, bool, error) {
	var out []*employee
	n, err := s.scan(ctx, &plan{organizations: s.organizations, collection: "employees"}, func(r *row) error {
		if !employedOn(r.record, s.today, s.offset) {
			return nil
		}
		if len(out) == maxEmployees {
			return s.tooMany("employees", maxEmployees)
		}
		e := &employee{organization: r.organization, record: r.record}
		e.key = strings.ToLower(str(r.record["last_name"])+"\x00"+str(r.record["first_name"])) + "\x00" + str(r.record["id"])
		e.annual, e.currency, e.hasPay = annualPay(r.record, s.today)
		e.currency = s.currencyOf(r.organization, e.currency)
		out = append(out, e)
		return nil
	})
	slices.SortFunc(out, func(a, b *employee) int { return strings.Compare(a.key, b.key) })
	return out, n > 0, err
}

// employedOn reports whether somebody was employed on a day: hired by then, not released before, and not put out of use.
func employedOn(rec Record, day time.Time, offset time.Duration) bool {
	if !isActive(rec) {
		return false
	}
	if hired, ok := dayOf(rec["hired_date"], offset); ok && hired.After(day) {
		return false
	}
	released, ok := dayOf(rec["released_date"], offset)
	return !ok || !released.Before(day)
}

// Conventions of pay: 52 weeks a year, 38 hours a week unless the record says otherwise, 260 days a year.
var (
	weeksPerYear = decimal.NewFromInt(52)
	hoursPerWeek = decimal.NewFromInt(38)
)

// periods are how often pay is stated, and the number of them in a year.
var periods = map[string]decimal.Decimal{
	"yearly": decimal.NewFromInt(1), "monthly": decimal.NewFromInt(12), "weekly": weeksPerYear, "daily": decimal.NewFromInt(260),
}

// payPeriod reads period: what to divide annual pay by.
func (p params) payPeriod() (string, decimal.Decimal, error) {
	name, err := p.oneOf("period", "yearly", "monthly", "weekly", "daily")
	return name, periods[name], err
}

// annualPay is what somebody earns in a year by the salary in force on a day: the one with the latest date that is not after it, or, where salaries have no
// dates, the last.
func annualPay(rec Record, day time.Time) (annual decimal.Decimal, currency string, ok bool) {
	list, _ := rec["employee_salaries"].([]any)
	var since time.Time
	for _, v := range list {
		m, isMap := v.(map[string]any)
		if !isMap || !isActive(m) {
			continue
		}
		from, dated := dayOf(cmp.Or(m["start_date"], m["effective_date"]), 0)
		if dated && (from.After(day) || from.Before(since)) || !dated && !since.IsZero() {
			continue
		}
		amount, found := annualSalary(m)
		if !found {
			continue
		}
		annual, currency, ok, since = amount, str(m["currency"]), true, from
	}
	return annual, currency, ok
}

func annualSalary(m map[string]any) (decimal.Decimal, bool) {
	if d, ok := decimalOf(m["annual_salary"]); ok && !d.IsZero() {
		return d, true
	}
	rate, ok := decimalOf(m["hourly_rate"])
	if !ok {
		return decimal.Zero, false
	}
	hours, ok := decimalOf(m["hours_per_week"])
	if !ok || hours.Sign() <= 0 {
		hours = hoursPerWeek
	}
	return rate.Mul(hours).Mul(weeksPerYear), true
}

// per is annual pay stated for a period.
func per(annual, n decimal.Decimal) decimal.Decimal { return annual.DivRound(n, 8) }

func genderOf(rec Record) string {
	switch g := strings.ToUpper(strings.TrimSpace(str(rec["gender"]))); g {
	case "":
		return unknownLabel
	case "F", "FEMALE":
		return "Female"
	case "M", "MALE":
		return "Male"
	default:
		return str(rec["gender"])
	}
}

const unknownLabel = "unknown"

var ageRanges = []struct {
	below int
	label string
}{{20, "Under 20"}, {30, "20 to 29"}, {40, "30 to 39"}, {50, "40 to 49"}, {60, "50 to 59"}, {1 << 30, "60 and over"}}

func ageRangeOf(rec Record, today time.Time, offset time.Duration) string {
	born, ok := dayOf(rec["birth_date"], offset)
	if !ok || born.After(today) {
		return unknownLabel
	}
	age := today.Year() - born.Year()
	if today.Month() < born.Month() || today.Month() == born.Month() && today.Day() < born.Day() {
		age--
	}
	for _, r := range ageRanges {
		if age < r.below {
			return r.label
		}
	}
	return unknownLabel
}
