package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// place is an address in the shop.
type place struct{ path, search, title string }

var (
	home         = place{"/", "", "Shoes"}
	cart         = place{"/cart", "", "Your cart"}
	checkoutPage = place{"/checkout", "", "Checkout"}
	thanks       = place{"/checkout/thank-you", "", "Thank you"}
)

// goal is how far a visit gets, and by which shortcuts.
type goal struct {
	product, cart, checkout, shipping, payment, order bool
	quick, express, now                               bool // jumped over: product page; both forms; the whole checkout
	resume                                            bool // a cart of an earlier day: checkout without cart_added
}

// goal draws a visit's way through the funnel.
func (p *planner) goal(r *rand.Rand, v *visitor, intent float64, at int64) goal {
	d := v.device
	g := goal{product: chance(r, min(toProduct*math.Pow(intent, intentProduct), .98))}
	if !g.product {
		g.resume = chance(r, resumeShare)
		return g
	}
	if g.cart = chance(r, logitNormal(d.toCart*math.Pow(intent, intentCart), v.intent)*p.factor(IncidentStorefront, at)); !g.cart {
		return g
	}
	if g.quick = chance(r, quickAddShare); g.quick {
		g.product = false
	}
	toCheckout := d.toCheckout
	if d.name == "mobile" {
		toCheckout *= p.factor(IncidentMobileRelease, at)
	}
	if g.checkout = chance(r, toCheckout); !g.checkout {
		return g
	}
	g.payment = chance(r, d.toPay)
	g.shipping = g.payment || chance(r, shippingShare)
	g.order = g.payment && chance(r, d.toBuy)
	if g.order && chance(r, expressShare) {
		g.express, g.shipping, g.payment = true, false, false
	}
	if g.order && chance(r, buyNowShare) {
		g.now, g.checkout, g.shipping, g.payment = true, false, false, false
	}
	return g
}

// beat is one event of a visit before it has a time.
type beat struct {
	kind   *kind
	place  place
	props  *properties
	order  string
	value  int64
	paypal bool // the page was reached from the payment provider
	tie    bool // in the same millisecond as the beat before
}

// pays draws the currency of a visit.
func (s *shop) pays(r *rand.Rand) string {
	for _, f := range s.abroad {
		if chance(r, f.share) {
			return f.currency
		}
	}
	return s.currency
}

// script writes the beats of one visit.
type script struct {
	p      *planner
	r      *rand.Rand
	v      *visitor
	goal   goal
	basket []product
	// currency of the whole visit
	currency string
	beats    []beat
	cartID   string
}

func (p *planner) script(r *rand.Rand, v *visitor, intent float64, at int64) []beat {
	s := &script{p: p, r: r, v: v, goal: p.goal(r, v, intent, at), currency: v.shop.pays(r), cartID: fmt.Sprintf("c%08x", r.Uint32())}
	s.basket = p.basket(r, v, s.currency)
	if !s.goal.cart && !s.goal.resume && chance(r, singleShare/(1-meanCart)) {
		s.land(s.goal.product)
		return s.beats
	}
	n := int(math.Round(lognormal(r, eventsMed, eventsSigma)))
	s.write(min(max(n, 2), eventsMax))
	return s.beats
}

// write fills the visit up to about n events: browsing, the cart, more browsing, the checkout.
func (s *script) write(n int) {
	g := s.goal
	onProduct := g.product && chance(s.r, .45)
	micros := s.micros()
	free := max(n-1-len(micros)-count(g.product && !onProduct, g.cart, g.checkout, g.shipping, g.payment, g.order), 0)
	later := 0
	if g.cart {
		later = free / 4
	}
	s.land(onProduct)
	early := s.r.IntN(free - later + 1)
	s.browse(early, g.product)
	if g.product && !onProduct {
		s.show(s.basket[0])
	}
	s.browse(free-later-early, g.product)
	if g.cart {
		s.fillCart()
		s.browse(later, true)
	}
	s.slip(micros)
	if g.cart && (g.checkout || chance(s.r, .5)) && !g.now && chance(s.r, cartViewShare) || g.resume {
		s.say(cartViewed, cart, &properties{CartID: s.cartID, Products: s.basket})
	}
	s.pay()
}

func count(flags ...bool) (n int) {
	for _, f := range flags {
		if f {
			n++
		}
	}
	return n
}

func (s *script) say(k *kind, at place, props *properties) {
	s.beats = append(s.beats, beat{kind: k, place: at, props: props})
}

func (s *script) here() place { return s.beats[len(s.beats)-1].place }

func (s *script) land(onProduct bool) {
	switch {
	case onProduct:
		s.show(s.basket[0])
	case chance(s.r, .45):
		s.list()
	default:
		s.say(pageViewed, home, nil)
	}
}

func (s *script) show(pr product) {
	s.say(productViewed, place{pr.path(), "", pr.Name}, &properties{product: &pr, Currency: s.currency})
}

func (s *script) list() {
	c := oneOf(s.r, categories)
	k := listViewed
	if chance(s.r, .3) {
		k = pageViewed
	}
	s.say(k, place{"/collections/" + c, "", c}, &properties{ListID: c, CategoryOf: c})
}

// browse adds n events that lead nowhere.
func (s *script) browse(n int, mayShow bool) {
	for range n {
		switch x := s.r.Float64(); {
		case x < .40 && mayShow:
			s.show(s.v.shop.catalogue[s.p.popularity.pick(s.r)])
		case x < .60:
			s.list()
		case x < .70:
			q := oneOf(s.r, queries)
			s.say(searched, place{"/search", "?q=" + escape(q), "Search"}, &properties{Query: q})
		case x < .85:
			s.say(pageViewed, s.here(), nil) // the page call of the page just shown
		default:
			s.say(pageViewed, place{"/pages/" + oneOf(s.r, []string{"size-guide", "delivery", "about"}), "", "Help"}, nil)
		}
	}
}

func (s *script) fillCart() {
	if s.goal.quick {
		s.list()
	}
	for i := range s.basket {
		at := s.here()
		if !s.goal.quick {
			at = place{s.basket[i].path(), "", s.basket[i].Name}
		}
		s.say(cartAdded, at, &properties{product: &s.basket[i], CartID: s.cartID, Currency: s.currency})
	}
}
