package insight

// Cell is one pair of values of two nested dimensions, such as channel and the device within it.
type Cell struct {
	Outer, Inner string
	MoveRate
}

// NestedSplit divides the move of a rate into the mix of the outer dimension, that of the inner one within it, and rates.
type NestedSplit struct{ OuterMix, InnerMix, Rate float64 }

// DasGupta splits R = Σ w_c·w_d|c·r_cd over its three factors: each factor's effect is averaged over the 3! orders in which
// they could have changed (Das Gupta 1978, a Shapley value), so the three add up to the move. What is missing in one of the two
// times is taken from the other.
func DasGupta(cells []Cell) NestedSplit {
	outer := map[string]MoveRate{}
	var total MoveRate
	for _, c := range cells {
		o := outer[c.Outer]
		outer[c.Outer] = MoveRate{o.Before.Plus(c.Before), o.Now.Plus(c.Now)}
		total = MoveRate{total.Before.Plus(c.Before), total.Now.Plus(c.Now)}
	}
	var out NestedSplit
	if total.Before.N == 0 || total.Now.N == 0 {
		return out
	}
	for _, c := range cells {
		o := outer[c.Outer]
		f := [3][2]float64{
			{share(o.Before, total.Before), share(o.Now, total.Now)},
			pair(c.Before.N, o.Before.N, c.Now.N, o.Now.N),
			pair(c.Before.X, c.Before.N, c.Now.X, c.Now.N),
		}
		out.OuterMix += effect(f[0], f[1], f[2])
		out.InnerMix += effect(f[1], f[0], f[2])
		out.Rate += effect(f[2], f[0], f[1])
	}
	return out
}

// pair of two ratios; one without a denominator is as the other.
func pair(x0, n0, x1, n1 int64) [2]float64 {
	a, b := Rate{x0, n0}.Value(), Rate{x1, n1}.Value()
	switch {
	case n0 == 0:
		a = b
	case n1 == 0:
		b = a
	}
	return [2]float64{a, b}
}

// effect of a factor's change in a product of three, averaged over the orders: the others are both old or both new in two of
// six orders each, and mixed in one each.
func effect(f, g, h [2]float64) float64 {
	return (f[1] - f[0]) * (2*g[0]*h[0] + 2*g[1]*h[1] + g[0]*h[1] + g[1]*h[0]) / 6
}
