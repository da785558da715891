package session

import (
	"maps"
	"slices"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// entryTexts are the texts of an entry, in the order of the bits that say which of them differ. The first entry differs from none.
func entryTexts(e *pb.Entry, none *string) [16]*string {
	if e == nil {
		return [16]*string{none, none, none, none, none, none, none, none, none, none, none, none, none, none, none, none}
	}
	return [16]*string{&e.LandingPath, &e.Channel, &e.Source, &e.Medium, &e.Campaign, &e.Term, &e.Content, &e.BrandSearch, &e.ClickIdKind, &e.ClickId,
		&e.Device, &e.Os, &e.Browser, &e.Country, &e.Consent, &e.Ruleset}
}

// After the bits of the texts.
const (
	entryReturning = 1 << 16
	entryVariants  = 1 << 17
)

// diff writes in what an entry differs from the one before.
func (w *writer) diff(e *pb.Entry) {
	none := ""
	now, before := entryTexts(e, &none), entryTexts(w.entry, &none)
	var mask uint64
	for i := range now {
		if *now[i] != *before[i] {
			mask |= 1 << i
		}
	}
	if e.Returning {
		mask |= entryReturning
	}
	if len(e.Variants) > 0 {
		mask |= entryVariants
	}
	w.number(mask)
	for i := range now {
		if mask&(1<<i) != 0 {
			w.text(*now[i])
		}
	}
	if len(e.Variants) > 0 {
		w.number(uint64(len(e.Variants)))
		for _, k := range slices.Sorted(maps.Keys(e.Variants)) {
			w.text(k)
			w.text(e.Variants[k])
		}
	}
	w.entry = e
}

// diff makes an entry of the one before and what differs.
func (d *reader) diff() *pb.Entry {
	mask, e := d.number(), &pb.Entry{}
	none := ""
	now, before := entryTexts(e, &none), entryTexts(d.entry, &none)
	for i := range now {
		if mask&(1<<i) != 0 {
			*now[i] = d.text()
		} else {
			*now[i] = *before[i]
		}
	}
	e.Returning = mask&entryReturning != 0
	if mask&entryVariants != 0 {
		n := d.count(2)
		e.Variants = make(map[string]string, n)
		for range n {
			k := d.text()
			e.Variants[k] = d.text()
		}
	}
	d.entry = e
	return e
}
