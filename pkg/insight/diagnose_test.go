package insight_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/insight"
)

// channelDay is a day of one funnel with two steps by channel; each channel has the numbers {bought, entered}.
func channelDay(age int, channels map[string][2]int64) insight.Day {
	t := insight.Table{Dimension: "channel"}
	for _, name := range []string{"paid_social", "brand"} {
		n := channels[name]
		t.Segments = append(t.Segments, insight.Counts{Value: name, Units: []int64{n[1], n[0]}, Open: []int64{n[1], n[0]}})
	}
	return insight.Day{Age: age, Final: true, Tables: []insight.Table{t}, Humans: 10_000, Bots: 800}
}

// weeks of equal days, of which the newest is another one.
func weeks(usual, newest map[string][2]int64) insight.Question {
	q := insight.Question{Steps: []string{"session", "purchased"}, Days: []insight.Day{channelDay(0, newest)}}
	for age := 1; age < 35; age++ {
		q.Days = append(q.Days, channelDay(age, usual))
	}
	return q
}

// Ensure that the worked examples of a shop whose paid social brings more people, whose brand search converts worse, and both, are told apart, and
// that the sentence says so.
func TestDiagnoseTellsMixFromRates(t *testing.T) {
	usual := map[string][2]int64{"paid_social": {80, 2000}, "brand": {960, 8000}}
	for _, c := range []struct {
		name, label, segment, sentence string
		now                            map[string][2]int64
	}{
		{"T2.2", insight.LabelMix, "paid_social", "Traffic mix: session > purchased -2.6", map[string][2]int64{"paid_social": {360, 9000}, "brand": {960, 8000}}},
		{"T2.4", insight.LabelBoth, "", "of which mix of channel -2.47 pp and rates -1.6", map[string][2]int64{"paid_social": {270, 9000}, "brand": {800, 8000}}},
		{"one segment", insight.LabelLocalised, "brand", "fell only on channel brand: 12.0 % -> 6.0 %", map[string][2]int64{"paid_social": {80, 2000}, "brand": {480, 8000}}},
		{"everybody", insight.LabelDownstream, "", "Downstream: session > purchased fell in every segment", map[string][2]int64{"paid_social": {56, 2000}, "brand": {672, 8000}}},
		{"nobody", insight.LabelNoChange, "", "Nothing moved", map[string][2]int64{"paid_social": {81, 2000}, "brand": {955, 8000}}},
		{"too few", insight.LabelInsufficient, "", "too few units entered", map[string][2]int64{"paid_social": {1, 20}, "brand": {12, 100}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := insight.Diagnose(weeks(usual, c.now))
			if c.label == insight.LabelInsufficient {
				if r.Windows[0].Label != c.label || !strings.Contains(r.Windows[0].Why, c.sentence) {
					t.Errorf("got %+v", r.Windows)
				}
				return
			}
			if r.Label != c.label || r.Segment != c.segment || !strings.Contains(r.Sentence, c.sentence) {
				t.Errorf("got %s %s: %s", r.Label, r.Segment, r.Sentence)
			}
			if r.Label != insight.LabelNoChange && fmt.Sprintf("%.9f", r.Mix+r.Rate) != fmt.Sprintf("%.9f", r.Move.Now.Value-r.Move.Before.Value) {
				t.Errorf("mix %v and rates %v do not add up to %v -> %v", r.Mix, r.Rate, r.Move.Before.Value, r.Move.Now.Value)
			}
		})
	}
}

// Ensure that an outage is told before everything else, and that a day that is missing, not final or an incident is not used.
func TestDiagnoseUsesWhatItMay(t *testing.T) {
	usual := map[string][2]int64{"paid_social": {80, 2000}, "brand": {960, 8000}}
	q := weeks(usual, usual)
	minutes := make([]insight.Minute, 120)
	for i := range minutes {
		minutes[i] = insight.Minute{Entered: 10, Usual: .7}
	}
	q.Beats = []insight.Beat{{Step: 2, Minutes: minutes}}
	if r := insight.Diagnose(q); r.Label != insight.LabelOutage || !strings.Contains(r.Sentence, "session > purchased nearly stopped: 0 in the last 5 minutes, where 35 are usual") {
		t.Errorf("got %s: %s", r.Label, r.Sentence)
	}
	for what, spoil := range map[string]func(*insight.Question){
		"a missing day":        func(q *insight.Question) { q.Days = q.Days[1:] },
		"a day that is young":  func(q *insight.Question) { q.Days[0].Final = false },
		"only incidents":       func(q *insight.Question) { all(q, func(d *insight.Day) { d.Incident = d.Age > 0 }) },
		"nothing to ask about": func(q *insight.Question) { q.Days = nil },
	} {
		q := weeks(usual, usual)
		spoil(&q)
		if r := insight.Diagnose(q); r.Label != insight.LabelInsufficient || r.Rule != "R0" || len(r.Windows) != 3 {
			t.Errorf("%s: got %s %+v", what, r.Label, r.Windows)
		}
	}
}

func all(q *insight.Question, f func(*insight.Day)) {
	for i := range q.Days {
		f(&q.Days[i])
	}
}

// Ensure that a step whose events vanish is told from one that people no longer take: then the steps behind it fall as well.
func TestTrackingNeedsStepsThatHold(t *testing.T) {
	ask := func(carts, orders, closed int64) insight.Report {
		q := insight.Question{Steps: []string{"session", "cart_added", "purchased"}}
		for age := range 35 {
			units, open := []int64{10_000, 2_000, 1_000}, []int64{10_000, 2_000, 1_000}
			if age == 0 {
				units, open = []int64{10_000, carts, closed}, []int64{10_000, carts, orders}
			}
			q.Days = append(q.Days, insight.Day{Age: age, Final: true, Tables: []insight.Table{{Dimension: "os", Segments: []insight.Counts{{Value: "iOS", Units: units, Open: open}}}}})
		}
		return insight.Diagnose(q)
	}
	if r := ask(600, 980, 290); r.Label != insight.LabelTracking || r.To != "cart_added" || !strings.Contains(r.Sentence, "on all traffic (-70.0 % of its events)") {
		t.Errorf("lost events: got %s: %s", r.Label, r.Sentence)
	}
	if r := ask(600, 300, 300); r.Label == insight.LabelTracking || r.To != "cart_added" {
		t.Errorf("fewer carts: got %s %s: %s", r.Label, r.To, r.Sentence)
	}
}
