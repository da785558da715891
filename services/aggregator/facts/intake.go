package facts

import (
	"cmp"
	"container/heap"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/aggregator/table"
)

// sighting says whether an id came before.
type sighting int

const (
	first sighting = iota
	again
	reused // again, with another payload
)

// seen remembers the ids of events for as long as duplicates may come.
type seen struct {
	ids     map[event.ID]memory
	due     dueIDs
	changed map[event.ID]bool // to be saved
}

// memory of one id.
type memory struct {
	payload uint64
	until   int64 // W beyond which it is forgotten
}

func newSeen() seen { return seen{ids: map[event.ID]memory{}, changed: map[event.ID]bool{}} }

// look says whether the event's id is remembered at W, and remembers it if not. What forget would drop at this W counts
// as forgotten, so that the answer does not depend on when it ran.
func (s *seen) look(rec *pb.Record, e *pb.Event, w, rememberFor int64) sighting {
	id := event.Hash128([]byte(rec.Store), []byte(e.Visitor), e.EventId)
	if m, ok := s.ids[id]; ok && w <= m.until {
		if m.payload != e.PayloadHash {
			return reused
		}
		return again
	}
	s.remember(id, memory{payload: e.PayloadHash, until: rec.IngestTs + rememberFor})
	s.changed[id] = true
	return first
}

func (s *seen) remember(id event.ID, m memory) {
	s.ids[id] = m
	heap.Push(&s.due, dueID{m.until, id})
}

// forget drops the ids whose time is over at W.
func (s *seen) forget(w int64) {
	for len(s.due) > 0 && s.due[0].until < w {
		d := heap.Pop(&s.due).(dueID)
		if s.ids[d.id].until == d.until {
			delete(s.ids, d.id)
			s.changed[d.id] = true
		}
	}
}

func (m memory) bytes() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, m.payload), uint64(m.until))
}

type dueID struct {
	until int64
	id    event.ID
}

// dueIDs is a heap by the W beyond which an id is forgotten.
type dueIDs []dueID

func (h dueIDs) Len() int           { return len(h) }
func (h dueIDs) Less(i, j int) bool { return h[i].until < h[j].until }
func (h dueIDs) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop are container/heap's.
func (h *dueIDs) Push(x any) { *h = append(*h, x.(dueID)) }

// Pop removes the last element.
func (h *dueIDs) Pop() any {
	old := *h
	d := old[len(old)-1]
	*h = old[:len(old)-1]
	return d
}

// hour of one store's intake.
type hour struct {
	store string
	start int64 // Unix milliseconds
}

// counts of one hour: records = unique + duplicate + id_reused; late ones are among them.
type counts struct {
	version                                    event.Version
	records, unique, duplicate, late, idReused int64
}

// intake counts what came, by the hour in which ingest took it.
type intake struct {
	hours   map[hour]*counts
	touched map[hour]bool
}

func newIntake() intake { return intake{hours: map[hour]*counts{}, touched: map[hour]bool{}} }

const hourMillis = 3_600_000

func (n *intake) count(store string, ingestTS int64, version event.Version, s sighting, late bool) {
	h := hour{store, ingestTS - ingestTS%hourMillis}
	c := n.hours[h]
	if c == nil {
		c = &counts{}
		n.hours[h] = c
	}
	n.touched[h] = true
	c.version = version
	c.records++
	switch s {
	case first:
		c.unique++
	case again:
		c.duplicate++
	case reused:
		c.idReused++
	}
	if late {
		c.late++
	}
}

func (n *intake) rows(generation uint8, partition uint16) (rows [][]any) {
	keys := slices.SortedFunc(maps.Keys(n.touched), func(a, b hour) int { return cmp.Or(cmp.Compare(a.store, b.store), cmp.Compare(a.start, b.start)) })
	for _, h := range keys {
		if c := n.hours[h]; c != nil {
			rows = append(rows, []any{h.store, table.Time(h.start), generation, partition, uint64(c.version), c.records, c.unique, c.duplicate, c.late, c.idReused})
		}
	}
	return rows
}

// forget drops the hours that W has left behind by a day: clocks of several ingests are not that far apart.
func (n *intake) forget(w int64) {
	for h := range n.hours {
		if h.start+25*hourMillis < w {
			delete(n.hours, h)
			n.touched[h] = true
		}
	}
}
