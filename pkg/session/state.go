package session

import (
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// State is what is kept of a visitor: a set of events, and what those left that were evicted. Entries may be shared among
// events, also of other visitors: nobody changes them.
type State struct {
	// Events are the interactive ones, Loose the sessionless ones, both in order.
	Events, Loose []*pb.StoredEvent
	// Tails of capped runs, in order.
	Tails []*pb.Tail
	// Span that the evicted events ended in; nil for none.
	Span *pb.Span
	// LastChannel and LastEnded are the last evicted session's; 0 = none.
	LastChannel string
	LastEnded   int64
}

// seenID is an event id that is remembered, so that a repeat of it is one.
type seenID struct {
	id       event.ID
	hash     uint64 // of the payload
	ingestTS int64
}

// indexFrom so many ids on there is an index: a monitor with one fixed visitor sends hundreds of thousands in two days.
const indexFrom = 48

// seenIDs are remembered in order of arrival.
type seenIDs struct {
	list  []seenID
	index map[event.ID]int // places counted from the first id ever; nil while the list is short
	gone  int              // how many were forgotten from the front since the index was made
	twice bool             // some id is in the list twice: one was forgotten before it came again

	due   int64 // least W at which one is forgotten
	rules int   // the number of configs that due was computed under; 0 = it was not
}

// find the place of an id from a place on; -1 if it is not there.
func (s *seenIDs) find(id event.ID, from int) int {
	if s.index != nil && !s.twice {
		if at, ok := s.index[id]; ok && at-s.gone >= from {
			return at - s.gone
		}
		return -1
	}
	for i := from; i < len(s.list); i++ {
		if s.list[i].id == id {
			return i
		}
	}
	return -1
}

func (s *seenIDs) add(n seenID, r Rules) {
	if s.rules == len(r) {
		s.due = min(s.due, r.forgottenAfter(n.ingestTS))
	}
	s.list = append(s.list, n)
	if s.index != nil {
		s.note(len(s.list) - 1)
	} else if len(s.list) >= indexFrom {
		s.reindex()
	}
}

func (s *seenIDs) note(i int) {
	id := s.list[i].id
	if _, known := s.index[id]; known {
		s.twice = true
		return
	}
	s.index[id] = s.gone + i
}

func (s *seenIDs) reindex() {
	s.index, s.twice, s.gone = nil, false, 0
	if len(s.list) < indexFrom {
		return
	}
	s.index = make(map[event.ID]int, 2*len(s.list))
	for i := range s.list {
		s.note(i)
	}
}

// forget drops what is forgotten at W: the first to come, as a rule, which leaves the index as it is.
func (s *seenIDs) forget(w int64, r Rules) {
	if w <= s.firstDue(r) {
		return
	}
	s.rules = 0
	over := func(n seenID) bool { return w > r.forgottenAfter(n.ingestTS) }
	front := 0
	for front < len(s.list) && over(s.list[front]) {
		front++
	}
	rest := s.list[front:]
	if s.index == nil || s.twice || slices.ContainsFunc(rest, over) {
		s.list = slices.DeleteFunc(s.list, over)
		s.reindex()
		return
	}
	for _, n := range s.list[:front] {
		delete(s.index, n.id)
	}
	s.list, s.gone = rest, s.gone+front
}

// never is a W that does not come.
const never = int64(1<<62 - 1)

// firstDue is the least W up to which nothing is forgotten. The configs of a store only ever grow in number.
func (s *seenIDs) firstDue(r Rules) int64 {
	if s.rules != len(r) {
		s.due, s.rules = never, len(r)
		for _, n := range s.list {
			s.due = min(s.due, r.forgottenAfter(n.ingestTS))
		}
	}
	return s.due
}
