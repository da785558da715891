package insight

import "math"

const (
	// lost is the relative fall of a step's events that behaviour alone hardly makes.
	lost = .5
	// held is how far a step behind it may fall, as a share of its own fall.
	held = 1. / 3
)

// tracking is R1: a step's events fell by half or more, while the steps behind it hold. Open counts tell it, which ask for no
// order: of the people who entered, how many did the action at all. Of several segments the one that fell furthest is named; a finer
// dimension must fall further by a tenth, so that a whole that broke is not told by its parts.
func (w *window) tracking() (Report, bool) {
	for k := 1; k < len(w.steps)-1; k++ {
		if fell, ok := w.silent(w.total, k); ok {
			r := w.trackingReport(k, nil, "", fell)
			return r, true
		}
		var at *dimension
		var value string
		least := 0.0
		for i := range w.dims {
			d := &w.dims[i]
			for j := range d.segments {
				fell, ok := w.silent(w.move(&d.segments[j]), k)
				if ok && (at == nil || fell < least && (d == at || fell < least-.1)) {
					at, value, least = d, d.segments[j].value, fell
				}
			}
		}
		if at != nil {
			return w.trackingReport(k, at, value, least), true
		}
	}
	return Report{}, false
}

// silent tells by how much a step's events fell, if they did while a later step's held.
func (w *window) silent(m move, k int) (fell float64, ok bool) {
	step := m.open(k)
	if step.Before.X == 0 || step.Before.Value()*float64(step.Now.N) < 2*enough {
		return 0, false
	}
	fell = step.rel()
	if _, p := TwoProportions(step.Before, step.Now, 4); fell > -lost || p > .001 {
		return 0, false
	}
	for later := k + 1; later < len(w.steps); later++ {
		behind := m.open(later)
		if behind.Before.Value()*float64(behind.Now.N) < enough {
			return 0, false
		}
		z, _ := TwoProportions(behind.Before, behind.Now, 1)
		if behind.rel() >= held*fell || math.Abs(z) < 2 {
			return fell, true
		}
		if behind.rel() < -lost { // its events are lost too: look further
			continue
		}
		return 0, false
	}
	return 0, false
}

// outage is R2: in the last minutes a step nearly stopped.
func (l *ledger) outage(beats []Beat) (Report, bool) {
	for _, b := range beats {
		if o, ok := DetectOutage(b.Minutes); ok {
			return l.outageReport(b.Step, o), true
		}
	}
	return Report{}, false
}
