package sim

import "slices"

// joins finds the session for an event that is not interactive: the latest with start ≤ ts ≤ end + gap, of those that
// hold its cart or checkout if there are any.
func joins(sessions []*cut, d *delivery, s *shop) (found *cut) {
	holds := func(c *cut) bool {
		return slices.ContainsFunc(c.kept, func(o *delivery) bool {
			return same(d.token(), o.token()) || same(d.checkout(), o.checkout())
		})
	}
	var fit, held []*cut
	for _, c := range sessions {
		if c.StartedAt <= d.ts && d.ts <= c.EndedAt+s.gap(c.EndedAt) {
			fit = append(fit, c)
			if holds(c) {
				held = append(held, c)
			}
		}
	}
	if len(held) > 0 {
		fit = held
	}
	if len(fit) > 0 {
		found = fit[len(fit)-1]
	}
	return found
}

func same(a, b string) bool { return a != "" && a == b }

func (h *hit) token() string {
	if h.props == nil {
		return ""
	}
	return h.props.CartID
}

func (h *hit) checkout() string {
	if h.props == nil {
		return ""
	}
	return h.props.CheckoutID
}

// merges counts the events that joined what had been two sessions when they came.
func merges(of []*delivery) (n int) {
	shop := of[0].visitor.shop
	var known []*delivery // in the order of arrival, like of
	for i := 0; i < len(of); {
		received, before := of[i].received, len(split(known, shop))
		bridging := false
		for ; i < len(of) && of[i].received == received; i++ {
			if of[i].kind.interactive {
				bridging = bridging || len(known) > 0 && of[i].ts < known[len(known)-1].ts
				known = append(known, of[i])
			}
		}
		if bridging {
			slices.SortStableFunc(known, inOrder)
			n += max(0, before-len(split(known, shop)))
		}
	}
	return n
}
