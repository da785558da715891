package sim

import "math/rand/v2"

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
	l := p.land(r, v.shop, at)
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
	second, middle := at+gap*5/3, at+gap*5/6
	if chance(r, .3) {
		second, middle = at+2*gap+r.Int64N(2), at+gap // as far as it may be, or a millisecond too far
	}
	arrive := second + 60_000 + r.Int64N(3_600_000)
	if arrive+120_000 >= p.end {
		return
	}
	p.view(r, v, at, at)
	p.view(r, v, second, second)
	p.view(r, v, middle, arrive)
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
