package sim

import (
	"fmt"
	"slices"
	"time"
)

// shop is one store of the simulation: what its files say, said again in constants of our own (a test holds the two
// together), and how people shop there.
type shop struct {
	name, key, url, brand, currency string
	zone                            *time.Location
	share                           float64 // of the persons
	settings                        []setting
	// rates into the base currency, by currency.
	rates map[string][]rate
	// abroad are the currencies besides the base, and their shares of the visits.
	abroad []foreign

	catalogue []product
	hours     weights // of the UTC day, in the store's time
}

// setting is the meaning of a store from a moment on, Unix milliseconds.
type setting struct {
	from    int64
	gap     int64 // milliseconds
	version int   // of the funnel
	steps   []step
}

// rate of a currency from a day of the store's on.
type rate struct{ from, rate string }

type foreign struct {
	currency string
	share    float64
}

// at is the setting in force at a time; the first one where none is yet.
func (s *shop) at(ts int64) *setting {
	found := &s.settings[0]
	for i := range s.settings {
		if i > 0 && s.settings[i].from <= ts {
			found = &s.settings[i]
		}
	}
	return found
}

// gap of the store at a time.
func (s *shop) gap(ts int64) int64 { return s.at(ts).gap }

// edges is the share of visits with a pause about as long as the gap. There are more where the gap changes.
func (s *shop) edges() float64 {
	if len(s.settings) > 1 {
		return 3 * edgeShare
	}
	return edgeShare
}

// local is the store's day that holds a time.
func (s *shop) local(ts int64) string { return time.UnixMilli(ts).In(s.zone).Format(time.DateOnly) }

// rateAt is the rate of a currency at a time, "" if there is none.
func (s *shop) rateAt(currency string, ts int64) (found string) {
	for _, r := range s.rates[currency] {
		if r.from <= s.local(ts) {
			found = r.rate
		}
	}
	return found
}

// funnelName is the name of every store's funnel.
const funnelName = "purchase"

type step struct {
	action   string
	optional bool
}

// full is the funnel of the demo's store file; the others have fewer steps.
var full = []step{{"session", false}, {"product_viewed", true}, {"cart_added", false}, {"checkout_started", true},
	{"shipping_submitted", true}, {"payment_submitted", true}, {"purchased", false}}

// without leaves steps out of the full funnel.
func without(actions ...string) []step {
	return slices.DeleteFunc(slices.Clone(full), func(s step) bool { return slices.Contains(actions, s.action) })
}

// shops of a day. A clean day has the demo's only.
func (c Config) shops() ([]*shop, error) {
	const half, third = 1_800_000, 1_200_000
	day := c.Day.UTC()
	india, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	d := datesOf(day, india)
	y := datesOf(day, york)
	all := []*shop{
		{name: "demo", key: "demo-write-key", url: "https://shop.example", brand: "acme", currency: "EUR", zone: time.UTC, share: .62,
			settings: []setting{{gap: half, version: 1, steps: full}}},
		{name: "bazaar", key: "bazaar-write-key", url: "https://bazaar.example", brand: "zari", currency: "INR", zone: india, share: .2,
			settings: []setting{{gap: half, version: 1, steps: without("checkout_started", "shipping_submitted", "payment_submitted")}},
			rates: map[string][]rate{"EUR": {{d.before, "98.1205"}, {d.day, "98.4"}, {d.next, "99.257"}},
				"USD": {{d.before, "88.15"}, {d.next, "87.9625"}}, "JPY": {{d.before, "0.5633"}, {d.next, "0.6"}}},
			abroad: []foreign{{"EUR", .2}, {"USD", .2}, {"JPY", .12}, {"GBP", .1}}},
		{name: "atelier", key: "atelier-write-key", url: "https://atelier.example", brand: "velin", currency: "USD", zone: york, share: .18,
			settings: []setting{{gap: half, version: 1, steps: without("shipping_submitted")},
				{from: midnight(y.next, york).UnixMilli(), gap: third, version: 2, steps: without("shipping_submitted", "payment_submitted")}},
			rates:  map[string][]rate{"CAD": {{y.before, "0.7215"}, {y.next, "0.7188"}}},
			abroad: []foreign{{"CAD", .3}}},
	}
	if c.Clean {
		all = all[:1]
	}
	for _, s := range all {
		s.catalogue = catalogue(s.brand)
		s.hours = weigh(len(hours), func(h int) float64 {
			return hours[day.Add(time.Duration(h)*time.Hour+30*time.Minute).In(s.zone).Hour()]
		})
	}
	return all, nil
}
