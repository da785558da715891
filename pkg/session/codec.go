package session

import (
	"encoding/binary"
	"errors"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// The encoding of a visitor's state, for a local store only: a version byte, then numbers as varints, mostly as differences to the
// one before, and texts with their length. An entry is the fields in which it differs from the one before it: within a visit,
// the path as a rule. It takes a third of what the same would as Protobuf.

// stateVersion is the first byte. State is not migrated: a fold of the log makes it again.
const stateVersion = 1

// What an event has, and of the one before it.
const (
	hasUser = 1 << iota
	hasEmail
	hasProduct
	hasOrder
	hasCart
	hasCheckout
	hasValue
	hasFlags
	hasEntry
	sameEntry
)

var (
	errState        = errors.New("visitor state is cut short or damaged")
	errStateVersion = errors.New("visitor state was written by another version of the program: remove the state folder, and the log is folded again")
)

// writer appends.
type writer struct {
	b     []byte
	event pb.StoredEvent // numbers of the one before
	entry *pb.Entry      // the one before; nil = none
}

func (w *writer) number(v uint64) { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) signed(v int64)  { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) text(s string)   { w.b = append(binary.AppendUvarint(w.b, uint64(len(s))), s...) }

// AppendState appends the visitor's state, from which Restore makes the visitor again.
func (v *Visitor) AppendState(b []byte) []byte {
	w := writer{b: append(b, stateVersion)}
	s := v.State
	w.text(s.LastChannel)
	w.signed(s.LastEnded)
	w.number(uint64(len(s.Tails)))
	for _, t := range s.Tails {
		w.signed(t.From)
		w.signed(t.Ended)
		w.number(uint64(t.Events))
		w.b = binary.BigEndian.AppendUint64(w.b, t.EventsHash)
		w.number(uint64(t.Flags))
	}
	if s.Span == nil {
		w.b = append(w.b, 0)
	} else {
		w.b = append(w.b, 1)
		w.text(s.Span.User)
		w.text(s.Span.EmailHash)
		w.number(uint64(s.Span.Number))
		w.signed(s.Span.Seen)
	}
	w.events(s.Events)
	w.events(s.Loose)
	w.seen(v.seen.list, s.Events)
	return w.b
}

// seen writes remembered ids. Those of the kept events come in the same order as a rule: then the id is not written again.
func (w *writer) seen(list []seenID, events []*pb.StoredEvent) {
	w.number(uint64(len(list)))
	last, next := int64(0), 0
	for i := range list {
		n := &list[i]
		if next < len(events) && string(events[next].EventId) == string(n.id[:]) {
			w.b = append(w.b, 1)
			next++
		} else {
			w.b = append(append(w.b, 0), n.id[:]...)
		}
		w.b = binary.BigEndian.AppendUint64(w.b, n.hash)
		w.signed(n.ingestTS - last)
		last = n.ingestTS
	}
}

func (w *writer) events(list []*pb.StoredEvent) {
	w.number(uint64(len(list)))
	for _, e := range list {
		w.one(e)
	}
}

func (w *writer) one(e *pb.StoredEvent) {
	var mask uint64
	for _, f := range [...]struct {
		has bool
		bit uint64
	}{{e.User != "", hasUser}, {e.EmailHash != "", hasEmail}, {e.Product != "", hasProduct}, {e.OrderId != "", hasOrder}, {e.CartToken != "", hasCart},
		{e.CheckoutToken != "", hasCheckout}, {e.ValueMinor != 0, hasValue}, {e.Flags != 0, hasFlags}, {e.Entry != nil, hasEntry}, {e.Entry == w.entry && e.Entry != nil, sameEntry}} {
		if f.has {
			mask |= f.bit
		}
	}
	w.number(mask)
	id := event.IDOf(e.EventId)
	w.b = append(w.b, id[:]...)
	w.signed(e.Offset - w.event.Offset)
	w.signed(e.IngestTs - w.event.IngestTs)
	w.signed(e.EventTs - w.event.EventTs)
	w.event.Offset, w.event.IngestTs, w.event.EventTs = e.Offset, e.IngestTs, e.EventTs
	w.number(uint64(e.Sequence))
	w.text(e.Action)
	for _, f := range [...]struct {
		text string
		bit  uint64
	}{{e.User, hasUser}, {e.EmailHash, hasEmail}, {e.Product, hasProduct}, {e.OrderId, hasOrder}, {e.CartToken, hasCart}, {e.CheckoutToken, hasCheckout}} {
		if mask&f.bit != 0 {
			w.text(f.text)
		}
	}
	if mask&hasValue != 0 {
		w.signed(e.ValueMinor)
	}
	if mask&hasFlags != 0 {
		w.number(uint64(e.Flags))
	}
	if mask&(hasEntry|sameEntry) == hasEntry {
		w.diff(e.Entry)
	}
}

// Restore makes a visitor from what AppendState wrote. text makes a string of bytes that it must not keep.
func Restore(store, id string, b []byte, r Rules, text func([]byte) string) (*Visitor, error) {
	if len(b) == 0 || b[0] != stateVersion {
		return nil, errStateVersion
	}
	d := &reader{b: b[1:], make: text}
	v := &Visitor{Store: store, ID: id, State: &State{}}
	s := v.State
	s.LastChannel, s.LastEnded = d.text(), d.signed()
	for range d.count(12) {
		s.Tails = append(s.Tails, &pb.Tail{From: d.signed(), Ended: d.signed(), Events: uint32(d.number()), EventsHash: d.fixed(), Flags: uint32(d.number())})
	}
	if d.byte() != 0 {
		s.Span = &pb.Span{User: d.text(), EmailHash: d.text(), Number: uint32(d.number()), Seen: d.signed()}
	}
	s.Events = d.events()
	s.Loose = d.events()
	v.seen.list = d.seen(s.Events)
	if headless := len(s.Tails) > 0 && (len(s.Events) == 0 || s.Events[0].EventTs > s.Tails[0].From); d.bad || len(d.b) > 0 || headless {
		return nil, errState // a tail has kept events of its own before it
	}
	v.seen.reindex()
	v.Recut(r)
	return v, nil
}
