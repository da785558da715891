package exact_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

const hour = 60 * minute

// changingFile is a store file with a gap and a lateness; the second version of it has other steps and an allow-list too.
func changingFile(gap, lateness int64, second bool) string {
	version, viewed, allow := 1, "{action: product_viewed, optional: true}, ", ""
	if second {
		version, viewed, allow = 2, "", ", allow: {channel: [Direct]}"
	}
	return fmt.Sprintf(`
store: s
edge: {write_keys: [k]}
meaning:
  time_zone: UTC
  currency: EUR
  session_gap: %dm
  lateness: %dm
  split_on: [campaign]
  funnels:
    - {name: f, version: %d, breakdowns: [[channel]]%s, steps: [{action: session}, %s{action: cart_added}, {action: purchased}]}
`, gap/minute, lateness/minute, version, allow, viewed)
}

// delivery is a happening that arrives at a time.
type delivery struct {
	what int // into the story's set
	at   int64
}

// deliver draws when each happening arrives, and when it arrives again.
func deliver(t *rapid.T, set []happening) (out []delivery) {
	for i, h := range set {
		for range rapid.IntRange(1, 2).Draw(t, "times") {
			out = append(out, delivery{i, h.ts + rapid.SampledFrom([]int64{0, 0, minute, hour, 2 * hour, 2*hour + 10_000, 2*hour + 10_001, 3 * hour, 5 * hour}).Draw(t, "delay")})
		}
	}
	slices.SortStableFunc(out, func(a, b delivery) int { return cmp.Compare(a.at, b.at) })
	return out
}

// accepted is what is not late at its first arrival: the floor is the highest that any moment of W so far has had, and W at a
// record counts the record itself.
func accepted(s story, arrivals []delivery, moment, before, after int64) (out []happening) {
	told := map[int]bool{}
	w := int64(math.MinInt64 / 2)
	for _, d := range arrivals {
		w = max(w, d.at-10_000)
		floor := w - before
		if w >= moment {
			floor = max(moment-1-before, w-after)
		}
		if !told[d.what] && s.set[d.what].ts >= floor {
			out = append(out, s.set[d.what])
		}
		told[d.what] = true
	}
	return out
}

// Ensure that gap, lateness (up and down), funnel and allow-list that change at a moment in the midst of the traffic give
// what the oracle says that knows the change; and that a change that arrives after its moment gives the same.
func TestChangesEqualTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := tell(t)
		arrivals := deliver(t, s.set)
		moment := rapid.SampledFrom(s.set).Draw(t, "near").ts + rapid.SampledFrom([]int64{-1, 0, 1, 10 * minute, 2*hour + 1, 2*hour + 2}).Draw(t, "off")
		r := rules{limit: 500, moment: moment, before: rule{gap: 30 * minute, version: 1},
			after: rule{gap: rapid.SampledFrom([]int64{20 * minute, 50 * minute}).Draw(t, "gap"), version: 2, listed: true}}
		before, after, at := 24*hour, 24*hour, rapid.IntRange(0, len(arrivals)).Draw(t, "change")
		if rapid.Bool().Draw(t, "in time") {
			before, after, at = 2*hour, rapid.SampledFrom([]int64{hour, 2 * hour, 4 * hour}).Draw(t, "lateness"), 0
		}
		p := newPipeline(t)
		p.config(t, "1", changingFile(r.before.gap, before, false), 0)
		for i, d := range arrivals {
			if i == at {
				p.config(t, "2", changingFile(r.after.gap, after, true), moment)
			}
			p.apply(t, record(t, s.set[d.what], d.at))
			if s.flushes[i%len(s.flushes)] {
				p.flush(t)
			}
		}
		if at == len(arrivals) {
			p.config(t, "2", changingFile(r.after.gap, after, true), moment)
		}
		p.flush(t)
		p.equal(t, accepted(s, arrivals, moment, before, after), r)
	})
}
