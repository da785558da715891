package insight

import "math"

// StepShares tells how much each step moved a conversion rate that is the product of the step rates (LMDI, Ang 2004):
// contribution k = L(C1, C0)·ln(r1/r0), with the logarithmic mean L(a, b) = (a − b)/ln(a/b). They add up to C1 − C0 exactly.
func StepShares(before, now []float64) []float64 {
	c0, c1 := product(before), product(now)
	l := logMean(c1, c0)
	out := make([]float64, len(before))
	for k := range out {
		out[k] = l * math.Log(now[k]/before[k])
	}
	return out
}

// stepRates of the units that reached each step; half a unit stands for none, so that logarithms exist.
func stepRates(units []int64) []float64 {
	out := make([]float64, len(units)-1)
	for k := range out {
		out[k] = half(units[k+1]) / half(units[k])
	}
	return out
}

func half(n int64) float64 { return max(float64(n), .5) }

func product(list []float64) float64 {
	p := 1.0
	for _, v := range list {
		p *= v
	}
	return p
}

func logMean(a, b float64) float64 {
	if a == b {
		return a
	}
	return (a - b) / math.Log(a/b)
}
