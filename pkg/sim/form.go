package sim

import "math/rand/v2"

// minute groups one minute's deliveries, shop by shop.
func (p *planner) minute(m int, of []*delivery) (out []*request) {
	r := rand.New(rand.NewPCG(p.cfg.Seed, ^uint64(m)))
	for _, s := range p.shops {
		var groups [][]*delivery
		at := map[*visitor]int{}
		for _, d := range of {
			if d.visitor.shop != s {
				continue
			}
			i, ok := at[d.visitor]
			if !ok || d.again || d.reused {
				i = len(groups)
				groups = append(groups, nil)
			}
			if !d.again && !d.reused {
				at[d.visitor] = i
			}
			groups[i] = append(groups[i], d)
		}
		f := &former{shop: s, r: r, received: p.received(m)}
		for i, g := range groups {
			f.form(i, g)
		}
		out = append(out, f.out...)
	}
	return out
}

// former forms the requests of one shop's minute.
type former struct {
	shop     *shop
	r        *rand.Rand
	received int64
	out      []*request
	open     *request
}

// form puts the i-th group into a request of its own, or into one with others. A repeat comes in the form of the first.
func (f *former) form(i int, g []*delivery) {
	first := g[0]
	if len(g) == 1 && first.fault == "" && !first.again && !first.reused {
		first.single = chance(f.r, .15)
	}
	switch {
	case first.single:
		f.add(f.alone(g))
	case i < perVisitor || first.visitor.skew != 0 || first.again || first.reused:
		f.add(f.batch(g))
	case f.open != nil && len(f.open.items)+len(g) <= maxBatch:
		f.open.items = append(f.open.items, g...)
	default:
		f.open = f.batch(g)
		f.add(f.open)
	}
}

func (f *former) add(q *request) {
	q.shop, q.received = f.shop, f.received
	q.sent = f.received + q.items[0].visitor.skew
	f.out = append(f.out, q)
}

func (f *former) batch(items []*delivery) *request {
	return &request{path: "/v1/batch", contentType: "application/json", gzip: chance(f.r, .3), items: items}
}

// alone is a call as the browser library makes it: the short path and text/plain, or the long one.
func (f *former) alone(items []*delivery) *request {
	path := items[0].kind.call
	if chance(f.r, .6) {
		path = path[:1]
	}
	return &request{path: "/v1/" + path, contentType: "text/plain", single: true, items: items}
}
