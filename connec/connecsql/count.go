package connecsql

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/ensemble-platform/ensemble/connec"
)

// counts remembers how many records matched a filter, since whoever pages through a list asks that for each page. A count is good
// as long as the collection's changes, which the database counts, are the same; so it also holds for what other processes write.
type counts struct {
	mu    sync.Mutex
	known map[string]counted
}

type counted struct {
	changes int64
	total   int
}

// maxCounts bounds how many counts are kept, and maxCountKey how long a query is that is worth it.
const (
	maxCounts   = 512
	maxCountKey = 4096
)

func (c *counts) get(key string, changes int64) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.known[key]
	return n.total, ok && n.changes == changes
}

func (c *counts) put(key string, changes int64, total int) {
	if len(key) > maxCountKey {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]counted{}
	}
	for old := range c.known {
		if len(c.known) < maxCounts {
			break
		}
		delete(c.known, old) // any
	}
	c.known[key] = counted{changes, total}
}

// count counts the records that q selects.
func (s *Store) count(ctx context.Context, q connec.ListQuery) (int, error) {
	// Read before the records are counted: if some change meanwhile, the count is taken for older than it is.
	b := s.dialect.build().sql("SELECT changes, records FROM connec_counters WHERE organization = ? AND collection = ?", q.Organization, q.Collection)
	var changes int64
	var n int
	err := s.query(ctx, "read counter", b.String(), b.args, func(row scanner) error { return row.Scan(&changes, &n) })
	if err != nil || q.Filter == nil {
		return n, err
	}
	if b, err = s.dialect.count(q); err != nil {
		return 0, err
	}
	key := b.key()
	if n, ok := s.counts.get(key, changes); ok {
		return n, nil
	}
	err = s.query(ctx, "count records", b.String(), b.args, func(row scanner) error { return row.Scan(&n) })
	if err != nil {
		return 0, err
	}
	s.counts.put(key, changes, n)
	return n, nil
}

// key tells the statement and its arguments from all others.
func (b *builder) key() string {
	var k strings.Builder
	k.WriteString(b.String())
	for _, a := range b.args {
		if k.Len() > maxCountKey {
			break
		}
		v := fmt.Sprint(a)
		fmt.Fprintf(&k, "\x00%T%d:%s", a, len(v), v)
	}
	return k.String()
}
