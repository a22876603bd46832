package connecsql

import (
	"fmt"
	"strconv"
	"strings"

	entdialect "entgo.io/ent/dialect"
)

// dialect is what differs between the databases.
type dialect struct {
	name   string // ent's
	sqlite bool
}

func dialectOf(name string) (dialect, error) {
	switch name {
	case entdialect.SQLite, entdialect.Postgres:
		return dialect{name: name, sqlite: name == entdialect.SQLite}, nil
	}
	return dialect{}, fmt.Errorf("connecsql: dialect %q is neither %q nor %q", name, entdialect.SQLite, entdialect.Postgres)
}

// insert begins an INSERT that may leave rows behind when it fails: the whole transaction is undone then, and SQLite need not
// keep a journal of the statement.
func (d dialect) insert() string {
	if d.sqlite {
		return "INSERT OR FAIL INTO "
	}
	return "INSERT INTO "
}

// builder writes a statement together with its arguments, from left to right.
type builder struct {
	dialect
	strings.Builder
	args []any
}

func (d dialect) build() *builder { return &builder{dialect: d} }

// arg binds v here.
func (b *builder) arg(v any) {
	b.args = append(b.args, v)
	if b.sqlite {
		b.WriteByte('?')
		return
	}
	b.WriteByte('$')
	b.WriteString(strconv.Itoa(len(b.args)))
}

// sql writes text in which each ? stands for the next of vs.
func (b *builder) sql(text string, vs ...any) *builder {
	for _, v := range vs {
		before, after, _ := strings.Cut(text, "?")
		b.WriteString(before)
		b.arg(v)
		text = after
	}
	b.WriteString(text)
	return b
}

// list writes "(a, b, …)". It repeats the last one up to a power of two, so that there are few different statements.
func (b *builder) list(vs []string) {
	n := 1
	for n < len(vs) {
		n *= 2
	}
	for i := range n {
		if i == 0 {
			b.WriteByte('(')
		} else {
			b.WriteByte(',')
		}
		b.arg(vs[min(i, len(vs)-1)])
	}
	b.WriteByte(')')
}
