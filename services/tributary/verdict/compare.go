package verdict

import (
	"context"
	"fmt"
	"strings"

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
	// atLeast: the truth is a number that the views may exceed.
	atLeast bool
}

// met tells whether the views' value is what the truth expects.
func (f fact) met(got any) bool {
	if n, ok := got.(int64); ok && f.atLeast {
		return n >= f.value.(int64)
	}
	return f.value == got
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
			if !f.met(found[k].value) {
				say(w, f.measure, text(f.value), text(found[k].value))
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

// text of a value; what is very long is cut.
func text(v any) string {
	s := fmt.Sprint(v)
	if len(s) > longest {
		s = s[:longest] + "..."
	}
	return s
}

// longest text of a value.
const longest = 300

// quoted is a string literal of ClickHouse.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// each runs the query and appends what read makes of each row.
func each[T any](ctx context.Context, db Querier, query string, read func(scan func(...any) error) (T, error)) ([]T, error) {
	var out []T
	err := db.Each(ctx, query, func(scan func(...any) error) error {
		t, err := read(scan)
		if err == nil {
			out = append(out, t)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the views for the verdict: %w", err)
	}
	return out, nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
