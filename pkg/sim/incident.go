package sim

import (
	"fmt"
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

func (i Incident) validate() error {
	switch {
	case !slices.Contains(IncidentKinds(), i.Kind):
		return fmt.Errorf("simulator: there is no incident %q, expected one of %v", i.Kind, IncidentKinds())
	case !i.From.Before(i.To):
		return fmt.Errorf("simulator: incident %s lasts from %s to %s, expected an end after the begin", i.Kind, i.From, i.To)
	case i.Factor < 0:
		return fmt.Errorf("simulator: incident %s has the factor %g, expected 0 for its own or more", i.Kind, i.Factor)
	}
	return nil
}

// told is the incident as the truth holds it.
func (i Incident) told() ToldIncident {
	e := i.Kind.Expect()
	return ToldIncident{Kind: i.Kind, From: i.From, To: i.To, Factor: factor([]Incident{i}, i.Kind, i.From),
		Label: e.Label, Dimension: e.Dimension, Segment: e.Segment, Steps: e.Steps}
}
