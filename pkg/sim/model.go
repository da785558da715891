package sim

import (
	"math"
	"math/rand/v2"
	"sort"
)

// The numbers in this file are the parameters of the storefront model (analytics.md §10). Those marked [A] are
// assumptions that the model leaves open.

// deviceModel is a kind of device: its share of sessions, the chance to take each step, and the order value's factor.
// sole is its share among persons with one device: persons with two come with two kinds and level the shares out.
type deviceModel struct {
	name                             string
	share, sole                      float64
	toCart, toCheckout, toPay, toBuy float64
	orderFactor                      float64
	agents                           []string
}

// devices are tuned to 67/31 % of visits, CVR 2.3/3.8/3.2 % and abandonment 77.5 %.
var devices = []deviceModel{
	{name: "mobile", share: .67, sole: .718, toCart: .21, toCheckout: .40, toPay: .64, toBuy: .713, orderFactor: 1, agents: mobileAgents},
	{name: "desktop", share: .30, sole: .258, toCart: .215, toCheckout: .50, toPay: .76, toBuy: .775, orderFactor: 1.3, agents: desktopAgents},
	{name: "tablet", share: .03, sole: .024, toCart: .213, toCheckout: .46, toPay: .72, toBuy: .755, orderFactor: 1, agents: tabletAgents},
}

// hours weigh the starts of visits over the day, in the store's time.
var hours = []float64{1.9, 1.2, .8, .6, .6, .8, 1.5, 2.8, 3.9, 4.6, 5.1, 5.4, 5.6, 5.4, 5.2, 5.1, 5.2, 5.4, 5.8, 6.6, 7.4, 7.3, 5.6, 3.6}

const (
	toProduct = .60 // session -> product_viewed, on all devices
	// meanIntent is the mean of the channels' intent multipliers: dividing by it keeps the overall rates.
	meanIntent    = .9311
	intentProduct = .4 // exponent of the multiplier on session -> product_viewed
	intentCart    = .6 // exponent of the multiplier on product_viewed -> cart_added

	intentSD = .8 // of the visitor's intent, on the logit of cart_added

	singleShare = .35  // sessions of one event
	meanCart    = .127 // share of sessions that reach cart_added: these cannot have one event
	eventsMed   = 4.0  // events of the other sessions, lognormal
	eventsSigma = 1.17
	eventsMax   = 120 // [A]

	returnShare = .30 // a person comes back once more, geometric
	returnHours = 26.0
	returnSigma = 1.2

	identifiedShare = .35
	twoDeviceShare  = .12

	orderMedian = 62.0 // in units of the currency
	orderSigma  = .7

	newsletterShare = .025
	wishlistShare   = .03
	accountShare    = .012
	videoShare      = .05
	socialShare     = .004

	products     = 500
	productsZipf = 1.1
)

const ( // all [A]
	pauseSeconds = 22.0 // between two events of a visit, lognormal
	pauseSigma   = 1.1
	edgeShare    = .06 // visits with a pause about as long as the session gap

	quickAddShare = .10 // of carts: added from a list
	expressShare  = .18 // of orders: paid by wallet, neither shipping nor payment form
	buyNowShare   = .05 // of orders: not even a checkout
	resumeShare   = .006
	shippingShare = .5 // of checkouts that do not reach payment
	payPalShare   = .2
	reloadShare   = .05 // of orders: the confirmation page is loaded again
	secondShare   = .02 // of orders: another one follows in the visit
	cartViewShare = .6

	ownReferrerShare = .12 // of later visits: entered from the shop itself or a payment provider
	strayShare       = .004
	loneIdentify     = .03
)

// weights is a cumulative distribution over indexes.
type weights []float64

func weigh(n int, share func(i int) float64) weights {
	w := make(weights, n)
	sum := 0.0
	for i := range w {
		sum += share(i)
		w[i] = sum
	}
	return w
}

func (w weights) pick(r *rand.Rand) int {
	return min(sort.SearchFloat64s(w, r.Float64()*w[len(w)-1]), len(w)-1)
}

func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

func lognormal(r *rand.Rand, median, sigma float64) float64 {
	return median * math.Exp(sigma*r.NormFloat64())
}

func oneOf[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// logitNormal moves the probability p by a visitor's intent z. The factor on the logit (the probit approximation of a
// logit-normal's mean) makes p the mean over all visitors again.
func logitNormal(p, z float64) float64 {
	p = min(max(p, .001), .95)
	logit := math.Log(p/(1-p)) * math.Sqrt(1+math.Pi*intentSD*intentSD/8)
	return 1 / (1 + math.Exp(-logit-intentSD*z))
}

// rising is a small probability that rises with the intent z and has the mean p.
func rising(p, z float64) float64 { return p * math.Exp(intentSD*z-intentSD*intentSD/2) }
