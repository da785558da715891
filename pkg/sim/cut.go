package sim

import (
	"cmp"
	"slices"
)

// kept is how many events of a run a session keeps; the rest only counts.
const keptEvents = 500

// cut is a session with what it is made of.
type cut struct {
	Session
	kept, tail []*delivery // interactive
	joined     []*delivery // not interactive
}

// cutVisitor cuts one visitor's accepted events into sessions: sort, split at pauses, keep the first of each run, split
// where somebody else takes over, and give the events that are not interactive to the sessions.
func cutVisitor(of []*delivery) []*cut {
	sorted := slices.Clone(of)
	slices.SortStableFunc(sorted, inOrder)
	shop := sorted[0].visitor.shop
	var acting, loose []*delivery
	for _, d := range sorted {
		if d.kind.interactive {
			acting = append(acting, d)
		} else {
			loose = append(loose, d)
		}
	}
	runs := split(acting, shop)
	dropped := map[*delivery]bool{}
	for _, run := range runs {
		for _, d := range run[min(len(run), keptEvents):] {
			dropped[d] = true
		}
	}
	spans := spansOf(sorted, dropped)
	var out []*cut
	for _, run := range runs {
		keep, tail := run[:min(len(run), keptEvents)], run[min(len(run), keptEvents):]
		for i, d := range keep {
			switched := i > 0 && spans[d] != spans[keep[i-1]]
			if i == 0 || switched {
				out = append(out, &cut{Session: Session{Store: shop.name, Visitor: d.visitor.id, Switched: switched, Capped: len(tail) > 0}})
			}
			c := out[len(out)-1]
			c.kept = append(c.kept, d)
		}
		out[len(out)-1].tail = tail
	}
	for _, c := range out {
		all := append(slices.Clone(c.kept), c.tail...)
		c.StartedAt, c.EndedAt = c.kept[0].ts, all[len(all)-1].ts
	}
	for _, d := range loose {
		if c := joins(out, d, shop); c != nil {
			c.joined = append(c.joined, d)
		}
	}
	var before *Session
	for _, c := range out {
		c.describe(shop, before)
		before = &c.Session
	}
	return out
}

// inOrder is the order of a visitor's events.
func inOrder(a, b *delivery) int { return cmp.Or(cmp.Compare(a.ts, b.ts), cmp.Compare(a.seq, b.seq)) }

// split cuts where two neighbours are further apart than the gap at the earlier one's time.
func split(acting []*delivery, s *shop) (runs [][]*delivery) {
	for i, d := range acting {
		if i == 0 || d.ts-acting[i-1].ts > s.gap(acting[i-1].ts) {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], d)
	}
	return runs
}

// spansOf numbers, for each event that is kept, who the visitor is: a number more for each other user. Events without a
// user say nothing. Nobody here has two e-mail addresses without a user.
func spansOf(sorted []*delivery, dropped map[*delivery]bool) map[*delivery]int {
	out, user, number := map[*delivery]int{}, "", 0
	for _, d := range sorted {
		if dropped[d] {
			continue
		}
		if d.user != "" && user != "" && d.user != user {
			number++
		}
		if d.user != "" {
			user = d.user
		}
		out[d] = number
	}
	return out
}
