package sim

import (
	"errors"
	"fmt"
)

// Sabotage is a fault put between the ledger and ingest. It changes one event; truth and ledger stay as they are.
type Sabotage string

// The faults.
const (
	None Sabotage = ""
	// Drop does not send an event that the ledger says was acknowledged.
	Drop Sabotage = "drop"
	// Dup sends a purchase again under a new message id.
	Dup Sabotage = "dup"
	// Move sends an event as if it had happened 20 minutes later.
	Move Sabotage = "move"
)

// moveMillis is more than a window, so that a moved session changes its cell wherever it was.
const moveMillis = 20 * 60_000

func (s Sabotage) validate() error {
	switch s {
	case None, Drop, Dup, Move:
		return nil
	}
	return fmt.Errorf("simulator: Sabotage is %q, expected drop, dup, move or nothing", s)
}

// Sabotaged says what was done to which event.
type Sabotaged struct {
	Kind      Sabotage `json:"kind"`
	MessageID string   `json:"message_id"`
	// SentAs is the message id on the wire: the copy's for dup, the event's own for move, empty for drop.
	SentAs string `json:"sent_as,omitempty"`
	// Session is the index of the event's session in the truth.
	Session int `json:"session"`
	// Segments whose cells or event counts differ from the truth.
	Segments []Segment `json:"segments"`

	hit   *hit
	extra *hit // sent besides; not in the ledger
}

// sabotage picks the event in the middle of all those of which one change must show in a cell, and alters the requests.
func (d *Day) sabotage() error {
	kind := d.Config.Sabotage
	if kind == None {
		return nil
	}
	sent := map[string]int{} // deliveries by visitor
	for _, of := range d.requests {
		for _, q := range of {
			for _, x := range q.items {
				sent[x.visitor.id] += 1 + one(q.lost)
			}
		}
	}
	var fit []*hit
	for _, h := range d.hits {
		if d.shows(kind, h, sent[h.visitor.id] == 1) {
			fit = append(fit, h)
		}
	}
	if len(fit) == 0 {
		return errors.New("simulator: no event of this day fits the sabotage; plan more events")
	}
	h := fit[len(fit)/2]
	s := &Sabotaged{Kind: kind, MessageID: h.id, Session: h.session, Segments: []Segment{d.Truth.Sessions[h.session].Segment()}, hit: h}
	d.Sabotaged = s
	if kind == Drop {
		return nil
	}
	extra := *h
	if kind == Dup {
		extra.id += "-again"
	} else {
		extra.at += moveMillis
		moved := s.Segments[0]
		moved.Window = extra.at / 1000 / windowSeconds * windowSeconds
		s.Segments = append(s.Segments, moved)
	}
	s.extra, s.SentAs = &extra, extra.id
	m := minuteOf(extra.at - d.Config.Day.UnixMilli())
	received := d.Config.Day.UnixMilli() + int64(m+1)*minuteMilli
	d.requests[m] = append(d.requests[m], &request{shop: h.visitor.shop, path: "/v1/batch", contentType: "application/json",
		sent: received, received: received, items: []*delivery{{hit: &extra, arrive: extra.at}}})
	return nil
}

// shows tells whether the fault, done to h, must change a cell of people. What is dropped or moved is its visitor's only
// event and sent once, so that a whole session goes or moves, and no other session carries its channel on.
func (d *Day) shows(kind Sabotage, h *hit, only bool) bool {
	if h.session < 0 || h.delay != 0 || h.visitor.skew != 0 || d.Truth.Sessions[h.session].Robot {
		return false
	}
	switch kind {
	case Dup:
		return h.kind == purchased
	case Move:
		return only && h.at+moveMillis < d.Config.end().UnixMilli()
	}
	return only
}
