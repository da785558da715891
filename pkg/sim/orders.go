package sim

import (
	"cmp"
	"slices"
)

// orderKey names an order.
type orderKey struct{ store, id string }

// tellOrders resolves what was told of each order: the server goes before the browser, then the first to tell.
func (t *teller) tellOrders() {
	refunds, orders := map[orderKey][]Refund{}, map[orderKey][]*delivery{}
	for _, d := range t.stored {
		k := orderKey{d.visitor.shop.name, d.order}
		switch d.kind {
		case purchased:
			orders[k] = append(orders[k], d)
		case refunded:
			minor, currency, sent := d.money()
			base, _ := d.visitor.shop.base(minor, currency, d.ts)
			r := Refund{Store: k.store, OrderID: k.id, MessageID: d.id, BaseMinor: base, Whole: !sent}
			refunds[k] = append(refunds[k], r)
			t.truth.Refunds = append(t.truth.Refunds, r)
		}
	}
	for k, told := range orders {
		t.truth.Orders = append(t.truth.Orders, order(k, told, refunds[k]))
	}
	slices.SortStableFunc(t.truth.Refunds, func(a, b Refund) int { return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.OrderID, b.OrderID)) })
	slices.SortFunc(t.truth.Orders, func(a, b Order) int { return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.OrderID, b.OrderID)) })
	t.truth.Counts.Orders, t.truth.Counts.Refunds = len(t.truth.Orders), len(t.truth.Refunds)
}

// order resolves one order; told is in the order of arrival.
func order(k orderKey, told []*delivery, refunds []Refund) Order {
	tellers := map[string]*delivery{} // the first of each source
	for _, d := range told {
		if tellers[d.origin()] == nil {
			tellers[d.origin()] = d
		}
	}
	best := tellers["server"]
	if best == nil {
		best = tellers["browser"]
	}
	o := Order{Store: k.store, OrderID: k.id, Source: best.origin(), OrderedAt: best.ts, Visitor: best.visitor.id, User: best.user,
		Refunds: len(refunds), Tellers: len(tellers)}
	o.ValueMinor, o.Currency, _ = best.money()
	base, known := best.visitor.shop.base(o.ValueMinor, o.Currency, best.ts)
	o.BaseMinor, o.CurrencyUnknown = base, !known
	for _, r := range refunds {
		o.RefundedMinor += r.BaseMinor
		if r.Whole {
			o.RefundedMinor += base // more than that cannot be taken back
		}
	}
	o.RefundedMinor = min(o.RefundedMinor, base)
	return o
}
