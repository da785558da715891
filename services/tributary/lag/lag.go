// Package lag tells how far behind each partition of each stage is, from the broker's offsets and from what the stages commit.
package lag

import (
	"context"
	"fmt"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/services/internal/parts"
)

// Source is what lag is computed from (kafka.Client).
type Source interface {
	Partitions(ctx context.Context, topic string) (int, error)
	Offsets(ctx context.Context, topic string, n int) ([]kafka.Range, error)
	Progress(ctx context.Context, group, topic string, n int) ([]kafka.Committed, error)
}

// Row is one partition of one stage.
type Row struct {
	Stage     string `json:"stage"`
	Group     string `json:"group"`
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	// Next offset to fold, and the log's first and last: [First, Last). Next is −1 where the stage has said nothing yet.
	Next  int64 `json:"next"`
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Records that the stage has not folded yet.
	Records int64 `json:"records"`
	// Seconds from when ingest took the last folded record to when the stage committed it, or to now if it has not committed for
	// a while. Nil where that is not known: the stage has said nothing, or its topic has no time.
	Seconds *float64 `json:"seconds_behind"`
	// Committed is when the stage said so last; zero: never. Instance did it.
	Committed time.Time `json:"committed"`
	Instance  string    `json:"instance,omitempty"`
	// Drain is how many seconds it takes to catch up at the rates that were measured; nil where they are not known, and below
	// zero where the lag grows.
	Drain *float64 `json:"drain_seconds"`
	// Lost tells that the log no longer holds what the stage needs next.
	Lost bool `json:"lost"`
}

// waitForMark is how far a stage's watermark is behind ingest's clock by itself: it waits so long for events out of order.
const waitForMark = 10 * time.Second

// stale is the age of a commit from which on the stage counts as one that stands still.
const stale = 20 * time.Second

// Read looks once at every partition of the stages.
func Read(ctx context.Context, c Source, stages []parts.Stage, now time.Time) ([]Row, error) {
	var rows []Row
	for _, s := range stages {
		n, err := c.Partitions(ctx, s.Topic)
		if err != nil {
			return nil, err
		}
		ranges, err := c.Offsets(ctx, s.Topic, n)
		if err != nil {
			return nil, err
		}
		said, err := c.Progress(ctx, s.Group(), s.Topic, n)
		if err != nil {
			return nil, err
		}
		for p := range n {
			rows = append(rows, row(s, p, ranges[p], said[p], now))
		}
	}
	return rows, nil
}

func row(s parts.Stage, p int, have kafka.Range, said kafka.Committed, now time.Time) Row {
	r := Row{Stage: s.Name, Group: s.Group(), Topic: s.Topic, Partition: p, Next: said.Next, First: have.First, Last: have.Last, Instance: said.Instance}
	from := max(said.Next, 0)
	r.Records, r.Lost = max(0, have.Last-max(from, have.First)), from < have.First
	if said.At == 0 {
		return r
	}
	r.Committed = time.UnixMilli(said.At).UTC()
	at := now
	if now.Sub(r.Committed) < stale {
		at = r.Committed
	}
	zero := 0.0
	switch {
	case r.Records == 0:
		r.Seconds = &zero
	case said.Watermark > 0:
		behind := max(0, at.Sub(time.UnixMilli(said.Watermark).Add(waitForMark)).Seconds())
		r.Seconds = &behind
	}
	return r
}

// Drain fills in how long each partition takes to catch up, from an earlier look at the same ones, elapsed before.
func Drain(rows, earlier []Row, elapsed time.Duration) {
	type key struct {
		stage     string
		partition int
	}
	before := map[key]Row{}
	for _, r := range earlier {
		before[key{r.Stage, r.Partition}] = r
	}
	for i := range rows {
		r := &rows[i]
		b, ok := before[key{r.Stage, r.Partition}]
		if !ok || elapsed <= 0 {
			continue
		}
		folded := r.Committed.Sub(b.Committed)
		drain := 0.0
		switch {
		case r.Records == 0:
		case folded <= 0 || b.Next < 0:
			continue // it has not said anything in between
		default:
			gain := float64(r.Next-b.Next)/folded.Seconds() - float64(r.Last-b.Last)/elapsed.Seconds()
			if drain = -1; gain > 0 {
				drain = float64(r.Records) / gain
			}
		}
		r.Drain = &drain
	}
}

// Behind tells whether a partition is so far behind that its rate is worth a measurement.
func (r Row) Behind() bool {
	return r.Seconds == nil && r.Records > 0 || r.Seconds != nil && *r.Seconds > 5
}

// Text of the row's parts, for a table.
func (r Row) Text() (behind, drain, note string) {
	behind, drain = "?", "?"
	if !r.Behind() {
		drain = "-" // it is a matter of the moment
	}
	if r.Seconds != nil {
		behind = span(*r.Seconds)
	}
	switch {
	case r.Drain != nil && *r.Drain < 0:
		drain = "never: the lag grows"
	case r.Drain != nil:
		drain = span(*r.Drain)
	}
	switch {
	case r.Lost:
		note = "data lost: see README, When a partition stops"
	case r.Next < 0:
		note = "nobody has committed yet"
	}
	return behind, drain, note
}

// span of seconds, short.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", seconds)
	case d < 10*time.Minute:
		return fmt.Sprintf("%.0f s", seconds)
	case d < 10*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}
