package shop

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
)

// askWithin is how long ClickHouse may take: the page asks each second.
const askWithin = 2 * time.Second

// visitorID is the form of the ids that the page makes: 122 random bits, which nobody guesses. Other visitors' sessions are
// not told.
var visitorID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

const (
	querySessions = `SELECT toUnixTimestamp64Milli(started_at), toUnixTimestamp64Milli(ended_at), channel, source, campaign, device, browser,
	landing_path, returning, switched, events, orders, value_minor, actions, class, final
FROM bi.sessions WHERE store = {store:String} AND visitor = {visitor:String} ORDER BY started_at DESC LIMIT 5`
	queryEvents = `SELECT message_id, action, late FROM bi.events
WHERE store = {store:String} AND visitor = {visitor:String} ORDER BY ingest_ts DESC LIMIT 300`
)

// session is a row of bi.sessions, in part. Times are Unix milliseconds, money is in minor units.
type session struct {
	StartedAt   int64    `json:"startedAt"`
	EndedAt     int64    `json:"endedAt"`
	Channel     string   `json:"channel"`
	Source      string   `json:"source"`
	Campaign    string   `json:"campaign"`
	Device      string   `json:"device"`
	Browser     string   `json:"browser"`
	LandingPath string   `json:"landingPath"`
	Returning   uint8    `json:"returning"`
	Switched    uint8    `json:"switched"`
	Events      uint32   `json:"events"`
	Orders      uint32   `json:"orders"`
	ValueMinor  int64    `json:"valueMinor"`
	Actions     []string `json:"actions"`
	Class       string   `json:"class"`
	Final       uint8    `json:"final"`
}

// stored is an event that has arrived in bi.events.
type stored struct {
	ID     string `json:"id"`
	Action string `json:"action"`
	Late   uint8  `json:"late"`
}

// tellSession answers with what bi knows of one visitor, newest first.
func (s *Shop) tellSession(w http.ResponseWriter, r *http.Request) {
	visitor := r.URL.Query().Get("visitor")
	if !visitorID.MatchString(visitor) {
		s.refuse(w, http.StatusBadRequest, "visitor must be an id that the shop's page made: a UUID of version 4, in lower case")
		return
	}
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	default:
		s.refuse(w, http.StatusServiceUnavailable, "too many pages ask at once")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askWithin)
	defer cancel()
	out := struct {
		state
		Sessions []session `json:"sessions"`
		Events   []stored  `json:"events"`
	}{s.state(), []session{}, []stored{}}
	params := clickhouse.Params{"store": s.config.Store, "visitor": visitor}
	err := s.config.Views.EachBound(ctx, queryEvents, params, func(scan func(...any) error) error {
		var e stored
		err := scan(&e.ID, &e.Action, &e.Late)
		out.Events = append(out.Events, e)
		return err
	})
	if err == nil {
		err = s.config.Views.EachBound(ctx, querySessions, params, func(scan func(...any) error) error {
			var v session
			err := scan(&v.StartedAt, &v.EndedAt, &v.Channel, &v.Source, &v.Campaign, &v.Device, &v.Browser,
				&v.LandingPath, &v.Returning, &v.Switched, &v.Events, &v.Orders, &v.ValueMinor, &v.Actions, &v.Class, &v.Final)
			out.Sessions = append(out.Sessions, v)
			return err
		})
	}
	if err != nil { // its text may name the visitor's id: it goes nowhere
		s.refuse(w, http.StatusServiceUnavailable, "ClickHouse does not answer: check TRIBUTARY_CLICKHOUSE_ADDR and that tributary migrate ran")
		return
	}
	tell(w, http.StatusOK, out)
}

// refuse says why a question is not answered. The page learns of a restart from it all the same.
func (s *Shop) refuse(w http.ResponseWriter, status int, why string) {
	tell(w, status, struct {
		state
		Error string `json:"error"`
	}{s.state(), why})
}
