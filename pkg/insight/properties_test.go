package insight_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/insight"
)

func drawRate(t *rapid.T, what string, least int64) insight.Rate {
	n := rapid.Int64Range(least, 10_000).Draw(t, what+" n")
	return rate(rapid.Int64Range(0, n).Draw(t, what+" x"), n)
}

func drawSegments(t *rapid.T) []insight.Segment {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) insight.Segment {
		return insight.Segment{MoveRate: insight.MoveRate{Before: drawRate(t, "before", 0), Now: drawRate(t, "now", 0)}}
	}), 1, 8).Draw(t, "segments")
}

// Ensure that mix and rates add up to the move, whatever the segments.
func TestKitagawaAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segments := drawSegments(t)
		var x0, n0, x1, n1 int64
		for _, s := range segments {
			x0, n0, x1, n1 = x0+s.Before.X, n0+s.Before.N, x1+s.Now.X, n1+s.Now.N
		}
		if n0 == 0 || n1 == 0 {
			return
		}
		want := float64(x1)/float64(n1) - float64(x0)/float64(n0)
		s := insight.Kitagawa(segments)
		if math.Abs(s.Mix+s.Rate-want) > 1e-12 || math.Abs(s.Delta-want) > 1e-12 {
			t.Fatalf("mix %v + rate %v, delta %v: want %v", s.Mix, s.Rate, s.Delta, want)
		}
	})
}

// shapley is the definition: the effect of a factor is what its change does, averaged over all orders of the changes.
func shapley(cells []insight.Cell) (effects [3]float64) {
	value := func(now [3]bool) (sum float64) {
		for _, c := range cells {
			f := factors(cells, c)
			v := 1.0
			for i := range f {
				if now[i] {
					v *= f[i][1]
				} else {
					v *= f[i][0]
				}
			}
			sum += v
		}
		return sum
	}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		var now [3]bool
		for _, f := range order {
			before := value(now)
			now[f] = true
			effects[f] += (value(now) - before) / 6
		}
	}
	return effects
}

// factors of one cell: share of its outer value, share within it, rate; before and now.
func factors(cells []insight.Cell, c insight.Cell) (f [3][2]float64) {
	var all, outer [2]int64
	for _, o := range cells {
		all[0], all[1] = all[0]+o.Before.N, all[1]+o.Now.N
		if o.Outer == c.Outer {
			outer[0], outer[1] = outer[0]+o.Before.N, outer[1]+o.Now.N
		}
	}
	f[0] = [2]float64{float64(outer[0]) / float64(all[0]), float64(outer[1]) / float64(all[1])}
	f[1] = [2]float64{float64(c.Before.N) / float64(outer[0]), float64(c.Now.N) / float64(outer[1])}
	f[2] = [2]float64{float64(c.Before.X) / float64(c.Before.N), float64(c.Now.X) / float64(c.Now.N)}
	return f
}

func TestDasGuptaEqualsShapley(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cells []insight.Cell
		for _, outer := range []string{"a", "b", "c"} {
			for _, inner := range []string{"m", "d"} {
				cells = append(cells, insight.Cell{Outer: outer, Inner: inner,
					MoveRate: insight.MoveRate{Before: drawRate(t, outer+inner, 1), Now: drawRate(t, outer+inner+" now", 1)}})
			}
		}
		got, want := insight.DasGupta(cells), shapley(cells)
		for i, v := range []float64{got.OuterMix, got.InnerMix, got.Rate} {
			if math.Abs(v-want[i]) > 1e-9 {
				t.Fatalf("factor %d: got %v, want %v", i, v, want[i])
			}
		}
	})
}

func TestStepSharesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "steps")
		rates := rapid.SliceOfN(rapid.Float64Range(.001, 1), n, n)
		before, now := rates.Draw(t, "before"), rates.Draw(t, "now")
		c0, c1, sum := 1.0, 1.0, 0.0
		for k := range n {
			c0, c1 = c0*before[k], c1*now[k]
		}
		for _, c := range insight.StepShares(before, now) {
			sum += c
		}
		if math.Abs(sum-(c1-c0)) > 1e-9 {
			t.Fatalf("got %v, want %v", sum, c1-c0)
		}
	})
}

// Ensure that the discoveries are those of the step-up procedure, tried from the largest number down.
func TestBenjaminiHochbergEqualsItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Float64Range(0, .2), 0, 20).Draw(t, "p")
		want := 0
		for k := len(p); k > 0 && want == 0; k-- {
			n := 0
			for _, v := range p {
				if v <= .05*float64(k)/float64(len(p)) {
					n++
				}
			}
			if n >= k {
				want = n
			}
		}
		got := 0
		for _, found := range insight.BenjaminiHochberg(p, .05) {
			if found {
				got++
			}
		}
		if got != want {
			t.Fatalf("%v: got %d, want %d", p, got, want)
		}
	})
}

func TestWilsonHoldsTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t, "rate", 1)
		lo, hi := r.Wilson(insight.Z95)
		if lo < 0 || hi > 1 || r.Value() < lo-1e-12 || r.Value() > hi+1e-12 || lo >= hi {
			t.Fatalf("%+v: [%v, %v]", r, lo, hi)
		}
	})
}

// Ensure that a quantile is the bin of the sorted list's ⌈q·n⌉-th value.
func TestQuantileEqualsSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Int16Range(0, 150), 1, 50).Draw(t, "bins")
		q := rapid.Float64Range(.01, 1).Draw(t, "q")
		b := insight.Bins{}
		for _, v := range list {
			b[v]++
		}
		slices.Sort(list)
		want := insight.BinSeconds(list[int(math.Ceil(q*float64(len(list))))-1])
		if got := b.Quantile(q); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// Ensure that noise that was put into a series is found again, and none where there is none.
func TestDayNoise(t *testing.T) {
	var noisy, quiet []insight.Rate
	for d := range 60 {
		wave := .1 * math.Sqrt2 * math.Sin(float64(d)) // a standard deviation of 10 %
		noisy = append(noisy, rate(int64(100_000*.2*(1+wave)), 100_000))
		quiet = append(quiet, rate(20_000, 100_000))
	}
	near(t, "noisy", insight.DayNoise(noisy), .1, .005)
	near(t, "quiet", insight.DayNoise(quiet), 0, 0)
}

func TestDetectOutage(t *testing.T) {
	day := func(entered int64, done func(minute int) int64) []insight.Minute {
		out := make([]insight.Minute, 240)
		for i := range out {
			out[i] = insight.Minute{Entered: entered, Done: done(i), Usual: .7}
		}
		return out
	}
	if o, ok := insight.DetectOutage(day(3, func(int) int64 { return 2 })); ok {
		t.Errorf("a usual day is no outage: %+v", o)
	}
	o, ok := insight.DetectOutage(day(3, func(m int) int64 { return 2 * int64(min(1, max(0, 220-m))) }))
	if !ok || o.Minutes != 5 || o.Done != 0 || math.Abs(o.Expected-10.5) > 1e-9 || o.P > 5e-4 {
		t.Errorf("twenty minutes without any: got %+v, %t", o, ok)
	}
	if o, ok := insight.DetectOutage(day(300, func(int) int64 { return 150 })); ok {
		t.Errorf("a step that fell by a quarter did not stop: %+v", o)
	}
	if o, ok := insight.DetectOutage(nil); ok {
		t.Errorf("without minutes: %+v", o)
	}
}
