package impac

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Interval lengths of widgets beside those of queries.
const (
	fiscalYearly Interval = "FYEARLY"
	wholeRange   Interval = "RANGE"
)

// maxIntervals bounds a chart. The front end never shows more than 20.
const maxIntervals = 1500

// defaultYearEnd is the month that financial years end in unless somebody says otherwise.
const defaultYearEnd = 6

// window is a stretch of days, cut into intervals.
type window struct {
	from, to time.Time // both inclusive
	// ends is the last day of each interval; the last one is to.
	ends []time.Time
}

// window reads hist_parameters, or what they are when absent: the calendar year to date, by months.
//
// Ends in the future are cut to today, since nothing has happened there, unless the whole window lies there.
func (p params) window(today time.Time) (*window, error) {
	h := p.object("hist_parameters")
	yearEnd, err := p.integer("financial_year_end_month", defaultYearEnd, 1, 12)
	if err != nil {
		return nil, err
	}
	w := &window{from: date(today.Year(), 1, 1), to: today}
	bad := func(name, format string, args ...any) (*window, error) {
		return nil, invalid("metadata.hist_parameters."+name, format, args...)
	}
	period := Interval(strings.ToUpper(h.text("period")))
	if tr := h.text("time_range"); tr != "" {
		iv, from, err := relative(tr, today, yearEnd)
		if err != nil {
			return bad("time_range", "%s", err)
		}
		w.from = from
		if period == "" {
			period = iv
		}
	} else {
		for name, into := range map[string]*time.Time{"from": &w.from, "to": &w.to} {
			s := h.text(name)
			if s == "" {
				continue
			}
			day, ok := dayOf(s, 0)
			if !ok || day.Year() < 1 || day.Year() > 9999 {
				return bad(name, "must be a date, such as 2026-01-31")
			}
			*into = day
		}
		if h.boolean("keep_today") || h.boolean("keepToday") {
			w.to = today
		}
		if w.to.After(today) && !w.from.After(today) {
			w.to = today
		}
	}
	if w.from.After(w.to) {
		return bad("from", "must not be after to, or after today where there is no to")
	}
	if period == "" {
		period = Monthly
	}
	switch period {
	case wholeRange:
		w.ends = []time.Time{w.to}
		return w, nil
	case Daily, Weekly, Monthly, Quarterly, Yearly, fiscalYearly:
	default:
		return bad("period", "must be one of DAILY, WEEKLY, MONTHLY, QUARTERLY, YEARLY, FYEARLY, RANGE")
	}
	for day := w.from; !day.After(w.to); {
		if len(w.ends) == maxIntervals {
			return bad("period", "makes more than %d intervals", maxIntervals)
		}
		next := periodAfter(day, period, yearEnd)
		end := next.AddDate(0, 0, -1)
		if end.After(w.to) {
			end = w.to
		}
		w.ends = append(w.ends, end)
		day = next
	}
	return w, nil
}

// periodAfter is the first day after the period that a day is in.
func periodAfter(day time.Time, iv Interval, yearEnd int) time.Time {
	switch iv {
	case Weekly:
		return periodStart(day, Weekly).AddDate(0, 0, 7)
	case Monthly:
		return date(day.Year(), day.Month()+1, 1)
	case Quarterly:
		return periodStart(day, Quarterly).AddDate(0, 3, 0)
	case Yearly:
		return date(day.Year()+1, 1, 1)
	case fiscalYearly:
		return fiscalYearStart(day, yearEnd).AddDate(1, 0, 0)
	default:
		return day.AddDate(0, 0, 1)
	}
}

// fiscalYearStart is the first day of the financial year that a day is in.
func fiscalYearStart(day time.Time, yearEnd int) time.Time {
	start := date(day.Year(), time.Month(yearEnd)+1, 1)
	if start.After(day) {
		start = date(day.Year()-1, time.Month(yearEnd)+1, 1)
	}
	return start
}

// relative reads a range such as "-6m": the start of the period that lies six months back, and the period's length.
func relative(s string, today time.Time, yearEnd int) (Interval, time.Time, error) {
	wrong := fmt.Errorf("must be like -6m: a minus, a number, and one of d w m q y f")
	if len(s) < 3 || len(s) > 6 || s[0] != '-' {
		return "", today, wrong
	}
	n, err := strconv.Atoi(s[1 : len(s)-1])
	if err != nil || n < 0 || n > maxIntervals {
		return "", today, wrong
	}
	switch s[len(s)-1] {
	case 'd':
		return Daily, today.AddDate(0, 0, -n), nil
	case 'w':
		return Weekly, periodStart(today, Weekly).AddDate(0, 0, -7*n), nil
	case 'm':
		return Monthly, date(today.Year(), today.Month()-time.Month(n), 1), nil
	case 'q':
		return Quarterly, periodStart(today, Quarterly).AddDate(0, -3*n, 0), nil
	case 'y':
		return Yearly, date(today.Year()-n, 1, 1), nil
	case 'f':
		return fiscalYearly, fiscalYearStart(today, yearEnd).AddDate(-n, 0, 0), nil
	}
	return "", today, wrong
}

// index is the interval that a day is in, -1 when it is in none.
func (w *window) index(day time.Time) int {
	if day.Before(w.from) || day.After(w.to) {
		return -1
	}
	return sort.Search(len(w.ends), func(i int) bool { return !w.ends[i].Before(day) })
}

// dates is content's dates.
func (w *window) dates() []any {
	out := make([]any, len(w.ends))
	for i, t := range w.ends {
		out[i] = t.Format(time.DateOnly)
	}
	return out
}

// filter selects what may be in the window by a date attribute. It is a day wider than the window where days begin at another time than
// UTC's; whoever uses it looks at the day again.
func (w *window) filter(attribute string, offset time.Duration) string {
	from, to := w.from, w.to.AddDate(0, 0, 1)
	if offset != 0 {
		from, to = from.AddDate(0, 0, -1), to.AddDate(0, 0, 1)
	}
	return fmt.Sprintf("%s gte '%s' and %s lt '%s'", attribute, from.Format(time.RFC3339), attribute, to.Format(time.RFC3339))
}
