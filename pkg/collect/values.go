package collect

import (
	"math"
	"strconv"
	"strings"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// number is a JSON number, also one in quotes; 0 for everything else.
func number(s string) float64 {
	if s == "" {
		return 0
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) { // "inf" parses, and would spoil every sum
		return 0
	}
	return f
}

// amount of an event as sent: revenue, else total, else value.
func (p *segmentProperties) amount() string { return either(p.revenue, either(p.total, p.value)) }

// money fills m with an amount as sent. It reports false for what is no amount.
func money(m *pb.Money, amount, currency string) bool {
	currency = strings.ToUpper(currency)
	exponent, _ := event.Exponent(currency) // an unknown one is counted with two digits and excluded by the fold
	minor, ok := event.Minor(amount, exponent)
	*m = pb.Money{Minor: minor, Currency: currency, Exponent: uint32(exponent)}
	return ok
}

// either is a, or b where a is empty.
func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
