package funnel

import "math/bits"

// Bins of durations have the layout of DDSketch with a relative accuracy of 5 %: bin b holds what is above γ^(b−1) and up
// to γ^b seconds, γ = 21/19, and bin 0 all up to one second. Counts in bins add up and can be taken off again.
//
// Source of the layout: Masson, Rim, Lee: DDSketch, VLDB 2019. γ is a ratio of small integers, so the borders are exact.
const (
	gammaOver  = 21
	gammaUnder = 19
	lastBin    = 200 // beyond 15 years
)

// Bin of a duration in milliseconds; a negative one (a clock that went back) counts as none.
func Bin(ms int64) int16 {
	// γ^b as a mantissa of 62 bits and an exponent: b steps of one multiplication and division each, in integers.
	mantissa, exponent := uint64(1000)<<40, 40 // 1000 ms, fixed point
	for b := int16(0); b < lastBin; b++ {
		if ms <= 0 || uint64(ms) <= mantissa>>exponent {
			return b
		}
		hi, lo := bits.Mul64(mantissa, gammaOver)
		for hi >= gammaUnder { // keep the quotient within 64 bits
			lo, hi = lo>>1|hi<<63, hi>>1
			exponent--
		}
		mantissa, _ = bits.Div64(hi, lo, gammaUnder)
	}
	return lastBin
}
