package sim

import (
	"math/rand/v2"
	"time"
)

const (
	lateness  = 86_400_000 // of every store here
	allowance = 10_000     // how far the pipeline's watermark stays behind
	// borderRoom keeps events clear of the floor, so that which side they are on does not hang on a millisecond.
	borderRoom = 5_000
)

// received is when ingest takes what is sent in a minute: at its end, where the clock stands.
func (p *planner) received(minute int) int64 { return p.start + int64(minute+1)*minuteMilli }

// floorOf the log while a minute's records come.
func floorOf(received int64) int64 { return received - allowance - lateness }

// view is a page view of a browser of its own that arrives at a time.
func (p *planner) view(r *rand.Rand, v *visitor, at, arrive int64) {
	l := p.land(r, v.shop)
	pg := v.shop.page(home, l, l.referrer)
	h := &hit{id: messageID(r, at), at: at, delay: arrive - at, kind: pageViewed, visitor: v, page: pg,
		props: &properties{Title: pg.Title, Path: pg.Path, URL: pg.URL, Referrer: pg.Referrer, Search: pg.Search}}
	p.add(h)
}

// bridge plans two sessions with an event between them that comes when both have been told of: they become one.
func (p *planner) bridge(r *rand.Rand, s *shop) {
	v := p.browser(r, s, p.sole, "", 0)
	v.skew = 0
	at := p.hour(r, s)
	gap := s.gap(at)
	second := at + gap*5/3
	arrive := second + 60_000 + r.Int64N(3_600_000)
	if arrive+120_000 >= p.end {
		return
	}
	p.view(r, v, at, at)
	p.view(r, v, second, second)
	p.view(r, v, at+gap*5/6, arrive)
}

// offline plans events of the days before that a browser sends only now. What happened too long ago is late.
func (p *planner) offline(r *rand.Rand, v *visitor) {
	arrive := p.start + 60_000 + r.Int64N(p.end-p.start-120_000)
	at := arrive - 6*3_600_000 - r.Int64N(66*3_600_000)
	if chance(r, .5) || v.skew != 0 {
		v = p.browser(r, v.shop, p.sole, v.user, 0)
		v.skew = 0
	}
	for range 1 + r.IntN(3) {
		floor := floorOf(p.received(minuteOf(arrive - p.start)))
		if off := at - floor; off > -borderRoom && off < borderRoom {
			at = floor - borderRoom
		}
		if at < p.start && at > p.start-72*3_600_000 {
			p.view(r, v, at, arrive)
		}
		at += 20_000 + r.Int64N(20_000)
		arrive += 1000
	}
}

// rare plans what happens once or twice a day, whatever its size.
func (p *planner) rare() {
	r := rand.New(rand.NewPCG(p.cfg.Seed, 0x7a9e))
	s := p.shops[0]
	plain := func(s *shop) *visitor {
		v := p.browser(r, s, p.sole, "", 0)
		v.skew = 0
		return v
	}
	// Exactly at the floor is accepted, a millisecond before is late.
	end := p.received(600)
	p.view(r, plain(s), floorOf(end), end-1000)
	p.view(r, plain(s), floorOf(end)-1, end-1000)
	// An order of 40 hours ago is in no session, and in the books.
	for _, of := range p.shops[:2] {
		v, arrive := plain(of), p.received(900+r.IntN(300))-20_000
		at, basket := arrive-40*3_600_000, p.basket(r, &visitor{shop: of, device: &devices[0]}, of.currency)
		p.orders++
		o := &hit{id: messageID(r, at), at: at, delay: arrive - at, kind: purchased, visitor: v, page: of.page(thanks, landing{}, of.url+"/checkout"),
			order: "L" + of.name, value: sum(basket)}
		o.props = &properties{OrderID: o.order, Currency: of.currency, Products: basket, Revenue: amount(o.value, of.currency)}
		p.add(o)
	}
	if p.cfg.Events >= 10*cappedViews {
		w := &walk{p: p, r: r, v: plain(s), at: p.start + int64(13*time.Hour/time.Millisecond)}
		w.scrape(cappedViews)
	}
}

// cappedViews is more than a session keeps.
const cappedViews = 640
