package insight

import (
	"math"
	"slices"
)

const (
	// minNoise is the least relative standard deviation of a day that is believed: shops are never steadier.
	minNoise = .02
	// noiseDays is how many clean days it takes to learn it.
	noiseDays = 28
)

// DayNoise is the relative standard deviation of a rate from day to day, beyond what counting alone explains:
// τ² = max(0, mean((r_d/R̄ − 1)²) − mean((1 − R̄)/(R̄·n_d))). Days without units are left out.
func DayNoise(days []Rate) float64 {
	var sum Rate
	for _, d := range days {
		sum = sum.Plus(d)
	}
	mean := sum.Value()
	if mean == 0 {
		return 0
	}
	var spread, counting, n float64
	for _, d := range days {
		if d.N == 0 {
			continue
		}
		rel := d.Value()/mean - 1
		spread += rel * rel
		counting += (1 - mean) / (mean * float64(d.N))
		n++
	}
	return math.Sqrt(max(0, (spread-counting)/n))
}

// floorNoise lifts each segment's noise to the least that is believed, and to the median of its step: a segment that was
// quiet by luck must not raise alarms later.
func floorNoise(tau []float64) []float64 {
	least := max(minNoise, median(tau))
	out := slices.Clone(tau)
	for i := range out {
		out[i] = max(out[i], least)
	}
	return out
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(list))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
