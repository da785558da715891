package funnel_test

import (
	"bytes"
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/funnel"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

func anyOrder(names ...string) *funnel.Definition {
	d := steps(names...)
	d.AnyOrder = true
	return d
}

// Ensure by hand-made examples that steps count in whatever order, each once, and never before the first.
func TestAnyOrder(t *testing.T) {
	d := anyOrder("session", "reviewed", "shared", "referred")
	for _, c := range []struct {
		trail []*pb.Step
		level int
		at    [8]int64
	}{
		{nil, 1, [8]int64{10}},
		{trail("referred", 20, "reviewed", 30), 3, [8]int64{10, 20, 30}},
		{trail("shared", 40, "referred", 20, "reviewed", 30), 4, [8]int64{10, 20, 30, 40}}, // arrival does not count
		{trail("shared", 20, "shared", 30), 2, [8]int64{10, 20}},                           // a step is done once
		{trail("shared", 10), 2, [8]int64{10, 10}},                                         // with the entry
		{trail("purchased", 20), 1, [8]int64{10}},
	} {
		if m := funnel.MatchSession(d, session(10, c.trail)); m.Level != c.level || m.At != c.at || m.Implied != 0 {
			t.Errorf("%v: got %+v, want level %d at %v", c.trail, m, c.level, c.at)
		}
	}
	first := anyOrder("cart_added", "shared", "reviewed")
	if m := funnel.MatchSession(first, session(0, trail("shared", 1, "cart_added", 2, "reviewed", 3))); m.Level != 2 || m.At != [8]int64{2, 3} {
		t.Errorf("what came before the first step: got %+v", m)
	}
	if m := funnel.MatchSession(first, session(0, trail("shared", 1))); m.Level != 0 {
		t.Errorf("without the first step: got %+v", m)
	}
	twice := anyOrder("v", "v", "w")
	if m := funnel.Attempts(twice, trail("v", 1, "w", 2)); m[0].Level != 2 {
		t.Errorf("one v for two steps: got %+v", m)
	}
	if m := funnel.Attempts(twice, trail("v", 1, "w", 2, "v", 3)); m[0].Level != 3 {
		t.Errorf("two v: got %+v", m)
	}
}

// Ensure that exclusions, windows and held products bound a funnel in any order too.
func TestAnyOrderBounds(t *testing.T) {
	d := anyOrder("session", "b", "c", "d")
	d.Steps[2].Excludes = []string{"x"}
	if m := funnel.MatchSession(d, session(0, trail("c", 1, "x", 2, "b", 3))); m.Level != 2 || !m.Excluded {
		t.Errorf("x while c was last: got %+v", m)
	}
	if m := funnel.MatchSession(d, session(0, trail("c", 1, "b", 2, "x", 3, "d", 4))); m.Level != 4 || m.Excluded {
		t.Errorf("x while b was last: got %+v", m)
	}
	w := anyOrder("a", "b", "c")
	w.Window = 20
	if m := funnel.Attempts(w, trail("a", 0, "c", 20, "b", 21)); m[0].Level != 2 {
		t.Errorf("after the window: got %+v", m)
	}
	h := anyOrder("session", "product_viewed", "cart_added", "reviewed")
	h.Hold = funnel.HoldProduct
	tr := trail("cart_added", 1, "product_viewed", 2, "reviewed", 3)
	tr[0].Product, tr[1].Product, tr[2].Product = "p", "q", "p"
	if m := funnel.MatchSession(h, session(0, tr)); m.Level != 3 || m.At != [8]int64{0, 1, 3} {
		t.Errorf("held product: got %+v", m)
	}
}

// anyOracle counts, at the end of every prefix, how many steps the events so far can be given to: of each action as many as
// there are events of it, and steps with it. An exclusion stops it.
func anyOracle(d *funnel.Definition, start int64, events []*pb.Step) (out []int64) {
	out = []int64{start}
	last := "session"
	for n := range events {
		for _, st := range d.Steps {
			if st.Action == last && slices.Contains(st.Excludes, events[n].Action) {
				return out
			}
		}
		had, need := map[string]int{}, map[string]int{}
		for _, e := range events[:n+1] {
			had[e.Action]++
		}
		for _, st := range d.Steps[1:] {
			need[st.Action]++
		}
		count := 1
		for action, steps := range need {
			count += min(steps, had[action])
		}
		if count > len(out) {
			out, last = append(out, events[n].Ts), events[n].Action
		}
	}
	return out
}

// Ensure that the matcher equals the oracle on random funnels and trails, in any order of arrival and with duplicates.
func TestAnyOrderEqualsOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := append([]string{"session"}, rapid.SliceOfN(rapid.SampledFrom([]string{"b", "c", "d"}), 1, 5).Draw(t, "steps")...)
		d := anyOrder(names...)
		stop := rapid.SampledFrom([]string{"", "session", "b", "c", "d"}).Draw(t, "excluded after")
		distinct := len(slices.Compact(slices.Sorted(slices.Values(names)))) == len(names) // else the last of equal times is a step, not an action
		for i := range d.Steps {
			if distinct && d.Steps[i].Action == stop {
				d.Steps[i].Excludes = []string{"x"}
			}
		}
		events := make([]*pb.Step, rapid.IntRange(0, 8).Draw(t, "n"))
		for i := range events {
			events[i] = &pb.Step{Action: rapid.SampledFrom([]string{"b", "c", "d", "x", "y"}).Draw(t, "action"),
				Ts: rapid.Int64Range(5, 11).Draw(t, "ts"), EventId: []byte{byte(i)}}
		}
		arrival := rapid.Permutation(events).Draw(t, "arrival")
		m := funnel.MatchSession(d, session(5, append(arrival, arrival[:len(arrival)/2]...)))

		place := func(e *pb.Step) int { return slices.Index(append([]string{"x"}, names...), e.Action) } // exclusions first
		slices.SortFunc(events, func(a, b *pb.Step) int {
			return cmp.Or(cmp.Compare(a.Ts, b.Ts), cmp.Compare(place(a), place(b)), bytes.Compare(a.EventId, b.EventId))
		})
		want := anyOracle(d, 5, events)
		if m.Level != len(want) || !slices.Equal(m.At[:m.Level], want) || m.Implied != 0 {
			t.Fatalf("got %+v, want %v", m, want)
		}
	})
}

// Ensure that a cell of a funnel in any order holds in its k-th number who did at least k steps.
func TestAnyOrderCells(t *testing.T) {
	d := anyOrder("session", "b", "c")
	c := cells{}
	for _, tr := range [][]*pb.Step{nil, trail("c", 1), trail("c", 1, "b", 2), trail("b", 1)} {
		c.count(d, shopper(0, tr), 1)
	}
	if got, want := c.text(funnel.BasisEntry, funnel.WindowQuarter), []string{"0 Email/mobile human [4 3 1]"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for k, cell := range c {
		if k.Basis == funnel.BasisEntry && !slices.Equal(cell.Open, []int64{4, 2, 2}) {
			t.Errorf("who did which step: got %v", cell.Open)
		}
	}
}
