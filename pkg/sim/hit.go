package sim

import "math/big"

// hit is one event as the storefront sends it, with what is true of it.
type hit struct {
	id      string
	at      int64 // when it happens, Unix milliseconds
	delay   int64 // how much later it is sent, milliseconds
	kind    *kind
	visitor *visitor
	user    string
	page    *page // nil for what a server tells
	props   *properties
	order   string // order id of a purchase or refund
	value   int64  // of a purchase, minor units
	fault   string // reason for which it is a dead letter

	// What the plan finds out.
	tied   bool // in the same millisecond as another event of the visitor
	single bool // it travels alone: a repeat must, too, or it would have another payload
	// Of the first record: event_ts, its place in the request, and when ingest took it.
	ts       int64
	seq      int
	received int64
	session  int // index among the truth's sessions, -1 for none
}

// arrives is when the event is sent.
func (h *hit) arrives() int64 { return h.at + h.delay }

// visitor is one browser of a person; one without an id is a server that tells of a user.
type visitor struct {
	id     string
	shop   *shop
	device *deviceModel
	agent  string
	robot  bool    // the agent says so
	intent float64 // of the person, standard normal
	user   string  // of the person, "" if it never tells
	known  bool    // the browser has identified the user
	visits int
	skew   int64 // how far its clock leads, milliseconds
}

// server is a back end that tells of a visitor, or with an empty id of a user only: no page, no agent, a good clock.
func server(s *shop, id string) *visitor {
	return &visitor{id: id, shop: s, device: &deviceModel{name: "other"}}
}

// origin of an event: what comes with a page or an agent comes from a browser.
func (h *hit) origin() string {
	if h.page != nil || h.visitor.agent != "" {
		return "browser"
	}
	return "server"
}

// money is the event's amount as sent, in minor units: revenue, else total, else value.
func (h *hit) money() (minor int64, currency string, sent bool) {
	if h.props == nil {
		return 0, "", false
	}
	number := h.props.Value
	if h.props.Total != "" {
		number = h.props.Total
	}
	if h.props.Revenue != "" {
		number = h.props.Revenue
	}
	if number == "" {
		return 0, "", false
	}
	if currency = h.props.Currency; currency == "" {
		currency = h.visitor.shop.currency
	}
	exact, _ := new(big.Rat).SetString(string(number)) // our own number
	return rounded(exact.Mul(exact, power(digits(currency)))), currency, true
}

// digits of a currency's minor unit.
func digits(currency string) int64 {
	if currency == "JPY" {
		return 0
	}
	return 2
}

func power(n int64) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil))
}

// rounded is the nearest integer, half away from zero. No amount here is negative.
func rounded(x *big.Rat) int64 {
	twice := new(big.Rat).Add(x, new(big.Rat).SetFrac64(1, 2))
	return new(big.Int).Quo(twice.Num(), twice.Denom()).Int64()
}

// base is an amount in the shop's base currency at the rate of a time, half away from zero; false without a rate.
func (s *shop) base(minor int64, currency string, ts int64) (value int64, known bool) {
	if minor == 0 || currency == s.currency {
		return minor, true
	}
	rate := s.rateAt(currency, ts)
	if rate == "" {
		return 0, false
	}
	x, _ := new(big.Rat).SetString(rate) // our own rate
	x.Mul(x, new(big.Rat).SetInt64(minor))
	x.Mul(x, power(digits(s.currency)))
	return rounded(x.Quo(x, power(digits(currency)))), true
}
