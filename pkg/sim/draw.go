package sim

import (
	"math"
	"math/rand/v2"
	"sort"
)

// weights is a cumulative distribution over indexes.
type weights []float64

func weigh(n int, share func(i int) float64) weights {
	w := make(weights, n)
	sum := 0.0
	for i := range w {
		sum += share(i)
		w[i] = sum
	}
	return w
}

func (w weights) pick(r *rand.Rand) int {
	return min(sort.SearchFloat64s(w, r.Float64()*w[len(w)-1]), len(w)-1)
}

func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

func lognormal(r *rand.Rand, median, sigma float64) float64 {
	return median * math.Exp(sigma*r.NormFloat64())
}

func oneOf[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// logitNormal moves the probability p by a visitor's intent z. The factor on the logit (the probit approximation of a
// logit-normal's mean) makes p the mean over all visitors again.
func logitNormal(p, z float64) float64 {
	p = min(max(p, .001), .95)
	logit := math.Log(p/(1-p)) * math.Sqrt(1+math.Pi*intentSD*intentSD/8)
	return 1 / (1 + math.Exp(-logit-intentSD*z))
}

// rising is a small probability that rises with the intent z and has the mean p.
func rising(p, z float64) float64 { return p * math.Exp(intentSD*z-intentSD*intentSD/2) }
