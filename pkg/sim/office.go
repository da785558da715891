package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// aside adds what happens beside a person's visits: the back office's messages, and what comes late on purpose.
func (p *planner) aside(r *rand.Rand, browsers []*visitor, hits []*hit, last int64) {
	v := browsers[0]
	var told []string
	for _, h := range hits {
		if h.kind != purchased || slices.Contains(told, h.order) {
			continue
		}
		told = append(told, h.order)
		if chance(r, serverShare) {
			p.confirm(r, h)
		}
		for range 3 { // several may be more than the order was worth
			if !chance(r, refundShare) {
				break
			}
			p.refund(r, h)
		}
		if len(browsers) > 1 && chance(r, reopenShare) {
			p.reopen(r, h, browsers)
		}
	}
	if v.user != "" && chance(r, mailShare) {
		at, id := last+1000+r.Int64N(5_400_000), ""
		if chance(r, .7) {
			id = v.id // the mail program knows the browser from the link in an earlier mail
		}
		p.office(&hit{id: messageID(r, at), at: at, kind: emailOpened, visitor: server(v.shop, id), user: v.user,
			props: &properties{Placement: "weekly"}})
	}
	if chance(r, phoneShare) {
		if o := p.phone(r, v.shop, p.hour(r, v.shop), v.shop.pays(r)); chance(r, refundShare) {
			p.refund(r, o)
		}
	}
	if chance(r, bridgeShare) {
		p.bridge(r, v.shop)
	}
	if chance(r, offlineShare) {
		p.offline(r, v)
	}
	if chance(r, kioskShare) {
		p.kiosk(r, v.shop)
	}
}

// phone is an order of which only the server tells.
func (p *planner) phone(r *rand.Rand, s *shop, at int64, currency string) *hit {
	p.orders++
	value := int64(lognormal(r, orderMedian, orderSigma) * 100 * minorPerCent[currency])
	o := &hit{id: messageID(r, at), at: at, kind: purchased, visitor: server(s, ""), user: "phone-" + uuid(r)[:8], order: fmt.Sprintf("S%07d", p.orders),
		value: value}
	o.props = &properties{OrderID: o.order, Currency: currency, Revenue: amount(value, currency)}
	p.office(o)
	return o
}

// kiosk is a browser on which one person checks out and the next one logs in at once. What the back office then tells of
// the first one's checkout belongs to the first session, and all else to the second.
func (p *planner) kiosk(r *rand.Rand, s *shop) {
	v := p.browser(r, s, p.sole, "k"+uuid(r)[:7], 0)
	v.skew, v.known = 0, true
	w := &walk{p: p, r: r, v: v, l: p.land(r, s, p.start), at: p.hour(r, s)}
	if w.at+1_800_000 >= p.end {
		return
	}
	token := "k" + uuid(r)[:8]
	w.step(beat{kind: productViewed, place: place{s.catalogue[0].path(), "", "First"}, props: &properties{product: &s.catalogue[0]}}, false)
	w.wait(false)
	w.step(beat{kind: checkout, place: checkoutPage, props: &properties{CheckoutID: token}}, false)
	w.wait(false)
	v.user = "l" + v.user
	w.step(beat{kind: pageViewed, place: home}, true)
	for _, of := range []string{token, "", "elsewhere"} {
		at := w.at + 1000 + r.Int64N(120_000)
		p.office(&hit{id: messageID(r, at), at: at, kind: emailOpened, visitor: server(s, v.id), props: &properties{CheckoutID: of, Placement: "receipt"}})
	}
}

// office adds a server's message, if the day is long enough for it.
func (p *planner) office(h *hit) bool {
	if h.at >= p.end {
		return false
	}
	p.add(h)
	return true
}

// customer is whom a server names for an order: the user, or a number given to a guest.
func customer(h *hit) string {
	if h.user != "" {
		return h.user
	}
	return "guest-" + h.order
}

// confirm lets the server tell of the order as well, for some other amount: it knows about vouchers.
func (p *planner) confirm(r *rand.Rand, h *hit) {
	at := h.at + 1000 + r.Int64N(120_000)
	value, currency := h.value+1+r.Int64N(99), h.props.Currency
	p.office(&hit{id: messageID(r, at), at: at, kind: purchased, visitor: server(h.visitor.shop, ""), user: customer(h), order: h.order, value: value,
		props: &properties{OrderID: h.order, Currency: currency, Revenue: amount(value, currency), Shipping: "4.95"}})
}

// refund takes the order back, in part or as a whole, with or without its amount. The server knows the visitor or only
// the user, and sometimes it is faster than the order itself.
func (p *planner) refund(r *rand.Rand, h *hit) {
	at := h.at + 60_000 + r.Int64N(6*3_600_000)
	if chance(r, earlyRefund) && !h.tied {
		at = h.at + 1000 + r.Int64N(60_000)
		if arrives := at + 180_000 + r.Int64N(900_000); arrives < p.end && p.alone(h) {
			h.delay = arrives - h.at
		}
	}
	props := &properties{OrderID: h.order}
	if x := r.Float64(); x < .65 {
		value := h.value
		if x < .35 {
			value = max(value/3, 1)
		}
		props.Total, props.Currency = amount(value, h.props.Currency), h.props.Currency
	}
	back := &hit{id: messageID(r, at), at: at, kind: refunded, visitor: server(h.visitor.shop, ""), user: customer(h), order: h.order, props: props}
	if h.visitor.id != "" && chance(r, .5) {
		back.visitor, back.user = server(h.visitor.shop, h.visitor.id), h.user
		if chance(r, .5) {
			props.CheckoutID = h.props.CheckoutID // it joins the session with the checkout, not the latest
		}
	}
	if p.office(back) && chance(r, refundedTwice) {
		p.again(back, back.at+60_000+r.Int64N(1_200_000))
	}
}

// alone tells whether no other event of the visitor shares the millisecond: only then may it travel by itself.
func (p *planner) alone(h *hit) bool {
	return !slices.ContainsFunc(p.hits, func(o *hit) bool { return o != h && o.visitor == h.visitor && o.at == h.at })
}

// reopen shows an order's confirmation again on the person's other browser.
func (p *planner) reopen(r *rand.Rand, h *hit, browsers []*visitor) {
	other := browsers[0]
	if other == h.visitor {
		other = browsers[1]
	}
	at := h.at + 1_800_000 + r.Int64N(7_200_000)
	again := &hit{id: messageID(r, at), at: at, kind: purchased, visitor: other, page: h.visitor.shop.page(thanks, landing{}, ""), props: h.props,
		order: h.order, value: h.value}
	again.page.entry = entry{channel: "Direct"}
	if other.known {
		again.user = other.user
	}
	p.office(again)
}

// again sends an event a second time, if the day is long enough for it.
func (p *planner) again(h *hit, arrive int64) {
	if minuteOf(arrive-p.start) < p.minutes() && minuteOf(arrive-p.start) > minuteOf(h.arrives()-p.start) {
		p.repeats = append(p.repeats, &delivery{hit: h, arrive: arrive, again: true})
	}
}
