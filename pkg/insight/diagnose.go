package insight

import (
	"cmp"
	"math"
	"slices"
)

// Diagnose answers why the funnel's conversion moved: first by the minutes (an outage), then by that of the spans of 1, 3 and
// 7 days whose finding is the most certain. The first rule that holds wins.
func Diagnose(q Question) Report {
	l := read(q)
	if r, ok := l.outage(q.Beats); ok {
		return l.finish(r, nil, q.Notes)
	}
	var verdicts []Verdict
	var best *Report
	var at window
	for _, span := range spans() {
		w, why := l.window(span)
		if why != "" {
			verdicts = append(verdicts, Verdict{span, LabelInsufficient, why})
			continue
		}
		r := w.judge()
		verdicts = append(verdicts, Verdict{Days: span, Label: r.Label})
		if best == nil || stronger(r, *best) {
			best, at = &r, w
		}
	}
	if best == nil {
		best = &Report{Label: LabelInsufficient, Rule: "R0", Sentence: "Not enough is known: " + verdicts[0].Why + "."}
	}
	best.Windows = verdicts
	return l.finish(*best, &at, q.Notes)
}

// stronger tells whether a finding says more than another one of a shorter span: lost events first, then the more certain one.
func stronger(r, than Report) bool {
	switch {
	case r.Label == LabelNoChange || than.Label == LabelTracking:
		return false
	case than.Label == LabelNoChange || r.Label == LabelTracking:
		return true
	}
	return r.strength > than.strength
}

// judge one window by the rules, tracking first on every step, then the others on the step that moved the conversion most and,
// where that one says nothing, on the next.
func (w *window) judge() Report {
	if r, ok := w.tracking(); ok {
		return r
	}
	views := make([][]view, len(w.steps))
	for k := 1; k < len(w.steps); k++ {
		views[k] = w.views(k)
	}
	discover(views)
	for _, k := range w.byContribution() {
		if r, ok := w.step(k, views[k]); ok {
			return r
		}
	}
	k := w.byContribution()[0]
	r := w.report(LabelNoChange, "R8", k, w.best(views[k]))
	r.Dimension = ""
	return r
}

// contributions of the steps to the move of the whole conversion.
func (w *window) contributions() []float64 {
	return StepShares(stepRates(w.total.before.Units), stepRates(w.total.now.Units))
}

func (w *window) byContribution() []int {
	c := w.contributions()
	order := make([]int, len(c))
	for i := range order {
		order[i] = i + 1
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(math.Abs(c[b-1]), math.Abs(c[a-1])) })
	return order
}

// best is the view that leaves least to rates: the one to tell mix and rate apart by. A finer one must be better by a tenth of
// the whole move, or it only takes up noise.
func (w *window) best(views []view) *view {
	at := &views[0]
	for i := range views[1:] {
		v := &views[i+1]
		if math.Abs(v.split.Rate) < math.Abs(at.split.Rate)-math.Abs(v.split.Delta)/10 {
			at = v
		}
	}
	return at
}

// report of a step as a view splits it.
func (w *window) report(label, rule string, k int, v *view) Report {
	r := Report{Label: label, Rule: rule, Days: w.span, Step: k + 1, From: w.steps[k-1], To: w.steps[k], Dimension: v.dim.name,
		Move: interval(w.total.step(k)), Mix: v.split.Mix, Rate: v.split.Rate, Z: v.z, Parts: slicesOf(v), strength: math.Abs(v.z)}
	for i, c := range w.contributions() {
		m := w.total.step(i + 1)
		r.Steps = append(r.Steps, StepMove{Step: i + 2, Action: w.steps[i+1], Before: m.Before, Now: m.Now, Contribution: c})
	}
	return r
}
