// Package verdict compares what an analyst's tool reads with the simulator's ground truth.
//
// It reads only the bi views, it changes nothing, and it does not wait: ask it when the pipeline has caught up.
package verdict

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tributary-data/tributary/pkg/sim"
)

// Querier runs one query and calls row for each row of the result; *clickhouse.DB is one.
type Querier interface {
	Each(ctx context.Context, query string, row func(scan func(dest ...any) error) error) error
}

// Exit codes of a verdict.
const (
	ExitEqual    = 0
	ExitDiffers  = 3
	ExitTooSmall = 4
)

// listed is the number of differences that a verdict carries; all are counted.
const listed = 20

// Kind of what differs, in the order of the list.
type Kind string

// The kinds.
const (
	KindCell       Kind = "cell"
	KindHour       Kind = "hour" // the minutes of an hour, added up
	KindOccurrence Kind = "occurrence"
	KindSession    Kind = "session"
	KindEvent      Kind = "event"
	KindOrder      Kind = "order"
	KindIntake     Kind = "intake"
	KindLate       Kind = "late_event"
	KindLetters    Kind = "dead_letters"
)

func rank(k Kind) int {
	return slices.Index([]Kind{KindCell, KindHour, KindOccurrence, KindSession, KindEvent, KindOrder, KindIntake, KindLate, KindLetters}, k)
}

// Difference is one measure that is not what the truth says.
type Difference struct {
	Kind  Kind   `json:"kind"`
	Store string `json:"store"`
	// Key names a session by visitor and start, an event by message id, an order by its id, intake by the hour, a late
	// event by visitor, time and action, dead letters by their reason; a cell has none besides its segment.
	Key string `json:"key,omitempty"`
	// Window (start, RFC 3339), Channel and Device are the cell, or the cell in which the session or event falls. Empty
	// for what is in no session.
	Window  string `json:"window,omitempty"`
	Channel string `json:"channel,omitempty"`
	Device  string `json:"device,omitempty"`
	// FunnelVersion and Step of a cell, from 1; 0 for what belongs to the whole segment.
	FunnelVersion int    `json:"funnel_version,omitempty"`
	Step          int    `json:"step,omitempty"`
	Measure       string `json:"measure"`
	Expected      string `json:"expected"`
	Got           string `json:"got"`

	segment sim.Segment
}

// String is the difference in one line.
func (d Difference) String() string {
	var b strings.Builder
	b.WriteString(string(d.Kind))
	for _, part := range []string{d.Store, d.Key, d.Window, d.Channel, d.Device} {
		if part != "" {
			b.WriteString(" " + part)
		}
	}
	if d.Step > 0 {
		fmt.Fprintf(&b, " version %d step %d", d.FunnelVersion, d.Step)
	}
	fmt.Fprintf(&b, ": %s expected %s, got %s", d.Measure, d.Expected, d.Got)
	return b.String()
}

// judge collects differences.
type judge struct {
	db      Querier
	truth   *sim.Truth
	found   []Difference
	verdict Verdict
	// stored are the sessions as bi has them, for the events' counts per segment.
	stored []row[sessionKey, sessionFacts]
}

// Judge compares the bi views with the truth. An error means that no verdict was reached.
func Judge(ctx context.Context, db Querier, truth *sim.Truth) (Verdict, error) {
	j := &judge{db: db, truth: truth}
	for _, part := range []func(context.Context) error{j.cells, j.hours, j.occurrences, j.segments, j.sessions, j.events, j.orders,
		j.intake, j.late, j.letters} {
		if err := part(ctx); err != nil {
			return Verdict{}, err
		}
	}
	v := j.verdict
	v.Merges, v.Switches = truth.Counts.Merges, truth.Counts.Switches
	for i := range truth.Events {
		if truth.Events[i].Action == "purchased" {
			v.Purchases++
		}
	}
	slices.SortStableFunc(j.found, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(a.Store, b.Store), a.segment.Compare(b.segment),
			cmp.Compare(a.Step, b.Step), cmp.Compare(a.Key, b.Key))
	})
	v.Difference = len(j.found)
	v.Differences = j.found[:min(len(j.found), listed)]
	v.settle(truth.Header)
	return v, nil
}

func (j *judge) report(d Difference) { j.found = append(j.found, d) }

// eachStore calls part for every store of the truth.
func (j *judge) eachStore(part func(store string) error) error {
	for _, s := range j.truth.Header.Stores {
		if err := part(s); err != nil {
			return fmt.Errorf("store %s: %w", s, err)
		}
	}
	return nil
}

// of keeps what belongs to a store.
func of[T any](list []T, store func(*T) string, want string) []*T {
	var out []*T
	for i := range list {
		if store(&list[i]) == want {
			out = append(out, &list[i])
		}
	}
	return out
}

func windowText(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

func milliText(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }
