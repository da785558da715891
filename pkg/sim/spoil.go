package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// spoil lets the network do its worst: events that come late or out of order, twice, under an id that was used, or with
// something in them that nobody can take.
func (p *planner) spoil() {
	p.findTies()
	r := rand.New(rand.NewPCG(p.cfg.Seed, 0x5901))
	repeated := map[*hit]bool{}
	for _, d := range p.repeats {
		repeated[d.hit] = true
	}
	for _, h := range p.hits {
		if h.delay == 0 && !h.tied && !repeated[h] {
			h.delay = p.late(r, h)
		}
	}
	for _, h := range slices.Clone(p.hits) {
		if h.at < p.start {
			continue // close to the floor a repeat might be late where the first was not
		}
		soon := h.arrives() + 60_000 + r.Int64N(1_740_000)
		switch x := r.Float64(); {
		case x < againShare:
			p.again(h, soon)
		case x < againShare+reuseShare:
			p.reuse(h, soon)
		}
	}
	p.breakSome(r)
	slices.SortStableFunc(p.repeats, func(a, b *delivery) int { return cmp.Compare(a.arrive, b.arrive) })
}

// findTies notes the events that share a millisecond with another of their visitor: they must travel together, since
// only their places in one request tell their order.
func (p *planner) findTies() {
	last := map[*visitor]*hit{}
	for _, h := range p.hits {
		if o := last[h.visitor]; o != nil && o.at == h.at {
			o.tied, h.tied = true, true
		}
		last[h.visitor] = h
	}
}

// late draws how much later than it happened an event is sent.
func (p *planner) late(r *rand.Rand, h *hit) (delay int64) {
	switch x := r.Float64(); {
	case x < swapShare:
		delay = 1 + r.Int64N(60_000)
	case x < swapShare+delayShare:
		delay = 300_001 + r.Int64N(3_300_000)
	case x < swapShare+delayShare+longShare:
		delay = 3_600_001 + r.Int64N(20*3_600_000)
	}
	if h.at+delay >= p.end {
		return 0 // it would come on another day
	}
	return delay
}

// reuse sends something else under an event's id. The first in the log wins.
func (p *planner) reuse(h *hit, arrive int64) {
	if h.props == nil || h.visitor.id == "" || minuteOf(arrive-p.start) >= p.minutes() || minuteOf(arrive-p.start) <= minuteOf(h.arrives()-p.start) {
		return
	}
	other, props := *h, *h.props
	props.Placement = "somewhere else"
	if h.kind == purchased {
		props.Revenue = amount(h.value+100, props.Currency)
	}
	other.props = &props
	p.repeats = append(p.repeats, &delivery{hit: &other, arrive: arrive, reused: true})
}
