package sim

import (
	"math/rand/v2"
	"time"
)

// cappedViews is more than a session keeps.
const cappedViews = 640

// rare plans what happens once or twice a day, whatever the day's size.
func (p *planner) rare() {
	r := rand.New(rand.NewPCG(p.cfg.Seed, 0x7a9e))
	p.border(r)
	p.oldOrders(r)
	p.moneyBack(r)
	p.clocks(r)
	p.memory(r)
	for _, s := range p.shops {
		for _, set := range s.settings[1:] {
			p.change(r, s, set.from)
		}
	}
	if p.cfg.Events >= 10*cappedViews {
		w := p.walker(r, p.shops[0], p.start+int64(13*time.Hour/time.Millisecond))
		w.scrape(cappedViews)
	}
}

// walker is a new browser with a good clock.
func (p *planner) walker(r *rand.Rand, s *shop, at int64) *walk {
	v := p.browser(r, s, p.sole, "", 0)
	v.skew = 0
	return &walk{p: p, r: r, v: v, at: at}
}

// border plans an event exactly at the floor, which is accepted, and one a millisecond before, which is late.
func (p *planner) border(r *rand.Rand) {
	end := p.received(600)
	for early := range int64(2) {
		v := p.walker(r, p.shops[0], 0).v
		p.view(r, v, floorOf(end)-early, end-1000)
	}
}

// oldOrders are orders of 40 hours ago: in no session, and in the books.
func (p *planner) oldOrders(r *rand.Rand) {
	for _, s := range p.shops[:2] {
		v, arrive := p.walker(r, s, 0).v, p.received(900+r.IntN(300))-20_000
		at, basket := arrive-40*3_600_000, p.basket(r, v, s.currency)
		o := &hit{id: messageID(r, at), at: at, delay: arrive - at, kind: purchased, visitor: v, page: s.page(thanks, landing{}, s.url+"/checkout"),
			order: "L" + s.name, value: sum(basket)}
		o.props = &properties{OrderID: o.order, Currency: s.currency, Products: basket, Revenue: amount(o.value, s.currency)}
		p.add(o)
	}
}

// moneyBack gives more back than was paid, in a currency that is converted by a rate of the day that has just begun.
func (p *planner) moneyBack(r *rand.Rand) {
	s := p.shops[1]
	currency := "JPY"
	o := p.phone(r, s, midnight(s.local(p.end-1), s.zone).UnixMilli()+600_000, currency)
	for i, value := range []int64{o.value, o.value / 2} {
		at := o.at + int64(i+1)*300_000
		p.office(&hit{id: messageID(r, at), at: at, kind: refunded, visitor: server(s, ""), user: o.user, order: o.order,
			props: &properties{OrderID: o.order, Total: amount(value, currency), Currency: currency}})
	}
}

// clocks that lead or lag: by hours and some seconds, by just what rounds up, by what nobody corrects.
func (p *planner) clocks(r *rand.Rand) {
	for i, skew := range []int64{7_200_000 + 21_000, -93_600_000 - 33_000, 450_000, -450_000, 299_999, 100_000, -200_000} {
		w := p.walker(r, p.shops[i%len(p.shops)], p.start+int64(9+i)*3_600_000)
		w.v.skew = skew
		for range 12 {
			w.bot(w.glance(), 7000+r.Int64N(6000))
		}
	}
}

// memory is a browser whose user was named a day ago, in a session that is final when the browser comes back. It is that
// user's still, and so another one, who logs in in the middle of the visit, cuts it.
func (p *planner) memory(r *rand.Rand) {
	const hour = 3_600_000
	w := p.walker(r, p.shops[0], p.start+10*hour)
	p.view(r, w.v, p.start-23*hour, p.start+hour/2)
	p.hits[len(p.hits)-1].user = "m" + uuid(r)[:7]
	for _, user := range []string{"", "", "n" + uuid(r)[:7]} {
		w.bot(w.glance(), 30_000)
		p.hits[len(p.hits)-1].user = user
	}
}

// change plans visits around the moment at which a shop's meaning changes: the gap at the earlier neighbour's time decides
// a cut, the funnel at the session's start what its steps are.
func (p *planner) change(r *rand.Rand, s *shop, at int64) {
	const pause = 1_500_000 // longer than the new gap, shorter than the old one
	pr := &s.catalogue[0]
	buy := []beat{{kind: productViewed, place: home}, {kind: cartAdded, place: cart, props: &properties{product: pr}},
		{kind: payment, place: checkoutPage}, {kind: purchased, place: thanks}}
	for _, c := range []struct{ start, pause int64 }{{at - 1, pause}, {at, pause}, {at - 60_000, 40_000}, {at - 1_199_000, 1_200_001}, {at - 120_000, 1_799_000}} {
		w := p.walker(r, s, c.start)
		for _, b := range buy {
			if b.kind == purchased {
				p.orders++
				b.order, b.value = "N"+uuid(r)[:8], 1000+r.Int64N(9000)
				b.props = &properties{OrderID: b.order, Currency: s.currency, Revenue: amount(b.value, s.currency)}
			}
			w.bot(b, c.pause)
		}
	}
}
