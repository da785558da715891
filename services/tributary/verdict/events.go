package verdict

import (
	"context"

	"github.com/tributary-data/tributary/pkg/sim"
)

type eventFacts struct {
	action, visitor, user string
	at, ingested, late    int64
	value                 int64
	currency              string
}

func (e eventFacts) list() []fact {
	return []fact{{"action", e.action, false}, {"visitor", e.visitor, false}, {"user", e.user, false}, {"event_ts", e.at, false},
		{"ingest_ts", e.ingested, false}, {"late", e.late, false}, {"value_minor", e.value, false}, {"currency", e.currency, false}}
}

// events compares the set of message ids, and what is stored of each.
func (j *judge) events(ctx context.Context) error {
	return j.eachStore(func(store string) error {
		got, err := each(ctx, j.db, "SELECT message_id, toString(action), visitor, user, toInt64(toUnixTimestamp64Milli(event_ts)), "+
			"toInt64(toUnixTimestamp64Milli(ingest_ts)), toInt64(late), toInt64(value_minor), toString(currency) FROM bi.events WHERE store = "+quoted(store),
			func(scan func(...any) error) (r row[string, eventFacts], err error) {
				f := &r.facts
				err = scan(&r.key, &f.action, &f.visitor, &f.user, &f.at, &f.ingested, &f.late, &f.value, &f.currency)
				return r, err
			})
		if err != nil {
			return err
		}
		var want []row[string, eventFacts]
		for _, e := range of(j.truth.Events, func(e *sim.Event) string { return e.Store }, store) {
			r := row[string, eventFacts]{key: e.MessageID, facts: eventFacts{e.Action, e.Visitor, e.User, e.At, e.IngestedAt, flag(e.Fate == sim.Late),
				e.ValueMinor, e.Currency}}
			if e.Session >= 0 {
				r.segment = j.truth.Sessions[e.Session].Segment()
			}
			want = append(want, r)
		}
		j.locate(store, want, got)
		j.verdict.Events += compare(want, got, func(k string, _ sim.Segment) Difference {
			return Difference{Kind: KindEvent, Store: store, Key: k}
		}, j.report)
		return nil
	})
}

// locate finds the segments of stored events: by the truth, or else by the stored session around them.
func (j *judge) locate(store string, want, got []row[string, eventFacts]) {
	known := make(map[string]sim.Segment, len(want))
	for _, w := range want {
		known[w.key] = w.segment
	}
	byVisitor := map[string][]int{}
	for i := range j.stored {
		if k := j.stored[i].key; k.store == store {
			byVisitor[k.visitor] = append(byVisitor[k.visitor], i)
		}
	}
	for i := range got {
		g := &got[i]
		if at, ok := known[g.key]; ok {
			g.segment = at
			continue
		}
		for _, at := range byVisitor[g.facts.visitor] {
			if s := j.stored[at]; s.key.started <= g.facts.at && g.facts.at <= s.facts.ended {
				g.segment = s.segment
			}
		}
	}
}

type lateKey struct {
	visitor, action string
	at              int64
}

type lateFacts struct{ ingested, floor int64 }

func (l lateFacts) list() []fact {
	return []fact{{"ingest_ts", l.ingested, false}, {"floor", l.floor, false}}
}

// late compares the events that came too late for any session.
func (j *judge) late(ctx context.Context) error {
	return j.eachStore(func(store string) error {
		got, err := each(ctx, j.db, "SELECT visitor, toString(action), toInt64(toUnixTimestamp64Milli(event_ts)), toInt64(toUnixTimestamp64Milli(ingest_ts)), "+
			"toInt64(toUnixTimestamp64Milli(floor)) FROM bi.late_events WHERE store = "+quoted(store),
			func(scan func(...any) error) (r row[lateKey, lateFacts], err error) {
				err = scan(&r.key.visitor, &r.key.action, &r.key.at, &r.facts.ingested, &r.facts.floor)
				return r, err
			})
		if err != nil {
			return err
		}
		var want []row[lateKey, lateFacts]
		for _, e := range of(j.truth.Events, func(e *sim.Event) string { return e.Store }, store) {
			if e.Fate == sim.Late {
				want = append(want, row[lateKey, lateFacts]{key: lateKey{e.Visitor, e.Action, e.At}, facts: lateFacts{e.IngestedAt, e.Floor}})
			}
		}
		j.verdict.Late += len(got)
		compare(want, got, func(k lateKey, _ sim.Segment) Difference {
			return Difference{Kind: KindLate, Store: store, Key: k.visitor + " " + milliText(k.at) + " " + k.action}
		}, j.report)
		return nil
	})
}
