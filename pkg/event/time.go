package event

// skewLimit below which a difference of the clocks is taken for delay, in milliseconds.
const skewLimit = 5 * 60 * 1000

// EnvelopeDriven in a record's flags (not an event's) says that a driven clock stamped it.
const EnvelopeDriven = 1 << 0

// Flags of an event.
const (
	FlagClamped  = 1 << 0 // event_ts was later than ingest_ts
	FlagSkewed   = 1 << 1 // event_ts was shifted by the client's clock error
	FlagBot      = 1 << 2
	FlagInternal = 1 << 3
	FlagCurrency = 1 << 4 // the currency is unknown: counted, value excluded
)

// CorrectTime is event_ts from the client's time, the client's send time and ours, Unix milliseconds (0 = absent).
// A skew of five minutes or more is taken off, rounded to five minutes; the result is never later than received
// (features.md §2.1).
func CorrectTime(original, sent, received int64) (ts int64, flags uint32) {
	if original == 0 {
		return received, 0
	}
	ts = original
	if sent != 0 {
		if skew := received - sent; skew >= skewLimit || skew <= -skewLimit {
			ts += roundTo(skew, skewLimit)
			flags |= FlagSkewed
		}
	}
	if ts > received {
		ts, flags = received, flags|FlagClamped
	}
	return ts, flags
}

// roundTo rounds x to the nearest multiple of unit, half away from zero.
func roundTo(x, unit int64) int64 {
	if x < 0 {
		return -roundTo(-x, unit)
	}
	return (x + unit/2) / unit * unit
}
