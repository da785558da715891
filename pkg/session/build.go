package session

import (
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// PreviousChannel marks an entry that keeps the channel of the visitor's previous session.
const PreviousChannel = "(previous)"

// direct is the channel of an entry without a previous session.
const direct = "Direct"

// Memory is how long a previous session counts, in milliseconds.
const Memory = 30 * day

// Flags of a session.
const (
	FlagCapped   = 1 << 0
	FlagBot      = 1 << 1
	FlagInternal = 1 << 2
	FlagSwitched = 1 << 3
	FlagCurrency = 1 << 5
)

// Flags of a step.
const (
	StepCurrency = 1 << 0
	StepJoined   = 1 << 1
)

// All builds every session of the visitor, in order.
func (v *Visitor) All(r Rules) []*pb.Session {
	p := previous{channel: v.State.LastChannel, ended: v.State.LastEnded}
	out := make([]*pb.Session, 0, len(v.Sessions))
	for i := range v.Sessions {
		v.identify(&v.Sessions[i])
		s := v.build(&v.Sessions[i], p, r)
		out = append(out, s)
		p = previous{channel: s.Entry.Channel, ended: s.EndedAt}
	}
	return out
}

// previous is what a session needs to know of the one before it; ended 0 = there is none.
type previous struct {
	channel string
	ended   int64
}

// known tells whether the previous session still counts for one that starts at ts.
func (p previous) known(ts int64) bool { return p.ended != 0 && ts-p.ended <= Memory }

// channel of a session that starts with first.
func channel(first *pb.StoredEvent, p previous) string {
	own := first.GetEntry().GetChannel()
	if own != PreviousChannel {
		return own
	}
	if p.known(first.EventTs) {
		return p.channel
	}
	return direct
}

// build makes the whole value of one session.
func (v *Visitor) build(s *Session, p previous, r Rules) *pb.Session {
	events := v.State.Events[s.From:s.To]
	first := events[0]
	one := &struct { // a session is built at each flush that touches it: one piece of memory
		session pb.Session
		entry   pb.Entry
		id      event.ID
	}{id: s.ID}
	out := &one.session
	out.SessionId, out.Visitor, out.StartedAt, out.EndedAt = one.id[:], v.ID, s.Started, s.Ended
	out.CreatedDay, out.CreatedOffset, out.Entry, out.Events = s.Day(), s.Created.Offset, &one.entry, uint32(len(events))
	out.FinalAt = s.Ended + r.At(s.Ended).Gap
	copyEntry(out.Entry, first.Entry)
	out.Entry.Channel, out.Entry.Returning = channel(first, p), p.known(first.EventTs)
	out.Entry.Consent, out.Entry.Variants = consent(first.GetEntry().GetConsent()), variants(events)
	for _, e := range events {
		out.EventsHash ^= event.PayloadHash(e.EventId)
		out.Flags |= sessionFlags(e.Flags)
		if e.User != "" {
			out.User = e.User
		}
	}
	if s.capped {
		out.Flags |= FlagCapped
	}
	if s.Switched {
		out.Flags |= FlagSwitched
	}
	if t := s.Tail; t != nil {
		out.Events, out.TailEvents = out.Events+t.Events, t.Events
		out.EventsHash ^= t.EventsHash
		out.Flags |= t.Flags
	}
	if robot(events, out.TailEvents) {
		out.Flags |= FlagBot
	}
	out.Trail = trail(events, s.loose)
	return out
}

// copyEntry copies the fields of an entry that the first event alone decides.
func copyEntry(to, from *pb.Entry) {
	if from == nil {
		return
	}
	to.Channel, to.Source, to.Medium, to.Campaign, to.Term, to.Content = from.Channel, from.Source, from.Medium, from.Campaign, from.Term, from.Content
	to.BrandSearch, to.ClickIdKind, to.ClickId, to.Device, to.Os, to.Browser = from.BrandSearch, from.ClickIdKind, from.ClickId, from.Device, from.Os, from.Browser
	to.Country, to.LandingPath, to.Returning, to.Ruleset = from.Country, from.LandingPath, from.Returning, from.Ruleset
}

// trail merges a session's events with the sessionless ones that joined it, in order.
func trail(events, loose []*pb.StoredEvent) []*pb.Step {
	all := events
	if len(loose) > 0 {
		all = slices.Concat(events, loose)
		slices.SortFunc(all, Less)
	}
	steps, out := make([]pb.Step, len(all)), make([]*pb.Step, len(all))
	for i, e := range all {
		st := &steps[i]
		st.Action, st.Ts, st.EventId, st.ValueMinor = e.Action, e.EventTs, e.EventId, e.ValueMinor
		st.Product, st.OrderId = e.Product, e.OrderId
		if e.Flags&event.FlagCurrency != 0 {
			st.Flags |= StepCurrency
		}
		if slices.Contains(loose, e) {
			st.Flags |= StepJoined
		}
		out[i] = st
	}
	return out
}

// sessionFlags of an event's flags: they colour the session.
func sessionFlags(eventFlags uint32) (f uint32) {
	if eventFlags&event.FlagBot != 0 {
		f |= FlagBot
	}
	if eventFlags&event.FlagInternal != 0 {
		f |= FlagInternal
	}
	if eventFlags&event.FlagCurrency != 0 {
		f |= FlagCurrency
	}
	return f
}
