package sim

import (
	"slices"
	"time"
)

// IncidentKind is something that happens to the storefront, or to what is recorded of it.
type IncidentKind string

// Kinds of incidents (analytics.md §10), with the factor that each has unless it says another one.
const (
	// IncidentMix: paid social brings 3.5 times its visits.
	IncidentMix IncidentKind = "mix"
	// IncidentStorefront: the chance from a product to the cart is 0.75 of what it was, for everybody.
	IncidentStorefront IncidentKind = "storefront"
	// IncidentMobileRelease: the chance from the cart to the checkout is 0.7 of what it was, on mobile devices.
	IncidentMobileRelease IncidentKind = "mobile_release"
	// IncidentCheckoutOutage: of payments only 0.05 of what was usual become orders.
	IncidentCheckoutOutage IncidentKind = "checkout_outage"
	// IncidentTrackingBreak: 0.9 of the cart_added events on iOS are never sent; what people do is unchanged.
	IncidentTrackingBreak IncidentKind = "tracking_break"
	// IncidentIdentityChange: the share of sessions that log in goes from .35 to .60.
	IncidentIdentityChange IncidentKind = "identity_change"
)

// IncidentKinds are all of them.
func IncidentKinds() []IncidentKind {
	return []IncidentKind{IncidentMix, IncidentStorefront, IncidentMobileRelease, IncidentCheckoutOutage, IncidentTrackingBreak, IncidentIdentityChange}
}

// Incident lasts from From until before To.
type Incident struct {
	Kind     IncidentKind
	From, To time.Time
	// Factor of its effect; 0 = the kind's own.
	Factor float64
}

// Expectation is what a diagnosis must say of the days of an incident.
type Expectation struct {
	Label, Dimension, Segment string
	// Steps, one of which must be named: the actions that the incident moves.
	Steps []string
}

// Expect is the truth about a kind of incident; of no incident, and of one that changes nobody's way to the order, no change.
func (k IncidentKind) Expect() Expectation {
	switch k {
	case IncidentMix:
		return Expectation{Label: "mix", Dimension: "channel", Segment: "Paid Social", Steps: []string{stepProduct, stepCart}}
	case IncidentStorefront:
		return Expectation{Label: "upstream", Steps: []string{stepCart}}
	case IncidentMobileRelease:
		return Expectation{Label: "localised", Dimension: "device", Segment: "mobile", Steps: []string{stepCheckout}}
	case IncidentCheckoutOutage:
		return Expectation{Label: "outage", Steps: []string{stepOrder}}
	case IncidentTrackingBreak:
		return Expectation{Label: "tracking", Dimension: "os", Segment: "iOS", Steps: []string{stepCart}}
	}
	return Expectation{Label: "no_change"}
}

// factor of a kind at a time: 1 where none is going on.
func factor(list []Incident, kind IncidentKind, at time.Time) float64 {
	i := slices.IndexFunc(list, func(i Incident) bool { return i.Kind == kind && !at.Before(i.From) && at.Before(i.To) })
	if i < 0 {
		return 1
	}
	if f := list[i].Factor; f != 0 {
		return f
	}
	switch kind {
	case IncidentMix:
		return 3.5
	case IncidentStorefront:
		return .75
	case IncidentMobileRelease:
		return .7
	case IncidentCheckoutOutage:
		return .05
	case IncidentTrackingBreak:
		return .1
	}
	return .6 / identifiedShare
}

// dayFactor is what a kind does to all of a day: the mean of its factors over the day's minutes, each with the weight of its hour. An
// outage of 45 minutes thus spares what happens before and after it.
func dayFactor(list []Incident, kind IncidentKind, day time.Time) float64 {
	end := day.AddDate(0, 0, 1)
	at := slices.IndexFunc(list, func(i Incident) bool { return i.Kind == kind && i.From.Before(end) && day.Before(i.To) })
	if at < 0 {
		return 1
	}
	if i := list[at]; !day.Before(i.From) && !i.To.Before(end) {
		return factor(list, kind, day)
	}
	var sum, weights float64
	for m := range 1440 {
		w := hours[m/60]
		sum, weights = sum+w*factor(list, kind, day.Add(time.Duration(m)*time.Minute)), weights+w
	}
	return sum / weights
}

// factor of an incident of the planned day at a time, Unix milliseconds.
func (p *planner) factor(kind IncidentKind, at int64) float64 {
	return factor(p.cfg.Incidents, kind, time.UnixMilli(at))
}

// mixOf is what an incident multiplies a channel's visits by.
func (c *Config) mixOf(ch *channelModel) float64 {
	if i := slices.IndexFunc(c.Incidents, func(i Incident) bool { return i.Kind == IncidentMix }); i >= 0 && ch.channel == "Paid Social" {
		return factor(c.Incidents, IncidentMix, c.Incidents[i].From)
	}
	return 1
}
