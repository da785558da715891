package insight

import (
	"math"
	"slices"
)

// gamma of the bins of durations (package funnel): bin b holds what lies above γ^(b−1) and up to γ^b seconds.
const gamma = 21.0 / 19

// Bins count durations, by bin.
type Bins map[int16]int64

// BinSeconds is the value that stands for a bin: within 5 % of every duration in it.
func BinSeconds(bin int16) float64 {
	if bin <= 0 {
		return 1
	}
	return 2 * math.Pow(gamma, float64(bin)) / (gamma + 1)
}

// Quantile of the durations, in seconds: that of the bin which holds the ⌈q·n⌉-th shortest. 0 where there are none.
func (b Bins) Quantile(q float64) float64 {
	total := b.total()
	if total == 0 {
		return 0
	}
	rank, seen := int64(math.Ceil(q*float64(total))), int64(0)
	var at int16
	for _, bin := range b.sorted() {
		if seen += b[bin]; seen >= rank {
			at = bin
			break
		}
	}
	return BinSeconds(at)
}

// Within counts the durations of at most so many seconds; a bin that the border cuts is left out.
func (b Bins) Within(seconds float64) (n int64) {
	for _, bin := range b.sorted() {
		if math.Pow(gamma, float64(bin)) <= seconds {
			n += b[bin]
		}
	}
	return n
}

// Maturity is the share of the conversions that units of an age of so many seconds have seen, as units of full age had it: M(a).
func (b Bins) Maturity(seconds float64) float64 {
	if total := b.total(); total > 0 {
		return float64(b.Within(seconds)) / float64(total)
	}
	return 0
}

// Projected is what a rate of young units will come to: x/n/M; false where M says nothing yet.
func (r Rate) Projected(maturity float64) (rate float64, ok bool) {
	if maturity <= 0 || r.N == 0 {
		return 0, false
	}
	return r.Value() / maturity, true
}

func (b Bins) total() (n int64) {
	for _, c := range b { // any order: a sum of integers
		n += c
	}
	return n
}

func (b Bins) sorted() []int16 {
	out := make([]int16, 0, len(b))
	for bin := range b { // any order: sorted below
		out = append(out, bin)
	}
	slices.Sort(out)
	return out
}
