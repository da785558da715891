package sim

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
)

// freeShipping is the order value from which nothing is charged, flatShipping the charge below it, cents of the euro.
const freeShipping, flatShipping = 5000, 495

// pay writes the checkout as far as the goal goes.
func (s *script) pay() {
	g := s.goal
	id := "k" + s.cartID
	if g.checkout || g.resume {
		// The value of a checkout that has begun is no order's: only purchases may count.
		s.say(checkout, checkoutPage, &properties{CheckoutID: id, Value: s.amount(sum(s.basket)), Revenue: s.amount(sum(s.basket)),
			Currency: s.currency, Products: s.basket})
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
		more := s.p.basket(s.r, s.v, s.currency)
		s.say(cartAdded, place{more[0].path(), "", more[0].Name}, &properties{product: &more[0], CartID: s.cartID, Currency: s.currency})
		s.buy(more)
	}
}

// buy writes one order. Its value is in revenue; some shops send only a total, or only a value.
func (s *script) buy(basket []product) {
	s.p.orders++
	id, minor := fmt.Sprintf("A%07d", 1_000_000+s.p.orders), sum(basket)
	per := minorPerCent[s.currency]
	fee, tax := int64(0), minor*19/100
	if minor < int64(freeShipping*per) {
		fee = int64(flatShipping * per)
	}
	o := &properties{OrderID: id, CheckoutID: "k" + s.cartID, Currency: s.currency, Products: basket,
		Shipping: s.amount(fee), Tax: s.amount(tax)}
	value := minor
	switch x := s.r.Float64(); {
	case x < .85:
		o.Revenue, o.Total = s.amount(minor), s.amount(minor+fee+tax)
	case x < .97:
		value = minor + fee + tax
		o.Total, o.Value = s.amount(value), s.amount(minor)
	default:
		o.Value = s.amount(minor)
	}
	s.beats = append(s.beats, beat{kind: purchased, place: thanks, props: o, order: id, value: value, paypal: chance(s.r, payPalShare)})
}

func (s *script) amount(minor int64) json.Number { return amount(minor, s.currency) }

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
