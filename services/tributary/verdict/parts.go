package verdict

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tributary-data/tributary/pkg/sim"
)

// quoted is a string literal of ClickHouse.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func (j *judge) report(d Difference) { j.found = append(j.found, d) }

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

type cellKey struct {
	sim.Segment
	step int64
}

type cellFacts struct {
	action                            string
	units, implied, entered, observed int64
}

func (c cellFacts) list() []fact {
	return []fact{{"action", c.action}, {"units", c.units}, {"implied", c.implied}, {"entered", c.entered}, {"observed_value", c.observed}}
}

// cells compares every funnel step of every window, channel and device.
func (j *judge) cells(ctx context.Context) error {
	h := j.truth.Header
	got, err := each(ctx, j.db, "SELECT toInt64(toUnixTimestamp(window_start)), toString(channel), toString(device), toInt64(step), toString(action), "+
		"toInt64(units), toInt64(implied), toInt64(entered), toInt64(observed_value) FROM bi.funnel_steps WHERE store = "+quoted(h.Store)+
		" AND funnel = "+quoted(h.Funnel)+fmt.Sprintf(" AND funnel_version = %d", h.FunnelVersion),
		func(scan func(...any) error) (r row[cellKey, cellFacts], err error) {
			err = scan(&r.key.Window, &r.key.Channel, &r.key.Device, &r.key.step, &r.facts.action, &r.facts.units, &r.facts.implied,
				&r.facts.entered, &r.facts.observed)
			r.segment = r.key.Segment
			return r, err
		})
	if err != nil {
		return err
	}
	want := make([]row[cellKey, cellFacts], len(j.truth.Cells))
	for i, c := range j.truth.Cells {
		want[i] = row[cellKey, cellFacts]{cellKey{c.Segment, int64(c.Step)}, cellFacts{c.Action, c.Units, c.Implied, c.Entered, c.ObservedValue}, c.Segment}
	}
	j.verdict.Cells = compare(want, got, func(k cellKey, _ sim.Segment) Difference { return Difference{Kind: KindCell, Step: int(k.step)} }, j.report)
	return nil
}

type segmentFacts struct{ sessions, events int64 }

func (s segmentFacts) list() []fact {
	return []fact{{"sessions", s.sessions}, {"events", s.events}}
}

// segments compares the numbers of sessions and of their events per window, channel and device.
func (j *judge) segments(ctx context.Context) error {
	got, err := each(ctx, j.db, "SELECT toInt64(intDiv(toUnixTimestamp64Milli(started_at), 900000) * 900), toString(channel), toString(device), "+
		"toInt64(count()), toInt64(sum(events)) FROM bi.sessions WHERE store = "+quoted(j.truth.Header.Store)+" GROUP BY 1, 2, 3",
		func(scan func(...any) error) (r row[sim.Segment, segmentFacts], err error) {
			err = scan(&r.key.Window, &r.key.Channel, &r.key.Device, &r.facts.sessions, &r.facts.events)
			r.segment = r.key
			return r, err
		})
	if err != nil {
		return err
	}
	sums := map[sim.Segment]segmentFacts{}
	for i := range j.truth.Sessions {
		s := &j.truth.Sessions[i]
		f := sums[s.Segment()]
		f.sessions++
		f.events += int64(s.Events)
		sums[s.Segment()] = f
	}
	want := make([]row[sim.Segment, segmentFacts], 0, len(sums))
	for k, f := range sums {
		want = append(want, row[sim.Segment, segmentFacts]{k, f, k})
	}
	compare(want, got, func(sim.Segment, sim.Segment) Difference { return Difference{Kind: KindCell} }, j.report)
	return nil
}

type sessionKey struct {
	visitor string
	started int64 // Unix milliseconds
}

type sessionFacts struct {
	ended                           int64
	channel, device, brand, landing string
	events, orders, value           int64
	returning                       int64
}

func (s sessionFacts) list() []fact {
	return []fact{{"ended_at", s.ended}, {"channel", s.channel}, {"device", s.device}, {"brand_search", s.brand}, {"landing_path", s.landing},
		{"events", s.events}, {"orders", s.orders}, {"value_minor", s.value}, {"returning", s.returning}}
}

// sessions compares every session, by visitor and start: ids are no part of the truth.
func (j *judge) sessions(ctx context.Context) error {
	got, err := each(ctx, j.db, "SELECT toString(visitor), toInt64(toUnixTimestamp64Milli(started_at)), toInt64(toUnixTimestamp64Milli(ended_at)), "+
		"toString(channel), toString(device), toString(brand_search), toString(landing_path), toInt64(events), toInt64(orders), "+
		"toInt64(value_minor), toInt64(returning) FROM bi.sessions WHERE store = "+quoted(j.truth.Header.Store),
		func(scan func(...any) error) (r row[sessionKey, sessionFacts], err error) {
			f := &r.facts
			err = scan(&r.key.visitor, &r.key.started, &f.ended, &f.channel, &f.device, &f.brand, &f.landing, &f.events, &f.orders, &f.value, &f.returning)
			r.segment = sim.Segment{Window: r.key.started / 900_000 * 900, Channel: f.channel, Device: f.device}
			return r, err
		})
	if err != nil {
		return err
	}
	want := make([]row[sessionKey, sessionFacts], len(j.truth.Sessions))
	for i := range j.truth.Sessions {
		s := &j.truth.Sessions[i]
		f := sessionFacts{s.EndedAt, s.Channel, s.Device, s.Brand, s.Landing, int64(s.Events), int64(s.Orders), s.ValueMinor, 0}
		if s.Returning {
			f.returning = 1
		}
		want[i] = row[sessionKey, sessionFacts]{sessionKey{s.Visitor, s.StartedAt}, f, s.Segment()}
	}
	j.stored = got
	j.verdict.Sessions = compare(want, got, func(k sessionKey, _ sim.Segment) Difference {
		return Difference{Kind: KindSession, Key: k.visitor + " " + time.UnixMilli(k.started).UTC().Format("2006-01-02T15:04:05.000Z")}
	}, j.report)
	return nil
}

type eventFacts struct {
	action, visitor string
	at              int64
}

func (e eventFacts) list() []fact {
	return []fact{{"action", e.action}, {"visitor", e.visitor}, {"event_ts", e.at}}
}

// events compares the set of message ids.
func (j *judge) events(ctx context.Context) error {
	got, err := each(ctx, j.db, "SELECT message_id, toString(action), visitor, toInt64(toUnixTimestamp64Milli(event_ts)) FROM bi.events WHERE store = "+
		quoted(j.truth.Header.Store), func(scan func(...any) error) (r row[string, eventFacts], err error) {
		err = scan(&r.key, &r.facts.action, &r.facts.visitor, &r.facts.at)
		return r, err
	})
	if err != nil {
		return err
	}
	want := make([]row[string, eventFacts], len(j.truth.Events))
	for i := range j.truth.Events {
		e := &j.truth.Events[i]
		want[i] = row[string, eventFacts]{key: e.MessageID, facts: eventFacts{e.Action, e.Visitor, e.At}}
		if e.Session >= 0 {
			want[i].segment = j.truth.Sessions[e.Session].Segment()
		}
	}
	j.locate(got)
	j.verdict.Events = compare(want, got, func(k string, _ sim.Segment) Difference { return Difference{Kind: KindEvent, Key: k} }, j.report)
	return nil
}

// locate finds the segments of stored events: by the truth, or else by the stored session around them.
func (j *judge) locate(got []row[string, eventFacts]) {
	known := make(map[string]int, len(j.truth.Events))
	for i := range j.truth.Events {
		known[j.truth.Events[i].MessageID] = j.truth.Events[i].Session
	}
	byVisitor := map[string][]int{}
	for i := range j.stored {
		v := j.stored[i].key.visitor
		byVisitor[v] = append(byVisitor[v], i)
	}
	for i := range got {
		g := &got[i]
		if at, ok := known[g.key]; ok {
			if at >= 0 {
				g.segment = j.truth.Sessions[at].Segment()
			}
			continue
		}
		for _, at := range byVisitor[g.facts.visitor] {
			if s := j.stored[at]; s.key.started <= g.facts.at && g.facts.at <= s.facts.ended {
				g.segment = s.segment
			}
		}
	}
}
