package verdict

import (
	"context"
	"strings"

	"github.com/tributary-data/tributary/pkg/sim"
)

type sessionKey struct {
	store, visitor string
	started        int64 // Unix milliseconds
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
			want = append(want, row[sessionKey, sessionFacts]{sessionKey{store, s.Visitor, s.StartedAt}, sessionFacts{s.EndedAt, s.User, s.Channel,
				s.Device, s.Brand, s.Landing, strings.Join(s.Actions, " "), int64(s.Events), int64(s.Orders), s.ValueMinor, flag(s.Returning)}, s.Segment()})
		}
		j.stored = append(j.stored, got...)
		j.verdict.Sessions += compare(want, got, func(k sessionKey, _ sim.Segment) Difference {
			return Difference{Kind: KindSession, Store: store, Key: k.visitor + " " + milliText(k.started)}
		}, j.report)
		return nil
	})
}
