package funnel

import (
	"cmp"
	"slices"
	"strings"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Bases: by which time a unit counts.
const (
	// BasisEntry: in the window of its first step, so that a rate's two numbers are the same units.
	BasisEntry = "entry"
	// BasisOccurrence: each step in the window in which it happened.
	BasisOccurrence = "occurrence"
)

// Classes of units.
const (
	ClassHuman    = "human"
	ClassBot      = "bot"
	ClassInternal = "internal"
)

// Windows of cells, in seconds: a minute for the last days, 15 minutes for ever.
const (
	WindowMinute  = 60
	WindowQuarter = 900
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

// Unit is what one session counts for in one funnel: enough to take it off its cells again.
type Unit struct {
	Match Match
	// Open has bit k-1 set if the action of step k happened at all, in whatever order, also where the funnel's order is any.
	Open uint32
	// Value of its distinct orders, minor units of the store's base currency.
	Value int64
	Class string
	// Values of each breakdown, joined by zero bytes.
	Values []string
}

// Unit of a session; false if it is none of this funnel's.
func (d *Definition) Unit(s *pb.Session) (Unit, bool) {
	m := MatchSession(d, s)
	if m.Level == 0 {
		return Unit{}, false
	}
	u := Unit{Match: m, Value: OrdersValue(s.Trail), Class: Class(s.Flags), Values: make([]string, len(d.Breakdowns))}
	for k, st := range d.Steps {
		if st.Action == SessionStep || slices.ContainsFunc(s.Trail, func(t *pb.Step) bool { return t.Action == st.Action }) {
			u.Open |= 1 << k
		}
	}
	for i, dims := range d.Breakdowns {
		values := make([]string, len(dims))
		for j, dim := range dims {
			values[j] = d.value(s.Entry, dim)
		}
		u.Values[i] = strings.Join(values, "\x00")
	}
	return u, true
}

// Other stands for every value that a breakdown does not keep.
const Other = "(other)"

// value of a dimension as the breakdown keeps it; an absent one is kept as such.
func (d *Definition) value(e *pb.Entry, dim string) string {
	v := Dimension(e, dim)
	if list, limited := d.Allow[dim]; limited && v != "" && !slices.Contains(list, v) {
		return Other
	}
	return v
}

// Share is what a unit adds to one cell, one number per step.
type Share struct {
	// From and To are the steps that count, [From, To), from 0.
	From, To int
	unit     *Unit
	times    bool
}

// Each calls add for every cell that a unit counts in.
func (d *Definition) Each(store string, u *Unit, add func(Key, Share)) {
	for i, dims := range d.Breakdowns {
		k := Key{Store: store, Funnel: d.Name, Version: d.Version, Breakdown: strings.Join(dims, ","), Values: u.Values[i], Class: u.Class}
		for _, window := range []int64{WindowMinute, WindowQuarter} {
			k.Window = window
			k.Basis, k.Start = BasisEntry, Bucket(u.Match.At[0], window)
			add(k, Share{To: u.Match.Level, unit: u, times: true})
			k.Basis = BasisOccurrence
			for from := 0; from < u.Match.Level; {
				to := from + 1
				k.Start = Bucket(u.happened(from), window)
				for to < u.Match.Level && Bucket(u.happened(to), window) == k.Start {
					to++
				}
				add(k, Share{From: from, To: to, unit: u})
				from = to
			}
		}
	}
}

// happened is when step k (from 0) was reached: an implied one together with the step that implies it.
func (u *Unit) happened(k int) int64 {
	for u.Match.Implied&(1<<k) != 0 {
		k++
	}
	return u.Match.At[k]
}

// Cell is an absolute value: sums over its units, one number per step.
type Cell struct {
	Units, Implied, Value, Open []int64
	// Times count, by bin, how long units took from the first step to each step. Implied steps have no time.
	Times []map[int16]int64
}

// Add adds sign times the share. Cells only ever change by −old +new.
func (c *Cell) Add(s Share, steps int, sign int64) {
	if len(c.Units) < steps {
		c.Units, c.Implied, c.Value, c.Open = grow(c.Units, steps), grow(c.Implied, steps), grow(c.Value, steps), grow(c.Open, steps)
		c.Times = append(c.Times, make([]map[int16]int64, steps-len(c.Times))...)
	}
	m := &s.unit.Match
	for k := s.From; k < min(s.To, steps); k++ {
		c.Units[k] += sign
		c.Value[k] += sign * s.unit.Value
		implied := m.Implied&(1<<k) != 0
		if implied {
			c.Implied[k] += sign
		}
		if s.times && k > 0 && !implied {
			c.addTime(k, Bin(m.At[k]-m.At[0]), sign)
		}
	}
	if s.times {
		for k := range steps {
			if s.unit.Open&(1<<k) != 0 {
				c.Open[k] += sign
			}
		}
	}
}

func (c *Cell) addTime(k int, bin int16, sign int64) {
	if c.Times[k] == nil {
		c.Times[k] = map[int16]int64{}
	}
	if c.Times[k][bin] += sign; c.Times[k][bin] == 0 {
		delete(c.Times[k], bin)
	}
}

func grow(list []int64, n int) []int64 { return append(list, make([]int64, n-len(list))...) }

// Zero tells whether no unit is left in the cell.
func (c *Cell) Zero() bool {
	for k := range c.Units {
		if c.Units[k] != 0 || c.Implied[k] != 0 || c.Value[k] != 0 || c.Open[k] != 0 || len(c.Times[k]) != 0 {
			return false
		}
	}
	return true
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

// Variant in front of an experiment's name is the dimension of what that experiment showed.
const Variant = "variant:"

// Dimension reads one dimension of an entry. What an entry does not say is empty.
func Dimension(e *pb.Entry, dim string) string {
	switch dim {
	case "channel":
		return e.GetChannel()
	case "device":
		return e.GetDevice()
	case "country":
		return e.GetCountry()
	case "os":
		return e.GetOs()
	case "brand_search":
		return e.GetBrandSearch()
	case "consent":
		return e.GetConsent()
	case "campaign":
		return e.GetCampaign()
	case "landing_path":
		return e.GetLandingPath()
	case "returning":
		if e.GetReturning() {
			return "returning"
		}
		return "new"
	}
	if experiment, ok := strings.CutPrefix(dim, Variant); ok {
		return e.GetVariants()[experiment]
	}
	return ""
}
