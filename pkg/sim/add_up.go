package sim

import (
	"cmp"
	"slices"
)

// tellEvents lists what is stored.
func (t *teller) tellEvents() {
	for _, d := range t.stored {
		minor, currency, _ := d.money()
		e := Event{Store: d.visitor.shop.name, MessageID: d.id, Visitor: d.visitor.id, User: d.user, At: d.ts, IngestedAt: d.received,
			Action: d.kind.action, ValueMinor: minor, Currency: currency, Fate: d.fate, Session: d.session}
		if d.fate == Late {
			e.Floor = floorOf(d.received)
		}
		t.truth.Events = append(t.truth.Events, e)
	}
	slices.SortStableFunc(t.truth.Events, func(a, b Event) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.MessageID, b.MessageID)) })
}

// tellSessions cuts every visitor's events, and adds the sessions up.
func (t *teller) tellSessions() {
	byVisitor := map[idKey][]*delivery{}
	for _, d := range t.stored {
		if d.visitor.id != "" && d.fate == Accepted {
			k := idKey{store: d.visitor.shop.name, visitor: d.visitor.id}
			byVisitor[k] = append(byVisitor[k], d)
		}
	}
	var all []*cut
	for _, of := range byVisitor {
		all = append(all, cutVisitor(of)...)
		t.truth.Counts.Merges += merges(of)
	}
	slices.SortStableFunc(all, func(a, b *cut) int { // a visitor's sessions of one millisecond, at a switch, stay in their order
		return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), cmp.Compare(a.Store, b.Store), cmp.Compare(a.Visitor, b.Visitor))
	})
	n := &t.truth.Counts
	for i, c := range all {
		c.Index = i
		for _, d := range append(slices.Clone(c.kept), c.tail...) {
			d.session = i
		}
		t.truth.Sessions = append(t.truth.Sessions, c.Session)
		n.Robots += one(c.Robot)
		n.Capped += one(c.Capped)
		n.Switches += one(c.Switched)
	}
	t.truth.Cells = byEntry(t.truth.Sessions, windowSeconds)
	t.truth.Hours = byEntry(t.truth.Sessions, hourSeconds)
	t.truth.Occurred = byOccurrence(t.truth.Sessions)
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
