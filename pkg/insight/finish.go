package insight

import (
	"fmt"
	"math"
)

// finish adds what every report has: what was ruled out, what people noted, and the daily rates of its step.
func (l *ledger) finish(r Report, w *window, notes []Note) Report {
	if r.Label == LabelNoChange {
		m := r.Move
		r.Sentence = fmt.Sprintf("Nothing moved beyond what days vary by: %s > %s is at %s, was %s.", r.From, r.To, percent(m.Now.Value), percent(m.Before.Value))
	}
	if r.Label != LabelInsufficient && w != nil {
		r.RuledOut = append(r.RuledOut, w.ruledOut(r)...)
	}
	for _, n := range notes {
		r.Evidence = append(r.Evidence, n.sentence())
	}
	if r.Step > 1 {
		for age := len(l.days) - 1; age >= 0; age-- {
			if rate := l.total.days[age].step(r.Step - 1); rate.N > 0 {
				r.Daily = append(r.Daily, rate.Value())
			}
		}
	}
	return r
}

func (n Note) sentence() string {
	if n.Hours < 0 {
		return fmt.Sprintf("Noted %.0f h later: %s %q.", -n.Hours, n.Kind, n.Text)
	}
	return fmt.Sprintf("Noted %.0f h before: %s %q.", n.Hours, n.Kind, n.Text)
}

// ruledOut says which data causes were looked at, and warns of those that were not ruled out. Of what there is no data for it says nothing.
func (w *window) ruledOut(r Report) []string {
	out := []string{"Immature data: every window that was compared is final."}
	if r.Label != LabelTracking {
		out = append(out, "Tracking break: no step's events vanish while later steps hold.")
	}
	if w.watched {
		out = append(out, "Outage: no step stopped within the last two hours.")
	}
	for _, s := range []string{w.bots(), w.consent()} {
		if s != "" {
			out = append(out, s)
		}
	}
	if volume := w.volume(); math.Abs(volume) >= .3 {
		out = append(out, fmt.Sprintf("Not ruled out: %+.0f %% units entered, which no rate shows.", 100*volume))
	}
	return out
}

// bots tells how the share of robots moved, empty if nobody counted: what classification misses usually moves with what it finds.
func (w *window) bots() string {
	before, now := w.robots(w.before), w.robots(w.now)
	if before.N == 0 || now.N == 0 {
		return ""
	}
	if d := now.Value() - before.Value(); math.Abs(d) >= .02 && math.Abs(d) >= .3*before.Value() {
		return fmt.Sprintf("Not ruled out: the share of bots went from %s to %s; the rates are of people only.", percent(before.Value()), percent(now.Value()))
	}
	return fmt.Sprintf("Bots: their share is %s, was %s.", percent(now.Value()), percent(before.Value()))
}

func (w *window) robots(ages []int) (r Rate) {
	for _, a := range ages {
		r = r.Plus(Rate{w.days[a].Bots, w.days[a].Bots + w.days[a].Humans})
	}
	return r
}

// consent tells how the shares of consent moved, where it is a breakdown.
func (w *window) consent() string {
	for i := range w.dims {
		d := &w.dims[i]
		if d.name != "consent" {
			continue
		}
		var most float64
		for j := range d.segments {
			m := w.move(&d.segments[j])
			before, now := Rate{sum0(m.before), sum0(w.total.before)}, Rate{sum0(m.now), sum0(w.total.now)}
			most = max(most, math.Abs(now.Value()-before.Value()))
		}
		if most >= .05 {
			return fmt.Sprintf("Not ruled out: consent moved by %s; a banner may have changed.", points(most))
		}
		return fmt.Sprintf("Consent: no share of it moved by more than %s.", points(most))
	}
	return ""
}

// volume is the relative change of the units that entered, per day.
func (w *window) volume() float64 {
	before := float64(sum0(w.total.before)) / float64(len(w.before))
	now := float64(sum0(w.total.now)) / float64(len(w.now))
	return now/before - 1
}
