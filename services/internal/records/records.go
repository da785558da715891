// Package records reads the records of the topic events into memory that is used again: it is what a stage does for each of them.
package records

import (
	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Reader reads records one after the other. An event is good until the next one is read, but for its texts and bytes, which alias
// the record: whoever keeps those keeps the record's memory.
type Reader struct {
	record pb.Record
	body   pb.Record_Event
	event  pb.Event
	entry  pb.Entry
	money  pb.Money
}

// Read reads a record. Everything but an event is read into memory of its own, and may be kept. Of an event, Entry and Money can be
// empty ones where none were sent, save that a refund without money has none.
func (d *Reader) Read(b []byte) (*pb.Record, error) {
	d.record.Reset()
	d.event.Reset()
	d.entry.Reset()
	d.money.Reset()
	d.event.Entry, d.event.Money, d.body.Event, d.record.Body = &d.entry, &d.money, &d.event, &d.body
	if err := d.record.UnmarshalVTUnsafe(b); err != nil {
		return nil, err
	}
	// What was there before it was read must not pass for something that was sent: an event for a record without one, nor a
	// refund of nothing for one without an amount.
	e := d.record.GetEvent()
	unsure := e == nil || len(e.EventId) == 0 || e.Action == event.Refunded && d.money.Minor == 0
	if d.record.Kind == pb.Kind_KIND_EVENT && !unsure {
		return &d.record, nil
	}
	own := &pb.Record{}
	return own, own.UnmarshalVT(b)
}
