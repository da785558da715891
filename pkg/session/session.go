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
}

// PreviousChannel marks an entry that keeps the channel of the visitor's previous session.
const PreviousChannel = "(previous)"

// direct is the channel of an entry without a previous session.
const direct = "Direct"

// Memory is how long a previous session counts, in milliseconds.
const Memory = 30 * 24 * 3600 * 1000

// Less is the order of a visitor's events: (event_ts, sequence in its batch, event_id).
func Less(a, b *pb.StoredEvent) int {
	return cmp.Or(cmp.Compare(a.EventTs, b.EventTs), cmp.Compare(a.Sequence, b.Sequence), bytes.Compare(a.EventId, b.EventId))
}

// Insert puts e into its place. It reports the place, and false if an event with that id is there already.
func Insert(v *pb.VisitorState, e *pb.StoredEvent) (int, bool) {
	at, found := slices.BinarySearchFunc(v.Events, e, Less)
	if found {
		return at, false
	}
	v.Events = slices.Insert(v.Events, at, e)
	return at, true
}

// Seen reports whether the visitor's event id is remembered, and with which payload.
func Seen(v *pb.VisitorState, id []byte) (payloadHash uint64, seen bool) {
	for _, s := range v.Seen {
		if bytes.Equal(s.EventId, id) {
			return s.PayloadHash, true
		}
	}
	return 0, false
}

// Remember keeps an id for later duplicates.
func Remember(v *pb.VisitorState, id []byte, payloadHash uint64, ingestTS int64) {
	v.Seen = append(v.Seen, &pb.SeenId{EventId: id, PayloadHash: payloadHash, IngestTs: ingestTS})
}

// Cut splits ordered events into sessions. The runs alias events.
func Cut(events []*pb.StoredEvent, c Config) [][]*pb.StoredEvent {
	var out [][]*pb.StoredEvent
	start := 0
	for i := 1; i <= len(events); i++ {
		if i == len(events) || Cuts(events[i-1], events[i], c) {
			out = append(out, events[start:i])
			start = i
		}
	}
	return out
}

// Cuts tells whether a session ends between the neighbours a and b.
func Cuts(a, b *pb.StoredEvent, c Config) bool { return b.EventTs-a.EventTs > c.Gap }

// Creating is the lowest-offset event of a session: it gives the id.
func Creating(run []*pb.StoredEvent) *pb.StoredEvent {
	least := run[0]
	for _, e := range run[1:] {
		if e.Offset < least.Offset {
			least = e
		}
	}
	return least
}

// Previous is what a session needs to know of the one before it.
type Previous struct {
	Channel string
	// Ended is its last event's time; 0 if there is none.
	Ended int64
}

// Entry resolves the entry of a session that starts with first.
func Entry(first *pb.StoredEvent, p Previous) *pb.Entry {
	e := &pb.Entry{}
	if first.Entry != nil {
		e = first.Entry.CloneVT()
	}
	known := p.Ended != 0 && first.EventTs-p.Ended <= Memory
	e.Returning = known
	if e.Channel == PreviousChannel {
		e.Channel = direct
		if known {
			e.Channel = p.Channel
		}
	}
	return e
}

// Build makes the whole value of one session.
func Build(store, visitor string, run []*pb.StoredEvent, p Previous, c Config) *pb.Session {
	creating := Creating(run)
	id := event.SessionID(store, visitor, creating.EventId)
	first, last := run[0], run[len(run)-1]
	s := &pb.Session{SessionId: id[:], Visitor: visitor, StartedAt: first.EventTs, EndedAt: last.EventTs,
		CreatedDay: int32(creating.IngestTs / 86_400_000), CreatedOffset: creating.Offset, Entry: Entry(first, p),
		Events: uint32(len(run)), FinalAt: last.EventTs + c.Gap, Trail: make([]*pb.Step, 0, len(run))}
	for _, e := range run {
		s.EventsHash ^= event.PayloadHash(e.EventId)
		s.Flags |= sessionFlags(e.Flags)
		if e.User != "" {
			s.User = e.User
		}
		s.Trail = append(s.Trail, &pb.Step{Action: e.Action, Ts: e.EventTs, EventId: e.EventId, ValueMinor: e.ValueMinor,
			Product: e.Product, OrderId: e.OrderId})
	}
	return s
}

// sessionFlags of an event's flags: bot and internal colour the session.
func sessionFlags(eventFlags uint32) (f uint32) {
	if eventFlags&event.FlagBot != 0 {
		f |= 1 << 1
	}
	if eventFlags&event.FlagInternal != 0 {
		f |= 1 << 2
	}
	return f
}

// All builds every session of a visitor, in order.
func All(store, visitor string, v *pb.VisitorState, c Config) []*pb.Session {
	p := Previous{Channel: v.LastChannel, Ended: v.LastEnded}
	var out []*pb.Session
	for _, run := range Cut(v.Events, c) {
		s := Build(store, visitor, run, p, c)
		out = append(out, s)
		p = Previous{Channel: s.Entry.Channel, Ended: s.EndedAt}
	}
	return out
}
