package funnel

import (
	"cmp"
	"slices"
	"strings"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// BasisEntry says that a unit is counted by the time of its first step.
const BasisEntry = "entry"

// Classes of units.
const (
	ClassHuman    = "human"
	ClassBot      = "bot"
	ClassInternal = "internal"
)

// Key names one cell.
type Key struct {
	Store     string
	Funnel    string
	Version   uint16
	Basis     string
	Window    int64  // seconds
	Start     int64  // Unix seconds
	Breakdown string // dimensions, joined by commas
	Values    string // values, joined by zero bytes
	Class     string
}

// Compare orders keys, so that outputs come in one order.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Store, o.Store), cmp.Compare(k.Funnel, o.Funnel), cmp.Compare(k.Version, o.Version),
		cmp.Compare(k.Basis, o.Basis), cmp.Compare(k.Window, o.Window), cmp.Compare(k.Start, o.Start),
		cmp.Compare(k.Breakdown, o.Breakdown), cmp.Compare(k.Values, o.Values), cmp.Compare(k.Class, o.Class))
}

// Contribution is what one unit adds to one cell.
type Contribution struct {
	Key     Key
	Level   int
	Implied uint32
	Value   int64 // minor units of its distinct orders
}

// Cell is an absolute value: sums over its units, one number per step.
type Cell struct {
	Units, Implied, Value []int64
}

// Add adds sign times the contribution. Cells only ever change by −old +new.
func (c *Cell) Add(o Contribution, steps int, sign int64) {
	for len(c.Units) < steps {
		c.Units, c.Implied, c.Value = append(c.Units, 0), append(c.Implied, 0), append(c.Value, 0)
	}
	for k := range min(o.Level, steps) {
		c.Units[k] += sign
		c.Value[k] += sign * o.Value
		if o.Implied&(1<<k) != 0 {
			c.Implied[k] += sign
		}
	}
}

// Zero tells whether no unit is left in the cell.
func (c *Cell) Zero() bool {
	for k := range c.Units {
		if c.Units[k] != 0 || c.Implied[k] != 0 || c.Value[k] != 0 {
			return false
		}
	}
	return true
}

// Contributions of one session to one funnel: one per breakdown.
func Contributions(d *Definition, store string, s *pb.Session, window int64) []Contribution {
	m := MatchSession(d, s)
	if m.Level == 0 {
		return nil
	}
	value := OrdersValue(s.Trail)
	out := make([]Contribution, 0, len(d.Breakdowns))
	for _, dims := range d.Breakdowns {
		values := make([]string, len(dims))
		for i, dim := range dims {
			values[i] = Dimension(s.Entry, dim)
		}
		out = append(out, Contribution{Level: m.Level, Implied: m.Implied, Value: value, Key: Key{Store: store, Funnel: d.Name,
			Version: d.Version, Basis: BasisEntry, Window: window, Start: Bucket(m.At[0], window),
			Breakdown: strings.Join(dims, ","), Values: strings.Join(values, "\x00"), Class: Class(s.Flags)}})
	}
	return out
}

// Bucket is the start of the window, in Unix seconds, that holds a time in milliseconds.
func Bucket(ms, window int64) int64 {
	s := ms / 1000
	return s - s%window
}

// Class of a session's flags.
func Class(flags uint32) string {
	switch {
	case flags&(1<<2) != 0:
		return ClassInternal
	case flags&(1<<1) != 0:
		return ClassBot
	}
	return ClassHuman
}

// Dimension reads one dimension of an entry.
func Dimension(e *pb.Entry, dim string) string {
	switch dim {
	case "channel":
		return e.GetChannel()
	case "device":
		return e.GetDevice()
	case "country":
		return e.GetCountry()
	case "brand_search":
		return e.GetBrandSearch()
	case "returning":
		if e.GetReturning() {
			return "returning"
		}
		return "new"
	}
	return ""
}

// OrdersValue sums the value of a trail's distinct orders; of several events of one order the first counts. A
// purchase without an order id is an order of its own.
func OrdersValue(trail []*pb.Step) int64 {
	var sum int64
	var seen []string
	for _, t := range trail {
		if t.Action != "purchased" || t.OrderId != "" && slices.Contains(seen, t.OrderId) {
			continue
		}
		seen = append(seen, t.OrderId)
		sum += t.ValueMinor
	}
	return sum
}

// Orders counts a trail's distinct orders.
func Orders(trail []*pb.Step) int {
	n := 0
	var seen []string
	for _, t := range trail {
		if t.Action == "purchased" && (t.OrderId == "" || !slices.Contains(seen, t.OrderId)) {
			n++
			seen = append(seen, t.OrderId)
		}
	}
	return n
}
