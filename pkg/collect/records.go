package collect

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// messages encodes the records of one request. Everything in it is used again for each item, and by other requests
// later; only what finish returns is the caller's.
type messages struct {
	record  pb.Record
	event   pb.Record_Event
	dead    pb.Record_DeadLetter
	entry   pb.Entry
	money   pb.Money
	letter  pb.DeadLetter
	canon   pb.Event
	id      event.ID
	hex     [64]byte
	scratch []byte
	buf     []byte // records, one after the other
	list    []encoded
	letters int
}

// encoded is one record in buf.
type encoded struct {
	key    []byte
	end    int
	letter bool
}

func (m *messages) reset() {
	m.buf, m.list, m.letters = m.buf[:0], m.list[:0], 0
	if cap(m.buf) > 2*MaxBody { // one huge request does not hold its memory for ever
		m.buf = nil
	}
}

func (m *messages) newEvent() *pb.Event {
	m.canon = pb.Event{}
	return &m.canon
}

func (m *messages) newEntry() *pb.Entry {
	m.entry = pb.Entry{}
	return &m.entry
}

// add encodes an event.
func (m *messages) add(e *pb.Event, at place, flags uint32) error {
	m.event.Event = e
	m.record = pb.Record{Kind: pb.Kind_KIND_EVENT, Store: at.store.Name, IngestTs: at.received.UnixMilli(), Flags: flags, Body: &m.event}
	return m.encode(encoded{key: event.Key(at.store.Name, e.Visitor, e.User)})
}

// refuse encodes a dead letter: the item as it came, and why; text may say more.
func (m *messages) refuse(original []byte, f *event.Fault, text string, at place, flags uint32) error {
	m.letter = pb.DeadLetter{Original: original, Reason: string(f.Reason), Path: f.Path, Rule: f.Rule, Text: text, Protocol: at.protocol}
	m.dead.DeadLetter = &m.letter
	m.record = pb.Record{Kind: pb.Kind_KIND_DEAD_LETTER, Store: at.store.Name, IngestTs: at.received.UnixMilli(), Flags: flags, Body: &m.dead}
	m.letters++
	return m.encode(encoded{key: []byte(at.store.Name), letter: true})
}

func (m *messages) encode(e encoded) error {
	size := m.record.SizeVT()
	m.buf = slices.Grow(m.buf, size)
	e.end = len(m.buf) + size
	if _, err := m.record.MarshalToSizedBufferVT(m.buf[len(m.buf):e.end]); err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	m.buf = m.buf[:e.end]
	m.list = append(m.list, e)
	return nil
}

// finish hands out the records in memory of their own, which a publisher may keep as long as it likes.
func (m *messages) finish() (events, dead []Message) {
	own := bytes.Clone(m.buf)
	all := make([]Message, len(m.list))
	events, dead = all[:0:len(all)-m.letters], all[len(all)-m.letters:][:0]
	start := 0
	for _, e := range m.list {
		out := Message{Key: e.key, Value: own[start:e.end:e.end]}
		if start = e.end; e.letter {
			dead = append(dead, out)
		} else {
			events = append(events, out)
		}
	}
	return events, dead
}
