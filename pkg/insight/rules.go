package insight

import (
	"math"
	"strings"
)

const (
	// certain is the |z| from which a move is significant, and worth the least relative change that is worth a word.
	certain = 3.0
	// certainFall is enough for a fall: a quarter fewer carts at 4,000 sessions a day must show within a day, and the days that are flagged
	// for nothing stay below 5 % (scripts/proof diagnose measures both).
	certainFall = 2.75
	worth       = .08
	// certainOne is the |z| that one of many small segments needs, certainPair that of a tuple of dimensions, of which there are more.
	certainOne  = 4.0
	certainPair = 4.5
	// worthMix is the least relative change by mix that is worth a word.
	worthMix = .05
	// worthSegment is the least relative change of one segment.
	worthSegment = .10
)

// sig tells whether the rate part of a split is significant and large enough to matter.
func (v *view) sig() bool {
	return (v.z >= certain || v.z <= -certainFall) && math.Abs(v.split.Rate) >= worth*v.split.Before
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

// mix is R3: the coarsest dimension that, split out, leaves next to nothing of the move to rates. Of what it leaves, two standard
// errors are noise: a single day of a small shop has more of that than a third of the move.
func (w *window) mix(views []view) *view {
	for i := range views {
		v := &views[i]
		mix, rate := math.Abs(v.split.Mix), max(0, math.Abs(v.split.Rate)-2*v.se)
		if mix >= worthMix*v.split.Before && mix >= .7*(mix+rate) && rate <= .3*math.Abs(v.split.Delta) && !v.sig() && math.Abs(v.zMix) >= certain {
			return v
		}
	}
	return nil
}

// local is R4: one segment whose rate moved while those of all others did not. Of several the one is taken that is furthest apart from
// what is beside it; a finer dimension must be further.
func (w *window) local(views []view) (*view, *test) {
	var at *view
	var best *test
	most := 0.0
	for i := range views {
		v := &views[i]
		if len(v.tests) < 2 {
			continue
		}
		for j := range v.tests {
			t := &v.tests[j]
			if !t.found || math.Abs(t.z) < v.needs() || math.Abs(t.part.rel()) < worthSegment {
				continue
			}
			if apart := w.apart(v, t); apart > 0 && (best == nil || apart > most*finer(at, v)) {
				at, best, most = v, t, apart
			}
		}
	}
	return at, best
}

// needs is the |z| from which one segment of a dimension is told by itself.
func (v *view) needs() float64 {
	switch {
	case strings.Contains(v.dim.name, ","):
		return certainPair
	case len(v.tests) > 5:
		return certainOne
	}
	return certain
}

// finer is how much further apart a segment of v must be than one of at: a tuple of dimensions holds parts of what one of them tells.
func finer(at, v *view) float64 {
	switch {
	case at.dim == v.dim:
		return 1
	case strings.Contains(v.dim.name, ",") && !strings.Contains(at.dim.name, ","):
		return 1.3
	}
	return 1.1
}

// apart is by how many standard errors a segment moved otherwise than the segments beside it, beyond what counting explains (days that move
// all of them cancel out); 0 where that is nothing, or where these moved more than half as far. That a segment carries most of the move
// with little traffic says less: of the two systems of a device that fell, the one that fell more by chance would.
func (w *window) apart(v *view, t *test) float64 {
	var rest, base, variance float64
	for i := range v.tests {
		if o := &v.tests[i]; o != t {
			weight := (o.part.ShareBefore + o.part.ShareNow) / 2
			rest, base, variance = rest+o.part.Rate, base+weight*o.part.Before.Value(), variance+o.part.variance
		}
	}
	r0 := t.part.Before.Value()
	if base == 0 || r0 == 0 {
		return 0
	}
	own, others := t.part.rel(), rest/base
	se := math.Sqrt(t.variance/(r0*r0) + variance/(base*base) + w.dayVariance(minNoise, 1))
	if z := math.Abs(own-others) / se; z >= certain && math.Abs(others) <= math.Abs(own)/2 {
		return z
	}
	return 0
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
