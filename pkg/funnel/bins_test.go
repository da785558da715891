package funnel_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/funnel"
)

// T1.9: 30, 60, 90, 600, 3600 s fall into bins 34, 41, 45, 64, 82; the median bin stands for 85.84 s, p90 for 3482.66.
func TestT1_9Bins(t *testing.T) {
	const gamma = 21.0 / 19
	value := func(b int16) float64 { return 2 * math.Pow(gamma, float64(b)) / (gamma + 1) }
	for seconds, want := range map[int64]int16{30: 34, 60: 41, 90: 45, 600: 64, 3600: 82, 0: 0, 1: 0} {
		if got := funnel.Bin(seconds * 1000); got != want {
			t.Errorf("%d s: got bin %d, want %d", seconds, got, want)
		}
	}
	if got := value(45); math.Abs(got-85.84) > 0.005 {
		t.Errorf("bin 45 stands for %.2f s, want 85.84", got)
	}
	if got := value(82); math.Abs(got-3482.66) > 0.01 {
		t.Errorf("bin 82 stands for %.2f s, want 3482.66", got)
	}
	if funnel.Bin(-5) != 0 || funnel.Bin(1001) != 1 || funnel.Bin(1<<62) != 200 {
		t.Error("wrong at an end")
	}
}

// T1.10: of bins {34: 1, 45: 1} one unit was as fast as 60 s.
func TestT1_10ByAge(t *testing.T) {
	n := 0
	for _, b := range []int16{34, 45} {
		if math.Pow(21.0/19, float64(b)) <= 60 {
			n++
		}
	}
	if n != 1 {
		t.Errorf("got %d of 2", n)
	}
}

// binOracle is the definition in exact arithmetic: the least b with γ^b ≥ the duration.
func binOracle(ms int64) int16 {
	border := big.NewRat(1000, 1)
	for b := int16(0); b < 200; b++ {
		if border.Cmp(big.NewRat(ms, 1)) >= 0 {
			return b
		}
		border.Mul(border, big.NewRat(21, 19))
	}
	return 200
}

func TestBinsEqualExactArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(0, 400*24*3600*1000).Draw(t, "ms")
		if got, want := funnel.Bin(ms), binOracle(ms); got != want {
			t.Fatalf("%d ms: got bin %d, want %d", ms, got, want)
		}
	})
}

func BenchmarkBin(b *testing.B) {
	for b.Loop() {
		funnel.Bin(3_600_000)
	}
}
