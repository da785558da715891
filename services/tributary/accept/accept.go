// Package accept judges diagnoses by what a simulated storefront knows to be true: incidents in days of counts that the simulator
// draws, and clean days between.
package accept

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tributary-data/tributary/pkg/insight"
	"github.com/tributary-data/tributary/pkg/sim"
)

// Span of days that a diagnosis needs.
const Span = 35

// first day of all draws: a Monday.
var first = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// breakdowns that the counts are laid out by, as a store would choose them.
var breakdowns = []struct {
	name  string
	value func(c *sim.DrawnCell) string
}{
	{"channel", func(c *sim.DrawnCell) string { return c.Channel }},
	{"device", func(c *sim.DrawnCell) string { return c.Device }},
	{"os", func(c *sim.DrawnCell) string { return c.OS }},
	{"country", func(c *sim.DrawnCell) string { return c.Country }},
	{"returning", func(c *sim.DrawnCell) string { return c.Returning }},
	{"channel,device", func(c *sim.DrawnCell) string { return c.Channel + "," + c.Device }},
}

// Case is one incident to be told.
type Case struct {
	Kind sim.IncidentKind
	// Sessions a day, and Days for how long the incident has lasted when it is judged.
	Sessions, Days int
}

// Cases of an acceptance (analytics.md §10, A2 to A4, A7, A10): within a day at 20,000 sessions a day, within three at 4,000.
func Cases() (out []Case) {
	for _, k := range []sim.IncidentKind{sim.IncidentMix, sim.IncidentStorefront, sim.IncidentMobileRelease, sim.IncidentTrackingBreak, sim.IncidentIdentityChange} {
		out = append(out, Case{k, 20_000, 1}, Case{k, 4_000, 3})
	}
	return append(out, Case{sim.IncidentStorefront, 4_000, 1}) // A3
}

// Judge draws 35 days that end in the incident and says whether the diagnosis is the truth.
func (c Case) Judge(seed uint64) (r insight.Report, right bool) {
	end := first.AddDate(0, 0, Span)
	days := sim.DrawDays(sim.Draw{Seed: seed, Sessions: c.Sessions, First: first, Days: Span,
		Incidents: []sim.Incident{{Kind: c.Kind, From: end.AddDate(0, 0, -c.Days), To: end}}})
	r = insight.Diagnose(question(days))
	return r, fits(r, c.Kind.Expect())
}

func fits(r insight.Report, want sim.Expectation) bool {
	if r.Label != want.Label {
		return false
	}
	if want.Label == insight.LabelNoChange {
		return true
	}
	return r.Dimension == want.Dimension && r.Segment == want.Segment && slices.Contains(want.Steps, r.To)
}

// CleanDays draws so many days after the first 35 without an incident, judges each, and returns those that were flagged.
func CleanDays(seed uint64, sessions, n int) (flagged []insight.Report) {
	days := sim.DrawDays(sim.Draw{Seed: seed, Sessions: sessions, First: first, Days: Span + n})
	for i := range n {
		if r := insight.Diagnose(question(days[i+1 : i+1+Span])); r.Label != insight.LabelNoChange {
			flagged = append(flagged, r)
		}
	}
	return flagged
}

// question lays days out as the views give them; the last day is the newest.
func question(days []sim.DrawnDay) insight.Question {
	q := insight.Question{Steps: sim.DrawSteps()}
	for i, d := range days {
		day := insight.Day{Age: len(days) - 1 - i, Final: true, Humans: d.Humans, Bots: d.Bots}
		for _, b := range breakdowns {
			day.Tables = append(day.Tables, insight.Table{Dimension: b.name, Segments: group(d.Cells, b.value)})
		}
		q.Days = append(q.Days, day)
	}
	return q
}

func group(cells []sim.DrawnCell, value func(*sim.DrawnCell) string) (out []insight.Counts) {
	for i := range cells {
		c := &cells[i]
		v := value(c)
		at, found := slices.BinarySearchFunc(out, v, func(o insight.Counts, v string) int { return cmp.Compare(o.Value, v) })
		if !found {
			out = slices.Insert(out, at, insight.Counts{Value: v, Units: make([]int64, len(c.Units)), Open: make([]int64, len(c.Open))})
		}
		for k := range c.Units {
			out[at].Units[k] += c.Units[k]
			out[at].Open[k] += c.Open[k]
		}
	}
	return out
}

// String names a case as a table shows it.
func (c Case) String() string {
	return fmt.Sprintf("%-16s %6d sessions a day, day %d", c.Kind, c.Sessions, c.Days)
}
