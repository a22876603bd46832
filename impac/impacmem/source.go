package impacmem

import (
	"context"
	"fmt"
	"iter"

	"github.com/ensemble-platform/ensemble/impac"
)

// Source is an impac.Source over records that are in memory: by organization and collection. An organization that is not in it has
// no records. It is not safe to change it while it is in use.
type Source map[string]map[string][]impac.Record

var _ impac.Source = Source(nil)

// Records implements impac.Source.
func (s Source) Records(ctx context.Context, organization, collection, filter string) iter.Seq2[impac.Record, error] {
	return func(yield func(impac.Record, error) bool) {
		match, err := impac.ParseFilter(filter)
		if err != nil {
			yield(nil, err)
			return
		}
		org, known := s[organization]
		records, ok := org[collection]
		if known && !ok {
			yield(nil, fmt.Errorf("%s: %w", collection, impac.ErrUnknownCollection))
			return
		}
		for _, r := range records {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if match(r) && !yield(r, nil) {
				return
			}
		}
	}
}
