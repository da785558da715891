package sim

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

// What goes wrong, and who is not a shopper. Not in a clean day.
const (
	robotShare = .09 // of persons: 8 % of the sessions, since persons come back

	switchShare = .15 // of visits by users: somebody else takes over
	skewShare   = .003
	driftShare  = .003

	swapShare     = .03  // sent up to a minute late
	delayShare    = .006 // sent 5 minutes to an hour late
	longShare     = .002 // sent an hour to a day late
	againShare    = .006 // sent twice, minutes apart
	reuseShare    = .001 // another event under its id
	bodyShare     = .002 // of requests: the same bytes twice
	kioskShare    = .006 // of persons: two users of one browser, a minute apart
	bridgeShare   = .015 // of persons: a late event joins two sessions
	offlineShare  = .02  // of persons: events of the days before arrive
	serverShare   = .25  // of orders: the server tells, too
	phoneShare    = .012 // of persons: an order of which only the server tells
	refundShare   = .19  // of orders
	reopenShare   = .2   // of orders of two-device persons: the confirmation is opened on the other one
	mailShare     = .08  // of persons with a user: an e-mail is opened
	earlyRefund   = .15  // of refunds: the order itself arrives later
	refundedTwice = .15  // of refunds: told twice
)
