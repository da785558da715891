package session

import (
	"slices"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// rememberSlack is added to how long ids are remembered: an hour, in milliseconds.
const rememberSlack = 3600 * 1000

// minRemember is the least time for which ids are remembered, in milliseconds.
const minRemember = 48 * 3600 * 1000

// RememberFor is how long an id is remembered after its ingest_ts, in milliseconds.
func (c Config) RememberFor() int64 { return max(minRemember, c.Lateness) + rememberSlack }

// Final tells whether a session that ends at ended never changes again.
func Final(ended, floor int64, c Config) bool { return floor > ended+c.Gap }

// Expire drops what is final and what need not be remembered any more. It is a function of the set, the floor and
// W, so it makes no difference when it is called. It reports whether nothing at all is left.
func Expire(store, visitor string, v *pb.VisitorState, floor, w int64, c Config) (empty bool) {
	p := Previous{Channel: v.LastChannel, Ended: v.LastEnded}
	gone := 0
	for _, run := range Cut(v.Events, c) {
		last := run[len(run)-1]
		if !Final(last.EventTs, floor, c) {
			break
		}
		p = Previous{Channel: Entry(run[0], p).Channel, Ended: last.EventTs}
		gone += len(run)
	}
	if gone > 0 {
		v.LastChannel, v.LastEnded = p.Channel, p.Ended
		v.Events = slices.Delete(v.Events, 0, gone)
	}
	v.Seen = slices.DeleteFunc(v.Seen, func(s *pb.SeenId) bool { return w > s.IngestTs+c.RememberFor() })
	if v.LastEnded != 0 && floor > v.LastEnded+Memory {
		v.LastChannel, v.LastEnded = "", 0
	}
	return len(v.Events) == 0 && len(v.Seen) == 0 && v.LastEnded == 0
}

// Due is the earliest W at which Expire could change the visitor; floor lags W by the lateness at least.
func Due(v *pb.VisitorState, c Config) int64 {
	due := int64(1<<62 - 1)
	if len(v.Events) > 0 {
		due = min(due, v.Events[0].EventTs+c.Gap+c.Lateness)
	}
	for _, s := range v.Seen {
		due = min(due, s.IngestTs+c.RememberFor())
	}
	if v.LastEnded != 0 {
		due = min(due, v.LastEnded+Memory+c.Lateness)
	}
	return due
}
