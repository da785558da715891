package sim

import (
	"math/big"
	"slices"
)

// describe tells what there is to say about a session; before is the visitor's session before it, if any.
func (c *cut) describe(shop *shop, before *Session) {
	first := c.kept[0]
	e := first.page.entry
	c.Window = c.StartedAt / 1000 / windowSeconds * windowSeconds
	c.Channel, c.Device, c.Brand, c.Landing = e.channel, first.visitor.device.name, e.brand, first.page.Path
	c.Events, c.TailEvents = len(c.kept)+len(c.tail), len(c.tail)
	c.Returning = before != nil && c.StartedAt-before.EndedAt <= previousDays*86_400_000
	if e.previous {
		c.Channel = "Direct"
		if c.Returning {
			c.Channel = before.Channel // and only the channel: brand_search is that of the entry itself
		}
	}
	trail := append(slices.Clone(c.kept), c.joined...)
	slices.SortStableFunc(trail, inOrder)
	paid := map[string]bool{}
	for _, d := range trail {
		c.Actions = append(c.Actions, d.kind.action)
		if d.kind == purchased && !paid[d.order] {
			paid[d.order] = true
			c.Orders++
			minor, currency, _ := d.money()
			value, _ := shop.base(minor, currency, d.ts)
			c.ValueMinor += value
		}
	}
	for _, d := range c.kept {
		if d.user != "" {
			c.User = d.user
		}
	}
	c.Robot = robotic(c.kept, c.tail)
	c.climb(shop.at(c.StartedAt), trail)
}

// robotic tells whether a session looks like a machine's, by the published rule.
func robotic(kept, tail []*delivery) bool {
	for _, d := range append(slices.Clone(kept), tail...) {
		if d.visitor.robot {
			return true
		}
	}
	if len(kept)+len(tail) > 500 || crowded(kept, 120, 60_000) || even(kept) {
		return true
	}
	var carts []*delivery
	for _, d := range kept {
		if d.kind.action == "checkout_started" {
			return false
		}
		if d.kind.action == "cart_added" {
			carts = append(carts, d)
		}
	}
	return crowded(carts, 20, 600_000)
}

// crowded tells whether more than limit of the events lie within less than the span.
func crowded(of []*delivery, limit int, span int64) bool {
	for i, d := range of {
		n := 0
		for _, o := range of[i:] {
			if o.ts-d.ts < span {
				n++
			}
		}
		if n > limit {
			return true
		}
	}
	return false
}

// even tells whether there are at least 20 pauses, with a standard deviation below 50 ms.
func even(of []*delivery) bool {
	n := int64(len(of) - 1)
	if n < 20 {
		return false
	}
	sum, squares := new(big.Int), new(big.Int)
	for i := range n {
		x := big.NewInt(min(of[i+1].ts-of[i].ts, 1<<24))
		sum.Add(sum, x)
		squares.Add(squares, x.Mul(x, x))
	}
	left := squares.Mul(squares, big.NewInt(n))
	left.Sub(left, sum.Mul(sum, sum))
	return left.Cmp(big.NewInt(n*n*50*50)) < 0
}
