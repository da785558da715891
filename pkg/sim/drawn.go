package sim

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// Steps of the demo store's funnel, as far as incidents speak of them.
const (
	stepProduct  = "product_viewed"
	stepCart     = "cart_added"
	stepCheckout = "checkout_started"
	stepOrder    = "purchased"
)

// DrawSteps are the steps that drawn cells count.
func DrawSteps() []string {
	return []string{"session", stepProduct, stepCart, stepCheckout, "shipping_submitted", "payment_submitted", stepOrder}
}

// Places of the steps.
const (
	atSession = iota
	atProduct
	atCart
	atCheckout
	atShipping
	atPayment
	atOrder
	drawnSteps
)

// Draw asks for days of counts straight from the model of the storefront (analytics.md §10), without events: many days in little
// time, to judge what reads such counts.
type Draw struct {
	Seed uint64
	// Sessions of people per day, before the day's noise.
	Sessions int
	// First day's midnight, and how many days.
	First time.Time
	Days  int
	// Incidents that happen in them.
	Incidents []Incident
}

// DrawnDay is one day's counts. Its cells are disjoint: each session is in one.
type DrawnDay struct {
	Day   time.Time
	Cells []DrawnCell
	// Humans and Bots that came.
	Humans, Bots int64
}

// DrawnCell is one segment's sessions: how many a faultless pipeline counts at each step (Units), and in how many the action of the
// step was recorded at all (Open).
type DrawnCell struct {
	Channel, BrandSearch, Device, OS, Country, Returning string
	Units, Open                                          [drawnSteps]int64
}

// noise of days, as standard deviations: of the logit of each step's rate, of a channel's rates, of the logarithm of a channel's share and
// of the volume.
const (
	noiseStep    = .04
	noiseChannel = .03
	noiseShare   = .06
	noiseVolume  = .08
	weekendMore  = 1.08
)

// countryShares of the shop's sessions [A]: the model leaves them open.
var countryShares = []struct {
	name  string
	share float64
}{{"DE", .55}, {"AT", .15}, {"US", .12}, {"CH", .10}, {"FR", .08}}

// drawnLuck is one day's luck, the same for all segments.
type drawnLuck struct {
	*rand.Rand
	volume   float64
	steps    [drawnSteps]float64
	factors  map[IncidentKind]float64 // of the incidents, for the whole day
	channels []channelLuck
}

// channelLuck is a channel's weight of the day's sessions and what its rates are off by.
type channelLuck struct{ weight, rates float64 }

// DrawDays draws them. The same Draw gives the same days.
func DrawDays(d Draw) []DrawnDay {
	r := rand.New(rand.NewPCG(d.Seed, 0xd1b54a32d192ed03))
	out := make([]DrawnDay, d.Days)
	for i := range out {
		out[i] = d.day(r, d.First.AddDate(0, 0, i))
	}
	return out
}

func (d *Draw) day(r *rand.Rand, at time.Time) DrawnDay {
	l := drawnLuck{Rand: r, volume: float64(d.Sessions) * math.Exp(noiseVolume*r.NormFloat64()),
		factors: map[IncidentKind]float64{}}
	for _, k := range IncidentKinds() {
		l.factors[k] = dayFactor(d.Incidents, k, at)
	}
	l.volume *= weekday(at)
	for k := range l.steps {
		l.steps[k] = noiseStep * r.NormFloat64()
	}
	for _, c := range channels {
		luck := channelLuck{weight: c.share * math.Exp(noiseShare*r.NormFloat64()), rates: noiseChannel * r.NormFloat64()}
		if c.channel == "Paid Social" {
			luck.weight *= l.factors[IncidentMix]
		}
		l.channels = append(l.channels, luck)
	}
	out := DrawnDay{Day: at}
	for i, c := range channels {
		for _, dev := range devices {
			for _, o := range systems(dev) {
				out.Cells = append(out.Cells, d.cells(&l, c, l.channels[i], dev, o)...)
			}
		}
	}
	for _, c := range out.Cells {
		out.Humans += c.Units[atSession]
	}
	out.Bots = int64(distuv.Poisson{Lambda: float64(out.Humans) * .08 / .92, Src: r}.Rand())
	return out
}

// system is an operating system's share of a device's sessions.
type system struct {
	name  string
	share float64
}

// systems of a device, as often as its agents name them.
func systems(d deviceModel) (out []system) {
	for _, a := range d.agents {
		name := systemOf(a)
		if n := len(out); n > 0 && out[n-1].name == name {
			out[n-1].share += 1 / float64(len(d.agents))
			continue
		}
		out = append(out, system{name, 1 / float64(len(d.agents))})
	}
	return out
}

// systemOf an agent, as people call it.
func systemOf(agent string) string {
	for _, s := range []struct{ token, name string }{{"iPhone", "iOS"}, {"iPad", "iOS"}, {"Android", "Android"}, {"Windows", "Windows"},
		{"Macintosh", "macOS"}, {"CrOS", "ChromeOS"}} {
		if strings.Contains(agent, s.token) {
			return s.name
		}
	}
	return "Linux"
}

// cells of one channel, device and system.
func (d *Draw) cells(l *drawnLuck, c channelModel, luck channelLuck, dev deviceModel, o system) (out []DrawnCell) {
	for _, country := range countryShares {
		for _, returning := range []struct {
			name  string
			share float64
		}{{"new", 1 - returnShare}, {"returning", returnShare}} {
			mean := l.volume * luck.weight * dev.share * o.share * country.share * returning.share
			cell := DrawnCell{Channel: c.channel, BrandSearch: c.brand, Device: dev.name, OS: o.name, Country: country.name, Returning: returning.name}
			d.walk(l, &cell, int64(distuv.Poisson{Lambda: mean, Src: l.Rand}.Rand()), rates(l, c, luck, dev))
			if keep := l.factors[IncidentTrackingBreak]; o.name == "iOS" && keep < 1 {
				cell.lose(l, keep)
			}
			out = append(out, cell)
		}
	}
	return out
}

// rates of the steps for one channel and device on this day, by place.
func rates(l *drawnLuck, c channelModel, luck channelLuck, dev deviceModel) (p [drawnSteps]float64) {
	intent := c.intent / meanIntent
	p[atProduct] = toProduct * math.Pow(intent, intentProduct)
	p[atCart] = dev.toCart * math.Pow(intent, intentCart)
	p[atCheckout], p[atPayment], p[atOrder] = dev.toCheckout, dev.toPay, dev.toBuy
	for k := range p {
		if p[k] > 0 {
			p[k] = noisy(min(p[k], .95), l.steps[k]+luck.rates)
		}
	}
	p[atCart] *= l.factors[IncidentStorefront]
	if dev.name == "mobile" {
		p[atCheckout] *= l.factors[IncidentMobileRelease]
	}
	p[atOrder] *= l.factors[IncidentCheckoutOutage]
	return p
}

// noisy moves a chance by so much on the logit.
func noisy(p, by float64) float64 { return 1 / (1 + math.Exp(-math.Log(p/(1-p))-by)) }

// walk draws how far n sessions come. Who pays has given an address, and so have half of the others.
func (d *Draw) walk(l *drawnLuck, cell *DrawnCell, n int64, p [drawnSteps]float64) {
	u := &cell.Units
	u[atSession] = n
	u[atProduct] = l.binomial(u[atSession], p[atProduct])
	u[atCart] = l.binomial(u[atProduct], p[atCart])
	u[atCheckout] = l.binomial(u[atCart], p[atCheckout])
	u[atPayment] = l.binomial(u[atCheckout], p[atPayment])
	u[atShipping] = u[atPayment] + l.binomial(u[atCheckout]-u[atPayment], shippingShare)
	u[atOrder] = l.binomial(u[atPayment], p[atOrder])
	cell.Open = *u
}

// lose drops cart_added events on their way: sessions without one stop at the step before it, as far as a closed funnel can tell.
func (cell *DrawnCell) lose(l *drawnLuck, keep float64) {
	u := cell.Units
	for k := drawnSteps - 1; k >= atCart; k-- { // the deepest first: a session that ordered was at every step before
		deeper := int64(0)
		if k+1 < drawnSteps {
			deeper = cell.Units[k+1]
			cell.Units[k] = deeper + l.binomial(u[k]-u[k+1], keep)
			continue
		}
		cell.Units[k] = l.binomial(u[k], keep)
	}
	cell.Open[atCart] = cell.Units[atCart]
}

// binomial draw of n with chance p.
func (l *drawnLuck) binomial(n int64, p float64) int64 {
	if n <= 0 || p <= 0 {
		return 0
	}
	return int64(distuv.Binomial{N: float64(n), P: min(p, 1), Src: l.Rand}.Rand())
}
