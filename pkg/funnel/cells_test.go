package funnel_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/funnel"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

type cells map[funnel.Key]*funnel.Cell

// count takes a session's unit on (1) or off (−1).
func (c cells) count(d *funnel.Definition, s *pb.Session, sign int64) {
	u, ok := d.Unit(s)
	if !ok {
		return
	}
	d.Each("s", &u, func(k funnel.Key, sh funnel.Share) {
		if c[k] == nil {
			c[k] = &funnel.Cell{}
		}
		c[k].Add(sh, len(d.Steps), sign)
	})
}

// text lists the cells of a basis and window that hold something.
func (c cells) text(basis string, window int64) (out []string) {
	for _, k := range slices.SortedFunc(maps.Keys(c), funnel.Key.Compare) {
		if cell := c[k]; k.Basis == basis && k.Window == window && !cell.Zero() {
			out = append(out, fmt.Sprint(k.Start/window, " ", strings.ReplaceAll(k.Values, "\x00", "/"), " ", k.Class, " ", cell.Units))
		}
	}
	return out
}

func shopper(start int64, tr []*pb.Step) *pb.Session {
	s := session(start, tr)
	s.Entry = &pb.Entry{Channel: "Email", Device: "mobile"}
	return s
}

// T1.8: day 1 has 100 units of which 10 buy the same day and 10 the next; day 2 has 50, 5 buy. By entry the rates are
// 20 % and 10 %; by occurrence they triple, from 10 % to 30 %.
func TestT1_8EntryCohort(t *testing.T) {
	const dayMS = 24 * 3600 * 1000
	c := cells{}
	add := func(n int, start int64, buyAt int) {
		for range n {
			s := shopper(start, nil)
			if buyAt > 0 {
				s.Trail = trail("cart_added", buyAt-1, "purchased", buyAt)
			}
			c.count(purchase, s, 1)
		}
	}
	add(80, 1000, 0)
	add(10, 1000, dayMS/2)
	add(10, 1000, dayMS+dayMS/2)
	add(45, dayMS+1000, 0)
	add(5, dayMS+1000, dayMS+dayMS/2)
	sum := map[string][2]int64{}
	for k, cell := range c {
		if k.Window == funnel.WindowQuarter {
			name := fmt.Sprint(k.Basis, " ", k.Start/86400)
			sum[name] = [2]int64{sum[name][0] + cell.Units[0], sum[name][1] + cell.Units[6]}
		}
	}
	want := map[string][2]int64{"entry 0": {100, 20}, "entry 1": {50, 5}, "occurrence 0": {100, 10}, "occurrence 1": {50, 15}}
	if !maps.Equal(sum, want) {
		t.Errorf("got %v, want %v", sum, want)
	}
}

func TestUnit(t *testing.T) {
	s := shopper(900_001, trail("cart_added", 960_000, "purchased", 1_900_000, "purchased", 1_900_001))
	s.Flags = 1 << 1
	s.Trail[1].OrderId, s.Trail[1].ValueMinor = "o1", 500
	s.Trail[2].OrderId, s.Trail[2].ValueMinor = "o1", 700 // the same order again: counted once, the first value
	u, ok := purchase.Unit(s)
	if !ok || u.Value != 500 || u.Match.Level != 7 || u.Class != funnel.ClassBot || u.Open != 1|1<<2|1<<6 || !slices.Equal(u.Values, []string{"Email\x00mobile"}) {
		t.Fatalf("got %+v, %t", u, ok)
	}
	c := cells{}
	c.count(purchase, s, 1)
	for basis, want := range map[string][]string{
		funnel.BasisEntry:      {"1 Email/mobile bot [1 1 1 1 1 1 1]"},
		funnel.BasisOccurrence: {"1 Email/mobile bot [1 1 1 0 0 0 0]", "2 Email/mobile bot [0 0 0 1 1 1 1]"}, // implied steps happen with the one that implies them
	} {
		if got := c.text(basis, funnel.WindowQuarter); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", basis, got, want)
		}
	}
	entry := c[funnel.Key{Store: "s", Funnel: "f", Version: 1, Basis: funnel.BasisEntry, Window: 900, Start: 900, Breakdown: "channel,device", Values: "Email\x00mobile", Class: "bot"}]
	if !slices.Equal(entry.Implied, []int64{0, 1, 0, 1, 1, 1, 0}) || !slices.Equal(entry.Open, []int64{1, 0, 1, 0, 0, 0, 1}) ||
		!slices.Equal(entry.Value, []int64{500, 500, 500, 500, 500, 500, 500}) {
		t.Errorf("got %+v", entry)
	}
	if got := fmt.Sprint(entry.Times); got != fmt.Sprintf("[map[] map[] map[%d:1] map[] map[] map[] map[%d:1]]", funnel.Bin(59_999), funnel.Bin(999_999)) {
		t.Errorf("times: got %s", got)
	}
	c.count(purchase, s, -1)
	for k, cell := range c {
		if !cell.Zero() {
			t.Errorf("−old leaves %+v in %+v", cell, k)
		}
	}
}

// Ensure that with a held property a unit goes one product's way, the deepest.
func TestHold(t *testing.T) {
	d := steps("session", "product_viewed", "cart_added", "purchased")
	tr := trail("product_viewed", 1, "cart_added", 2, "product_viewed", 3, "cart_added", 4, "purchased", 5)
	for i, p := range []string{"a", "b", "b", "a", "b"} {
		tr[i].Product = p
	}
	if m := funnel.MatchSession(d, session(0, tr)); m.Level != 4 {
		t.Errorf("without hold: got level %d, want 4", m.Level)
	}
	d.Hold = funnel.HoldProduct
	if m := funnel.MatchSession(d, session(0, tr)); m.Level != 3 || m.At[1] != 1 || m.At[2] != 4 {
		t.Errorf("with hold: got %+v, want level 3 by product a", m)
	}
	if m := funnel.MatchSession(d, session(0, nil)); m.Level != 1 {
		t.Errorf("without products: got level %d, want 1", m.Level)
	}
}

// Ensure that a value outside the allow-list is counted with the others, and none is lost.
func TestAllowList(t *testing.T) {
	d := steps("session", "purchased")
	d.Breakdowns, d.Allow = [][]string{{"country"}}, map[string][]string{"country": {"DE", "AT"}}
	c := cells{}
	for _, country := range []string{"DE", "FR", "US", "", "AT", "DE"} {
		s := session(0, nil)
		s.Entry = &pb.Entry{Country: country}
		c.count(d, s, 1)
	}
	if got, want := c.text(funnel.BasisEntry, funnel.WindowQuarter), []string{"0  human [1 0]", "0 (other) human [2 0]", "0 AT human [1 0]", "0 DE human [2 0]"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOrders(t *testing.T) {
	tr := trail("purchased", 1, "purchased", 2, "purchased", 3, "cart_added", 4)
	tr[0].OrderId, tr[1].OrderId = "o", "o"
	tr[0].ValueMinor, tr[1].ValueMinor, tr[2].ValueMinor = 100, 100, 30
	if n, v := funnel.Orders(tr), funnel.OrdersValue(tr); n != 2 || v != 130 {
		t.Errorf("got %d orders of %d, want 2 of 130: without an order id a purchase is an order of its own", n, v)
	}
}

// Ensure that −old +new over any history leaves the same cells as a fresh count of the last state.
func TestCellsEqualARecount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		got, last := cells{}, map[int]*pb.Session{}
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			unit := rapid.IntRange(0, 4).Draw(t, "unit")
			if old := last[unit]; old != nil {
				got.count(purchase, old, -1)
				delete(last, unit)
			}
			if rapid.Bool().Draw(t, "gone") {
				continue
			}
			depth := rapid.IntRange(0, 2).Draw(t, "depth")
			s := shopper(rapid.Int64Range(0, 4).Draw(t, "start")*900_000, trail("cart_added", 5_000_000, "purchased", 6_000_000)[:depth])
			s.Entry.Channel = rapid.SampledFrom([]string{"Email", "Direct"}).Draw(t, "channel")
			s.Flags = rapid.SampledFrom([]uint32{0, 2, 4}).Draw(t, "flags")
			last[unit] = s
			got.count(purchase, s, 1)
		}
		want := cells{}
		for _, s := range last {
			want.count(purchase, s, 1)
		}
		for k, c := range got {
			if w := want[k]; w == nil && !c.Zero() || w != nil && fmt.Sprint(*w) != fmt.Sprint(*c) {
				t.Fatalf("cell %+v: got %+v, want %+v", k, c, w)
			}
		}
	})
}

func BenchmarkCellUpdate(b *testing.B) {
	s := shopper(0, trail("product_viewed", 2000, "cart_added", 4000, "purchased", 800_000))
	c := cells{}
	b.ReportAllocs()
	for b.Loop() {
		c.count(purchase, s, -1)
		c.count(purchase, s, 1)
	}
}

// Ensure that each dimension reads its own field, that an absent value stays empty beside a list, and that an experiment
// which a session did not see is absent.
func TestDimensions(t *testing.T) {
	e := &pb.Entry{Channel: "Email", Device: "mobile", Os: "iOS", Country: "DE", BrandSearch: "yes", Consent: "denied", Campaign: "summer", LandingPath: "/sale",
		Returning: true, Variants: map[string]string{"button": "B"}}
	for dim, want := range map[string]string{"channel": "Email", "device": "mobile", "os": "iOS", "country": "DE", "brand_search": "yes", "consent": "denied",
		"campaign": "summer", "landing_path": "/sale", "returning": "returning", "variant:button": "B", "variant:price": "", "weather": ""} {
		if got := funnel.Dimension(e, dim); got != want {
			t.Errorf("%s: got %q, want %q", dim, got, want)
		}
		if got := funnel.Dimension(nil, dim); got != "" && dim != "returning" {
			t.Errorf("%s of no entry: got %q", dim, got)
		}
	}
	d := steps("session", "purchased")
	d.Breakdowns, d.Allow = [][]string{{"variant:button", "campaign"}}, map[string][]string{"variant:button": {"A", "B"}, "campaign": {"summer"}}
	for _, c := range []struct {
		variants map[string]string
		campaign string
		want     string
	}{
		{nil, "", "\x00"},
		{map[string]string{"button": "B", "price": "high"}, "summer", "B\x00summer"},
		{map[string]string{"button": "C"}, "winter", "(other)\x00(other)"},
		{map[string]string{"price": "high"}, "", "\x00"},
	} {
		s := session(0, nil)
		s.Entry = &pb.Entry{Variants: c.variants, Campaign: c.campaign}
		if u, ok := d.Unit(s); !ok || u.Values[0] != c.want {
			t.Errorf("%+v: got %q", c, u.Values)
		}
	}
}
