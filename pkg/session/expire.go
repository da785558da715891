package session

import (
	"bytes"
	"slices"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// rememberSlack is added to how long ids are remembered: an hour, in milliseconds.
const rememberSlack = 3600 * 1000

// minRemember is the least time for which ids are remembered, in milliseconds.
const minRemember = 48 * 3600 * 1000

// RememberFor is how long an id is remembered after its ingest_ts, in milliseconds.
func (c Config) RememberFor() int64 { return max(minRemember, c.Lateness) + rememberSlack }

// Seen reports whether the visitor's event id is remembered at W, and with which payload. What Expire would drop
// at this W counts as forgotten, so that the answer does not depend on when Expire ran.
func Seen(v *pb.VisitorState, id []byte, w int64, c Config) (payloadHash uint64, seen bool) {
	for _, s := range v.Seen {
		if bytes.Equal(s.EventId, id) && w <= s.IngestTs+c.RememberFor() {
			return s.PayloadHash, true
		}
	}
	return 0, false
}

// Remember keeps an id for later duplicates.
func Remember(v *pb.VisitorState, id []byte, payloadHash uint64, ingestTS int64) {
	v.Seen = append(v.Seen, &pb.SeenId{EventId: id, PayloadHash: payloadHash, IngestTs: ingestTS})
}

// Final tells whether a session that ends at ended never changes again.
func Final(ended, floor int64, c Config) bool { return floor > ended+c.Gap }

// FinalForPersons tells whether no link reaches a session that ends at ended any more.
func FinalForPersons(ended, floor int64, c Config) bool { return floor > ended+c.Gap+c.LinkHorizon }

// Expire drops what is final and what need not be remembered any more, and returns how many of the runs went. It
// is a function of the set, the floor and W, so it makes no difference when it is called.
func Expire(v *pb.VisitorState, runs []Run, floor, w int64, c Config) (gone int) {
	p := previous{channel: v.LastChannel, ended: v.LastEnded}
	events := 0
	for _, r := range runs {
		last := v.Events[r.To-1]
		if !Final(last.EventTs, floor, c) {
			break
		}
		p = previous{channel: channel(v.Events[r.From], p), ended: last.EventTs}
		events = r.To
		gone++
	}
	if gone > 0 {
		v.LastChannel, v.LastEnded = p.channel, p.ended
		v.Events = slices.Delete(v.Events, 0, events)
	}
	v.Seen = slices.DeleteFunc(v.Seen, func(s *pb.SeenId) bool { return w > s.IngestTs+c.RememberFor() })
	if v.LastEnded != 0 && floor > v.LastEnded+Memory {
		v.LastChannel, v.LastEnded = "", 0
	}
	return gone
}

// Empty tells whether nothing is left of a visitor.
func Empty(v *pb.VisitorState) bool {
	return len(v.Events) == 0 && len(v.Seen) == 0 && v.LastEnded == 0
}

// Due is the highest W at which Expire still changes nothing. The floor is W − Lateness, or above it where the
// lateness was shorter once: Expire comes later than it could then, which holds F back and harms nothing.
func Due(v *pb.VisitorState, runs []Run, c Config) int64 {
	due := int64(1<<62 - 1)
	if len(runs) > 0 {
		due = min(due, v.Events[runs[0].To-1].EventTs+c.Gap+c.Lateness)
	}
	for _, s := range v.Seen {
		due = min(due, s.IngestTs+c.RememberFor())
	}
	if v.LastEnded != 0 {
		due = min(due, v.LastEnded+Memory+c.Lateness)
	}
	return due
}
