package insight_test

import (
	"math"
	"testing"

	"github.com/tributary-data/tributary/pkg/insight"
)

// near fails unless got is want to as many digits as the example gives.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > tolerance {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func rate(x, n int64) insight.Rate { return insight.Rate{X: x, N: n} }

func moved(value string, x0, n0, x1, n1 int64) insight.Segment {
	return insight.Segment{Value: value, MoveRate: insight.MoveRate{Before: rate(x0, n0), Now: rate(x1, n1)}}
}

func TestT0_1Wilson(t *testing.T) {
	lo, hi := rate(12, 40).Wilson(insight.Z95)
	near(t, "low", lo, 0.18075, 5e-6)
	near(t, "high", hi, 0.45430, 5e-6)
}

func TestT0_2WilsonOfNone(t *testing.T) {
	lo, hi := rate(0, 20).Wilson(insight.Z95)
	near(t, "low", lo, 0, 0)
	near(t, "high", hi, 0.16113, 5e-6)
	if lo, hi := rate(0, 0).Wilson(insight.Z95); lo != 0 || hi != 1 {
		t.Errorf("without units: got [%v, %v], want [0, 1]", lo, hi)
	}
}

// T1.8: by occurrence conversion seems to triple; by entry, at equal age, nothing changed.
func TestT1_8EqualAge(t *testing.T) {
	byAge := []insight.Bins{{0: 10, 120: 10}, {0: 5}} // buyers of day 1, at once and a day later; of day 2, so far
	entered := []int64{100, 50}
	for day, bins := range byAge {
		near(t, "bought at once", rate(bins.Within(3600), entered[day]).Value(), .10, 0)
	}
	near(t, "by entry, day 1", rate(byAge[0].Within(1e9), 100).Value(), .20, 0)
	near(t, "by occurrence, day 2", rate(15, 50).Value(), .30, 0)
}

func TestT1_9Quantiles(t *testing.T) {
	b := insight.Bins{34: 1, 41: 1, 45: 1, 64: 1, 82: 1}
	near(t, "median", b.Quantile(.5), 85.84, .005)
	near(t, "p90", b.Quantile(.9), 3482.66, .005)
}

func TestT1_10Within(t *testing.T) {
	if got := (insight.Bins{34: 1, 45: 1}).Within(60); got != 1 {
		t.Errorf("got %d of 2 within a minute, want 1", got)
	}
}

// M = 0.60: 10 % so far will be 16.7 %.
func TestProjected(t *testing.T) {
	got, ok := rate(10, 100).Projected(insight.Bins{10: 60, 100: 40}.Maturity(60))
	near(t, "projected", got, .1667, 5e-5)
	if _, none := rate(10, 100).Projected(0); !ok || none {
		t.Errorf("known %t, without maturity %t", ok, none)
	}
}

func TestT2_1StepShares(t *testing.T) {
	got := insight.StepShares([]float64{.55, .12, .50, .45}, []float64{.60, .10, .50, .40})
	var sum float64
	for k, want := range []float64{.0011637, -.0024384, 0, -.0015753} {
		near(t, "contribution", got[k], want, 5e-8)
		sum += got[k]
	}
	near(t, "sum", sum, -.00285, 1e-12)
}

func TestT2_2Mix(t *testing.T) {
	s := insight.Kitagawa([]insight.Segment{moved("paid_social", 80, 2000, 360, 9000), moved("brand", 960, 8000, 960, 8000)})
	near(t, "before", s.Before, .104, 1e-12)
	near(t, "now", s.Now, .07765, 5e-6)
	near(t, "delta", s.Delta, -.02635, 5e-6)
	near(t, "mix", s.Mix, -.02635, 5e-6)
	near(t, "rate", s.Rate, 0, 1e-12)
	near(t, "mix of social", s.Parts[0].Mix, -.01674, 5e-6)
	near(t, "mix of brand", s.Parts[1].Mix, -.00961, 5e-6)
}

func TestT2_3Rate(t *testing.T) {
	s := insight.Kitagawa([]insight.Segment{moved("social", 80, 2000, 62, 2200), moved("brand", 960, 8000, 702, 7800)})
	near(t, "delta", s.Delta, -.02760, 5e-6)
	near(t, "mix", s.Mix, -.00142, 5e-6)
	near(t, "rate", s.Rate, -.02618, 5e-6)
	near(t, "rate of social", s.Parts[0].Rate, -.00248, 5e-6)
	near(t, "rate of brand", s.Parts[1].Rate, -.02370, 5e-6)
	near(t, "standard error", math.Sqrt(s.Variance), .00402, 5e-6)
	near(t, "z", s.Rate/math.Sqrt(s.Variance), -6.51, 5e-3)
}

func TestT2_4Both(t *testing.T) {
	s := insight.Kitagawa([]insight.Segment{moved("social", 80, 2000, 270, 9000), moved("brand", 960, 8000, 800, 8000)})
	near(t, "delta", s.Delta, -.04106, 5e-6)
	near(t, "mix", s.Mix, -.02471, 5e-6)
	near(t, "rate", s.Rate, -.01635, 5e-6)
}

func TestT2_5NewSegment(t *testing.T) {
	s := insight.Kitagawa([]insight.Segment{moved("a", 100, 1000, 100, 1000), moved("new", 0, 0, 10, 1000)})
	near(t, "delta", s.Delta, -.045, 1e-12)
	near(t, "mix of a", s.Parts[0].Mix, -.01125, 1e-12)
	near(t, "mix of new", s.Parts[1].Mix, -.03375, 1e-12)
	near(t, "rate", s.Rate, 0, 1e-12)
}

func TestT2_6Nested(t *testing.T) {
	const n = 1_000_000
	cell := func(outer, inner string, w0, r0, w1, r1 float64) insight.Cell {
		at := func(w, r float64) insight.Rate { return rate(int64(math.Round(w*r*n)), int64(math.Round(w*n))) }
		return insight.Cell{Outer: outer, Inner: inner, MoveRate: insight.MoveRate{Before: at(w0, r0), Now: at(w1, r1)}}
	}
	got := insight.DasGupta([]insight.Cell{
		cell("social", "mobile", .2*.9, .03, .5*.9, .03), cell("social", "desktop", .2*.1, .05, .5*.1, .05),
		cell("brand", "mobile", .8*.5, .10, .5*.7, .10), cell("brand", "desktop", .8*.5, .14, .5*.3, .12),
	})
	near(t, "channel mix", got.OuterMix, -.0241, 5e-5)
	near(t, "device mix", got.InnerMix, -.0040, 5e-5)
	near(t, "rate", got.Rate, -.0053, 5e-5)
	near(t, "sum", got.OuterMix+got.InnerMix+got.Rate, .0690-.1024, 1e-9)
}

func TestT2_7Overdispersion(t *testing.T) {
	var days []insight.Rate
	for _, x := range []int64{100, 130, 80, 120, 95, 70, 125} {
		days = append(days, rate(x, 1000))
	}
	near(t, "phi", insight.Overdispersion(days), 5.77, 5e-3)
}

func TestT2_8TwoProportions(t *testing.T) {
	z, p := insight.TwoProportions(rate(960, 8000), rate(702, 7800), 1)
	near(t, "z", z, -6.145, 5e-4)
	near(t, "p", p, 8.0e-10, 5e-12)
	z, p = insight.TwoProportions(rate(960, 8000), rate(702, 7800), 4)
	near(t, "z with phi 4", z, -3.07, 5e-3)
	near(t, "p with phi 4", p, .0021, 5e-5)
}

func TestT2_9Discoveries(t *testing.T) {
	got := insight.BenjaminiHochberg([]float64{.2, .001, .04, .012, .03}, .05)
	for i, want := range []bool{false, true, true, true, true} {
		if got[i] != want {
			t.Errorf("place %d: got %t, want %t", i, got[i], want)
		}
	}
}

func TestT2_10TooFew(t *testing.T) {
	near(t, "5 of 60", insight.TooFew(5, 60)/6.2e-20, 1, .01)
	near(t, "0 of 5", insight.TooFew(0, 5), .0067, 5e-5)
	near(t, "0 of 15", insight.TooFew(0, 15), 3.1e-7, 5e-9)
	if insight.TooFew(0, 0) != 1 {
		t.Error("nothing was expected, and nothing came: that is certain")
	}
}

func TestT2_11Fell(t *testing.T) {
	near(t, "chance that it fell", insight.Fell(rate(480, 4000), rate(430, 4000)), .961, 5e-4)
}
