package impac

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/shopspring/decimal"
)

// row is what dimensions and measures look at: a record or, when the query unfolds a list, one element of it.
type row struct {
	organization string
	record       Record
	// element is the unfolded element; nil when nothing is unfolded.
	element map[string]any
}

// get follows a path in the element, or in its record where the path begins with "record".
func (r *row) get(path []string) any {
	if r.element == nil {
		return lookup(r.record, path)
	}
	if path[0] == "record" {
		return lookup(r.record, path[1:])
	}
	return lookup(r.element, path)
}

// figure is what a measure takes from a row. Text is set for distinct, Number for the arithmetic ones.
type figure struct {
	Text   string
	Number decimal.Decimal
}

// measure is a compiled [Measure]. of reports false when the row has nothing for it.
type measure struct {
	fn string
	of func(*row) (figure, bool)
}

// plan is a compiled query: what every report of this package comes down to.
type plan struct {
	organizations      []string
	collection, filter string
	each               []string
	// optional is set where a collection that the source doesn't have is as good as an empty one.
	optional bool
	keep     func(*row) bool
	dims     []func(*row) (string, bool)
	measures []measure
}

// group is one combination of dimension values and its figures.
type group struct {
	key  []Value
	accs []accumulator
}

type accumulator struct {
	n        int64 // rows that had the figure
	sum      decimal.Decimal
	min, max decimal.Decimal
	seen     map[string]struct{}
}

func (a *accumulator) add(fn string, f figure) (grew int) {
	a.n++
	switch fn {
	case Sum, Avg:
		a.sum = a.sum.Add(f.Number)
	case Min:
		if a.n == 1 || f.Number.LessThan(a.min) {
			a.min = f.Number
		}
	case Max:
		if a.n == 1 || f.Number.GreaterThan(a.max) {
			a.max = f.Number
		}
	case Distinct:
		if a.seen == nil {
			a.seen = map[string]struct{}{}
		}
		if _, ok := a.seen[f.Text]; !ok {
			a.seen[f.Text] = struct{}{}
			return 1
		}
	}
	return 0
}

// result is the figure. The sum of nothing is 0; its average, least and greatest don't exist.
func (a *accumulator) result(fn string) Value {
	switch fn {
	case Count:
		return Value{Number: decimal.NewFromInt(a.n)}
	case Distinct:
		return Value{Number: decimal.NewFromInt(int64(len(a.seen)))}
	case Sum:
		return Value{Number: a.sum}
	}
	if a.n == 0 {
		return Value{Null: true}
	}
	switch fn {
	case Min:
		return Value{Number: a.min}
	case Max:
		return Value{Number: a.max}
	default:
		return Value{Number: a.sum.DivRound(decimal.NewFromInt(a.n), 16)}
	}
}

// aggregated is what a plan comes to.
type aggregated struct {
	groups  []*group
	records int
}

// aggregate runs a plan: one pass over the records, holding the groups.
func (e *Engine) aggregate(ctx context.Context, p *plan) (*aggregated, error) {
	out := &aggregated{}
	byKey := map[string]*group{}
	held, bytes := 0, 0
	var key []byte
	values := make([]Value, len(p.dims))
	add := func(r *row) error {
		if p.keep != nil && !p.keep(r) {
			return nil
		}
		key = key[:0]
		for i, dim := range p.dims {
			text, ok := dim(r)
			values[i] = Value{Text: text, Null: !ok}
			if !ok {
				key = append(key, 0)
				continue
			}
			key = append(key, 1)
			key = binary.AppendUvarint(key, uint64(len(text)))
			key = append(key, text...)
		}
		g := byKey[string(key)]
		if g == nil {
			if held++; held > e.maxGroups {
				return e.tooManyGroups()
			}
			bytes += len(key)
			g = &group{key: append([]Value(nil), values...), accs: make([]accumulator, len(p.measures))}
			byKey[string(key)] = g
			out.groups = append(out.groups, g)
		}
		for i, m := range p.measures {
			f, ok := m.of(r)
			if !ok {
				continue
			}
			if n := g.accs[i].add(m.fn, f); n > 0 {
				bytes += len(f.Text)
				if held += n; held > e.maxGroups {
					return e.tooManyGroups()
				}
			}
		}
		if bytes > maxKeyBytes {
			return fmt.Errorf("%w: the values to group by are larger than %d MiB altogether", ErrTooLarge, maxKeyBytes>>20)
		}
		return nil
	}
	n, err := e.scan(ctx, p, add)
	if err != nil {
		return nil, err
	}
	out.records = n
	if len(p.dims) == 0 && len(out.groups) == 0 {
		out.groups = []*group{{accs: make([]accumulator, len(p.measures))}}
	}
	return out, nil
}

// maxKeyBytes bounds the memory for dimension values and distinct ones, beside their number.
const maxKeyBytes = 64 << 20

func (e *Engine) tooManyGroups() error {
	return fmt.Errorf("%w: there are more than %d groups and distinct values; group by fewer or coarser dimensions", ErrTooLarge, e.maxGroups)
}

func (e *Engine) tooMany(what string, most int) error {
	return fmt.Errorf("%w: there are more than %d %s; narrow the filter", ErrTooLarge, most, what)
}

// scan reads the plan's records and hands their rows on. It returns how many records it read.
func (e *Engine) scan(ctx context.Context, p *plan, add func(*row) error) (int, error) {
	n := 0
	for _, org := range p.organizations {
		for rec, err := range e.source.Records(ctx, org, p.collection, p.filter) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				if p.optional && isUnknownCollection(err) {
					break
				}
				return n, fmt.Errorf("read %s of %s: %w", p.collection, org, err)
			}
			if n++; n > e.maxRecords {
				return n, e.tooMany(p.collection, e.maxRecords)
			}
			r := row{organization: org, record: rec}
			if p.each == nil {
				if err := add(&r); err != nil {
					return n, err
				}
				continue
			}
			list, _ := lookup(rec, p.each).([]any)
			for _, el := range list {
				switch el := el.(type) {
				case map[string]any:
					r.element = el
				case nil:
					continue
				default:
					r.element = map[string]any{"value": el}
				}
				if err := add(&r); err != nil {
					return n, err
				}
			}
		}
	}
	return n, nil
}
