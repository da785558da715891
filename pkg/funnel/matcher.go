// Package funnel matches a unit's trail against a funnel's steps and keeps absolute cells.
//
// It is pure. Units contribute once: every unit is in exactly one cell per breakdown (design §4).
package funnel

import (
	"bytes"
	"cmp"
	"slices"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// SessionStep is the built-in first step: the unit's entry. It uses up no event.
const SessionStep = "session"

// maxEvents of a matcher's slice: the smallest in order are kept.
const maxEvents = 256

// Definition of a funnel.
type Definition struct {
	Name    string
	Version uint16
	// Steps in order, at most 8.
	Steps []StepDef
	// Breakdowns: tuples of dimensions.
	Breakdowns [][]string
	// Window in milliseconds from the first step; 0 = none (session funnels).
	Window int64
	// Allow lists, by dimension, the values that are kept; every other one becomes Other. A dimension without a list
	// keeps all of its (closed) set.
	Allow map[string][]string
	// Hold is a property that all steps of a unit must share: HoldProduct, or empty.
	Hold string
	// AnyOrder: the steps after the first count in whatever order they are done (any.go).
	AnyOrder bool
}

// HoldProduct makes each product of a session a way of its own; the deepest one counts.
const HoldProduct = "product"

// StepDef is one step.
type StepDef struct {
	Action string
	// Optional steps may be jumped over: they count as reached and implied.
	Optional bool
	// Excludes are actions that end the attempt while this is the highest step reached.
	Excludes []string
}

// Match is how far a unit came.
type Match struct {
	// Level is the number of steps reached, 0..K; in any order, how many were done.
	Level int
	// Implied has bit k-1 set if step k was jumped over.
	Implied uint32
	// At[k-1] is the time of step k, in any order of the k-th step done, Unix milliseconds; 0 where implied or not reached.
	At [8]int64
	// Excluded says that an exclusion ended the attempt.
	Excluded bool
	// Truncated says that the unit had more step-relevant events than are kept.
	Truncated bool
}

// candidate is one event that could be one step (0 = an exclusion).
type candidate struct {
	ts   int64
	step int
	id   []byte
	act  string
}

// MatchSession matches a session's trail: closed, loose order, anchored at the session's start if the first step is
// the built-in one, else at the first event of the first step. Level 0: the session is no unit of this funnel.
func MatchSession(d *Definition, s *pb.Session) Match {
	if d.Hold != HoldProduct {
		return d.match(s, s.Trail)
	}
	best := d.match(s, nil) // the entry belongs to every way
	for _, product := range products(s.Trail) {
		var own []*pb.Step
		for _, t := range s.Trail {
			if t.Product == product {
				own = append(own, t)
			}
		}
		if m := d.match(s, own); m.Level > best.Level {
			best = m
		}
	}
	return best
}

// products of a trail, in the order of their first steps: of equally deep ways the first begun counts.
func products(trail []*pb.Step) (out []string) {
	for _, t := range trail {
		if t.Product != "" && !slices.Contains(out, t.Product) {
			out = append(out, t.Product)
		}
	}
	return out
}

func (d *Definition) match(s *pb.Session, trail []*pb.Step) Match {
	cs, truncated := d.candidates(trail)
	var entry *int64
	if d.Steps[0].Action == SessionStep {
		entry = &s.StartedAt
	}
	ms := attempts(d, cs, entry)
	if len(ms) == 0 {
		return Match{}
	}
	ms[0].Truncated = truncated
	return ms[0]
}

// Attempts matches a trail in non-overlapping, first-anchored attempts (person funnels).
func Attempts(d *Definition, trail []*pb.Step) []Match {
	cs, truncated := d.candidates(trail)
	ms := attempts(d, cs, nil)
	for i := range ms {
		ms[i].Truncated = truncated
	}
	return ms
}

// candidates lists the step-relevant events in the order (time, step, id), the smallest maxEvents of them.
func (d *Definition) candidates(trail []*pb.Step) (cs []candidate, truncated bool) {
	var out []candidate
	for _, t := range trail {
		for i, st := range d.Steps {
			if st.Action == t.Action {
				out = append(out, candidate{ts: t.Ts, step: i + 1, id: t.EventId, act: t.Action})
			}
			if slices.Contains(st.Excludes, t.Action) {
				out = append(out, candidate{ts: t.Ts, id: t.EventId, act: t.Action})
			}
		}
	}
	slices.SortFunc(out, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.ts, b.ts), cmp.Compare(a.step, b.step), bytes.Compare(a.id, b.id))
	})
	out = slices.CompactFunc(out, func(a, b candidate) bool {
		return a.step == b.step && a.ts == b.ts && bytes.Equal(a.id, b.id) && a.act == b.act
	})
	if len(out) > maxEvents {
		return out[:maxEvents], true
	}
	return out, false
}

// attempts replays the candidates. entry opens an attempt at the built-in first step.
func attempts(d *Definition, cs []candidate, entry *int64) []Match {
	var done []Match
	var cur *attempt
	if entry != nil {
		cur = begin(d, *entry)
	}
	for _, c := range cs {
		if cur != nil && d.Window > 0 && c.ts-cur.start > d.Window {
			done, cur = append(done, cur.m), nil
		}
		if cur != nil && cur.excludes(c) {
			cur.m.Excluded = true
			done, cur = append(done, cur.m), nil
			continue
		}
		if cur == nil {
			if entry == nil && c.step == 1 {
				cur = begin(d, c.ts)
				cur.used = [][]byte{c.id}
			}
			continue
		}
		cur.advance(c)
		if entry == nil && cur.m.Level == len(d.Steps) {
			done, cur = append(done, cur.m), nil
		}
	}
	if cur != nil {
		done = append(done, cur.m)
	}
	return done
}

// attempt is one open pass through the funnel.
type attempt struct {
	d     *Definition
	start int64
	last  int64
	step  int    // the last step done
	did   uint32 // bit k-1 is step k
	used  [][]byte
	m     Match
}

// begin opens an attempt with its first step done at ts.
func begin(d *Definition, ts int64) *attempt {
	a := &attempt{d: d, start: ts, last: ts, step: 1, did: 1}
	a.m.Level, a.m.At[0] = 1, ts
	return a
}

func (a *attempt) excludes(c candidate) bool {
	return c.step == 0 && slices.Contains(a.d.Steps[a.step-1].Excludes, c.act)
}

// advance takes the event as its step if that is one to come and the event was not used before.
func (a *attempt) advance(c candidate) {
	if c.step == 0 || c.ts < a.last || slices.ContainsFunc(a.used, func(id []byte) bool { return bytes.Equal(id, c.id) }) {
		return
	}
	if a.d.AnyOrder && a.anyStep(c) || !a.d.AnyOrder && a.nextStep(c) {
		a.m.At[a.m.Level-1], a.step, a.last = c.ts, c.step, c.ts
		a.did |= 1 << (c.step - 1)
		a.used = append(a.used, c.id)
	}
}

// nextStep goes on to the event's step if every step jumped over is optional.
func (a *attempt) nextStep(c candidate) bool {
	if c.step <= a.m.Level {
		return false
	}
	for k := a.m.Level + 1; k < c.step; k++ {
		if !a.d.Steps[k-1].Optional {
			return false
		}
	}
	for k := a.m.Level + 1; k < c.step; k++ {
		a.m.Implied |= 1 << (k - 1)
	}
	a.m.Level = c.step
	return true
}
