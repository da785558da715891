package insight

import "math"

const (
	// certain is the |z| from which a move is significant, and worth the least relative change that is worth a word.
	certain = 3.0
	worth   = .08
	// worthMix is the least relative change by mix that is worth a word.
	worthMix = .05
	// worthSegment is the least relative change of one segment.
	worthSegment = .10
)

// sig tells whether the rate part of a split is significant and large enough to matter.
func (v *view) sig() bool {
	return math.Abs(v.z) >= certain && math.Abs(v.split.Rate) >= worth*v.split.Before
}

// step judges one step by rules R3 to R7.
func (w *window) step(k int, views []view) (Report, bool) {
	m := w.total.step(k)
	if m.Before.N < MinN || m.Now.N < MinN || m.Before.X < enough || len(views) == 0 {
		return Report{}, false
	}
	if v := w.mix(views); v != nil {
		return w.mixReport(k, v), true
	}
	if v, t := w.local(views); t != nil {
		return w.localReport(k, v, t), true
	}
	v := w.best(views)
	if !v.sig() {
		return Report{}, false
	}
	mixMatters := math.Abs(v.split.Mix) >= worthMix*v.split.Before && math.Abs(v.split.Mix) >= .3*(math.Abs(v.split.Mix)+math.Abs(v.split.Rate))
	if broad(views) && !mixMatters {
		return w.broadReport(k, v), true
	}
	return w.bothReport(k, v), true
}

// mix is R3: the coarsest dimension that, split out, leaves next to nothing of the move to rates.
func (w *window) mix(views []view) *view {
	for i := range views {
		v := &views[i]
		mix, rate := math.Abs(v.split.Mix), math.Abs(v.split.Rate)
		if mix >= .7*(mix+rate) && mix >= worthMix*v.split.Before && rate <= .3*math.Abs(v.split.Delta) && !v.sig() && w.certainMix(v) {
			return v
		}
	}
	return nil
}

// certainMix tells whether the whole move is beyond what counting and days explain.
func (w *window) certainMix(v *view) bool {
	var m MoveRate
	for _, p := range v.split.Parts {
		m = MoveRate{m.Before.Plus(p.Before), m.Now.Plus(p.Now)}
	}
	se := math.Sqrt(m.Before.variance() + m.Now.variance() + w.dayVariance(minNoise, v.split.Before))
	return se > 0 && math.Abs(v.split.Delta)/se >= certain
}

// local is R4: one segment whose rate moved while those of all others did not, or one that carries most of the move with a small
// part of the traffic. Of several the most certain is taken; a finer dimension must be more certain by a tenth.
func (w *window) local(views []view) (*view, *test) {
	var at *view
	var best *test
	for i := range views {
		v := &views[i]
		if len(v.tests) < 2 {
			continue
		}
		for j := range v.tests {
			t := &v.tests[j]
			if !t.found || math.Abs(t.z) < certain || math.Abs(t.part.rel()) < worthSegment || !w.alone(v, t) {
				continue
			}
			if best == nil || math.Abs(t.z) > math.Abs(best.z)*finer(at, v) {
				at, best = v, t
			}
		}
	}
	return at, best
}

// finer is how much more certain a segment of v must be than one of at.
func finer(at, v *view) float64 {
	if at.dim == v.dim {
		return 1
	}
	return 1.1
}

// alone tells whether the segments beside t stood still, or t carries the move.
func (w *window) alone(v *view, t *test) bool {
	var rest, restBase, variance float64
	for i := range v.tests {
		if o := &v.tests[i]; o != t {
			weight := (o.part.ShareBefore + o.part.ShareNow) / 2
			rest, restBase, variance = rest+o.part.Rate, restBase+weight*o.part.Before.Value(), variance+o.part.variance
		}
	}
	if restBase == 0 {
		return false
	}
	se := math.Sqrt(variance + w.dayVariance(t.tau, restBase))
	still := math.Abs(rest) < certain*se && math.Abs(rest/restBase) <= math.Abs(t.part.rel())/3
	weight := (t.part.ShareBefore + t.part.ShareNow) / 2
	carries := weight <= .4 && t.part.Rate/v.split.Rate >= .6
	return still || carries
}

// broad tells whether at least 80 % of the traffic moved the same way, in the coarsest dimension that has two segments.
func broad(views []view) bool {
	for i := range views {
		v := &views[i]
		if len(v.tests) < 2 {
			continue
		}
		var same, all float64
		for _, t := range v.tests {
			weight := (t.part.ShareBefore + t.part.ShareNow) / 2
			all += weight
			if t.part.Rate*v.split.Rate > 0 {
				same += weight
			}
		}
		return same >= .8*all
	}
	return true
}
