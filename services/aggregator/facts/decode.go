package facts

import (
	"github.com/tributary-data/tributary/pkg/event"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// reading is the memory that records are decoded into, one after the other. What is decoded is good until the next one, but for
// texts and bytes, which alias the record: its bytes never change, so rows may keep them until they are written.
type reading struct {
	record pb.Record
	body   pb.Record_Event
	event  pb.Event
	entry  pb.Entry
	money  pb.Money
}

// decode reads a record. Everything but an event is decoded into memory of its own, and may be kept.
func (d *reading) decode(b []byte) (*pb.Record, error) {
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
