package sim

import (
	"fmt"
	"math/rand/v2"
)

// Robots by kind: 60 % say what they are, 25 % scrape products, 10 % fill carts, 5 % sign up (and say what they are).
const (
	scraperViews = 200
	scraperPause = 1500 // milliseconds
	scraperSlack = 20
	cartingAdds  = 26
)

// robot draws one robot's only session.
func (p *planner) robot(r *rand.Rand, s *shop) {
	w := &walk{p: p, r: r, at: p.hour(r, s)}
	switch x := r.Float64(); {
	case x < .60:
		w.v = declared(r, s)
		for range 1 + r.IntN(12) {
			w.bot(w.glance(), max(int64(lognormal(r, 4, .8)*1000), 400))
		}
	case x < .85:
		w.v = p.disguised(r, s)
		w.scrape(scraperViews)
	case x < .95:
		w.v = p.disguised(r, s)
		cart := fmt.Sprintf("c%08x", r.Uint32())
		for range cartingAdds {
			pr := s.catalogue[p.popularity.pick(r)]
			w.bot(beat{kind: cartAdded, place: place{pr.path(), "", pr.Name}, props: &properties{product: &pr, CartID: cart, Currency: s.currency}},
				6000+r.Int64N(16_000))
		}
	default:
		w.v = declared(r, s)
		for _, k := range []*kind{pageViewed, registered, subscribed} {
			w.bot(beat{kind: k, place: place{"/account", "", "Account"}}, 900+r.Int64N(4000))
		}
	}
}

// scrape views products at a pace that no person keeps.
func (w *walk) scrape(views int) {
	for range views {
		pr := w.v.shop.catalogue[w.r.IntN(products)]
		w.bot(beat{kind: productViewed, place: place{pr.path(), "", pr.Name}, props: &properties{product: &pr, Currency: w.v.shop.currency}},
			scraperPause-scraperSlack+w.r.Int64N(2*scraperSlack+1))
	}
}

func (w *walk) glance() beat {
	if chance(w.r, .5) {
		return beat{kind: pageViewed, place: home}
	}
	pr := w.v.shop.catalogue[w.p.popularity.pick(w.r)]
	return beat{kind: productViewed, place: place{pr.path(), "", pr.Name}, props: &properties{product: &pr, Currency: w.v.shop.currency}}
}

// bot adds an event of a robot and waits. Robots come directly and have no referrer, so every event keeps that channel.
func (w *walk) bot(b beat, pause int64) {
	if w.at >= w.p.end {
		return
	}
	if w.l.entry == (entry{}) {
		w.l.entry = entry{channel: "Direct"}
	}
	w.page = w.v.shop.page(b.place, w.l, "")
	w.step(b, false)
	w.at += pause
}

func declared(r *rand.Rand, s *shop) *visitor {
	a := oneOf(r, robotAgents)
	return &visitor{id: uuid(r), shop: s, device: &deviceModel{name: a.device}, agent: a.agent, robot: true}
}

// disguised is a robot with a shopper's agent.
func (p *planner) disguised(r *rand.Rand, s *shop) *visitor {
	return p.browser(r, s, p.sole, "", 0)
}
