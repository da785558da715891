package sim

import (
	"fmt"
	"net/url"
	"slices"
)

// freeShipping is the order value from which nothing is charged, flatShipping the charge below it, minor units.
const freeShipping, flatShipping = 5000, 495

// pay writes the checkout as far as the goal goes.
func (s *script) pay() {
	g := s.goal
	id := "k" + s.cartID
	if g.checkout || g.resume {
		// The value of a checkout that has begun is no order's: only purchases may count.
		s.say(checkout, checkoutPage, &properties{CheckoutID: id, Value: decimal(sum(s.basket)), Revenue: decimal(sum(s.basket)),
			Currency: s.p.cfg.Currency, Products: s.basket})
	}
	if g.shipping {
		s.say(shipping, checkoutPage, &properties{CheckoutID: id, Step: 1})
	}
	if g.payment {
		s.say(payment, checkoutPage, &properties{CheckoutID: id, Step: 2, Method: "card"})
	}
	if !g.order && !(g.resume && chance(s.r, .5)) {
		return
	}
	s.buy(s.basket)
	last := len(s.beats) - 1
	s.beats[last].tie = g.payment && chance(s.r, .1)
	if chance(s.r, reloadShare) {
		again := s.beats[last]
		again.tie, again.paypal = false, false
		s.beats = append(s.beats, again)
	}
	if chance(s.r, secondShare) {
		more := s.p.basket(s.r, s.v.device)
		s.say(cartAdded, place{more[0].path(), "", more[0].Name}, &properties{product: &more[0], CartID: s.cartID, Currency: s.p.cfg.Currency})
		s.buy(more)
	}
}

// buy writes one order. Its value is in revenue; some shops send only a total, or only a value.
func (s *script) buy(basket []product) {
	s.p.orders++
	id, minor := fmt.Sprintf("A%07d", 1_000_000+s.p.orders), sum(basket)
	fee, tax := int64(0), minor*19/100
	if minor < freeShipping {
		fee = flatShipping
	}
	o := &properties{OrderID: id, CheckoutID: "k" + s.cartID, Currency: s.p.cfg.Currency, Products: basket,
		Shipping: decimal(fee), Tax: decimal(tax)}
	value := minor
	switch x := s.r.Float64(); {
	case x < .85:
		o.Revenue, o.Total = decimal(minor), decimal(minor+fee+tax)
	case x < .97:
		value = minor + fee + tax
		o.Total, o.Value = decimal(value), decimal(minor)
	default:
		o.Value = decimal(minor)
	}
	s.beats = append(s.beats, beat{kind: purchased, place: thanks, props: o, order: id, value: value, paypal: chance(s.r, payPalShare)})
}

// micros draws the visit's small actions beside the funnel. They need a visit of more than one event.
func (s *script) micros() []*kind {
	var out []*kind
	draw := func(k *kind, p float64) {
		if chance(s.r, p/(1-singleShare)) {
			out = append(out, k)
		}
	}
	draw(subscribed, newsletterShare)
	draw(wishlisted, rising(wishlistShare, s.v.intent))
	draw(videoStarted, rising(videoShare, s.v.intent))
	draw(shared, socialShare)
	if !s.v.known {
		draw(registered, rising(accountShare, s.v.intent))
	}
	return out
}

// slip puts the small actions somewhere after the landing, on the page where the visit is then.
func (s *script) slip(micros []*kind) {
	for _, k := range micros {
		i := 1 + s.r.IntN(len(s.beats))
		s.beats = slices.Insert(s.beats, i, beat{kind: k, place: s.beats[i-1].place, props: s.small(k)})
	}
}

func (s *script) small(k *kind) *properties {
	pr := &s.basket[0]
	switch k {
	case wishlisted:
		return &properties{product: pr, WishlistID: "w1"}
	case shared:
		return &properties{product: pr, ShareVia: "whatsapp"}
	case videoStarted:
		return &properties{VideoID: "v" + s.cartID, TotalLength: 90}
	case subscribed:
		return &properties{Placement: "footer"}
	}
	return nil
}

func escape(query string) string { return url.QueryEscape(query) }
