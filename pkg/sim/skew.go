package sim

import "math/rand/v2"

const fiveMinutes = 300_000

// skew draws how far a browser's clock leads: mostly not at all. A clock that is far off is off by a multiple of five
// minutes and some seconds, of which the pipeline can take off the multiple only.
func skew(r *rand.Rand) int64 {
	switch x := r.Float64(); {
	case x < skewShare:
		far := (12 + r.Int64N(600)) * fiveMinutes // an hour to two days
		return sign(r)*far + sign(r)*r.Int64N(40_000)
	case x < skewShare+driftShare:
		return sign(r) * (1000 + r.Int64N(240_000)) // less than five minutes: nobody corrects it
	}
	return 0
}

func sign(r *rand.Rand) int64 { return 1 - 2*r.Int64N(2) }

// corrected is event_ts by the published rule: a difference of five minutes or more between our clock and the client's
// when it sends is taken off, rounded to five minutes, half away from zero; and no event happens after it was received.
func corrected(original, sent, received int64) int64 {
	ts := original
	if off := received - sent; off >= fiveMinutes {
		ts += (off + fiveMinutes/2) / fiveMinutes * fiveMinutes
	} else if off <= -fiveMinutes {
		ts -= (-off + fiveMinutes/2) / fiveMinutes * fiveMinutes
	}
	return min(ts, received)
}
