package verdict

import (
	"fmt"

	"github.com/tributary-data/tributary/pkg/sim"
)

// row is a key, what is measured there, and the segment to name in a difference.
type row[K comparable, F facts] struct {
	key     K
	facts   F
	segment sim.Segment
}

// facts are the measures of a row: names and values, in one order.
type facts interface{ list() []fact }

type fact struct {
	measure string
	value   any
}

const (
	present = "present"
	absent  = "absent"
)

// compare matches two sides by key and reports what differs in either direction; it returns the number of keys. A key
// that a view shows twice differs too. name describes a key in a difference.
func compare[K comparable, F facts](want, got []row[K, F], name func(K, sim.Segment) Difference, report func(Difference)) int {
	byKey := make(map[K]int, len(got))
	keys := len(want)
	say := func(r row[K, F], measure, expected, found string) {
		d := name(r.key, r.segment)
		d.Measure, d.Expected, d.Got, d.segment = measure, expected, found, r.segment
		if r.segment != (sim.Segment{}) {
			d.Window, d.Channel, d.Device = windowText(r.segment.Window), r.segment.Channel, r.segment.Device
		}
		report(d)
	}
	for i, g := range got {
		if _, twice := byKey[g.key]; twice {
			say(g, "rows", "1", "2 or more")
			continue
		}
		byKey[g.key] = i
	}
	for _, w := range want {
		i, ok := byKey[w.key]
		if !ok {
			say(w, "row", present, absent)
			continue
		}
		delete(byKey, w.key)
		found := got[i].facts.list()
		for k, f := range w.facts.list() {
			if f.value != found[k].value {
				say(w, f.measure, fmt.Sprint(f.value), fmt.Sprint(found[k].value))
			}
		}
	}
	for i, g := range got {
		if at, left := byKey[g.key]; left && at == i {
			keys++
			say(g, "row", absent, present)
		}
	}
	return keys
}
