package verdict

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tributary-data/tributary/pkg/sim"
)

type sessionKey struct {
	store, visitor string
	started        int64 // Unix milliseconds
	nth            int   // of the visitor's sessions that start then: another user may take over within the millisecond
}

type sessionFacts struct {
	ended                                          int64
	user, channel, device, brand, landing, actions string
	events, orders, value                          int64
	returning                                      int64
}

func (s sessionFacts) list() []fact {
	return []fact{{"ended_at", s.ended, false}, {"user", s.user, false}, {"channel", s.channel, false}, {"device", s.device, false},
		{"brand_search", s.brand, false}, {"landing_path", s.landing, false}, {"events", s.events, false}, {"orders", s.orders, false},
		{"value_minor", s.value, false}, {"returning", s.returning, false}, {"actions", s.actions, false}}
}

// number tells sessions of one visitor and start apart, in an order that both sides share. What the views have more often than the truth
// does keeps the last number that there is, and so shows twice.
func number(want, got []row[sessionKey, sessionFacts]) {
	inOrder := func(a, b row[sessionKey, sessionFacts]) int {
		return cmp.Or(cmp.Compare(a.key.visitor, b.key.visitor), cmp.Compare(a.key.started, b.key.started), cmp.Compare(a.facts.ended, b.facts.ended),
			cmp.Compare(fmt.Sprint(a.facts), fmt.Sprint(b.facts)))
	}
	slices.SortStableFunc(want, inOrder)
	slices.SortStableFunc(got, inOrder)
	there, seen := map[sessionKey]int{}, map[sessionKey]int{}
	for i := range want {
		k := &want[i].key
		there[*k], k.nth = there[*k]+1, there[*k]
	}
	for i := range got {
		k := &got[i].key
		seen[*k], k.nth = seen[*k]+1, max(min(seen[*k], there[*k]-1), 0)
	}
}

// sessions compares every session, by visitor and start: ids are no part of the truth.
func (j *judge) sessions(ctx context.Context) error {
	return j.eachStore(func(store string) error {
		got, err := each(ctx, j.db, "SELECT visitor, toInt64(toUnixTimestamp64Milli(started_at)), toInt64(toUnixTimestamp64Milli(ended_at)), user, "+
			"toString(channel), toString(device), toString(brand_search), landing_path, toInt64(events), toInt64(orders), "+
			"toInt64(value_minor), toInt64(returning), arrayStringConcat(actions, ' ') FROM bi.sessions WHERE store = "+quoted(store),
			func(scan func(...any) error) (r row[sessionKey, sessionFacts], err error) {
				f := &r.facts
				err = scan(&r.key.visitor, &r.key.started, &f.ended, &f.user, &f.channel, &f.device, &f.brand, &f.landing, &f.events, &f.orders,
					&f.value, &f.returning, &f.actions)
				r.key.store = store
				r.segment = sim.Segment{Store: store, Window: r.key.started / 900_000 * 900, Channel: f.channel, Device: f.device}
				return r, err
			})
		if err != nil {
			return err
		}
		var want []row[sessionKey, sessionFacts]
		for _, s := range of(j.truth.Sessions, func(s *sim.Session) string { return s.Store }, store) {
			want = append(want, row[sessionKey, sessionFacts]{sessionKey{store: store, visitor: s.Visitor, started: s.StartedAt}, sessionFacts{s.EndedAt, s.User, s.Channel,
				s.Device, s.Brand, s.Landing, strings.Join(s.Actions, " "), int64(s.Events), int64(s.Orders), s.ValueMinor, flag(s.Returning)}, s.Segment()})
		}
		number(want, got)
		j.stored = append(j.stored, got...)
		j.verdict.Sessions += compare(want, got, func(k sessionKey, _ sim.Segment) Difference {
			return Difference{Kind: KindSession, Store: store, Key: k.visitor + " " + milliText(k.started)}
		}, j.report)
		return nil
	})
}
