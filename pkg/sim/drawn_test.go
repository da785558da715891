package sim_test

import (
	"cmp"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/sim"
)

var monday = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// drawn adds up units and open counts of the cells that fit.
func drawn(days []sim.DrawnDay, fits func(*sim.DrawnCell) bool) (units, open [7]float64) {
	for _, d := range days {
		for i := range d.Cells {
			if !fits(&d.Cells[i]) {
				continue
			}
			for k := range units {
				units[k] += float64(d.Cells[i].Units[k])
				open[k] += float64(d.Cells[i].Open[k])
			}
		}
	}
	return units, open
}

func everybody(*sim.DrawnCell) bool { return true }

// Ensure that long draws have the rates that the model is tuned to, and that the same seed draws the same.
func TestDrawnDaysAreTheModel(t *testing.T) {
	draw := sim.Draw{Seed: 3, Sessions: 50_000, First: monday, Days: 60}
	days := sim.DrawDays(draw)
	u, _ := drawn(days, everybody)
	for _, c := range []struct {
		what            string
		got, want, with float64
	}{{"sessions a day", u[0] / 60, 51_100, 1500}, {"to cart", u[2] / u[0], .127, .006}, {"to the order", u[6] / u[0], .0278, .0025}} {
		if math.Abs(c.got-c.want) > c.with {
			t.Errorf("%s: got %.4f, want %.4f ± %.4f", c.what, c.got, c.want, c.with)
		}
	}
	for _, d := range days {
		for _, c := range d.Cells {
			for k := 1; k < len(c.Units); k++ {
				if c.Units[k] > c.Units[k-1] {
					t.Fatalf("%+v: more at step %d than before it", c, k+1)
				}
			}
		}
	}
	if !reflect.DeepEqual(days, sim.DrawDays(draw)) {
		t.Error("the same seed drew other days")
	}
}

// Ensure that each incident moves what it says and nothing else, within the noise of days.
func TestDrawnIncidents(t *testing.T) {
	draw := func(kind sim.IncidentKind) []sim.DrawnDay {
		return sim.DrawDays(sim.Draw{Seed: 5, Sessions: 200_000, First: monday, Days: 10, Incidents: []sim.Incident{{Kind: kind, From: monday, To: monday.AddDate(0, 0, 10)}}})
	}
	usual := draw("")
	on := func(os string) func(*sim.DrawnCell) bool {
		return func(c *sim.DrawnCell) bool { return c.OS == os }
	}
	for _, c := range []struct {
		kind   sim.IncidentKind
		fits   func(*sim.DrawnCell) bool
		step   int
		factor float64
	}{
		{sim.IncidentStorefront, everybody, 2, .75},
		{sim.IncidentMobileRelease, func(c *sim.DrawnCell) bool { return c.Device == "mobile" }, 3, .7},
		{sim.IncidentMobileRelease, func(c *sim.DrawnCell) bool { return c.Device == "desktop" }, 3, 1},
		{sim.IncidentTrackingBreak, on("iOS"), 2, .1},
		{sim.IncidentTrackingBreak, on("Android"), 2, 1},
		{sim.IncidentIdentityChange, everybody, 2, 1},
	} {
		was, _ := drawn(usual, c.fits)
		is, open := drawn(draw(c.kind), c.fits)
		for k := 1; k < 7; k++ {
			want := 1.0
			if k == c.step {
				want = c.factor
			}
			if got := is[k] / is[k-1] / (was[k] / was[k-1]); math.Abs(got/want-1) > .06 {
				t.Errorf("%s: step %d moved by %.3f, want %.3f", c.kind, k+1, got, want)
			}
		}
		if later := open[3] / open[0] / (was[3] / was[0]); c.kind == sim.IncidentTrackingBreak && math.Abs(later-1) > .06 {
			t.Errorf("the checkouts behind the lost events moved by %.3f", later)
		}
	}
	social := func(c *sim.DrawnCell) bool { return c.Channel == "Paid Social" }
	was, _ := drawn(usual, social)
	is, _ := drawn(draw(sim.IncidentMix), social)
	if got := is[0] / was[0]; math.Abs(got-3.5) > .5 {
		t.Errorf("paid social brings %.2f times its visits, want 3.5", got)
	}
}

// Ensure that an incident of a part of a day moves as much of the day's counts as fall into its minutes: an outage of 45 minutes at
// 20:00, whose hour has 7.4 of the day's 97.4, leaves 1 - 0.95 * 0.75 * 7.4 / 97.4 of the orders. Days before it stay the same.
func TestDrawnPartOfADay(t *testing.T) {
	draw := func(list ...sim.Incident) []sim.DrawnDay {
		return sim.DrawDays(sim.Draw{Seed: 9, Sessions: 2_000_000, First: monday, Days: 2, Incidents: list})
	}
	at := monday.AddDate(0, 0, 1).Add(20 * time.Hour)
	usual := draw()
	outage := draw(sim.Incident{Kind: sim.IncidentCheckoutOutage, From: at, To: at.Add(45 * time.Minute)})
	if !reflect.DeepEqual(usual[0], outage[0]) {
		t.Error("the day before the outage is another one")
	}
	was, _ := drawn(usual[1:], everybody)
	is, _ := drawn(outage[1:], everybody)
	for k, want := range [7]float64{6: 1 - .95*.75*7.4/97.4} {
		if k == 0 {
			continue
		}
		want = cmp.Or(want, 1)
		if got := is[k] / is[k-1] / (was[k] / was[k-1]); math.Abs(got-want) > .01 {
			t.Errorf("step %d moved by %.4f, want %.4f", k+1, got, want)
		}
	}
}

func TestExpect(t *testing.T) {
	for kind, want := range map[sim.IncidentKind]sim.Expectation{
		"":                         {Label: "no_change"},
		sim.IncidentIdentityChange: {Label: "no_change"},
		sim.IncidentMix:            {Label: "mix", Dimension: "channel", Segment: "Paid Social", Steps: []string{"product_viewed", "cart_added"}},
		sim.IncidentStorefront:     {Label: "upstream", Steps: []string{"cart_added"}},
		sim.IncidentMobileRelease:  {Label: "localised", Dimension: "device", Segment: "mobile", Steps: []string{"checkout_started"}},
		sim.IncidentCheckoutOutage: {Label: "outage", Steps: []string{"purchased"}},
		sim.IncidentTrackingBreak:  {Label: "tracking", Dimension: "os", Segment: "iOS", Steps: []string{"cart_added"}},
	} {
		if got := kind.Expect(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", kind, got, want)
		}
	}
}

func TestDrawnMinutes(t *testing.T) {
	from := monday.Add(20 * time.Hour)
	minutes := sim.DrawMinutes(sim.Draw{Seed: 1, Sessions: 200_000, First: monday, Days: 1, Incidents: []sim.Incident{{Kind: sim.IncidentCheckoutOutage, From: from, To: from.Add(45 * time.Minute)}}})
	var during, before [2]float64
	for _, m := range minutes {
		switch at := m.At.Sub(from); {
		case at >= 0 && at < 45*time.Minute:
			during[0], during[1] = during[0]+float64(m.Entered), during[1]+float64(m.Done)
		case at < 0 && at >= -2*time.Hour:
			before[0], before[1] = before[0]+float64(m.Entered), before[1]+float64(m.Done)
		}
	}
	if len(minutes) != 1440 || during[1]/during[0] > .1 || math.Abs(before[1]/before[0]-.73) > .08 {
		t.Errorf("%d minutes; before %.3f of the payments became orders, during the outage %.3f", len(minutes), before[1]/before[0], during[1]/during[0])
	}
}

// Ensure that incidents move what they say in the planned traffic as well: a factor of 0 would be told by its absence.
func TestIncidentsOfAPlannedDay(t *testing.T) {
	day := time.Date(2026, 9, 12, 0, 0, 0, 0, time.UTC)
	count := func(kind sim.IncidentKind) map[string]float64 {
		c := sim.Config{Seed: 2, Events: 40_000, Day: day, Clean: true}
		if kind != "" {
			c.Incidents = []sim.Incident{{Kind: kind, From: day, To: day.AddDate(0, 0, 1)}}
		}
		d, err := sim.Plan(c)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		for _, s := range d.Truth.Sessions {
			out["sessions"]++
			out["channel "+s.Channel]++
			seen := map[string]bool{}
			for _, a := range s.Actions {
				if !seen[a] {
					seen[a] = true
					out[a]++
					out[s.Device+" "+a]++
				}
			}
		}
		return out
	}
	usual := count("")
	for _, c := range []struct {
		kind      sim.IncidentKind
		of, in    string
		low, high float64
	}{
		{sim.IncidentStorefront, "cart_added", "product_viewed", .65, .85},
		{sim.IncidentMobileRelease, "mobile checkout_started", "mobile cart_added", .6, .8},
		{sim.IncidentMobileRelease, "desktop checkout_started", "desktop cart_added", .85, 1.15},
		{sim.IncidentCheckoutOutage, "purchased", "payment_submitted", .0, .35},
		{sim.IncidentTrackingBreak, "cart_added", "product_viewed", .4, .8}, // half of the mobile devices, and tablets
		{sim.IncidentTrackingBreak, "purchased", "product_viewed", .8, 1.2},
		{sim.IncidentMix, "channel Paid Social", "sessions", 2, 2.8}, // 0.18 · 3.5 of 1.45
	} {
		is := count(c.kind)
		if got := is[c.of] / is[c.in] / (usual[c.of] / usual[c.in]); got < c.low || got > c.high {
			t.Errorf("%s: %s of %s moved by %.2f, want %.2f to %.2f", c.kind, c.of, c.in, got, c.low, c.high)
		}
	}
}
