package funnel_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/funnel"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// steps makes a definition: a trailing ? is an optional step.
func steps(names ...string) *funnel.Definition {
	d := &funnel.Definition{Name: "f", Version: 1, Breakdowns: [][]string{{"channel", "device"}}}
	for _, n := range names {
		s := funnel.StepDef{Action: n}
		if n[len(n)-1] == '?' {
			s = funnel.StepDef{Action: n[:len(n)-1], Optional: true}
		}
		d.Steps = append(d.Steps, s)
	}
	return d
}

var purchase = steps("session", "product_viewed?", "cart_added", "checkout_started?", "shipping_submitted?", "payment_submitted?", "purchased")

// trail of action@time pairs; every event has its own id.
func trail(pairs ...any) (out []*pb.Step) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, &pb.Step{Action: pairs[i].(string), Ts: int64(pairs[i+1].(int)), EventId: []byte{byte(i + 1)}})
	}
	return out
}

func session(start int64, tr []*pb.Step) *pb.Session { return &pb.Session{StartedAt: start, Trail: tr} }

// T1.1: for equal timestamps steps are taken in funnel order, whatever the order of the ids.
func TestT1_1Ties(t *testing.T) {
	tr := trail("b", 5, "a", 5)
	if m := funnel.Attempts(steps("a", "b"), tr); len(m) != 1 || m[0].Level != 2 {
		t.Errorf("got %+v, want one attempt of level 2", m)
	}
}

// T1.2: one event advances at most one step; a second event is needed for a repeated step.
func TestT1_2StrictOnce(t *testing.T) {
	d := steps("v", "v")
	if m := funnel.Attempts(d, trail("v", 1)); m[0].Level != 1 {
		t.Errorf("one v: got level %d, want 1", m[0].Level)
	}
	if m := funnel.Attempts(d, trail("v", 1, "v", 2)); len(m) != 1 || m[0].Level != 2 {
		t.Errorf("two v: got %+v, want level 2", m)
	}
}

// T1.6: A 13:00, A 13:30, B 13:45, C 14:15, window 60 minutes: first-anchored reaches level 2.
func TestT1_6FirstAnchored(t *testing.T) {
	d := steps("a", "b", "c")
	d.Window = 60
	m := funnel.Attempts(d, trail("a", 780, "a", 810, "b", 825, "c", 855))
	if len(m) != 1 || m[0].Level != 2 || m[0].At[0] != 780 {
		t.Errorf("got %+v, want level 2 from 780", m)
	}
	if m := funnel.Attempts(d, trail("a", 780, "b", 840)); m[0].Level != 2 {
		t.Errorf("got %+v: the end of the window is part of it", m)
	}
}

// T1.7: A1 B2 X3 A4 B5 C6 with X excluded after step 2.
func TestT1_7Exclusion(t *testing.T) {
	d := steps("a", "b", "c")
	d.Steps[1].Excludes = []string{"x"}
	m := funnel.Attempts(d, trail("a", 1, "b", 2, "x", 3, "a", 4, "b", 5, "c", 6))
	if len(m) != 2 || m[0].Level != 2 || !m[0].Excluded || m[0].At[0] != 1 || m[1].Level != 3 || m[1].Excluded || m[1].At[0] != 4 {
		t.Errorf("got %+v, want (1, level 2, excluded) and (4, level 3)", m)
	}
	if m := funnel.Attempts(d, trail("a", 1, "x", 2, "b", 3, "c", 4)); len(m) != 1 || m[0].Level != 3 {
		t.Errorf("x before step 2: got %+v, want level 3", m)
	}
}

// T1.11: a late step 1 moves the entry earlier and lowers the level, so rows are replaced, never maximised.
func TestT1_11LateEntry(t *testing.T) {
	d := steps("a", "b", "c")
	d.Window = 20
	if m := funnel.Attempts(d, trail("a", 10, "b", 12, "c", 29)); m[0].Level != 3 {
		t.Errorf("in order: got level %d, want 3", m[0].Level)
	}
	if m := funnel.Attempts(d, trail("a", 10, "b", 12, "c", 29, "a", 5)); m[0].Level != 2 || m[0].At[0] != 5 {
		t.Errorf("with a late A at 5: got %+v, want level 2 from 5", m[0])
	}
}

// T1.12: session, cart_added, checkout_started without a product view: level 4, product_viewed implied.
func TestT1_12Implied(t *testing.T) {
	m := funnel.MatchSession(purchase, session(10, trail("cart_added", 20, "checkout_started", 30)))
	if m.Level != 4 || m.Implied != 1<<1 || m.At != [8]int64{10, 0, 20, 30} {
		t.Errorf("got %+v, want level 4 with product_viewed implied", m)
	}
}

// Ensure that the built-in step uses up no event: a session that opens on a product page reaches product_viewed.
func TestSessionStepUsesNoEvent(t *testing.T) {
	if m := funnel.MatchSession(purchase, session(10, trail("product_viewed", 10))); m.Level != 2 || m.Implied != 0 {
		t.Errorf("got %+v, want level 2", m)
	}
}

// Ensure that a required step is never jumped over, and that a funnel without the built-in step needs its first.
func TestRequiredSteps(t *testing.T) {
	if m := funnel.MatchSession(purchase, session(1, trail("checkout_started", 5, "purchased", 6))); m.Level != 1 {
		t.Errorf("without cart_added: got level %d, want 1", m.Level)
	}
	d := steps("cart_added", "purchased")
	if m := funnel.MatchSession(d, session(1, trail("purchased", 5))); m.Level != 0 {
		t.Errorf("without step 1: got level %d, want 0", m.Level)
	}
	if m := funnel.MatchSession(d, session(1, trail("cart_added", 4, "purchased", 5))); m.Level != 2 || m.At[0] != 4 {
		t.Errorf("got %+v, want level 2 from 4", m)
	}
}

func TestTruncated(t *testing.T) {
	var tr []*pb.Step
	for i := range 300 {
		tr = append(tr, &pb.Step{Action: "product_viewed", Ts: int64(i), EventId: fmt.Appendf(nil, "%03d", i)})
	}
	tr = append(tr, &pb.Step{Action: "cart_added", Ts: 400, EventId: []byte("c")})
	if m := funnel.MatchSession(purchase, session(0, tr)); !m.Truncated || m.Level != 2 {
		t.Errorf("got %+v, want a truncated match of level 2: the smallest 256 are kept", m)
	}
}

// levelOracle searches every chain of events that the rules allow and returns the deepest level (session funnel).
func levelOracle(d *funnel.Definition, events []*pb.Step, from, level int, used map[int]bool) int {
	best := level
	for i := from; i < len(events); i++ {
		for k := level + 1; k <= len(d.Steps); k++ {
			jump := true
			for j := level + 1; j < k; j++ {
				jump = jump && d.Steps[j-1].Optional
			}
			if d.Steps[k-1].Action == events[i].Action && jump {
				best = max(best, levelOracle(d, events, i+1, k, used))
			}
		}
	}
	return best
}

// replayOracle is the text of the definition: walk the events in order, take each that advances.
func replayOracle(d *funnel.Definition, events []*pb.Step) (level int, implied map[int]bool) {
	level, implied = 1, map[int]bool{}
	for _, e := range events {
		for k := 2; k <= len(d.Steps); k++ {
			if d.Steps[k-1].Action != e.Action || k <= level {
				continue
			}
			var skipped []int
			for j := level + 1; j < k; j++ {
				if !d.Steps[j-1].Optional {
					skipped = nil
					k = len(d.Steps) + 1 // no further step is nearer
					break
				}
				skipped = append(skipped, j)
			}
			if k <= len(d.Steps) {
				for _, j := range skipped {
					implied[j] = true
				}
				level = k
			}
			break
		}
	}
	return level, implied
}

// Ensure that the matcher equals both oracles on random trails, in any order of arrival and with duplicates.
// Steps have different names here; repeated steps are T1.2's.
func TestMatcherEqualsOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"session", "b", "c", "d", "e"}
		for i := 1; i < 4; i++ {
			if rapid.Bool().Draw(t, "optional") {
				names[i] += "?"
			}
		}
		d := steps(names...)
		n := rapid.IntRange(0, 8).Draw(t, "n")
		events := make([]*pb.Step, n)
		for i := range events {
			events[i] = &pb.Step{Action: rapid.SampledFrom([]string{"b", "c", "d", "e", "x"}).Draw(t, "action"),
				Ts: rapid.Int64Range(0, 6).Draw(t, "ts"), EventId: []byte{byte(i)}}
		}
		arrival := rapid.Permutation(events).Draw(t, "arrival")
		arrival = append(arrival, arrival[:n/2]...)
		m := funnel.MatchSession(d, session(0, arrival))

		stepOf := func(e *pb.Step) int {
			return slices.IndexFunc(d.Steps, func(s funnel.StepDef) bool { return s.Action == e.Action })
		}
		slices.SortFunc(events, func(a, b *pb.Step) int {
			return cmp.Or(cmp.Compare(a.Ts, b.Ts), cmp.Compare(stepOf(a), stepOf(b)), bytes.Compare(a.EventId, b.EventId))
		})
		if want := levelOracle(d, events, 0, 1, nil); m.Level != want {
			t.Fatalf("level %d, the deepest chain has %d", m.Level, want)
		}
		level, implied := replayOracle(d, events)
		for k := 1; k <= len(d.Steps); k++ {
			if got := m.Implied&(1<<(k-1)) != 0; got != implied[k] || level != m.Level {
				t.Fatalf("step %d implied %t, level %d; the oracle says %t, %d", k, got, m.Level, implied[k], level)
			}
		}
	})
}

// Ensure that another event never lowers a session's level.
func TestLevelOnlyRises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		actions := rapid.SliceOfN(rapid.SampledFrom([]string{"product_viewed", "cart_added", "checkout_started",
			"payment_submitted", "purchased", "x"}), 1, 12).Draw(t, "actions")
		var tr []*pb.Step
		for i, a := range actions {
			tr = append(tr, &pb.Step{Action: a, Ts: rapid.Int64Range(0, 9).Draw(t, "ts"), EventId: []byte{byte(i)}})
		}
		all := funnel.MatchSession(purchase, session(0, tr)).Level
		if less := funnel.MatchSession(purchase, session(0, tr[1:])).Level; less > all {
			t.Fatalf("with one event less the level is %d, with it %d", less, all)
		}
	})
}

func BenchmarkMatchSession(b *testing.B) {
	s := session(0, trail("page_viewed", 1, "product_viewed", 2, "product_viewed", 3, "cart_added", 4, "cart_viewed", 5,
		"checkout_started", 6, "payment_submitted", 7, "purchased", 8))
	b.ReportAllocs()
	for b.Loop() {
		if funnel.MatchSession(purchase, s).Level != 7 {
			b.Fatal("wrong level")
		}
	}
}
