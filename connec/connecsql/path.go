package connecsql

import (
	"strconv"
	"strings"

	"github.com/ensemble-platform/ensemble/connec"
)

// node is a place in a document, which SQL expressions lead to. Names are always bound, never part of the SQL.
//
// In SQLite it is the place path within the JSON text doc or, if row is set, the row of a json_each. In PostgreSQL it is what
// the members names lead to from the jsonb value base.
type node struct {
	base string
	// sqlite
	row  string
	path string
	// postgres
	names []string
}

// hops is a path written as joins, for what a single expression can't express: the elements of lists and, in SQLite, members with
// unusual names.
type hops struct {
	b     *builder
	from  []func()
	where []func()
	end   node
}

func (h *hops) writeFrom() {
	for i, f := range h.from {
		if i > 0 {
			h.b.WriteString(" CROSS JOIN ")
		}
		f()
	}
}

// writeWhere writes the conditions of the joins, with an AND behind each.
func (h *hops) writeWhere() {
	for _, w := range h.where {
		w()
		h.b.WriteString(" AND ")
	}
}

// hops follows a path from the attributes of the table r.
func (b *builder) hops(p connec.Path) *hops {
	h := &hops{b: b, end: node{base: "r.attributes", path: "$"}}
	for _, step := range p {
		h.member(step.Name)
		if step.Each {
			h.each()
		}
	}
	return h
}

// member goes to a member of an object.
func (h *hops) member(name string) {
	b := h.b
	if !b.sqlite {
		h.end.names = append(h.end.names, name)
		return
	}
	if h.end.row != "" {
		row := h.end.row
		h.end = node{base: "(CASE " + row + ".type WHEN 'object' THEN " + row + ".value ELSE '{}' END)", path: "$"}
	}
	if plain(name) {
		h.end.path += `."` + name + `"`
		return
	}
	parent, row := h.end, alias(len(h.from))
	h.from = append(h.from, func() {
		b.WriteString("json_each(CASE ")
		parent.kind(b)
		b.WriteString(" WHEN 'object' THEN ")
		parent.atom(b)
		b.WriteString(" ELSE '{}' END) " + row)
	})
	h.where = append(h.where, func() { b.sql(row+".key = ?", name) })
	h.end = node{row: row}
}

// each goes to the elements of a list.
func (h *hops) each() {
	b, parent, row := h.b, h.end, alias(len(h.from))
	h.from = append(h.from, func() {
		if b.sqlite {
			b.WriteString("json_each(CASE ")
			parent.kind(b)
			b.WriteString(" WHEN 'array' THEN ")
			parent.atom(b)
			b.WriteString(" ELSE '[]' END) " + row)
			return
		}
		b.WriteString("jsonb_array_elements(CASE ")
		parent.kind(b)
		b.WriteString(" WHEN 'array' THEN ")
		parent.json(b)
		b.WriteString(" ELSE '[]'::jsonb END) AS " + row + "(v)")
	})
	if b.sqlite {
		h.end = node{row: row}
	} else {
		h.end = node{base: row + ".v"}
	}
}

// alias names the nth table of a subquery.
func alias(n int) string { return "j" + strconv.Itoa(n) }

// plain tells whether a JSON path of SQLite takes the name between quotes as it is.
func plain(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// kind writes the JSON type: in SQLite "text", "integer", "real", "true", …; in PostgreSQL "string", "number", "boolean", …
func (n node) kind(b *builder) {
	switch {
	case !b.sqlite:
		b.WriteString("jsonb_typeof(")
		n.json(b)
		b.WriteByte(')')
	case n.row != "":
		b.WriteString(n.row + ".type")
	default:
		b.sql("json_type("+n.base+", ?)", n.path)
	}
}

// atom writes the value as SQLite's own: a text, a number, or the JSON text of an object or a list.
func (n node) atom(b *builder) {
	if n.row != "" {
		b.WriteString(n.row + ".value")
		return
	}
	b.sql("json_extract("+n.base+", ?)", n.path)
}

// json writes the value as PostgreSQL's jsonb.
func (n node) json(b *builder) {
	b.WriteString(n.base)
	for _, name := range n.names {
		// A list has no members: -> with a text finds nothing in it.
		b.sql(" -> ?::text", name)
	}
}
