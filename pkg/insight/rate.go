// Package insight tells why a conversion rate moved: which step, traffic mix or storefront, in which segment, and what
// can be ruled out.
//
// It is pure: counts go in, a report comes out. Formulas and their worked examples are those of analytics.md §0 to §2,
// which names its sources; each example is a test under its number.
package insight

import "math"

// Z95 is the normal quantile of two-sided 95 % intervals.
const Z95 = 1.96

// MinN is how many units a rate needs; with fewer it says nothing, and is insufficient instead of 0 %.
const MinN = 200

// Rate is a share of units: X of N took the step. N and X are the same units, so X ≤ N.
type Rate struct {
	X int64 `json:"x"`
	N int64 `json:"n"`
}

// Plus adds the units of another window or segment: rates add by their numbers, never by averages.
func (r Rate) Plus(o Rate) Rate { return Rate{r.X + o.X, r.N + o.N} }

// Minus takes the units of a part off.
func (r Rate) Minus(o Rate) Rate { return Rate{r.X - o.X, r.N - o.N} }

// Value is X/N, and 0 where there are no units.
func (r Rate) Value() float64 {
	if r.N == 0 {
		return 0
	}
	return float64(r.X) / float64(r.N)
}

// Wilson is the score interval of a rate: c ± h with c = (p + z²/2n)/(1 + z²/n), h = z/(1 + z²/n)·√(p(1−p)/n + z²/4n²).
// Without units it is [0, 1]: anything is possible.
func (r Rate) Wilson(z float64) (lo, hi float64) {
	if r.N == 0 {
		return 0, 1
	}
	n, p := float64(r.N), r.Value()
	den := 1 + z*z/n
	c, h := (p+z*z/(2*n))/den, z/den*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(c-h, 0), min(c+h, 1)
}

// variance of the rate: p(1−p)/n.
func (r Rate) variance() float64 {
	if r.N == 0 {
		return 0
	}
	p := r.Value()
	return p * (1 - p) / float64(r.N)
}

// Shrunk is the empirical-Bayes rate of a small cell: pseudo units of the prior rate are added to it.
func (r Rate) Shrunk(prior, pseudo float64) float64 {
	return (float64(r.X) + prior*pseudo) / (float64(r.N) + pseudo)
}

// MoveRate is a rate before and now.
type MoveRate struct {
	Before Rate `json:"before"`
	Now    Rate `json:"now"`
}

// rel is the relative change of the rate; 0 where there was none before.
func (m MoveRate) rel() float64 {
	if m.Before.X == 0 {
		return 0
	}
	return m.Now.Value()/m.Before.Value() - 1
}
