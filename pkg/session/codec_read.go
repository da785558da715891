package session

import (
	"encoding/binary"

	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// reader takes apart; bad is set at the first thing that cannot be, and everything after it is zero.
type reader struct {
	b     []byte
	bad   bool
	make  func([]byte) string
	event pb.StoredEvent // numbers of the one before
	entry *pb.Entry      // the one before; nil = none
}

func (d *reader) fail() {
	d.bad, d.b = true, nil
}

func (d *reader) number() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *reader) signed() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *reader) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *reader) text() string {
	b := d.take(d.number())
	if len(b) == 0 {
		return ""
	}
	return d.make(b)
}

func (d *reader) byte() byte {
	if b := d.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (d *reader) fixed() uint64 {
	if b := d.take(8); len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// count of things that take at least so many bytes each.
func (d *reader) count(least int) int {
	n := d.number()
	if n > uint64(len(d.b)/least) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *reader) seen(events []*pb.StoredEvent) []seenID {
	list := make([]seenID, d.count(10))
	last, next := int64(0), 0
	for i := range list {
		n := &list[i]
		if d.byte() == 0 {
			copy(n.id[:], d.take(16))
		} else if next < len(events) {
			copy(n.id[:], events[next].EventId)
			next++
		} else {
			d.fail()
		}
		n.hash = d.fixed()
		last += d.signed()
		n.ingestTS = last
	}
	return list
}

func (d *reader) events() []*pb.StoredEvent {
	n := d.count(22)
	if n == 0 {
		return nil
	}
	list := make([]*pb.StoredEvent, n)
	for i := range list {
		list[i] = d.one()
	}
	return list
}

func (d *reader) one() *pb.StoredEvent {
	mask := d.number()
	e := NewEvent(event.IDOf(d.take(16)))
	d.event.Offset += d.signed()
	d.event.IngestTs += d.signed()
	d.event.EventTs += d.signed()
	e.Offset, e.IngestTs, e.EventTs = d.event.Offset, d.event.IngestTs, d.event.EventTs
	e.Sequence = uint32(d.number())
	e.Action = d.text()
	for _, f := range [...]struct {
		text *string
		bit  uint64
	}{{&e.User, hasUser}, {&e.EmailHash, hasEmail}, {&e.Product, hasProduct}, {&e.OrderId, hasOrder}, {&e.CartToken, hasCart}, {&e.CheckoutToken, hasCheckout}} {
		if mask&f.bit != 0 {
			*f.text = d.text()
		}
	}
	if mask&hasValue != 0 {
		e.ValueMinor = d.signed()
	}
	if mask&hasFlags != 0 {
		e.Flags = uint32(d.number())
	}
	switch {
	case mask&hasEntry == 0:
	case mask&sameEntry != 0:
		e.Entry = d.entry
	default:
		e.Entry = d.diff()
	}
	return e
}

// NewEvent is a stored event with its id, in one piece of memory: there is one for every event of two days.
func NewEvent(id event.ID) *pb.StoredEvent {
	s := &struct {
		e  pb.StoredEvent
		id event.ID
	}{id: id}
	s.e.EventId = s.id[:]
	return &s.e
}
