package session

import (
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

const day = 24 * 3600 * 1000

// Visitor is one visitor's events and their cut.
type Visitor struct {
	Store, ID string
	State     *State
	Sessions  []Session

	runs []run
	end  span // after the last event
	seen seenIDs
}

// Session is one session as a range of the visitor's kept events.
type Session struct {
	From, To int
	// Created is the session's lowest-offset event: it gives the id.
	Created *pb.StoredEvent
	ID      event.ID
	// Started and Ended are the times of its first and last event, the tail included.
	Started, Ended int64
	// Tail of a capped run, nil but for its last session.
	Tail *pb.Tail
	// Switched: the user switched here.
	Switched bool

	capped   bool
	campaign campaign          // the last one that an event brought
	loose    []*pb.StoredEvent // sessionless events that joined it
}

// Day is the ingest day of the creating event, days since 1970-01-01 UTC. It never changes for an id.
func (s *Session) Day() int32 { return int32(s.Created.IngestTs / day) }

// run is a gap run: what only pauses delimit. It may hold several sessions.
type run struct {
	from, to int // kept events
	sessions int // end of its range of Sessions
	ended    int64
	tail     *pb.Tail
}

// NewVisitor cuts a visitor's stored events.
func NewVisitor(store, id string, state *State, r Rules) *Visitor {
	v := &Visitor{Store: store, ID: id, State: state}
	v.Recut(r)
	return v
}

// Append adds an interactive event in the usual case, in which it comes last and nothing but the last session changes:
// it grows, or a new one begins. It reports false, and changes nothing, in every other case.
func (v *Visitor) Append(e *pb.StoredEvent, r Rules) bool {
	n := len(v.State.Events)
	if n == 0 || len(v.State.Tails) > 0 || Less(v.State.Events[n-1], e) >= 0 {
		return false
	}
	last, lastRun := &v.Sessions[len(v.Sessions)-1], &v.runs[len(v.runs)-1]
	if l := len(v.State.Loose); l > 0 && v.State.Loose[l-1].EventTs >= last.Started || lastRun.to-lastRun.from >= r.At(v.State.Events[lastRun.from].EventTs).Cap {
		return false
	}
	a := v.State.Events[n-1]
	at := v.end.next(e)
	paused := e.EventTs-a.EventTs > r.At(a.EventTs).Gap
	switched := at.number != v.end.number
	v.State.Events = append(v.State.Events, e)
	if paused {
		v.runs = append(v.runs, run{from: n, to: n})
	}
	if paused || switched || r.splits(a, e, last.campaign) {
		v.Sessions = append(v.Sessions, v.open(n, switched && !paused))
	}
	s := &v.Sessions[len(v.Sessions)-1]
	s.take(n, e)
	v.identify(s)
	v.end = at
	lastRun = &v.runs[len(v.runs)-1]
	lastRun.to, lastRun.sessions, lastRun.ended = n+1, len(v.Sessions), e.EventTs
	return true
}

// Insert puts an interactive event into its place and cuts anew.
func (v *Visitor) Insert(e *pb.StoredEvent, r Rules) {
	at, _ := slices.BinarySearchFunc(v.State.Events, e, Less)
	v.State.Events = slices.Insert(v.State.Events, at, e)
	v.Recut(r)
}

// Join puts a sessionless event into its place and cuts anew. It opens, extends and moves no session.
func (v *Visitor) Join(e *pb.StoredEvent, r Rules) {
	at, _ := slices.BinarySearchFunc(v.State.Loose, e, Less)
	v.State.Loose = slices.Insert(v.State.Loose, at, e)
	v.Recut(r)
}

// open is a session that starts with the event at i; take adds its events.
func (v *Visitor) open(i int, switched bool) Session {
	return Session{From: i, To: i, Started: v.State.Events[i].EventTs, Switched: switched}
}

// take adds the event at i, which is e.
func (s *Session) take(i int, e *pb.StoredEvent) {
	s.To, s.Ended = i+1, e.EventTs
	if s.Created == nil || e.Offset < s.Created.Offset {
		s.Created = e
		s.ID = event.ID{}
	}
	if c := campaignOf(e); c != (campaign{}) {
		s.campaign = c
	}
}

// identify computes the id where the creating event changed.
func (v *Visitor) identify(s *Session) {
	if s.ID == (event.ID{}) {
		s.ID = event.SessionID(v.Store, v.ID, s.Created.EventId)
	}
}
