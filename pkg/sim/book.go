package sim

// Order as told by the most trusted, and of these by the first. Money is minor units; Base and Refunded are in the base
// currency.
type Order struct {
	Store           string `json:"store"`
	OrderID         string `json:"order_id"`
	Source          string `json:"source"`
	OrderedAt       int64  `json:"ordered_at"`
	Visitor         string `json:"visitor,omitempty"`
	User            string `json:"user,omitempty"`
	ValueMinor      int64  `json:"value_minor"`
	Currency        string `json:"currency"`
	BaseMinor       int64  `json:"base_value_minor"`
	CurrencyUnknown bool   `json:"currency_unknown,omitempty"`
	RefundedMinor   int64  `json:"refunded_minor"`
	Refunds         int    `json:"refunds"`
	Tellers         int    `json:"tellers"`
}

// Refund of an order; Whole is one without an amount.
type Refund struct {
	Store     string `json:"store"`
	OrderID   string `json:"order_id"`
	MessageID string `json:"message_id"`
	BaseMinor int64  `json:"base_value_minor"`
	Whole     bool   `json:"whole,omitempty"`
}

// Intake of an hour. Unique is exact; the others are the least that there can be.
type Intake struct {
	Store      string `json:"store"`
	Hour       int64  `json:"hour"` // start, Unix seconds
	Records    int64  `json:"records"`
	Unique     int64  `json:"unique"`
	Duplicates int64  `json:"duplicate"`
	IDReused   int64  `json:"id_reused"`
	Late       int64  `json:"late"`
}

// Letter counts the different dead letters of a reason.
type Letter struct {
	Store  string `json:"store"`
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}
