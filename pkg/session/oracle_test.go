package session_test

import (
	"slices"
	"time"

	"github.com/tributary-data/tributary/pkg/session"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// plain is one session as the oracle sees it.
type plain struct {
	events []string // of kept events, in order
	loose  []string
	tail   int
	ended  int64
}

// oracle is the definition applied to the whole set at once, as naively as it reads: sort, split at pauses, keep the
// first of each run, split by users and rules, give the sessionless events to sessions.
func oracle(all []*pb.StoredEvent, sessionless map[*pb.StoredEvent]bool, c session.Config) (out []plain) {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, session.Less)
	var runs [][]*pb.StoredEvent
	var prev *pb.StoredEvent
	for _, e := range sorted {
		if sessionless[e] {
			continue
		}
		if prev == nil || e.EventTs-prev.EventTs > c.Gap {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], e)
		prev = e
	}
	var sessions [][]*pb.StoredEvent
	dropped := map[*pb.StoredEvent]bool{}
	lastOf := map[int]int{} // session → its run, if it is the run's last
	for i, run := range runs {
		for n, e := range run {
			if n >= c.Cap {
				dropped[e] = true
				continue
			}
			if n == 0 || switches(sorted, dropped, sessionless, run[n-1], e) || ruled(sessions[len(sessions)-1], run[n-1], e, c) {
				sessions = append(sessions, nil)
			}
			sessions[len(sessions)-1] = append(sessions[len(sessions)-1], e)
		}
		lastOf[len(sessions)-1] = i
	}
	for i, s := range sessions {
		p := plain{ended: s[len(s)-1].EventTs}
		for _, e := range s {
			p.events = append(p.events, string(e.EventId))
		}
		if run, ok := lastOf[i]; ok {
			p.tail = max(0, len(runs[run])-c.Cap)
			p.ended = runs[run][len(runs[run])-1].EventTs
		}
		out = append(out, p)
	}
	for _, e := range sorted {
		if sessionless[e] {
			give(out, sessions, e, c)
		}
	}
	return out
}

// identity replays who the visitor is from the first event up to and including upTo, and counts the switches.
func identity(sorted []*pb.StoredEvent, dropped, sessionless map[*pb.StoredEvent]bool, upTo *pb.StoredEvent) (switches int) {
	user, mail := "", ""
	for _, e := range sorted {
		if dropped[e] {
			continue
		}
		switch {
		case e.User != "" && user != "" && e.User != user,
			e.User == "" && user == "" && e.EmailHash != "" && mail != "" && e.EmailHash != mail:
			switches++
			user, mail = e.User, e.EmailHash
		default:
			if e.EmailHash != "" && (mail == "" || e.User != "") {
				mail = e.EmailHash
			}
			if e.User != "" {
				user = e.User
			}
		}
		if e == upTo {
			return switches
		}
	}
	return switches
}

func switches(sorted []*pb.StoredEvent, dropped, sessionless map[*pb.StoredEvent]bool, a, b *pb.StoredEvent) bool {
	return identity(sorted, dropped, sessionless, a) != identity(sorted, dropped, sessionless, b)
}

// ruled tells whether a split rule holds between a and b, so far being the session up to a.
func ruled(so []*pb.StoredEvent, a, b *pb.StoredEvent, c session.Config) bool {
	if c.SplitCampaign && b.Entry.GetCampaign() != "" {
		current := ""
		for _, e := range so {
			if e.Entry.GetCampaign() != "" {
				current = e.Entry.GetCampaign()
			}
		}
		if b.Entry.GetCampaign() != current {
			return true
		}
	}
	at := func(e *pb.StoredEvent) string { return time.UnixMilli(e.EventTs).In(c.Zone).Format(time.DateOnly) }
	return c.SplitMidnight && at(a) != at(b)
}

// give finds the session of a sessionless event.
func give(out []plain, sessions [][]*pb.StoredEvent, e *pb.StoredEvent, c session.Config) {
	best, held := -1, false
	for i, s := range sessions {
		if e.EventTs < s[0].EventTs || e.EventTs > out[i].ended+c.Gap {
			continue
		}
		holds := slices.ContainsFunc(s, func(o *pb.StoredEvent) bool { return e.CartToken != "" && e.CartToken == o.CartToken })
		if holds || !held {
			best, held = i, holds
		}
	}
	if best >= 0 {
		out[best].loose = append(out[best].loose, string(e.EventId))
	}
}
