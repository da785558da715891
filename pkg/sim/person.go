package sim

import (
	"fmt"
	"math/rand/v2"
)

// person draws one person with all visits of the planned days. It has its own random source, so that a change in one person's
// draws moves no other person.
func (p *planner) person(i int) {
	r := rand.New(rand.NewPCG(p.cfg.Seed, uint64(i+1)*0x9e3779b97f4a7c15))
	s := p.shops[p.shares.pick(r)]
	if !p.cfg.Clean && chance(r, robotShare) {
		p.robot(r, s)
		return
	}
	user, shy := fmt.Sprintf("u%06d", i+1), r.Float64()
	intent := r.NormFloat64()
	first := len(p.hits)
	var browsers []*visitor
	if chance(r, twoDeviceShare) {
		one, two := p.browser(r, s, p.devices, "", intent), p.browser(r, s, p.devices, "", intent)
		for two.device == one.device {
			two = p.browser(r, s, p.devices, "", intent)
		}
		browsers = append(browsers, one, two)
	} else {
		browsers = append(browsers, p.browser(r, s, p.sole, "", intent))
	}
	last := int64(0)
	for _, v := range browsers {
		at := p.hour(r, s)
		p.account(v, user, shy, at)
		last = max(last, p.visit(r, v, at))
	}
	for chance(r, returnShare) {
		at := last + int64(lognormal(r, returnHours, returnSigma)*3_600_000)
		if at >= p.end {
			break // the person comes back when all is over
		}
		v := oneOf(r, browsers)
		p.account(v, user, shy, at)
		last = p.visit(r, v, at)
	}
	if shy < identifiedShare && chance(r, loneIdentify) {
		// A back office names the user on its own: this must open no session and move none.
		if at := last + int64(r.IntN(7_200_000)); at < p.end {
			p.add(&hit{id: messageID(r, at), at: at, kind: identified, visitor: browsers[0], user: user,
				page: s.page(place{"/account", "", "Account"}, landing{}, s.url+"/")})
		}
	}
	if !p.cfg.Clean {
		p.aside(r, browsers, p.hits[first:], last)
	}
}

// account gives a browser its person's user, if the person tells it at that time: shy, of 0 to 1, is below the share that does.
func (p *planner) account(v *visitor, user string, shy float64, at int64) {
	if v.user == "" && shy < identifiedShare*p.factor(IncidentIdentityChange, at) {
		v.user = user
	}
}

func (p *planner) browser(r *rand.Rand, s *shop, shares weights, user string, intent float64) *visitor {
	d := &devices[shares.pick(r)]
	v := &visitor{id: uuid(r), shop: s, device: d, agent: oneOf(r, d.agents), intent: intent, user: user}
	if !p.cfg.Clean {
		v.skew = skew(r)
	}
	return v
}

// hour draws the start of a visit by the weights of the hours, on one of the days.
func (p *planner) hour(r *rand.Rand, s *shop) int64 {
	start := p.start
	if len(p.days) > 1 {
		start += int64(p.days.pick(r)) * minutes * minuteMilli
	}
	return start + int64(s.hours.pick(r))*3_600_000 + 1 + r.Int64N(3_599_999)
}

func (p *planner) add(h *hit) { p.hits = append(p.hits, h) }

func uuid(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(a), uint16(a>>32), a>>52, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// messageID is formed like analytics.js does.
func messageID(r *rand.Rand, at int64) string { return fmt.Sprintf("ajs-next-%d-%s", at, uuid(r)) }
