package insight

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// TwoProportions compares two rates: z of the pooled test, now − before, and its two-sided p. A variance that is φ times the
// binomial one (see Overdispersion) divides z by √φ; 1 is the plain test. Without units, or without any variance, z is 0.
func TwoProportions(before, now Rate, phi float64) (z, p float64) {
	if before.N == 0 || now.N == 0 {
		return 0, 1
	}
	pool := before.Plus(now).Value()
	se := math.Sqrt(phi * pool * (1 - pool) * (1/float64(before.N) + 1/float64(now.N)))
	if se == 0 {
		return 0, 1
	}
	z = (now.Value() - before.Value()) / se
	return z, TwoSided(z)
}

// TwoSided is the chance of a normal value at least as far from 0.
func TwoSided(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }

// Overdispersion is the quasi-binomial φ of a series of rates: Pearson's χ² over the degrees of freedom. 1 = binomial.
func Overdispersion(days []Rate) float64 {
	var sum Rate
	for _, d := range days {
		sum = sum.Plus(d)
	}
	p := sum.Value()
	if len(days) < 2 || p == 0 || p == 1 {
		return 1
	}
	var chi2 float64
	for _, d := range days {
		e := float64(d.N) * p
		chi2 += (float64(d.X) - e) * (float64(d.X) - e) / (e * (1 - p))
	}
	return chi2 / float64(len(days)-1)
}

// Fell is the chance that the rate is lower now, for small numbers: both rates have the posterior Beta(1 + x, 1 + n − x),
// compared as normal values.
func Fell(before, now Rate) float64 {
	m0, v0 := beta(before)
	m1, v1 := beta(now)
	return distuv.UnitNormal.CDF((m0 - m1) / math.Sqrt(v0+v1))
}

// beta is the mean and the variance of Beta(1 + x, 1 + n − x).
func beta(r Rate) (mean, variance float64) {
	b := distuv.Beta{Alpha: 1 + float64(r.X), Beta: 1 + float64(r.N-r.X)}
	return b.Mean(), b.Variance()
}

// BenjaminiHochberg tells which of the p values are discoveries at false discovery rate q: the largest k with
// p(k) ≤ q·k/m, and all that are not larger.
func BenjaminiHochberg(p []float64, q float64) []bool {
	sorted := slices.Sorted(slices.Values(p))
	limit := -1.0
	for i, v := range sorted {
		if v <= q*float64(i+1)/float64(len(sorted)) {
			limit = v
		}
	}
	out := make([]bool, len(p))
	for i, v := range p {
		out[i] = v <= limit
	}
	return out
}
