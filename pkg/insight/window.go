package insight

import (
	"math"
	"slices"
)

// spans are the windows that are judged, in days, shortest first.
func spans() []int { return []int{1, 3, 7} }

const (
	weeks = 4 // of the baseline
	// enough is how many successes must be expected before a segment is tested.
	enough = 10
	// discoveries is the false discovery rate of all spans together.
	discoveries = .05
	// small segments are pooled: those with a smaller share of the denominator.
	small = .01
	// shareNoise is the relative standard deviation of a segment's share from day to day [A].
	shareNoise = .1
	// Pooled is the value that stands for them.
	Pooled = "(small)"
)

// window is one span beside its baseline.
type window struct {
	*ledger
	span        int
	now, before []int // ages
	clean       []int // ages that noise is learned from
	total       move
}

// move is a segment's counts before and now.
type move struct{ before, now Counts }

func (m move) step(k int) MoveRate { return MoveRate{m.before.step(k), m.now.step(k)} }
func (m move) open(k int) MoveRate { return MoveRate{m.before.open(k), m.now.open(k)} }

// window of so many days. why says what is missing, and is empty if nothing is.
func (l *ledger) window(span int) (w window, why string) {
	w = window{ledger: l, span: span}
	for age := range l.days {
		d := &l.days[age]
		there := len(d.Tables) > 0
		switch {
		case age < span && !there:
			return w, "there are no counts for all of its days"
		case age < span && !d.Final:
			return w, "it is not final yet"
		case age < span:
			w.now = append(w.now, age)
		case !there || !d.Final || d.Incident:
		default:
			w.clean = append(w.clean, age)
			if age >= 7 && age%7 < span && age/7 <= weeks {
				w.before = append(w.before, age)
			}
		}
	}
	if len(w.now) < span || len(w.before) < span {
		return w, "there are no days before it to compare with"
	}
	w.total = w.move(&l.total)
	if least := min(sum0(w.total.before), sum0(w.total.now)); least < MinN {
		return w, "too few units entered"
	}
	return w, ""
}

func sum0(c Counts) int64 {
	if len(c.Units) == 0 {
		return 0
	}
	return c.Units[0]
}

func (w *window) move(s *series) move { return move{s.sum(w.before), s.sum(w.now)} }

// noise of a segment's step rate, per day.
func (w *window) noise(s *series, k int) float64 {
	if len(w.clean) < noiseDays {
		return minNoise
	}
	days := make([]Rate, 0, len(w.clean))
	for _, a := range w.clean {
		days = append(days, s.days[a].step(k))
	}
	return DayNoise(days)
}

// dayVariance is what days add to the variance of a rate's move: both times are means of so many days.
func (w *window) dayVariance(tau, rate float64) float64 {
	return tau * tau * rate * rate * (1/float64(w.span) + 1/float64(len(w.before)))
}

// test is one segment's step: whether its own rate moved.
type test struct {
	part Part
	tau  float64
	z, p float64
	// variance of the move by counting alone.
	variance float64
	asked    bool // enough was expected
	found    bool // a discovery among all tests of the window
}

// view is one dimension's split of one step.
type view struct {
	dim   *dimension
	split Split
	z, se float64 // of the rate part
	zMix  float64 // of the mix part
	tests []test
}

// views of a step: one per dimension, the coarsest first.
func (w *window) views(k int) []view {
	var out []view
	total := max(w.noise(&w.ledger.total, k), minNoise)
	for i := range w.dims {
		d := &w.dims[i]
		segments, tau := w.segments(d, k)
		v := view{dim: d, split: Kitagawa(segments)}
		if v.se = math.Sqrt(v.split.Variance + w.dayVariance(total, v.split.Before)); v.se > 0 {
			v.z = v.split.Rate / v.se
		}
		v.zMix = w.mixZ(&v.split)
		for _, p := range v.split.Parts {
			at := slices.IndexFunc(segments, func(s Segment) bool { return s.Value == p.Value })
			v.tests = append(v.tests, w.test(p, tau[at]))
		}
		out = append(out, v)
	}
	return out
}

// mixZ is the significance of the mix part: shares vary by counting (a multinomial) and from day to day.
func (w *window) mixZ(s *Split) float64 {
	var before, now Rate
	for _, p := range s.Parts {
		before, now = before.Plus(p.Before), now.Plus(p.Now)
	}
	if before.N == 0 || now.N == 0 {
		return 0
	}
	var spread, days float64
	center := (s.Before + s.Now) / 2
	for _, p := range s.Parts {
		weight, distance := (p.ShareBefore+p.ShareNow)/2, p.rate()-center
		spread += weight * distance * distance
		days += weight * weight * distance * distance
	}
	variance := spread*(1/float64(before.N)+1/float64(now.N)) + w.dayVariance(shareNoise, 1)*days
	if variance == 0 {
		return 0
	}
	return s.Mix / math.Sqrt(variance)
}

// segments of a dimension for one step, small ones pooled, with their noise.
func (w *window) segments(d *dimension, k int) (out []Segment, tau []float64) {
	whole := w.total.step(k)
	pool, poolSeries := Segment{Value: Pooled}, series{days: make([]Counts, len(w.days))}
	for i := range d.segments {
		s := &d.segments[i]
		m := w.move(s).step(k)
		if share(m.Before, whole.Before) < small && share(m.Now, whole.Now) < small {
			pool.Before, pool.Now = pool.Before.Plus(m.Before), pool.Now.Plus(m.Now)
			for a := range s.days {
				poolSeries.days[a] = add(poolSeries.days[a], s.days[a])
			}
			continue
		}
		out, tau = append(out, Segment{Value: s.value, MoveRate: m}), append(tau, w.noise(s, k))
	}
	if pool.Before.N+pool.Now.N > 0 {
		out, tau = append(out, pool), append(tau, w.noise(&poolSeries, k))
	}
	return out, floorNoise(tau)
}

// test one segment. The variance is that of the pooled rate: of few units all may take a step, and a rate of 1 has none of its own.
func (w *window) test(p Part, tau float64) test {
	t := test{part: p, tau: tau, p: 1}
	r0, pool, n := p.Before.Value(), p.Before.Plus(p.Now).Value(), float64(p.Now.N)
	t.asked = r0*n >= enough && (1-r0)*n >= enough && p.Before.X >= enough
	if !t.asked {
		return t
	}
	t.variance = pool * (1 - pool) * (1/float64(p.Before.N) + 1/n)
	if se := math.Sqrt(t.variance + w.dayVariance(tau, r0)); se > 0 {
		t.z = (p.Now.Value() - r0) / se
		t.p = TwoSided(t.z)
	}
	return t
}

// discover marks the discoveries among all tests of all steps.
func discover(steps [][]view) {
	var p []float64
	var at []*test
	for _, views := range steps {
		for i := range views {
			for j := range views[i].tests {
				if t := &views[i].tests[j]; t.asked {
					p, at = append(p, t.p), append(at, t)
				}
			}
		}
	}
	for i, found := range BenjaminiHochberg(p, discoveries/float64(len(spans()))) {
		at[i].found = found
	}
}
