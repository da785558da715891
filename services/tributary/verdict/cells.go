package verdict

import (
	"context"
	"fmt"

	"github.com/tributary-data/tributary/pkg/sim"
)

type cellKey struct {
	sim.Segment
	version, step int64
}

type cellFacts struct {
	action                                  string
	units, implied, entered, observed, open int64
}

func (c cellFacts) list() []fact {
	return []fact{{"action", c.action, false}, {"units", c.units, false}, {"implied", c.implied, false}, {"entered", c.entered, false},
		{"observed_value", c.observed, false}, {"open_units", c.open, false}}
}

// cells compares every funnel step of every window of 15 minutes, channel and device.
func (j *judge) cells(ctx context.Context) (err error) {
	j.verdict.Cells, err = j.steps(ctx, KindCell, j.truth.Cells, "toInt64(toUnixTimestamp(window_start)), toString(channel), toString(device), "+
		"toInt64(funnel_version), toInt64(step), toString(action), toInt64(units), toInt64(implied), toInt64(entered), toInt64(observed_value), "+
		"toInt64(open_units) FROM bi.funnel_steps WHERE store = %s AND funnel = %s")
	return err
}

// hours compares the windows of a minute, added up by the hour.
func (j *judge) hours(ctx context.Context) (err error) {
	j.verdict.Hours, err = j.steps(ctx, KindHour, j.truth.Hours, "toInt64(intDiv(toUnixTimestamp(window_start), 3600) * 3600), toString(channel), "+
		"toString(device), toInt64(funnel_version), toInt64(step), any(toString(action)), toInt64(sum(units)), toInt64(sum(implied)), "+
		"toInt64(sum(entered)), toInt64(sum(observed_value)), toInt64(sum(open_units)) FROM bi.funnel_minutes WHERE store = %s AND funnel = %s "+
		"GROUP BY 1, 2, 3, 4, 5")
	return err
}

// occurrences compares the steps by the window in which they happened.
func (j *judge) occurrences(ctx context.Context) (err error) {
	j.verdict.Occurrences, err = j.steps(ctx, KindOccurrence, j.truth.Occurred, "toInt64(toUnixTimestamp(window_start)), toString(channel), "+
		"toString(device), toInt64(funnel_version), toInt64(step), toString(action), toInt64(units), toInt64(implied), toInt64(0), "+
		"toInt64(observed_value), toInt64(0) FROM bi.funnel_steps_by_occurrence WHERE store = %s AND funnel = %s")
	return err
}

// steps compares one view of funnel steps, store by store.
func (j *judge) steps(ctx context.Context, kind Kind, truth []sim.Cell, query string) (keys int, err error) {
	err = j.eachStore(func(store string) error {
		got, err := each(ctx, j.db, "SELECT "+fmt.Sprintf(query, quoted(store), quoted(j.truth.Header.Funnel)),
			func(scan func(...any) error) (r row[cellKey, cellFacts], err error) {
				k, f := &r.key, &r.facts
				err = scan(&k.Window, &k.Channel, &k.Device, &k.version, &k.step, &f.action, &f.units, &f.implied, &f.entered, &f.observed, &f.open)
				k.Store = store
				r.segment = k.Segment
				return r, err
			})
		if err != nil {
			return err
		}
		var want []row[cellKey, cellFacts]
		for _, c := range of(truth, func(c *sim.Cell) string { return c.Store }, store) {
			want = append(want, row[cellKey, cellFacts]{cellKey{c.Segment, int64(c.FunnelVersion), int64(c.Step)},
				cellFacts{c.Action, c.Units, c.Implied, c.Entered, c.ObservedValue, c.OpenUnits}, c.Segment})
		}
		keys += compare(want, got, func(k cellKey, _ sim.Segment) Difference {
			return Difference{Kind: kind, Store: store, FunnelVersion: int(k.version), Step: int(k.step)}
		}, j.report)
		return nil
	})
	return keys, err
}

type segmentFacts struct{ sessions, events int64 }

func (s segmentFacts) list() []fact {
	return []fact{{"sessions", s.sessions, false}, {"events", s.events, false}}
}

// segments compares the numbers of sessions and of their events per window, channel and device, robots included.
func (j *judge) segments(ctx context.Context) error {
	sums := map[sim.Segment]segmentFacts{}
	for i := range j.truth.Sessions {
		s := &j.truth.Sessions[i]
		f := sums[s.Segment()]
		f.sessions++
		f.events += int64(s.Events)
		sums[s.Segment()] = f
	}
	return j.eachStore(func(store string) error {
		got, err := each(ctx, j.db, "SELECT toInt64(intDiv(toUnixTimestamp64Milli(started_at), 900000) * 900), toString(channel), toString(device), "+
			"toInt64(count()), toInt64(sum(events)) FROM bi.sessions WHERE store = "+quoted(store)+" GROUP BY 1, 2, 3",
			func(scan func(...any) error) (r row[sim.Segment, segmentFacts], err error) {
				err = scan(&r.key.Window, &r.key.Channel, &r.key.Device, &r.facts.sessions, &r.facts.events)
				r.key.Store = store
				r.segment = r.key
				return r, err
			})
		if err != nil {
			return err
		}
		var want []row[sim.Segment, segmentFacts]
		for k, f := range sums {
			if k.Store == store {
				want = append(want, row[sim.Segment, segmentFacts]{k, f, k})
			}
		}
		compare(want, got, func(sim.Segment, sim.Segment) Difference { return Difference{Kind: KindCell, Store: store} }, j.report)
		return nil
	})
}
