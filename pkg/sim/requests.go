package sim

import (
	"math/rand/v2"
)

const (
	// minutes of the day: all events of one are sent, and acknowledged, before the clock moves on.
	minutes     = 24 * 60
	minuteMilli = 60_000
	// maxBatch is about the number of events after which Segment's server libraries send a batch.
	maxBatch = 20
	// perVisitor is the number of visitors up to which each sends for itself; beyond it, batches hold several, or a
	// dense minute would be all round trips.
	perVisitor = 6
)

// request is what one HTTP call carries.
type request struct {
	path, contentType string
	single, gzip      bool
	hits              []*hit
}

// byMinute sorts hits into minutes m, so that minute m holds the times in (m, m+1] minutes after midnight.
func (d *Day) byMinute() [][]*hit {
	out := make([][]*hit, minutes)
	start := d.Config.Day.UnixMilli()
	for _, h := range d.hits {
		m := minuteOf(h.at - start)
		out[m] = append(out[m], h)
	}
	return out
}

// minuteOf a time, in milliseconds since midnight.
func minuteOf(ms int64) int { return int((ms - 1) / minuteMilli) }

// requests groups the hits of one minute, and adds the sabotaged event that goes out in it. One visitor's hits of the minute stay together and in order, so that their
// sequence in the batch is the order in which they happened.
func (d *Day) requests(minute int, hits []*hit) []*request {
	r := rand.New(rand.NewPCG(d.Config.Seed, ^uint64(minute)))
	var groups [][]*hit
	at := map[*visitor]int{}
	for _, h := range hits {
		i, ok := at[h.visitor]
		if !ok || len(groups[i]) == maxBatch {
			i = len(groups)
			groups, at[h.visitor] = append(groups, nil), i
		}
		groups[i] = append(groups[i], h)
	}
	var out []*request
	var open *request
	for i, g := range groups {
		switch {
		case len(g) == 1 && chance(r, .15):
			out = append(out, single(r, g))
		case i < perVisitor:
			out = append(out, batch(r, g))
		case open != nil && len(open.hits)+len(g) <= maxBatch:
			open.hits = append(open.hits, g...)
		default:
			open = batch(r, g)
			out = append(out, open)
		}
	}
	if x := d.Sabotaged; x != nil && x.extra != nil && minuteOf(x.extra.at-d.Config.Day.UnixMilli()) == minute {
		out = append(out, &request{path: "/v1/batch", contentType: "application/json", hits: []*hit{x.extra}})
	}
	return out
}

func batch(r *rand.Rand, hits []*hit) *request {
	return &request{path: "/v1/batch", contentType: "application/json", gzip: chance(r, .3), hits: hits}
}

// single is a call as the browser library makes it: the short path and text/plain, or the long one.
func single(r *rand.Rand, hits []*hit) *request {
	path := hits[0].kind.call
	if chance(r, .6) {
		path = path[:1]
	}
	return &request{path: "/v1/" + path, contentType: "text/plain", single: true, hits: hits}
}
