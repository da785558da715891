package verdict

import (
	"context"

	"github.com/tributary-data/tributary/pkg/sim"
)

type orderFacts struct {
	source, visitor, user, currency    string
	ordered, value, base, unknown, net int64
	refunded, refunds, tellers         int64
}

func (o orderFacts) list() []fact {
	return []fact{{"source", o.source, false}, {"ordered_at", o.ordered, false}, {"visitor", o.visitor, false}, {"user", o.user, false},
		{"value_minor", o.value, false}, {"currency", o.currency, false}, {"base_value_minor", o.base, false}, {"currency_unknown", o.unknown, false},
		{"refunded_minor", o.refunded, false}, {"net_value_minor", o.net, false}, {"refunds", o.refunds, false}, {"tellers", o.tellers, false}}
}

// orders compares every order, with what was refunded of it.
func (j *judge) orders(ctx context.Context) error {
	return j.eachStore(func(store string) error {
		got, err := each(ctx, j.db, "SELECT order_id, toString(source), toInt64(toUnixTimestamp64Milli(ordered_at)), visitor, user, toInt64(value_minor), "+
			"toString(currency), toInt64(base_value_minor), toInt64(currency_unknown), toInt64(refunded_minor), toInt64(net_value_minor), "+
			"toInt64(refunds), toInt64(tellers) FROM bi.orders WHERE store = "+quoted(store),
			func(scan func(...any) error) (r row[string, orderFacts], err error) {
				f := &r.facts
				err = scan(&r.key, &f.source, &f.ordered, &f.visitor, &f.user, &f.value, &f.currency, &f.base, &f.unknown, &f.refunded, &f.net,
					&f.refunds, &f.tellers)
				return r, err
			})
		if err != nil {
			return err
		}
		var want []row[string, orderFacts]
		for _, o := range of(j.truth.Orders, func(o *sim.Order) string { return o.Store }, store) {
			want = append(want, row[string, orderFacts]{key: o.OrderID, facts: orderFacts{o.Source, o.Visitor, o.User, o.Currency, o.OrderedAt,
				o.ValueMinor, o.BaseMinor, flag(o.CurrencyUnknown), o.BaseMinor - o.RefundedMinor, o.RefundedMinor, int64(o.Refunds), int64(o.Tellers)}})
		}
		for _, g := range got {
			j.verdict.Refunds += int(g.facts.refunds)
		}
		j.verdict.Orders += compare(want, got, func(k string, _ sim.Segment) Difference {
			return Difference{Kind: KindOrder, Store: store, Key: k}
		}, j.report)
		return nil
	})
}

// intakeFacts of an hour. An answer that is lost makes a client send again what is stored, so there may be more records
// than the truth knows; never more different ones, and none of which nobody knows what they are.
type intakeFacts struct{ records, unique, duplicate, reused, late, other int64 }

func (n intakeFacts) list() []fact {
	return []fact{{"unique_events", n.unique, false}, {"records", n.records, true}, {"duplicate", n.duplicate, true}, {"id_reused", n.reused, true},
		{"late", n.late, true}, {"records of no kind", n.other, false}}
}

// intake compares what came, hour by hour.
func (j *judge) intake(ctx context.Context) error {
	return j.eachStore(func(store string) error {
		got, err := each(ctx, j.db, "SELECT toInt64(toUnixTimestamp(ingest_hour)), toInt64(records), toInt64(unique_events), toInt64(duplicate), "+
			"toInt64(id_reused), toInt64(late), toInt64(records - unique_events - duplicate - id_reused) FROM bi.intake WHERE store = "+quoted(store),
			func(scan func(...any) error) (r row[int64, intakeFacts], err error) {
				f := &r.facts
				err = scan(&r.key, &f.records, &f.unique, &f.duplicate, &f.reused, &f.late, &f.other)
				return r, err
			})
		if err != nil {
			return err
		}
		var want []row[int64, intakeFacts]
		for _, n := range of(j.truth.Intake, func(n *sim.Intake) string { return n.Store }, store) {
			want = append(want, row[int64, intakeFacts]{key: n.Hour, facts: intakeFacts{n.Records, n.Unique, n.Duplicates, n.IDReused, n.Late, 0}})
		}
		for _, g := range got {
			j.verdict.Duplicates += int(g.facts.duplicate)
			j.verdict.IDReused += int(g.facts.reused)
		}
		compare(want, got, func(k int64, _ sim.Segment) Difference {
			return Difference{Kind: KindIntake, Store: store, Key: windowText(k)}
		}, j.report)
		return nil
	})
}

type letterKey struct{ store, reason string }

type letterFacts struct{ letters int64 }

func (l letterFacts) list() []fact { return []fact{{"letters", l.letters, false}} }

// letters compares the dead letters of all stores, also of those that the truth does not know. Letters of equal bytes are
// one: a client that lost the answer sent it twice.
func (j *judge) letters(ctx context.Context) error {
	got, err := each(ctx, j.db, "SELECT toString(store), toString(reason), toInt64(uniqExact(original)) FROM bi.dead_letters GROUP BY 1, 2",
		func(scan func(...any) error) (r row[letterKey, letterFacts], err error) {
			err = scan(&r.key.store, &r.key.reason, &r.facts.letters)
			return r, err
		})
	if err != nil {
		return err
	}
	want := make([]row[letterKey, letterFacts], len(j.truth.Letters))
	for i, l := range j.truth.Letters {
		want[i] = row[letterKey, letterFacts]{key: letterKey{l.Store, l.Reason}, facts: letterFacts{l.Count}}
	}
	for _, g := range got {
		j.verdict.Dead += int(g.facts.letters)
	}
	compare(want, got, func(k letterKey, _ sim.Segment) Difference {
		return Difference{Kind: KindLetters, Store: k.store, Key: k.reason}
	}, j.report)
	return nil
}
