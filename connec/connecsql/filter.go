package connecsql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
)

// list selects a page of records, as scanRecord reads them.
func (d dialect) list(q connec.ListQuery) (*builder, error) {
	b := d.build()
	b.WriteString("SELECT " + recordColumns)
	if err := b.from(q); err != nil {
		return nil, err
	}
	b.WriteString(" ORDER BY ")
	desc, created := "", false
	for _, k := range q.Order {
		b.order(k)
		desc = ""
		if k.Desc {
			desc = " DESC"
		}
		column, kind := own(k.Path)
		created = column == "r.created_at" && compares(k.Kind, kind)
	}
	// As Less does; a term that is there already would keep databases from using the index.
	if !created {
		b.WriteString("r.created_at" + desc + ", ")
	}
	b.sql("r.id"+desc+" LIMIT ? OFFSET ?", q.Top, q.Skip)
	return b, b.tooLong()
}

// count counts the records that q selects.
func (d dialect) count(q connec.ListQuery) (*builder, error) {
	b := d.build()
	b.WriteString("SELECT count(*)")
	if err := b.from(q); err != nil {
		return nil, err
	}
	return b, b.tooLong()
}

// maxArgs is what SQLite takes; PostgreSQL takes twice as many.
const maxArgs = 32766

func (b *builder) tooLong() error {
	if len(b.args) > maxArgs {
		return fmt.Errorf("%w: the filter has too many values", connec.ErrInvalid)
	}
	return nil
}

func (b *builder) from(q connec.ListQuery) error {
	b.sql(" FROM connec_resources r WHERE r.organization = ? AND r.collection = ?", q.Organization, q.Collection)
	if q.Filter == nil {
		return nil
	}
	b.WriteString(" AND ")
	return b.filter(q.Filter)
}

// filter writes a condition. It may come out as NULL, which WHERE, AND and OR take for false, and filterNot does too.
func (b *builder) filter(f connec.Filter) error {
	switch f := f.(type) {
	case connec.FilterAnd:
		return b.junction(f, " AND ", true)
	case connec.FilterOr:
		return b.junction(f, " OR ", false)
	case connec.FilterNot:
		b.WriteByte('(')
		if err := b.filter(f.Filter); err != nil {
			return err
		}
		b.WriteString(") IS NOT TRUE")
		return nil
	case connec.FilterConst:
		b.constant(bool(f))
		return nil
	case connec.FilterCompare:
		return b.compare(f)
	default:
		return fmt.Errorf("%w: unknown filter %T", connec.ErrInvalid, f)
	}
}

func (b *builder) junction(parts []connec.Filter, op string, empty bool) error {
	if len(parts) == 0 {
		b.constant(empty)
		return nil
	}
	b.WriteByte('(')
	for i, p := range parts {
		if i > 0 {
			b.WriteString(op)
		}
		if err := b.filter(p); err != nil {
			return err
		}
	}
	b.WriteByte(')')
	return nil
}

func (b *builder) constant(v bool) {
	if v {
		b.WriteString("1=1")
	} else {
		b.WriteString("1=0")
	}
}

// own returns the column that a path leads to instead of an attribute.
func own(p connec.Path) (column string, kind connec.FilterKind) {
	if len(p) != 1 || p[0].Each {
		return "", ""
	}
	switch p[0].Name {
	case "id":
		return "r.id", connec.KindText
	case "created_at", "updated_at":
		return "r." + p[0].Name, connec.KindTime
	}
	return "", ""
}

func (b *builder) compare(f connec.FilterCompare) error {
	if column, kind := own(f.Path); column != "" {
		return b.compareOwn(f, column, kind)
	}
	b.WriteByte('(')
	if done, err := b.compareKey(f); done || err != nil {
		b.WriteByte(')')
		return err
	}
	hops := b.hops(f.Path)
	if len(hops.from) > 0 {
		b.WriteString("EXISTS (SELECT 1 FROM ")
		hops.writeFrom()
		b.WriteString(" WHERE ")
		hops.writeWhere()
	}
	if err := b.holds(hops.end, f); err != nil {
		return err
	}
	if len(hops.from) > 0 {
		b.WriteByte(')')
	}
	b.WriteByte(')')
	return nil
}

// compareKey compares an attribute that has a column with that. Columns hold the beginning of long texts only: where that doesn't decide, it
// reports done as false and, for an equality, leaves a condition that narrows the search down to what an index finds.
func (b *builder) compareKey(f connec.FilterCompare) (done bool, err error) {
	k := keyAt(f.Path)
	if k == nil || k.kind != f.Kind || len(f.Values) == 0 {
		return false, nil
	}
	done = true
	var values []string
	for _, v := range f.Values {
		if a, ok := bind(f.Kind, v); ok {
			s, _ := a.(string)
			values = append(values, cut(s))
			done = done && exact(s)
		}
	}
	column := func() { b.WriteString("r." + k.column) }
	switch {
	case done:
		return true, b.operator(f, column, bind)
	case f.Op == connec.FilterIn:
		column()
		b.WriteString(" IN ")
		b.list(values)
		b.WriteString(" AND ")
	}
	return false, nil
}

// holds writes what f asks of the value at n.
func (b *builder) holds(n node, f connec.FilterCompare) error {
	switch f.Op {
	case connec.FilterExists:
		n.kind(b)
		b.WriteString(" <> 'null'")
		return nil
	case connec.FilterMatch:
		b.match(f.Pattern, func() { b.value(n, connec.KindText) })
		return nil
	}
	if b.sqlite && f.Op == connec.FilterIn && f.Kind == connec.KindText && !slices.ContainsFunc(f.Values, looksNested) {
		// No other JSON type gives a text that equals one of these, so the type need not be asked for.
		return b.operator(f, func() { n.atom(b) }, bind)
	}
	return b.operator(f, func() { b.value(n, f.Kind) }, bind)
}

// looksNested tells whether a text could be that of a JSON object or list.
func looksNested(v any) bool {
	s, _ := v.(string)
	return strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")
}

func (b *builder) match(p connec.Pattern, value func()) {
	b.WriteByte('(')
	for i, like := range p.Like() {
		if i > 0 {
			b.WriteString(" OR ")
		}
		if b.sqlite {
			// SQLite's LIKE and lower know the ASCII letters only.
			b.WriteString("lower(")
			value()
			b.WriteByte(')')
		} else {
			b.WriteString("lower((")
			value()
			b.WriteString(`) COLLATE "C")`)
		}
		b.sql(` LIKE ? ESCAPE '\'`, like)
	}
	b.WriteByte(')')
}

// operator writes "value op literals". Values of another type than the kind's are as good as absent.
func (b *builder) operator(f connec.FilterCompare, value func(), bind func(connec.FilterKind, any) (any, bool)) error {
	var args []any
	for _, v := range f.Values {
		if a, ok := bind(f.Kind, v); ok {
			args = append(args, a)
		}
	}
	if len(args) == 0 {
		b.constant(false)
		return nil
	}
	if f.Op == connec.FilterIn {
		value()
		b.WriteString(" IN (")
		for i, a := range args {
			if i > 0 {
				b.WriteByte(',')
			}
			b.typed(a)
		}
		b.WriteByte(')')
		return nil
	}
	op, ok := map[connec.FilterOp]string{connec.FilterGt: " > ", connec.FilterGte: " >= ", connec.FilterLt: " < ", connec.FilterLte: " <= "}[f.Op]
	if !ok {
		return fmt.Errorf("%w: unknown operator %q", connec.ErrInvalid, f.Op)
	}
	b.WriteByte('(')
	for i, a := range args {
		if i > 0 {
			b.WriteString(" OR ")
		}
		value()
		b.WriteString(op)
		b.typed(a)
	}
	b.WriteByte(')')
	return nil
}

// typed binds a literal so that PostgreSQL knows its type.
func (b *builder) typed(v any) {
	b.arg(v)
	if b.sqlite {
		return
	}
	switch v.(type) {
	case int64:
		b.WriteString("::bigint")
	case float64:
		b.WriteString("::float8")
	case bool:
		b.WriteString("::boolean")
	default:
		b.WriteString("::text")
	}
}

// bind gives the literal that values of a kind are compared with.
func bind(kind connec.FilterKind, v any) (any, bool) {
	switch kind {
	case connec.KindText:
		s, ok := v.(string)
		return s, ok
	case connec.KindNumber:
		f, ok := v.(float64)
		return f, ok
	case connec.KindBool:
		t, ok := v.(bool)
		return t, ok
	case connec.KindTime:
		t, ok := v.(time.Time)
		return connec.TimeKey(t), ok
	}
	return nil, false
}

// compareOwn compares one of the record's own columns.
func (b *builder) compareOwn(f connec.FilterCompare, column string, kind connec.FilterKind) error {
	switch {
	case f.Op == connec.FilterExists:
		b.constant(true)
	case f.Op == connec.FilterMatch && kind == connec.KindText:
		b.match(f.Pattern, func() { b.WriteString(column) })
	case f.Op == connec.FilterMatch || !compares(f.Kind, kind):
		b.constant(false)
	case kind == connec.KindTime:
		return b.operator(f, func() { b.WriteString(column) }, func(_ connec.FilterKind, v any) (any, bool) {
			t, ok := v.(time.Time)
			return micros(t), ok
		})
	default:
		return b.operator(f, func() { b.WriteString(column) }, bind)
	}
	return nil
}

// compares tells whether a column of one kind can be compared as another: an id also as the text of an instant.
func compares(as, kind connec.FilterKind) bool {
	return as == kind || kind == connec.KindText && as == connec.KindTime
}

// order writes a key of ORDER BY, with the records that have no value of its kind at the end.
func (b *builder) order(k connec.OrderKey) {
	desc := ""
	if k.Desc {
		desc = " DESC"
	}
	if column, kind := own(k.Path); column != "" {
		if compares(k.Kind, kind) {
			b.WriteString(column + desc + ", ")
		}
		return
	}
	if key := keyAt(k.Path); key != nil && key.kind == k.Kind {
		// The column decides, but for long texts with the same beginning.
		b.WriteString("r." + key.column + desc + " NULLS LAST, CASE WHEN octet_length(r." + key.column + ") >= " + strconv.Itoa(minCut) + " THEN ")
		b.value(b.hops(k.Path).end, k.Kind)
		b.WriteString(" END" + desc + " NULLS LAST, ")
		return
	}
	hops := b.hops(k.Path)
	if len(hops.from) == 0 {
		b.value(hops.end, k.Kind)
	} else {
		b.WriteString("(SELECT ")
		b.value(hops.end, k.Kind)
		b.WriteString(" FROM ")
		hops.writeFrom()
		b.WriteString(" WHERE ")
		hops.writeWhere()
		b.constant(true)
		b.WriteString(" LIMIT 1)")
	}
	b.WriteString(desc + " NULLS LAST, ")
}

// halfSmallest is below the least number that isn't rounded to zero as a double.
const halfSmallest = "2.4703282292062327e-324"

// value writes the value at n if it is of the kind, and NULL otherwise.
func (b *builder) value(n node, kind connec.FilterKind) {
	b.WriteString("CASE ")
	n.kind(b)
	switch {
	case kind == connec.KindNumber && b.sqlite:
		b.WriteString(" WHEN 'integer' THEN CAST(")
		n.atom(b)
		b.WriteString(" AS REAL) WHEN 'real' THEN ")
		n.atom(b)
	case kind == connec.KindNumber:
		// PostgreSQL refuses to make a double of a number that is too close to zero for one.
		b.WriteString(" WHEN 'number' THEN CASE WHEN octet_length((")
		n.json(b)
		b.WriteString(")::text) > 323 AND abs((")
		n.json(b)
		b.WriteString(")::numeric) < " + halfSmallest + " THEN 0 ELSE (")
		n.json(b)
		b.WriteString(")::float8 END")
	case kind == connec.KindBool && b.sqlite:
		b.WriteString(" WHEN 'true' THEN 1 WHEN 'false' THEN 0")
	case kind == connec.KindBool:
		b.WriteString(" WHEN 'boolean' THEN (")
		n.json(b)
		b.WriteString(")::boolean")
	case kind == connec.KindTime && b.sqlite:
		b.WriteString(" WHEN 'text' THEN rtrim(")
		n.atom(b)
		b.WriteString(", 'Z')")
	case kind == connec.KindTime:
		b.WriteString(" WHEN 'string' THEN rtrim((")
		n.json(b)
		b.WriteString(") #>> '{}', 'Z')")
	case b.sqlite:
		b.WriteString(" WHEN 'text' THEN ")
		n.atom(b)
	default:
		b.WriteString(" WHEN 'string' THEN (")
		n.json(b)
		b.WriteString(") #>> '{}'")
	}
	b.WriteString(" END")
	if !b.sqlite && (kind == connec.KindText || kind == connec.KindTime) {
		b.WriteString(` COLLATE "C"`)
	}
}
