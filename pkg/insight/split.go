package insight

// Segment is one value of a dimension, with the step's rate before and now.
type Segment struct {
	Value string
	MoveRate
}

// Part is what one segment did to a step's rate. Mix and Rate are differences of the whole rate.
type Part struct {
	Segment
	// Share of the step's denominator before and now.
	ShareBefore, ShareNow float64
	// Mix is what its share's move did, Rate what its own rate's move did.
	Mix, Rate float64
	// variance of Rate, by counting alone.
	variance float64
}

// Split divides the move of a step's rate into traffic mix and rates.
type Split struct {
	// Before, Now are the whole rates; Delta = Mix + Rate exactly.
	Before, Now, Delta, Mix, Rate float64
	// Variance of Rate, by counting alone: Σ w̄²·(r0(1 − r0)/n0 + r1(1 − r1)/n1).
	Variance float64
	Parts    []Part
}

// Kitagawa splits a rate's move into mix and rate (Kitagawa 1955, the two-factor Shapley value): with shares w and rates r,
// mix = (w1 − w0)·((r0 + r1)/2 − R̄) and rate = (w0 + w1)/2·(r1 − r0). Centring on R̄ = (R0 + R1)/2 changes no sum and makes
// a segment's mix readable. A segment that is new, or gone, has the rate of the time when it was there: it is all mix.
func Kitagawa(segments []Segment) Split {
	var total MoveRate
	for _, s := range segments {
		total.Before, total.Now = total.Before.Plus(s.Before), total.Now.Plus(s.Now)
	}
	out := Split{Before: total.Before.Value(), Now: total.Now.Value()}
	if total.Before.N == 0 || total.Now.N == 0 {
		return out
	}
	out.Delta = out.Now - out.Before
	center := (out.Before + out.Now) / 2
	for _, s := range segments {
		if s.Before.N == 0 && s.Now.N == 0 {
			continue
		}
		p := part(s, total, center)
		out.Mix, out.Rate, out.Variance = out.Mix+p.Mix, out.Rate+p.Rate, out.Variance+p.variance
		out.Parts = append(out.Parts, p)
	}
	return out
}

func part(s Segment, total MoveRate, center float64) Part {
	p := Part{Segment: s, ShareBefore: share(s.Before, total.Before), ShareNow: share(s.Now, total.Now)}
	r0, r1 := s.Before.Value(), s.Now.Value()
	w := (p.ShareBefore + p.ShareNow) / 2
	switch {
	case s.Before.N == 0:
		r0 = r1
	case s.Now.N == 0:
		r1 = r0
	default:
		p.variance = w * w * (s.Before.variance() + s.Now.variance())
	}
	p.Mix = (p.ShareNow - p.ShareBefore) * ((r0+r1)/2 - center)
	p.Rate = w * (r1 - r0)
	return p
}

func share(part, whole Rate) float64 { return float64(part.N) / float64(whole.N) }

// rate of the segment over both times, each with the same weight; of one time only where the other has none.
func (p *Part) rate() float64 {
	switch {
	case p.Before.N == 0:
		return p.Now.Value()
	case p.Now.N == 0:
		return p.Before.Value()
	}
	return (p.Before.Value() + p.Now.Value()) / 2
}
