package session

import (
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// forgottenAfter is the W beyond which an id that came at ingestTS is not remembered.
func (r Rules) forgottenAfter(ingestTS int64) int64 {
	return ingestTS + event.RememberFor(r.At(ingestTS).Lateness)
}

// Seen reports whether the visitor's event id is remembered at W, and with which payload. What Expire would drop
// at this W counts as forgotten, so that the answer does not depend on when Expire ran.
func (v *Visitor) Seen(id event.ID, w int64, r Rules) (payloadHash uint64, seen bool) {
	for i := v.seen.find(id, 0); i >= 0; i = v.seen.find(id, i+1) {
		if n := &v.seen.list[i]; w <= r.forgottenAfter(n.ingestTS) {
			return n.hash, true
		}
	}
	return 0, false
}

// Remember keeps an id for later duplicates.
func (v *Visitor) Remember(id event.ID, payloadHash uint64, ingestTS int64, r Rules) {
	v.seen.add(seenID{id, payloadHash, ingestTS}, r)
}

// Final tells whether a session that ends at ended never changes again.
func (r Rules) Final(ended, floor int64) bool { return floor > ended+r.At(ended).Gap }

// BeyondLinks is the floor beyond which no link reaches a session that ends at ended.
func (r Rules) BeyondLinks(ended int64) int64 {
	c := r.At(ended)
	return ended + c.Gap + c.LinkHorizon
}

// Expire drops whole gap runs that are final and what need not be remembered any more, and returns the sessions that
// went. It is a function of the set, the floor and W, so it makes no difference when it is called.
func (v *Visitor) Expire(floor, w int64, r Rules) (gone []Session) {
	events := 0
	p := previous{channel: v.State.LastChannel, ended: v.State.LastEnded}
	for i, g := range v.runs {
		if !r.Final(g.ended, floor) {
			break
		}
		first := 0
		if i > 0 {
			first = v.runs[i-1].sessions
		}
		for _, s := range v.Sessions[first:g.sessions] {
			p = previous{channel: channel(v.State.Events[s.From], p), ended: s.Ended}
			gone = append(gone, s)
		}
		events = g.to
	}
	loose := v.looseDone(len(gone), floor)
	if events+loose > 0 {
		v.leave(v.State.Events[:events], v.State.Loose[:loose])
		v.State.LastChannel, v.State.LastEnded = p.channel, p.ended
		v.State.Events = slices.Delete(v.State.Events, 0, events)
		v.State.Loose = slices.Delete(v.State.Loose, 0, loose)
		v.State.Tails = slices.DeleteFunc(v.State.Tails, func(t *pb.Tail) bool { return r.Final(t.Ended, floor) })
		gone = slices.Clone(gone)
		v.Recut(r)
	}
	v.seen.forget(w, r)
	if v.State.LastEnded != 0 && floor > v.State.LastEnded+Memory {
		v.State.LastChannel, v.State.LastEnded = "", 0
	}
	if s := v.State.Span; s != nil && floor > s.Seen+spanIdle && len(v.State.Events)+len(v.State.Loose) == 0 {
		v.State.Span = nil
	}
	return gone
}

// looseDone is how many of the sessionless events can join nothing any more: their time is below the floor, and every
// session that began before them has gone.
func (v *Visitor) looseDone(gone int, floor int64) (n int) {
	for n < len(v.State.Loose) {
		ts := v.State.Loose[n].EventTs
		if ts >= floor || gone < len(v.Sessions) && v.Sessions[gone].Started <= ts {
			break
		}
		n++
	}
	return n
}

// leave walks the span over events that go, in order.
func (v *Visitor) leave(events, loose []*pb.StoredEvent) {
	at := spanOf(v.State.Span)
	for len(events)+len(loose) > 0 {
		if len(events) == 0 || len(loose) > 0 && Less(loose[0], events[0]) < 0 {
			at, loose = at.next(loose[0]), loose[1:]
		} else {
			at, events = at.next(events[0]), events[1:]
		}
	}
	v.State.Span = at.stored()
}

// Empty tells whether nothing is left of the visitor.
func (v *Visitor) Empty() bool {
	s := v.State
	return len(s.Events) == 0 && len(v.seen.list) == 0 && len(s.Loose) == 0 && s.LastEnded == 0 && s.Span == nil
}

// Due is a W up to which Expire certainly changes nothing.
func (v *Visitor) Due(r Rules) int64 {
	due, least := v.seen.firstDue(r), r.leastLateness()
	if len(v.runs) > 0 {
		e := v.runs[0].ended
		due = min(due, e+r.At(e).Gap+least)
	}
	if len(v.State.Loose) > 0 && (len(v.Sessions) == 0 || v.State.Loose[0].EventTs < v.Sessions[0].Started) {
		due = min(due, v.State.Loose[0].EventTs+least) // later ones wait for the first session
	}
	if v.State.LastEnded != 0 {
		due = min(due, v.State.LastEnded+Memory+least)
	}
	if v.State.Span != nil {
		due = min(due, v.State.Span.Seen+spanIdle+least)
	}
	return due
}
