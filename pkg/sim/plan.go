package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Day is one planned day: the traffic and the truth about it.
type Day struct {
	// Config with its defaults filled in.
	Config Config
	// Truth is what a faultless pipeline shows once all events were sent.
	Truth *Truth
	// Sabotaged says which event goes out altered; nil without sabotage.
	Sabotaged *Sabotaged

	hits []*hit // by time
}

// Plan draws the day. It is pure: the same Config gives the same Day.
func Plan(c Config) (*Day, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	p := &planner{cfg: c, start: c.Day.UnixMilli(), end: c.Day.Add(24 * time.Hour).UnixMilli(), gap: c.Gap.Milliseconds(),
		catalogue: catalogue(c.Brand), popularity: popularity(),
		channels: weigh(len(channels), func(i int) float64 { return channels[i].share }),
		devices:  weigh(len(devices), func(i int) float64 { return devices[i].share }),
		sole:     weigh(len(devices), func(i int) float64 { return devices[i].sole }),
		hours:    weigh(len(hours), func(i int) float64 { return hours[i] })}
	for i := 0; len(p.hits) < c.Events; i++ {
		p.person(i)
	}
	slices.SortStableFunc(p.hits, func(a, b *hit) int { return cmp.Compare(a.at, b.at) })
	d := &Day{Config: c, hits: p.hits}
	d.Truth = tell(c, d.hits)
	var err error
	if d.Sabotaged, err = d.sabotage(); err != nil {
		return nil, err
	}
	return d, nil
}

// planner draws persons until the day is full.
type planner struct {
	cfg             Config
	start, end, gap int64 // Unix milliseconds; milliseconds

	catalogue                                  []product
	popularity, channels, devices, sole, hours weights

	orders int
	hits   []*hit
}

// visitor is one browser of a person.
type visitor struct {
	id     string
	device *deviceModel
	agent  string
	intent float64 // of the person, standard normal
	user   string  // of the person, "" if it never tells
	known  bool    // the browser has identified the user
	visits int
}

// person draws one person with all visits of the day. It has its own random source, so that a change in one person's
// draws moves no other person.
func (p *planner) person(i int) {
	r := rand.New(rand.NewPCG(p.cfg.Seed, uint64(i+1)*0x9e3779b97f4a7c15))
	user := ""
	if chance(r, identifiedShare) {
		user = fmt.Sprintf("u%06d", i+1)
	}
	intent := r.NormFloat64()
	var browsers []*visitor
	if chance(r, twoDeviceShare) {
		first := browser(r, p.devices, user, intent)
		second := browser(r, p.devices, user, intent)
		for second.device == first.device {
			second = browser(r, p.devices, user, intent)
		}
		browsers = append(browsers, first, second)
	} else {
		browsers = append(browsers, browser(r, p.sole, user, intent))
	}
	last := int64(0)
	for _, v := range browsers {
		last = max(last, p.visit(r, v, p.hour(r)))
	}
	for chance(r, returnShare) {
		at := last + int64(lognormal(r, returnHours, returnSigma)*3_600_000)
		if at >= p.end {
			break // the person comes back on another day
		}
		last = p.visit(r, oneOf(r, browsers), at)
	}
	if user != "" && chance(r, loneIdentify) {
		// A back office names the user on its own: this must open no session and move none.
		if at := last + int64(r.IntN(7_200_000)); at < p.end {
			p.add(&hit{id: messageID(r, at), at: at, kind: identified, visitor: browsers[0], user: user,
				page: p.page(place{"/account", "", "Account"}, landing{}, p.cfg.ShopURL+"/")})
		}
	}
}

func browser(r *rand.Rand, shares weights, user string, intent float64) *visitor {
	d := &devices[shares.pick(r)]
	return &visitor{id: uuid(r), device: d, agent: oneOf(r, d.agents), intent: intent, user: user}
}

// hour draws the start of a visit by the weights of the hours.
func (p *planner) hour(r *rand.Rand) int64 {
	return p.start + int64(p.hours.pick(r))*3_600_000 + 1 + r.Int64N(3_599_999)
}

func (p *planner) add(h *hit) { p.hits = append(p.hits, h) }

func uuid(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(a), uint16(a>>32), a>>52, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// messageID is formed like analytics.js does.
func messageID(r *rand.Rand, at int64) string { return fmt.Sprintf("ajs-next-%d-%s", at, uuid(r)) }
