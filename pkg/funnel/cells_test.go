package funnel_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/funnel"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// T1.8: day 1 has 100 units of which 10 buy the same day and 10 the next; day 2 has 50, 5 buy. By entry the rates are
// 20 % and 10 %; by occurrence they would have tripled.
func TestT1_8EntryCohort(t *testing.T) {
	const dayMS = 24 * 3600 * 1000
	cells := map[funnel.Key]*funnel.Cell{}
	add := func(n int, start int64, buyAt int) {
		for range n {
			s := session(start, nil)
			s.Entry = &pb.Entry{Channel: "Direct", Device: "desktop"}
			if buyAt > 0 {
				s.Trail = trail("cart_added", buyAt-1, "purchased", buyAt)
			}
			addAll(cells, funnel.Contributions(purchase, "s", s, 86400), 1)
		}
	}
	add(80, 1000, 0)
	add(10, 1000, dayMS/2)
	add(10, 1000, dayMS+dayMS/2)
	add(45, dayMS+1000, 0)
	add(5, dayMS+1000, dayMS+dayMS/2)
	var got []string
	for _, k := range slices.SortedFunc(maps.Keys(cells), funnel.Key.Compare) {
		got = append(got, fmt.Sprintf("%d: %d of %d", k.Start/86400, cells[k].Units[6], cells[k].Units[0]))
	}
	if want := []string{"0: 20 of 100", "1: 5 of 50"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func addAll(cells map[funnel.Key]*funnel.Cell, cs []funnel.Contribution, sign int64) {
	for _, c := range cs {
		if cells[c.Key] == nil {
			cells[c.Key] = &funnel.Cell{}
		}
		cells[c.Key].Add(c, len(purchase.Steps), sign)
	}
}

func TestContribution(t *testing.T) {
	s := session(900_000+1, trail("cart_added", 900_002, "purchased", 900_003, "purchased", 900_004))
	s.Entry = &pb.Entry{Channel: "Email", Device: "mobile"}
	s.Flags = 1 << 1
	s.Trail[1].OrderId, s.Trail[1].ValueMinor = "o1", 500
	s.Trail[2].OrderId, s.Trail[2].ValueMinor = "o1", 700 // the same order again: counted once, the first value
	cs := funnel.Contributions(purchase, "s", s, 900)
	want := funnel.Key{Store: "s", Funnel: "f", Version: 1, Basis: funnel.BasisEntry, Window: 900, Start: 900,
		Breakdown: "channel,device", Values: "Email\x00mobile", Class: funnel.ClassBot}
	if len(cs) != 1 || cs[0].Key != want || cs[0].Value != 500 || cs[0].Level != 7 {
		t.Fatalf("got %+v, want key %+v with value 500 at level 7", cs, want)
	}
	c := &funnel.Cell{}
	c.Add(cs[0], 7, 1)
	if !slices.Equal(c.Units, []int64{1, 1, 1, 1, 1, 1, 1}) || !slices.Equal(c.Implied, []int64{0, 1, 0, 1, 1, 1, 0}) ||
		!slices.Equal(c.Value, []int64{500, 500, 500, 500, 500, 500, 500}) {
		t.Errorf("got %+v", c)
	}
	if c.Zero() {
		t.Error("a cell with a unit counts as empty")
	}
	if c.Add(cs[0], 7, -1); !c.Zero() {
		t.Errorf("−old leaves %+v", c)
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
		cells, last := map[funnel.Key]*funnel.Cell{}, map[int]*pb.Session{}
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			unit := rapid.IntRange(0, 4).Draw(t, "unit")
			if old := last[unit]; old != nil {
				addAll(cells, funnel.Contributions(purchase, "s", old, 900), -1)
				delete(last, unit)
			}
			if rapid.Bool().Draw(t, "gone") {
				continue
			}
			depth := rapid.IntRange(0, 2).Draw(t, "depth")
			s := session(rapid.Int64Range(0, 4).Draw(t, "start")*900_000, trail("cart_added", 1, "purchased", 2)[:depth])
			s.Entry = &pb.Entry{Channel: rapid.SampledFrom([]string{"Email", "Direct"}).Draw(t, "channel")}
			last[unit] = s
			addAll(cells, funnel.Contributions(purchase, "s", s, 900), 1)
		}
		want := map[funnel.Key]*funnel.Cell{}
		for _, s := range last {
			addAll(want, funnel.Contributions(purchase, "s", s, 900), 1)
		}
		for k, c := range cells {
			if w := want[k]; w == nil && !c.Zero() || w != nil && fmt.Sprint(*w) != fmt.Sprint(*c) {
				t.Fatalf("cell %+v: got %+v, want %+v", k, c, w)
			}
		}
	})
}

func BenchmarkCellUpdate(b *testing.B) {
	s := session(0, trail("product_viewed", 2, "cart_added", 4, "purchased", 8))
	s.Entry = &pb.Entry{Channel: "Email", Device: "mobile"}
	cells := map[funnel.Key]*funnel.Cell{}
	b.ReportAllocs()
	for b.Loop() {
		cs := funnel.Contributions(purchase, "s", s, 900)
		addAll(cells, cs, -1)
		addAll(cells, cs, 1)
	}
}
