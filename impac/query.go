package impac

import (
	"context"
	"iter"
	"time"

	"github.com/shopspring/decimal"
)

// Source is where records come from. It judges nothing: the engine has asked for each organization before it reads, and
// ctx still carries the caller's credential for a source that judges as well.
type Source interface {
	// Records walks the records of a collection that match the filter, in any order. Filter is in Connec's language and
	// may be empty; a source that can't select by itself uses [ParseFilter]. An error ends the walk. ErrUnknownCollection says that the source
	// has no such collection, which is not the same as an empty one.
	//
	// Records may be called by several goroutines at a time.
	Records(ctx context.Context, organization, collection, filter string) iter.Seq2[Record, error]
}

// Record is one record's attributes in JSON's Go types, with "id". Numbers are best json.Number, which is exact; Go's own and decimal.Decimal
// will do. Dates are ISO 8601 text or time.Time. The engine doesn't change it.
type Record map[string]any

// Query asks for an aggregate.
type Query struct {
	OrganizationIDs []string
	Collection      string
	// Filter is in Connec's language.
	Filter string
	// Each unfolds a list attribute: the query then runs over its elements, which see their record's attributes as "record.…".
	Each string
	// Where keeps what an expression (github.com/expr-lang/expr over the attributes) holds for. It doesn't hold for what it
	// can't be evaluated for, such as a record that lacks an attribute that it compares; if that is all there is, it is invalid.
	Where string
	// GroupBy makes one row for each combination of values.
	GroupBy []Dimension
	// Measures are the figures of a row.
	Measures []Measure
	// OrderBy is a measure's or dimension's name, "-" in front for descending. Default: the dimensions, which also break
	// ties. Nulls come last.
	OrderBy string
	// Limit keeps the first rows; 0 keeps all.
	Limit int
	// UTCOffset is how many minutes east of UTC the days of intervals begin. Values that name a day only, as "2026-01-31" or as
	// midnight UTC, stay that day.
	UTCOffset int
}

// Interval is the length of a time bucket.
type Interval string

// Intervals. Weeks begin on Monday.
const (
	Daily     Interval = "DAILY"
	Weekly    Interval = "WEEKLY"
	Monthly   Interval = "MONTHLY"
	Quarterly Interval = "QUARTERLY"
	Yearly    Interval = "YEARLY"
)

// Dimension is what to group by.
type Dimension struct {
	// Name of the column; Attribute when empty.
	Name string
	// Attribute is a dotted path: "amount.currency", or "lines.0.description" into a list.
	Attribute string
	// Interval groups a time attribute by periods; the value is the period's first day, "2026-01-01".
	Interval Interval
}

// Aggregation functions.
const (
	Count    = "count" // of records, or of those that have the attribute
	Sum      = "sum"
	Avg      = "avg"
	Min      = "min"
	Max      = "max"
	Distinct = "distinct" // count of different values
)

// Measure is one figure.
type Measure struct {
	// Name of the column; "FUNC_ATTRIBUTE" when empty.
	Name      string
	Func      string
	Attribute string
}

// Frame is a table of results.
type Frame struct {
	Columns []Column
	Rows    [][]Value
	// Records is how many were read.
	Records int
	// At is when the figures were computed.
	At time.Time
}

// Column of a Frame.
type Column struct {
	Name string
	// Kind is "text" for dimensions and "number" for measures.
	Kind string
}

// Value is one cell: Text for dimensions, Number for measures; Null when there is none.
type Value struct {
	Text   string
	Number decimal.Decimal
	Null   bool
}
