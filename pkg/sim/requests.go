package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

const (
	// minutes of a day: all events of one are sent, and acknowledged, before the clock moves on.
	minutes     = 24 * 60
	minuteMilli = 60_000
	// maxBatch is about the number of events after which Segment's server libraries send a batch. One visitor's events of
	// a minute are never parted, since their places in the batch tell the order of those that share a millisecond.
	maxBatch = 20
	// perVisitor is the number of visitors up to which each sends for itself; beyond it, batches hold several, or a
	// dense minute would be all round trips.
	perVisitor = 6
	// lostEvery: of so many requests, the answer to one is lost on its way.
	lostEvery = 331
)

// request is what one HTTP call carries.
type request struct {
	shop              *shop
	path, contentType string
	single, gzip      bool
	sent              int64 // by the client's clock
	received          int64 // by ingest's
	items             []*delivery
	lost              bool // its first answer does not reach the sender
	again             bool // the same bytes were sent before
}

// minuteOf a time, in milliseconds since midnight: minute m holds the times in (m, m+1] minutes after midnight.
func minuteOf(ms int64) int { return int((ms - 1) / minuteMilli) }

// minutes of all days.
func (p *planner) minutes() int { return p.cfg.Days * minutes }

// requests groups what is sent into requests, by minute.
func (p *planner) requests() [][]*request {
	byMinute := make([][]*delivery, p.minutes())
	put := func(d *delivery) {
		m := minuteOf(d.arrive - p.start)
		byMinute[m] = append(byMinute[m], d)
	}
	for _, h := range p.hits {
		put(&delivery{hit: h, arrive: h.arrives()})
	}
	for _, d := range p.repeats {
		put(d)
	}
	out := make([][]*request, p.minutes())
	r, number := rand.New(rand.NewPCG(p.cfg.Seed, 0xb0d1e5)), 0
	for m, of := range byMinute {
		slices.SortStableFunc(of, func(a, b *delivery) int { return cmp.Compare(a.arrive, b.arrive) })
		out[m] = append(p.minute(m, of), out[m]...)
		if p.cfg.Clean {
			continue
		}
		for _, q := range out[m] {
			number++
			q.lost = number%lostEvery == 0 && q.harmless()
			if later := m + 1 + r.IntN(30); !q.again && later < p.minutes() && q.harmless() && chance(r, bodyShare) {
				out[later] = append(out[later], q.copy(p.received(later)))
			}
		}
	}
	return out
}

// harmless requests hold only what may be sent twice without any other trace than duplicates.
func (q *request) harmless() bool {
	return !slices.ContainsFunc(q.items, func(d *delivery) bool { return d.fault != "" || d.reused || d.again || d.at < q.received-lateness/2 })
}

// copy is the same request, sent again at another time.
func (q *request) copy(received int64) *request {
	again := *q
	again.received, again.again, again.items = received, true, nil
	for _, d := range q.items {
		again.items = append(again.items, &delivery{hit: d.hit, arrive: received, again: true})
	}
	return &again
}
