package sim

import (
	"cmp"
	"slices"
)

// Truth is what a faultless pipeline shows for a day.
type Truth struct {
	Header   Header
	Events   []Event   // by time
	Sessions []Session // by start, then visitor
	Cells    []Cell    // by window, channel, device, step
}

// Header says what the truth is about. Two truths with equal headers are equal.
type Header struct {
	Seed          uint64 `json:"seed"`
	Events        int    `json:"events"`
	Day           string `json:"day"`
	Store         string `json:"store"`
	ShopURL       string `json:"shop_url"`
	Currency      string `json:"currency"`
	Brand         string `json:"brand"`
	GapMillis     int64  `json:"gap_ms"`
	Funnel        string `json:"funnel"`
	FunnelVersion int    `json:"funnel_version"`
}

// Event is one event as the store of record must hold it.
type Event struct {
	MessageID string `json:"message_id"`
	Visitor   string `json:"visitor"`
	User      string `json:"user,omitempty"`
	At        int64  `json:"ts"` // Unix milliseconds
	Action    string `json:"action"`
	// Fate is what becomes of the event: accepted.
	Fate string `json:"fate"`
	// Session is the index of its session, -1 for an event that is in none.
	Session int `json:"session"`
}

// Session is one session of a visitor. Times are Unix milliseconds, money is minor units.
type Session struct {
	Index      int    `json:"index"`
	Visitor    string `json:"visitor"`
	StartedAt  int64  `json:"started_at"`
	EndedAt    int64  `json:"ended_at"`
	Window     int64  `json:"window"` // start of the 15-minute window of StartedAt, Unix seconds
	Channel    string `json:"channel"`
	Device     string `json:"device"`
	Brand      string `json:"brand_search"`
	Landing    string `json:"landing_path"`
	Returning  bool   `json:"returning"`
	Events     int    `json:"events"`
	Orders     int    `json:"orders"`
	ValueMinor int64  `json:"value_minor"`
	// Level is the number of funnel steps reached, 1 to 7; Implied has the numbers of those that were jumped over.
	Level   int   `json:"level"`
	Implied []int `json:"implied,omitempty"`
}

// Segment of the session: where its cells are.
func (s *Session) Segment() Segment { return Segment{s.Window, s.Channel, s.Device} }

// Segment is a 15-minute window of one channel and device.
type Segment struct {
	Window  int64  `json:"window"` // start, Unix seconds
	Channel string `json:"channel"`
	Device  string `json:"device"`
}

// Compare orders segments by window, channel, device.
func (s Segment) Compare(o Segment) int {
	return cmp.Or(cmp.Compare(s.Window, o.Window), cmp.Compare(s.Channel, o.Channel), cmp.Compare(s.Device, o.Device))
}

// Cell is one funnel step of one segment. Cells exist for all steps of a segment in which a session started.
type Cell struct {
	Segment
	Step          int    `json:"step"` // from 1
	Action        string `json:"action"`
	Units         int64  `json:"units"`
	Implied       int64  `json:"implied"`
	Entered       int64  `json:"entered"`        // units of step 1
	ObservedValue int64  `json:"observed_value"` // minor units
}

const (
	windowSeconds = 900
	previousDays  = 30 // how long a session counts as the visitor's previous one
)

// tell finds the truth about the hits, and notes in them which session they are in.
func tell(c Config, hits []*hit) *Truth {
	t := &Truth{Header: Header{Seed: c.Seed, Events: c.Events, Day: c.Day.UTC().Format("2006-01-02"), Store: c.Store, ShopURL: c.ShopURL,
		Currency: c.Currency, Brand: c.Brand, GapMillis: c.Gap.Milliseconds(), Funnel: funnelName, FunnelVersion: funnelVersion}}
	t.Sessions = sessions(hits, c.Gap.Milliseconds())
	t.Events = make([]Event, len(hits))
	for i, h := range hits {
		t.Events[i] = Event{MessageID: h.id, Visitor: h.visitor.id, User: h.user, At: h.at, Action: h.kind.action, Fate: "accepted", Session: h.session}
	}
	t.Cells = cells(t.Sessions)
	return t
}

// sessions cuts every visitor's interactive hits where two neighbours are further apart than the gap.
func sessions(hits []*hit, gap int64) []Session {
	runs := map[*visitor][][]*hit{}
	for _, h := range hits { // by time, and in the order sent within a millisecond
		h.session = -1
		if !h.kind.interactive {
			continue
		}
		of := runs[h.visitor]
		if n := len(of); n > 0 && h.at-of[n-1][len(of[n-1])-1].at <= gap {
			of[n-1] = append(of[n-1], h)
		} else {
			runs[h.visitor] = append(of, []*hit{h})
		}
	}
	type cut struct {
		Session
		hits []*hit
	}
	var all []cut
	for _, of := range runs {
		var before *Session
		for _, run := range of {
			s := session(run, before)
			all = append(all, cut{s, run})
			before = &s
		}
	}
	slices.SortFunc(all, func(a, b cut) int {
		return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), cmp.Compare(a.Visitor, b.Visitor))
	})
	out := make([]Session, len(all))
	for i, c := range all {
		out[i] = c.Session
		out[i].Index = i
		for _, h := range c.hits {
			h.session = i
		}
	}
	return out
}

// session tells one run of a visitor's hits; before is the session before it, if any.
func session(run []*hit, before *Session) Session {
	first, last := run[0], run[len(run)-1]
	e := first.page.entry
	s := Session{Visitor: first.visitor.id, StartedAt: first.at, EndedAt: last.at, Window: first.at / 1000 / windowSeconds * windowSeconds,
		Channel: e.channel, Device: first.visitor.device.name, Brand: e.brand, Landing: first.page.Path, Events: len(run)}
	s.Returning = before != nil && s.StartedAt-before.EndedAt <= previousDays*86_400_000
	if e.previous {
		s.Channel = "Direct"
		if s.Returning {
			s.Channel = before.Channel // and only the channel: brand_search is that of the entry itself
		}
	}
	paid := map[string]bool{}
	for _, h := range run {
		if h.kind == purchased && !paid[h.order] {
			paid[h.order] = true
			s.Orders++
			s.ValueMinor += h.value
		}
	}
	s.Level, s.Implied = level(run)
	return s
}
