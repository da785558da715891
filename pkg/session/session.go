// Package session turns the set of a visitor's accepted events into sessions.
//
// It is pure. A visitor's sessions are a function of the set of events, not of the order in which they arrived
// (design §4); only the ids depend on offsets.
package session

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Config is the meaning that governs a store's sessions, in milliseconds.
type Config struct {
	// Gap: neighbours a, b are cut iff b.ts − a.ts > Gap.
	Gap int64
	// Lateness of the store.
	Lateness int64
	// LinkHorizon is how far back a login may link sessions to a person (N of design §3).
	LinkHorizon int64
}

// PreviousChannel marks an entry that keeps the channel of the visitor's previous session.
const PreviousChannel = "(previous)"

// direct is the channel of an entry without a previous session.
const direct = "Direct"

// Memory is how long a previous session counts, in milliseconds.
const Memory = 30 * 24 * 3600 * 1000

const day = 24 * 3600 * 1000

// Less is the order of a visitor's events: (event_ts, sequence in its batch, event_id).
func Less(a, b *pb.StoredEvent) int {
	return cmp.Or(cmp.Compare(a.EventTs, b.EventTs), cmp.Compare(a.Sequence, b.Sequence), bytes.Compare(a.EventId, b.EventId))
}

// Cuts tells whether a session ends between the neighbours a and b.
func Cuts(a, b *pb.StoredEvent, c Config) bool { return b.EventTs-a.EventTs > c.Gap }

// Run is one session as a range of a visitor's ordered events, [From, To).
type Run struct {
	From, To int
	// Created is the run's lowest-offset event: it gives the id.
	Created *pb.StoredEvent
	ID      event.ID
}

// Day is the ingest day of the creating event, days since 1970-01-01 UTC. It never changes for an id.
func (r Run) Day() int32 { return int32(r.Created.IngestTs / day) }

// Runs cuts ordered events into sessions.
func Runs(store, visitor string, events []*pb.StoredEvent, c Config) []Run {
	var out []Run
	from := 0
	for i := 1; i <= len(events); i++ {
		if i == len(events) || Cuts(events[i-1], events[i], c) {
			out = append(out, newRun(store, visitor, events, from, i))
			from = i
		}
	}
	return out
}

func newRun(store, visitor string, events []*pb.StoredEvent, from, to int) Run {
	created := events[from]
	for _, e := range events[from+1 : to] {
		if e.Offset < created.Offset {
			created = e
		}
	}
	return Run{From: from, To: to, Created: created, ID: event.SessionID(store, visitor, created.EventId)}
}

// Append adds e at the end of the visitor's events if it comes last in order, and moves runs along: the usual case,
// in which nothing but the last session changes. It reports false, and changes nothing, if e does not come last.
func Append(store, visitor string, v *pb.VisitorState, runs []Run, e *pb.StoredEvent, c Config) ([]Run, bool) {
	n := len(v.Events)
	if n > 0 && Less(v.Events[n-1], e) >= 0 {
		return runs, false
	}
	v.Events = append(v.Events, e)
	if n > 0 && !Cuts(v.Events[n-1], e, c) {
		runs[len(runs)-1].To++ // e has the highest offset: the id stays
		return runs, true
	}
	return append(runs, newRun(store, visitor, v.Events, n, n+1)), true
}

// Insert puts e into its place.
func Insert(v *pb.VisitorState, e *pb.StoredEvent) {
	at, _ := slices.BinarySearchFunc(v.Events, e, Less)
	v.Events = slices.Insert(v.Events, at, e)
}

// All builds every session of a visitor, in order. runs are those of v.Events.
func All(visitor string, v *pb.VisitorState, runs []Run, c Config) []*pb.Session {
	p := previous{channel: v.LastChannel, ended: v.LastEnded}
	out := make([]*pb.Session, 0, len(runs))
	for _, r := range runs {
		s := build(visitor, v.Events[r.From:r.To], r, p, c)
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
func build(visitor string, events []*pb.StoredEvent, r Run, p previous, c Config) *pb.Session {
	first, last := events[0], events[len(events)-1]
	entry := &pb.Entry{}
	if first.Entry != nil {
		entry = first.Entry.CloneVT()
	}
	entry.Channel, entry.Returning = channel(first, p), p.known(first.EventTs)
	s := &pb.Session{SessionId: r.ID[:], Visitor: visitor, StartedAt: first.EventTs, EndedAt: last.EventTs,
		CreatedDay: r.Day(), CreatedOffset: r.Created.Offset, Entry: entry, Events: uint32(len(events)),
		FinalAt: last.EventTs + c.Gap, Trail: make([]*pb.Step, 0, len(events))}
	steps := make([]pb.Step, len(events))
	for i, e := range events {
		s.EventsHash ^= event.PayloadHash(e.EventId)
		s.Flags |= sessionFlags(e.Flags)
		if e.User != "" {
			s.User = e.User
		}
		st := &steps[i]
		st.Action, st.Ts, st.EventId, st.ValueMinor = e.Action, e.EventTs, e.EventId, e.ValueMinor
		st.Product, st.OrderId, st.Flags = e.Product, e.OrderId, stepFlags(e.Flags)
		s.Trail = append(s.Trail, st)
	}
	return s
}

// Flags of a session.
const (
	FlagCapped   = 1 << 0
	FlagBot      = 1 << 1
	FlagInternal = 1 << 2
)

// sessionFlags of an event's flags: bot and internal colour the session.
func sessionFlags(eventFlags uint32) (f uint32) {
	if eventFlags&event.FlagBot != 0 {
		f |= FlagBot
	}
	if eventFlags&event.FlagInternal != 0 {
		f |= FlagInternal
	}
	return f
}

// stepFlags of an event's flags: bit 0 says that the currency is unknown and the value excluded.
func stepFlags(eventFlags uint32) uint32 {
	if eventFlags&event.FlagCurrency != 0 {
		return 1
	}
	return 0
}
