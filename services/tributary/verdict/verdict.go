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

// What a full-size run must at least compare, so that an empty comparison cannot pass.
const (
	fullEvents   = 50_000
	minSessions  = 2_000
	minCells     = 5_000
	minPurchases = 50
)

// listed is the number of differences that a verdict carries; all are counted.
const listed = 20

// Kind of what differs, in the order of the list.
type Kind string

// The kinds.
const (
	KindCell    Kind = "cell"
	KindSession Kind = "session"
	KindEvent   Kind = "event"
)

// Difference is one measure that is not what the truth says.
type Difference struct {
	Kind Kind `json:"kind"`
	// Key names a session by visitor and start, an event by message id; a cell has none besides its segment.
	Key string `json:"key,omitempty"`
	// Window (start, RFC 3339), Channel and Device are the cell, or the cell in which the session or event falls. Empty
	// for an event that is in no session.
	Window  string `json:"window,omitempty"`
	Channel string `json:"channel,omitempty"`
	Device  string `json:"device,omitempty"`
	// Step of a cell, from 1; 0 for what belongs to the whole segment.
	Step     int    `json:"step,omitempty"`
	Measure  string `json:"measure"`
	Expected string `json:"expected"`
	Got      string `json:"got"`

	segment sim.Segment
}

// Verdict is the result of a comparison.
type Verdict struct {
	// Cells, Sessions and Events are the numbers of keys compared, on whichever side they are.
	Cells    int `json:"cells"`
	Sessions int `json:"sessions"`
	Events   int `json:"events"`
	// Purchases among the truth's events.
	Purchases int `json:"purchases"`
	// Difference counts all differences.
	Difference int `json:"difference"`
	// Differences are the first ones: cells, then sessions, then events.
	Differences []Difference `json:"differences,omitempty"`
	// Exit code of the verdict.
	Exit int `json:"exit"`
}

// Judge compares the bi views with the truth. An error means that no verdict was reached.
func Judge(ctx context.Context, db Querier, truth *sim.Truth) (Verdict, error) {
	j := &judge{db: db, truth: truth}
	for _, part := range []func(context.Context) error{j.cells, j.segments, j.sessions, j.events} {
		if err := part(ctx); err != nil {
			return Verdict{}, err
		}
	}
	v := j.verdict
	for i := range truth.Events {
		if truth.Events[i].Action == "purchased" {
			v.Purchases++
		}
	}
	slices.SortStableFunc(j.found, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), a.segment.Compare(b.segment), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Key, b.Key))
	})
	v.Difference = len(j.found)
	v.Differences = j.found[:min(len(j.found), listed)]
	v.Exit = v.exit(truth.Header.Events)
	return v, nil
}

func rank(k Kind) int { return slices.Index([]Kind{KindCell, KindSession, KindEvent}, k) }

func (v Verdict) exit(planned int) int {
	switch {
	case v.Difference > 0:
		return ExitDiffers
	case planned >= fullEvents && (v.Sessions < minSessions || v.Cells < minCells || v.Purchases < minPurchases):
		return ExitTooSmall
	}
	return ExitEqual
}

// Last is the verdict in one line.
func (v Verdict) Last() string {
	return fmt.Sprintf("verdict: %d cells, %d sessions, %d events compared, difference %d", v.Cells, v.Sessions, v.Events, v.Difference)
}

// String lists the differences and ends with the line that Last returns.
func (v Verdict) String() string {
	var b strings.Builder
	for _, d := range v.Differences {
		fmt.Fprintln(&b, d)
	}
	if more := v.Difference - len(v.Differences); more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	if v.Exit == ExitTooSmall {
		fmt.Fprintf(&b, "too little was compared: expected at least %d sessions, %d cells and %d purchases, got %d, %d and %d\n",
			minSessions, minCells, minPurchases, v.Sessions, v.Cells, v.Purchases)
	}
	b.WriteString(v.Last())
	return b.String()
}

// String is the difference in one line.
func (d Difference) String() string {
	var b strings.Builder
	b.WriteString(string(d.Kind))
	for _, part := range []string{d.Key, d.Window, d.Channel, d.Device} {
		if part != "" {
			b.WriteString(" " + part)
		}
	}
	if d.Step > 0 {
		fmt.Fprintf(&b, " step %d", d.Step)
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

func windowText(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
