package sim

import (
	"cmp"
	"slices"
)

// The funnel of the demo's store file; a test holds the two together.
const (
	funnelName    = "purchase"
	funnelVersion = 1
)

type step struct {
	action   string
	optional bool
}

var steps = []step{{"session", false}, {"product_viewed", true}, {"cart_added", false}, {"checkout_started", true},
	{"shipping_submitted", true}, {"payment_submitted", true}, {"purchased", false}}

// level walks a session's hits through the funnel: closed, in loose order, anchored at the session's start. Steps that
// share a millisecond come in the funnel's order.
func level(run []*hit) (reached int, implied []int) {
	type candidate struct {
		at   int64
		step int
	}
	var cs []candidate
	for _, h := range run {
		if i := slices.IndexFunc(steps, func(s step) bool { return s.action == h.kind.action }); i > 0 {
			cs = append(cs, candidate{h.at, i + 1})
		}
	}
	slices.SortStableFunc(cs, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.step, b.step)) })
	reached = 1
	for _, c := range cs {
		jumped := skipped(reached, c.step)
		if c.step <= reached || slices.ContainsFunc(jumped, func(k int) bool { return !steps[k-1].optional }) {
			continue
		}
		reached, implied = c.step, append(implied, jumped...)
	}
	return reached, implied
}

// skipped lists the steps between two.
func skipped(from, to int) (out []int) {
	for k := from + 1; k < to; k++ {
		out = append(out, k)
	}
	return out
}

// cells adds the sessions up.
func cells(sessions []Session) []Cell {
	bySegment := map[Segment][]Cell{}
	for i := range sessions {
		s := &sessions[i]
		of := bySegment[s.Segment()]
		if of == nil {
			of = make([]Cell, len(steps))
			for k := range of {
				of[k] = Cell{Segment: s.Segment(), Step: k + 1, Action: steps[k].action}
			}
			bySegment[s.Segment()] = of
		}
		for k := range of {
			of[k].Entered++
			if k < s.Level {
				of[k].Units++
				of[k].ObservedValue += s.ValueMinor
			}
			if slices.Contains(s.Implied, k+1) {
				of[k].Implied++
			}
		}
	}
	out := make([]Cell, 0, len(bySegment)*len(steps))
	for _, of := range bySegment {
		out = append(out, of...)
	}
	slices.SortFunc(out, func(a, b Cell) int { return cmp.Or(a.Segment.Compare(b.Segment), cmp.Compare(a.Step, b.Step)) })
	return out
}
