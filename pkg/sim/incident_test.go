package sim

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"
)

// on is the test day with one incident, of so many hours after its midnight.
func on(kind IncidentKind, from, to time.Duration) []Incident {
	return []Incident{{Kind: kind, From: testDay.Add(from), To: testDay.Add(to)}}
}

const wholeDay = 24 * time.Hour

// Ensure that a tracking break changes nothing but what is heard: the day is the usual one without nine in ten cart_added events of iOS.
func TestTrackingBreakOnlyLosesEvents(t *testing.T) {
	usual := clean(t, Config{Seed: 4, Events: 30_000})
	broken := clean(t, Config{Seed: 4, Events: 30_000, Incidents: on(IncidentTrackingBreak, 0, wholeDay)})
	heard := map[string]bool{}
	for _, h := range broken.hits {
		heard[h.id] = true
	}
	var lost, at int
	for _, h := range usual.hits {
		carts := h.kind == cartAdded && systemOf(h.visitor.agent) == "iOS"
		if carts {
			at++
		}
		if heard[h.id] {
			continue
		}
		if lost++; !carts {
			t.Errorf("a %s on %s was lost", h.kind.action, systemOf(h.visitor.agent))
		}
	}
	if share := float64(lost) / float64(at); at < 200 || math.Abs(share-.9) > .06 {
		t.Errorf("%d of %d cart_added events on iOS were lost, want 90 %%", lost, at)
	}
}

// Ensure that an outage swallows orders by when they would happen, whenever their visits began, and neither payments nor what was before.
func TestOutageHitsItsMinutes(t *testing.T) {
	from, to := 20*time.Hour, 20*time.Hour+45*time.Minute
	list := on(IncidentCheckoutOutage, from, to)
	list[0].Factor = 1e-9 // no order at all, so that a single one is told
	usual, out := clean(t, Config{Seed: 6, Events: 150_000}), clean(t, Config{Seed: 6, Events: 150_000, Incidents: list})
	times := func(d *Day, k *kind) map[string]time.Duration {
		m := map[string]time.Duration{}
		for _, h := range d.hits {
			if h.kind == k {
				m[h.id] = time.Duration(h.at-testDay.UnixMilli()) * time.Millisecond
			}
		}
		return m
	}
	during := 0
	orders := times(out, purchased)
	for id, at := range times(usual, purchased) {
		switch _, is := orders[id]; {
		case at >= from && at < to:
			if during++; is {
				t.Errorf("an order at %s, during the outage", at)
			}
		case at < from && !is:
			t.Errorf("an order at %s is missing, before the outage", at)
		}
	}
	if during < 20 {
		t.Errorf("the usual day has %d orders in these minutes: too few to tell", during)
	}
	payments := times(out, payment)
	for id, at := range times(usual, payment) {
		if _, is := payments[id]; at < to && !is {
			t.Errorf("a payment at %s is missing", at)
		}
	}
}

// Ensure that more people log in from the moment at which an identity change begins.
func TestIdentityChangeByItsTime(t *testing.T) {
	share := func(list []Incident, from, to time.Duration) float64 {
		named, all := map[string]bool{}, map[string]bool{}
		for _, h := range clean(t, Config{Seed: 3, Events: 60_000, Incidents: list}).hits {
			if at := time.Duration(h.at-testDay.UnixMilli()) * time.Millisecond; at >= from && at < to {
				all[h.visitor.id] = true
				named[h.visitor.id] = named[h.visitor.id] || h.user != ""
			}
		}
		n := 0.0
		for _, is := range named {
			if is {
				n++
			}
		}
		return n / float64(len(all))
	}
	half := on(IncidentIdentityChange, 12*time.Hour, wholeDay)
	if was, is := share(nil, 0, 11*time.Hour), share(half, 0, 11*time.Hour); math.Abs(is/was-1) > .05 {
		t.Errorf("before it %.3f of the visitors are named, %.3f without it", is, was)
	}
	if was, is := share(nil, 13*time.Hour, wholeDay), share(half, 13*time.Hour, wholeDay); math.Abs(is/was-.60/.35) > .15 {
		t.Errorf("after it %.3f of the visitors are named, %.3f without it", is, was)
	}
}

// Ensure that the truth says which incidents it holds and what must be told of them, and that a day without any has no word of them.
func TestTruthTellsIncidents(t *testing.T) {
	d := plan(t, Config{Seed: 1, Events: 500, Incidents: on(IncidentMobileRelease, 0, wholeDay)})
	first, _, _ := strings.Cut(string(truthBytes(t, d)), "\n")
	for _, part := range []string{`"kind":"mobile_release"`, `"factor":0.7`, `"label":"localised"`, `"segment":"mobile"`, `"steps":["checkout_started"]`} {
		if !strings.Contains(first, part) {
			t.Errorf("no %s in %s", part, first)
		}
	}
	if b := truthBytes(t, plan(t, Config{Seed: 1, Events: 500})); bytes.Contains(b, []byte("incident")) {
		t.Error("a day without incidents speaks of them")
	}
}

func TestIncidentsAreValidated(t *testing.T) {
	for want, i := range map[string]Incident{
		"there is no incident": {Kind: "flood", From: testDay, To: testDay.Add(1)},
		"an end after":         {Kind: IncidentMix, From: testDay, To: testDay},
		"the factor -1":        {Kind: IncidentMix, From: testDay, To: testDay.Add(1), Factor: -1},
	} {
		if _, err := Plan(Config{Day: testDay, Events: 10, Incidents: []Incident{i}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", i, err, want)
		}
	}
}
