package collect

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// text is a JSON string's content or a number as written; empty for everything else.
func text(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		b, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return ""
		}
		return string(b)
	case '0':
		return string(v)
	}
	return ""
}

// number is a JSON number, also one in quotes; 0 for everything else.
func number(v jsontext.Value) float64 {
	f, err := strconv.ParseFloat(text(v), 64)
	if err != nil {
		return 0
	}
	return f
}

// money is the amount as sent: revenue, else total, else value. Without a currency it is the store's.
func money(p *segmentProperties, storeCurrency string) *pb.Money {
	amount := either(text(p.Revenue), either(text(p.Total), text(p.Value)))
	if amount == "" {
		return nil
	}
	currency := strings.ToUpper(either(text(p.Currency), storeCurrency))
	exponent, _ := event.Exponent(currency) // an unknown one is counted with two digits and excluded by the fold
	minor, ok := event.Minor(amount, exponent)
	if !ok {
		return nil
	}
	return &pb.Money{Minor: minor, Currency: currency, Exponent: uint32(exponent)}
}

// either is a, or b where a is empty.
func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
