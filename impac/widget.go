package impac

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// report is what computes the widgets of one endpoint.
type report struct {
	endpoint string
	// templates are the widgets; the first gives the endpoint its name.
	templates []Template
	// collections are read beside company.
	collections []string
	// compute returns the content, nil when the organizations have no such records at all.
	compute func(context.Context, *showing) (map[string]any, error)
}

// reports are all that there are, in the order of a selector.
func reports() []report {
	return []report{agedSales, salesSummary, invoicesList, workforceSummary, employeesList}
}

func templates() []Template {
	var out []Template
	for _, r := range reports() {
		for _, t := range r.templates {
			t.Metadata, _ = exact(maps.Clone(t.Metadata)).(map[string]any)
			out = append(out, t)
		}
	}
	return out
}

// Templates lists the widgets that there are.
func (e *Engine) Templates(context.Context) ([]Template, error) { return templates(), nil }

// templateFor finds the template that a widget was made from: the one at its endpoint that shares most of its metadata.
func templateFor(endpoint string, metadata map[string]any) (Template, bool) {
	var best Template
	most := -1
	for _, t := range templates() {
		if t.Endpoint != endpoint {
			continue
		}
		n := 0
		for k, v := range t.Metadata {
			if got, ok := metadata[k]; ok && str(got) == str(v) {
				n++
			} else if ok {
				n--
			}
		}
		if n > most {
			best, most = t, n
		}
	}
	return best, best.Endpoint != ""
}

// showing is one computation of a widget.
type showing struct {
	*Engine
	params        params
	organizations []string
	currency      string
	// companies are what is known of the organizations.
	companies map[string]company
	offset    time.Duration
	today     time.Time
	notes     []any
}

type company struct{ name, currency string }

// Show computes a widget for the organizations that params name. It needs the right to read each of the collections that the
// widget is made of. For organizations without any such records, content is empty. With demo_data in params the figures are made up.
func (e *Engine) Show(ctx context.Context, endpoint string, metadata map[string]any) (*WidgetData, error) {
	all := reports()
	i := slices.IndexFunc(all, func(r report) bool { return r.endpoint == endpoint })
	if i < 0 {
		return nil, fmt.Errorf("widget %.100q: %w", endpoint, ErrNotFound)
	}
	r := all[i]
	s := &showing{Engine: e, params: metadata, companies: map[string]company{}}
	orgs, err := s.params.organizations()
	if err != nil {
		return nil, err
	}
	if s.organizations, err = e.requireRecords(ctx, orgs, append([]string{"company"}, r.collections...)...); err != nil {
		return nil, err
	}
	if s.offset, err = s.params.offset(); err != nil {
		return nil, err
	}
	now := e.now()
	s.today, _ = dayOf(now.Add(s.offset).Format(time.DateOnly), 0)
	if s.params.boolean("demo_data") {
		sampled := *e
		sampled.source = sampleSource(s.today)
		s.Engine = &sampled
	}
	if err := s.readCompanies(ctx); err != nil {
		return nil, err
	}
	content, err := r.compute(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("show %s: %w", endpoint, err)
	}
	t, _ := templateFor(endpoint, metadata)
	if content == nil {
		return &WidgetData{Name: t.Name, Content: map[string]any{}}, nil
	}
	if len(s.notes) > 0 {
		content["info"] = s.notes
	}
	exact(content)
	return &WidgetData{Name: t.Name, Content: content}, nil
}

// exact makes all numbers json.Number, so that content is the same here and behind a client.
func exact(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, v := range x {
			x[k] = exact(v)
		}
	case []any:
		for i, v := range x {
			x[i] = exact(v)
		}
	case int:
		return json.Number(strconv.Itoa(x))
	case int64:
		return json.Number(strconv.FormatInt(x, 10))
	}
	return v
}

// readCompanies learns the organizations' names and currencies, and settles the currency of the figures: the one asked for, else the
// first organization's, else USD.
func (s *showing) readCompanies(ctx context.Context) error {
	p := &plan{organizations: s.organizations, collection: "company", optional: true}
	_, err := s.scan(ctx, p, func(r *row) error {
		s.companies[r.organization] = company{name: str(r.record["name"]), currency: strings.ToUpper(str(r.record["currency"]))}
		return nil
	})
	if err != nil {
		return err
	}
	if s.currency, err = s.params.currency(); err != nil {
		return err
	}
	s.currency = cmp.Or(s.currency, s.companies[s.organizations[0]].currency, "USD")
	return nil
}

// currencyOf is the currency of an amount: its own, else the organization's, else the one asked for.
func (s *showing) currencyOf(organization string, v any) string {
	return cmp.Or(strings.ToUpper(str(v)), s.companies[organization].currency, s.currency)
}

// note tells the reader something about the figures.
func (s *showing) note(key, format string, args ...any) {
	s.notes = append(s.notes, map[string]any{"key": key, "value": fmt.Sprintf(format, args...)})
}

// leftOut says what is missing from the figures because there are no exchange rates.
type leftOut map[string]struct {
	n   int64
	sum decimal.Decimal
}

func (l leftOut) add(currency string, n int64, sum decimal.Decimal) {
	x := l[currency]
	x.n, x.sum = x.n+n, x.sum.Add(sum)
	l[currency] = x
}

func (s *showing) noteLeftOut(l leftOut, noun string) {
	var currencies []string
	for c := range l {
		currencies = append(currencies, c)
	}
	slices.Sort(currencies)
	for _, c := range currencies {
		s.note("Not included", "%s %s in %d %s, for want of an exchange rate to %s", c, l[c].sum.StringFixed(2), l[c].n, noun, s.currency)
	}
}

// exists reports whether the organizations have any record that matches.
func (s *showing) exists(ctx context.Context, collection, filter string) (bool, error) {
	for _, org := range s.organizations {
		for _, err := range s.source.Records(ctx, org, collection, filter) {
			if err != nil {
				if isUnknownCollection(err) {
					break
				}
				return false, fmt.Errorf("read %s of %s: %w", collection, org, err)
			}
			return true, nil
		}
	}
	return false, nil
}
