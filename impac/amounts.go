package impac

import "github.com/shopspring/decimal"

var hundred = decimal.NewFromInt(100)

// price reads one of Connec's amounts: total_amount, net_amount, tax_amount and tax_rate, of which clients send what they know. The rest
// follows from it; without any word on tax, total and net are the same.
func price(v any) (total, net decimal.Decimal, ok bool) {
	m, isMap := v.(map[string]any)
	if !isMap {
		return total, net, false
	}
	total, hasTotal := decimalOf(m["total_amount"])
	net, hasNet := decimalOf(m["net_amount"])
	tax, hasTax := decimalOf(m["tax_amount"])
	rate, hasRate := decimalOf(m["tax_rate"])
	factor := rate.Div(hundred).Add(decimal.NewFromInt(1))
	switch {
	case hasTotal && hasNet:
	case hasTotal && hasTax:
		net = total.Sub(tax)
	case hasTotal && hasRate && factor.Sign() > 0:
		net = total.DivRound(factor, 8)
	case hasTotal:
		net = total
	case hasNet && hasTax:
		total = net.Add(tax)
	case hasNet && hasRate:
		total = net.Mul(factor)
	case hasNet:
		total = net
	default:
		return total, net, false
	}
	return total, net, true
}

// documentAmount is what an invoice or credit note comes to: its amount, else the sum of its lines.
func documentAmount(rec Record) (total, net decimal.Decimal) {
	total, net, ok := price(rec["amount"])
	if ok {
		return total, net
	}
	for line := range activeLines(rec) {
		t, n := lineAmount(line)
		total, net = total.Add(t), net.Add(n)
	}
	return total, net
}

// activeLines walks the lines that count.
func activeLines(rec Record) func(yield func(map[string]any) bool) {
	return func(yield func(map[string]any) bool) {
		lines, _ := rec["lines"].([]any)
		for _, l := range lines {
			line, ok := l.(map[string]any)
			if ok && isActive(line) && !yield(line) {
				return
			}
		}
	}
}

// isActive reports whether a record or line counts: its status is ACTIVE or it has none.
func isActive(m map[string]any) bool {
	s := str(m["status"])
	return s == "" || s == "ACTIVE"
}

// lineAmount is a line's total_price, else quantity × unit_price less the reduction.
func lineAmount(line map[string]any) (total, net decimal.Decimal) {
	if total, net, ok := price(line["total_price"]); ok {
		return total, net
	}
	total, net, ok := price(line["unit_price"])
	if !ok {
		return total, net
	}
	factor := decimal.NewFromInt(1)
	if q, ok := decimalOf(line["quantity"]); ok {
		factor = q
	}
	if r, ok := decimalOf(line["reduction_percent"]); ok {
		factor = factor.Mul(hundred.Sub(r)).Div(hundred)
	}
	return total.Mul(factor), net.Mul(factor)
}

// quantity is how many things an invoice or credit note is about; shipping is none.
func quantity(rec Record) decimal.Decimal {
	sum := decimal.Zero
	for line := range activeLines(rec) {
		sum = sum.Add(lineQuantity(line))
	}
	return sum
}

func lineQuantity(line map[string]any) decimal.Decimal {
	if b, _ := line["is_shipping"].(bool); b {
		return decimal.Zero
	}
	q, _ := decimalOf(line["quantity"])
	return q
}
