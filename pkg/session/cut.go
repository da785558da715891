package session

import (
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Recut computes the sessions from the set: gap runs, their caps, the cuts inside them, and what joins.
func (v *Visitor) Recut(r Rules) {
	v.capRuns(v.gapRuns(r), r)
	v.Sessions = v.Sessions[:0]
	at, loose := spanOf(v.State.Span), v.State.Loose
	for i := range v.runs {
		g := &v.runs[i]
		for j := g.from; j < g.to; j++ {
			e, before := v.State.Events[j], at
			for len(loose) > 0 && Less(loose[0], e) < 0 {
				at, loose = at.next(loose[0]), loose[1:]
			}
			at = at.next(e)
			first := j == g.from
			if switched := !first && at.number != before.number; first || switched || r.splits(v.State.Events[j-1], e, v.Sessions[len(v.Sessions)-1].campaign) {
				v.Sessions = append(v.Sessions, v.open(j, switched))
			}
			v.Sessions[len(v.Sessions)-1].take(j, e)
		}
		last := &v.Sessions[len(v.Sessions)-1]
		last.Ended, last.Tail = g.ended, g.tail
		first := 0
		if i > 0 {
			first = v.runs[i-1].sessions
		}
		g.sessions = len(v.Sessions)
		for k := first; k < g.sessions; k++ {
			v.Sessions[k].capped = g.tail != nil
			v.identify(&v.Sessions[k])
		}
	}
	for _, l := range loose {
		at = at.next(l)
	}
	v.end = at
	v.join(r)
}

// gapRuns connects kept events and tails whose pauses are no longer than the gap at the earlier one's time.
func (v *Visitor) gapRuns(r Rules) (runs []run) {
	events, tails := v.State.Events, v.State.Tails
	for i := 0; i < len(events) || len(tails) > 0; {
		from, to, tail := int64(0), int64(0), (*pb.Tail)(nil)
		if i < len(events) && (len(tails) == 0 || events[i].EventTs <= tails[0].From) {
			from, to = events[i].EventTs, events[i].EventTs
		} else {
			tail, tails = tails[0], tails[1:]
			from, to = tail.From, tail.Ended
		}
		// A tail never begins a run: the kept events of its own are before it.
		if n := len(runs); n == 0 || tail == nil && from-runs[n-1].ended > r.At(runs[n-1].ended).Gap {
			runs = append(runs, run{from: i, to: i})
		}
		g := &runs[len(runs)-1]
		g.ended = max(g.ended, to)
		if tail == nil {
			i++
			g.to = i
		} else {
			g.tail = merge(g.tail, tail)
		}
	}
	return runs
}

// capRuns moves what is above the cap of each run into its tail. A run with a tail has as many kept events as the cap
// allows, all before the tail, so the kept ones are the smallest of the set whatever came first.
func (v *Visitor) capRuns(runs []run, r Rules) {
	kept, tails := v.State.Events[:0:0], v.State.Tails[:0:0]
	over := false
	for i := range runs {
		g := &runs[i]
		events := v.State.Events[g.from:g.to]
		if limit := r.At(events[0].EventTs).Cap; len(events) > limit {
			over = true
			for _, e := range events[limit:] {
				g.tail = merge(g.tail, tailOf(e))
			}
			events = events[:limit]
		}
		if g.tail != nil {
			tails = append(tails, g.tail)
		}
		g.from = len(kept)
		kept = append(kept, events...)
		g.to = len(kept)
	}
	if over {
		v.State.Events = kept
	}
	v.State.Tails, v.runs = tails, runs
}

func tailOf(e *pb.StoredEvent) *pb.Tail {
	return &pb.Tail{From: e.EventTs, Ended: e.EventTs, Events: 1, EventsHash: event.PayloadHash(e.EventId), Flags: sessionFlags(e.Flags)}
}

func merge(a, b *pb.Tail) *pb.Tail {
	if a == nil {
		return b
	}
	return &pb.Tail{From: min(a.From, b.From), Ended: max(a.Ended, b.Ended), Events: a.Events + b.Events,
		EventsHash: a.EventsHash ^ b.EventsHash, Flags: a.Flags | b.Flags}
}

// join puts each sessionless event into the latest session with start ≤ ts ≤ end + gap, one that holds its cart or
// checkout token first.
func (v *Visitor) join(r Rules) {
	for _, e := range v.State.Loose {
		var into *Session
		held := false
		for i := range v.Sessions {
			s := &v.Sessions[i]
			if e.EventTs < s.Started || e.EventTs > s.Ended+r.At(s.Ended).Gap {
				continue
			}
			if h := v.holds(s, e); into == nil || h || !held {
				into, held = s, h
			}
		}
		if into != nil {
			into.loose = append(into.loose, e)
		}
	}
}

// holds tells whether an event of the session has a token of e.
func (v *Visitor) holds(s *Session, e *pb.StoredEvent) bool {
	if e.CartToken == "" && e.CheckoutToken == "" {
		return false
	}
	return slices.ContainsFunc(v.State.Events[s.From:s.To], func(o *pb.StoredEvent) bool {
		return e.CartToken != "" && o.CartToken == e.CartToken || e.CheckoutToken != "" && o.CheckoutToken == e.CheckoutToken
	})
}
