package sim

import "time"

// Truth is what a faultless pipeline shows for a day.
type Truth struct {
	Header   Header
	Events   []Event   // stored ones, by time
	Repeats  []Repeat  // by arrival
	Sessions []Session // by start, store, visitor
	Cells    []Cell    // by store, window, channel, device, version, step: windows of 15 minutes, by entry, of people only
	Hours    []Cell    // the same by the hour
	Occurred []Cell    // windows of 15 minutes, by occurrence: only what happened
	Orders   []Order   // by store, id
	Refunds  []Refund  // by store, order, arrival
	Intake   []Intake  // by store, hour
	Letters  []Letter  // by store, reason
	Counts   Counts
}

// Header says what the truth is about. Two truths with equal headers are equal.
type Header struct {
	Seed   uint64   `json:"seed"`
	Events int      `json:"events"`
	Day    string   `json:"day"`
	Days   int      `json:"days,omitempty"` // if there are several
	Clean  bool     `json:"clean"`
	Stores []string `json:"stores"`
	Funnel string   `json:"funnel"`
	// Incidents of the day, each with what a diagnosis must say of it.
	Incidents []ToldIncident `json:"incidents,omitempty"`
}

// ToldIncident is an incident as the truth tells it.
type ToldIncident struct {
	Kind      IncidentKind `json:"kind"`
	From      time.Time    `json:"from"`
	To        time.Time    `json:"to"`
	Factor    float64      `json:"factor"`
	Label     string       `json:"label"`
	Dimension string       `json:"dimension,omitempty"`
	Segment   string       `json:"segment,omitempty"`
	Steps     []string     `json:"steps,omitempty"`
}

// Counts of what makes a day hard.
type Counts struct {
	// Duplicates are records more than their ids, at least: an answer that is lost may bring more.
	Duplicates int `json:"duplicates"`
	IDReused   int `json:"id_reused"`
	Late       int `json:"late"`
	Dead       int `json:"dead"`
	// Merges are events that joined sessions of before, Switches are sessions that begin with another user.
	Merges      int `json:"merges"`
	Switches    int `json:"switches"`
	Refunds     int `json:"refunds"`
	Orders      int `json:"orders"`
	Robots      int `json:"robots"` // sessions
	Capped      int `json:"capped"` // sessions
	LostAnswers int `json:"lost_answers"`
	Skewed      int `json:"skewed"` // events whose time is corrected
}

// Fate is what becomes of an event.
type Fate string

// The fates. Accepted and late events are stored; the others are records besides.
const (
	Accepted  Fate = "accepted"
	Late      Fate = "late"
	Duplicate Fate = "duplicate"
	IDReused  Fate = "id_reused"
	Dead      Fate = "dead"
)

// Event is one event as the store of record must hold it. Times are Unix milliseconds.
type Event struct {
	Store      string `json:"store"`
	MessageID  string `json:"message_id"`
	Visitor    string `json:"visitor,omitempty"`
	User       string `json:"user,omitempty"`
	At         int64  `json:"ts"`
	IngestedAt int64  `json:"ingest_ts"`
	Action     string `json:"action"`
	ValueMinor int64  `json:"value_minor,omitempty"` // as sent
	Currency   string `json:"currency,omitempty"`
	// Fate is accepted or late.
	Fate Fate `json:"fate"`
	// Floor is the time before which events were late when this one came, if it was.
	Floor int64 `json:"floor,omitempty"`
	// Session is the index of its session, -1 for an event that opens or extends none.
	Session int `json:"session"`
}

// Repeat is a record under an id that came before, or a dead letter.
type Repeat struct {
	Store      string `json:"store"`
	MessageID  string `json:"message_id"`
	IngestedAt int64  `json:"ingest_ts"`
	// Fate is duplicate, id_reused or dead.
	Fate Fate `json:"fate"`
	// Reason of a dead letter.
	Reason string `json:"reason,omitempty"`
}

// Session is one session of a visitor. Times are Unix milliseconds, money is minor units of the base currency.
type Session struct {
	Index      int    `json:"index"`
	Store      string `json:"store"`
	Visitor    string `json:"visitor"`
	User       string `json:"user,omitempty"`
	StartedAt  int64  `json:"started_at"`
	EndedAt    int64  `json:"ended_at"`
	Window     int64  `json:"window"` // start of the 15-minute window of StartedAt, Unix seconds
	Channel    string `json:"channel"`
	Device     string `json:"device"`
	Brand      string `json:"brand_search"`
	Landing    string `json:"landing_path"`
	Returning  bool   `json:"returning"`
	Events     int    `json:"events"`
	TailEvents int    `json:"tail_events,omitempty"` // of these, beyond what a run keeps
	Orders     int    `json:"orders"`
	ValueMinor int64  `json:"value_minor"`
	// Actions in order, of the events that are kept and of those that joined.
	Actions  []string `json:"actions"`
	Robot    bool     `json:"robot,omitempty"`
	Capped   bool     `json:"capped,omitempty"`
	Switched bool     `json:"switched,omitempty"` // another user took over here
	// FunnelVersion in force at the start. Level is the number of its steps reached; Implied has the numbers of those
	// that were jumped over, Open those whose action happened at all.
	FunnelVersion int   `json:"funnel_version"`
	Level         int   `json:"level"`
	Implied       []int `json:"implied,omitempty"`
	Open          []int `json:"open"`

	steps []step
	at    []int64 // when each step was reached
}
