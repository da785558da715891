// Package session turns the set of a visitor's accepted events into sessions.
//
// It is pure. A visitor's sessions are a function of the set of events, not of the order in which they arrived
// (design §4); only the ids depend on offsets.
package session

import (
	"bytes"
	"cmp"
	"time"

	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Config is the meaning that governs a store's sessions from a moment on. Times and durations are milliseconds.
type Config struct {
	// From is when it comes into force; that of the first config is not looked at.
	From int64
	// Gap: neighbours a, b are cut iff b.ts − a.ts > Gap.
	Gap int64
	// Lateness of the store.
	Lateness int64
	// LinkHorizon is how far back a login may link sessions to a person (N of design §3).
	LinkHorizon int64
	// SplitCampaign cuts before an event that brings another campaign than the session's.
	SplitCampaign bool
	// SplitMidnight cuts at midnight in Zone.
	SplitMidnight bool
	Zone          *time.Location
	// Cap is how many events of a gap run are kept, the smallest in order; the rest only counts.
	Cap int
}

// Rules are a store's configs in the order in which they come into force; there is at least one.
type Rules []Config

// At is the config in force at a time.
func (r Rules) At(ts int64) *Config {
	at := 0
	for i := 1; i < len(r) && r[i].From <= ts; i++ {
		at = i
	}
	return &r[at]
}

// leastLateness of all configs: no floor is above W less this.
func (r Rules) leastLateness() int64 {
	least := r[0].Lateness
	for _, c := range r[1:] {
		least = min(least, c.Lateness)
	}
	return least
}

// Less is the order of a visitor's events: (event_ts, sequence in its batch, event_id).
func Less(a, b *pb.StoredEvent) int {
	return cmp.Or(cmp.Compare(a.EventTs, b.EventTs), cmp.Compare(a.Sequence, b.Sequence), bytes.Compare(a.EventId, b.EventId))
}

// splits tells whether a rule of the store cuts between neighbours a and b, campaign being the session's so far. The
// setting in force at the earlier neighbour's time counts.
func (r Rules) splits(a, b *pb.StoredEvent, in campaign) bool {
	c := r.At(a.EventTs)
	if c.SplitCampaign {
		if brought := campaignOf(b); brought != (campaign{}) && brought != in {
			return true
		}
	}
	return c.SplitMidnight && localDay(a.EventTs, c.Zone) != localDay(b.EventTs, c.Zone)
}

// campaign is what names a campaign; the zero value is none.
type campaign struct{ source, medium, campaign, clickID string }

// campaignOf is the campaign that an event brings.
func campaignOf(e *pb.StoredEvent) campaign {
	en := e.Entry
	if en.GetCampaign() == "" && en.GetClickId() == "" {
		return campaign{}
	}
	return campaign{en.Source, en.Medium, en.Campaign, en.ClickId}
}

func localDay(ms int64, zone *time.Location) int {
	y, m, d := time.UnixMilli(ms).In(zone).Date()
	return y*10000 + int(m)*100 + d
}
