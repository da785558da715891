package sim

import (
	"math/rand/v2"
	"slices"
)

// visit draws one visit that starts at the given time, and returns the time of its last event. What comes after
// midnight does not happen.
func (p *planner) visit(r *rand.Rand, v *visitor, at int64) int64 {
	l := p.land(r, v.shop, at)
	if chance(r, strayShare) || v.visits > 0 && chance(r, ownReferrerShare) {
		l = back(r, v.shop)
	}
	v.visits++
	beats := p.script(r, v, l.intent, at)
	login := -1
	if i := slices.IndexFunc(beats, func(b beat) bool { return b.kind == registered }); i >= 0 {
		login = i
		if v.user == "" {
			v.user = "u" + v.id[:8]
		}
	} else if v.user != "" && (!v.known || chance(r, .3)) {
		login = r.IntN(len(beats))
	}
	edge := -1
	if len(beats) > 1 && chance(r, v.shop.edges()) {
		edge = 1 + r.IntN(len(beats)-1)
		beats[edge].tie = false
	}
	w := &walk{p: p, r: r, v: v, l: l, at: at, leave: p.leaves(r, v, len(beats))}
	for i, b := range beats {
		if i > 0 && !b.tie {
			w.wait(i == edge)
		}
		if w.at >= p.end {
			break
		}
		w.change(i)
		if b.kind == purchased && !p.spared(IncidentCheckoutOutage, v, w.at) {
			w.fail(b, beats[:i])
			break
		}
		w.step(b, i == login)
	}
	return w.last
}

// walk gives the beats of a visit their times and pages.
type walk struct {
	p     *planner
	r     *rand.Rand
	v     *visitor
	l     landing
	at    int64
	leave int  // the beat before which the user logs out, -1 for none
	left  bool // the user did
	last  int64
	page  *page
}

// wait lets time pass until the next event.
func (w *walk) wait(edge bool) {
	if !edge {
		w.at += min(max(int64(lognormal(w.r, pauseSeconds, pauseSigma)*1000), 300), w.v.shop.gap(w.at)*2/3)
		return
	}
	d := w.edge()
	if w.v.known && chance(w.r, .5) {
		// Naming the user again in the middle of the pause must not bridge it.
		w.identify(w.at + d/2)
	}
	w.at += d
}

// edge is a pause near the session gap: equal to it is no cut, a millisecond more is one.
func (w *walk) edge() int64 {
	gap := w.v.shop.gap(w.at)
	switch w.r.IntN(6) {
	case 0:
		return gap
	case 1:
		return gap + 1
	case 2:
		return gap - 1
	case 3:
		return gap + 1 + w.r.Int64N(60_000)
	case 4:
		return gap - 1 - w.r.Int64N(60_000)
	}
	return gap + w.r.Int64N(gap)
}

func (w *walk) step(b beat, login bool) {
	if w.page == nil {
		w.page = w.v.shop.page(b.place, w.l, w.l.referrer)
	} else if from := w.page; b.paypal {
		w.page = w.v.shop.page(b.place, landing{}, "https://www.paypal.com/")
	} else if from.Path != b.place.path || b.place.search != "" && from.Search != b.place.search {
		w.page = w.v.shop.page(b.place, landing{}, from.URL)
	}
	h := &hit{id: messageID(w.r, w.at), at: w.at, kind: b.kind, visitor: w.v, page: w.page, props: b.props, order: b.order, value: b.value}
	if w.v.known {
		h.user = w.v.user
	}
	if b.kind == pageViewed {
		h.props = &properties{Title: w.page.Title, Path: w.page.Path, URL: w.page.URL, Referrer: w.page.Referrer, Search: w.page.Search}
	}
	if b.kind != cartAdded || systemOf(w.v.agent) != "iOS" || w.p.spared(IncidentTrackingBreak, w.v, w.at) {
		w.p.add(h) // else the shop's tag is broken: it happened, and nobody is told
	}
	w.last = w.at
	if login {
		w.v.known = true
		w.identify(w.at + 40) // shorter than any pause
	}
}

// fail ends a visit whose order an outage swallows. Who came without a payment form, by wallet or past the checkout, had paid too.
func (w *walk) fail(order beat, before []beat) {
	if !slices.ContainsFunc(before, func(b beat) bool { return b.kind == payment }) {
		w.step(beat{kind: payment, place: checkoutPage, props: &properties{CheckoutID: order.props.CheckoutID, Step: 2, Method: "wallet"}}, false)
	}
}

func (w *walk) identify(at int64) {
	if at < w.p.end {
		w.p.add(&hit{id: messageID(w.r, at), at: at, kind: identified, visitor: w.v, user: w.v.user, page: w.page})
	}
}

// page is a view of a place. Pages after the landing page have the shop as their referrer, so that an event there
// opens a session with the channel of the one before.
func (s *shop) page(at place, l landing, referrer string) *page {
	pg := &page{Path: at.path, Search: at.search, Title: at.title, Referrer: referrer, campaign: l.campaign, entry: l.entry}
	if l.entry == (entry{}) {
		pg.entry.previous = true
	}
	if l.search != "" {
		pg.Search = l.search
	}
	pg.URL = s.url + pg.Path + pg.Search
	return pg
}
