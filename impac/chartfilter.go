package impac

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// chartFilter is how many of the greatest a chart shows by themselves: so many, or so many percent of all.
type chartFilter struct {
	percentage bool
	value      int
}

// chartFilter reads chart_filter or, where there is none, limit_entries.
func (p params) chartFilter() (chartFilter, error) {
	const most = 1000
	f := p.object("chart_filter")
	criteria, err := f.oneOf("criteria", "number", "percentage")
	if err != nil {
		return chartFilter{}, err
	}
	if criteria == "percentage" {
		n, err := f.integer("value", 20, 0, 100)
		return chartFilter{percentage: true, value: n}, err
	}
	def, err := p.integer("limit_entries", 10, 1, most)
	if err != nil {
		return chartFilter{}, err
	}
	n, err := f.integer("value", def, 0, most)
	return chartFilter{value: n}, err
}

// of is how many of n are shown.
func (f chartFilter) of(n int) int {
	if !f.percentage {
		return min(f.value, n)
	}
	share := decimal.NewFromInt(int64(n)).Mul(decimal.NewFromInt(int64(f.value))).Div(hundred)
	return min(int(share.Ceil().IntPart()), n)
}

func (f chartFilter) content(n int, noun string) map[string]any {
	if f.percentage {
		return map[string]any{
			"criteria": "percentage", "value": f.value, "max": 100, "entity_type": noun,
			"filter_label": fmt.Sprintf("Top %d%% of %s", f.value, noun),
		}
	}
	return map[string]any{
		"criteria": "number", "value": f.value, "max": n, "entity_type": noun,
		"filter_label": fmt.Sprintf("Top %d %s", f.value, noun),
	}
}
