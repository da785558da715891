package lag_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/services/internal/parts"
	"github.com/tributary-data/tributary/services/tributary/lag"
)

// cluster is what a broker says.
type cluster struct {
	ranges []kafka.Range
	said   []kafka.Committed
	err    error
}

func (c cluster) Partitions(context.Context, string) (int, error) { return len(c.ranges), c.err }
func (c cluster) Offsets(context.Context, string, int) ([]kafka.Range, error) {
	return c.ranges, nil
}
func (c cluster) Progress(_ context.Context, group, topic string, n int) ([]kafka.Committed, error) {
	if group != "tributary-visitor" || topic != "events.g0" || n != len(c.ranges) {
		return nil, fmt.Errorf("asked for %s of %s", topic, group)
	}
	return c.said, nil
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// said is what a stage committed some seconds ago, when it had folded what ingest had taken behind seconds before.
func said(next int64, ago, behind float64) kafka.Committed {
	at := now.Add(-time.Duration(ago * float64(time.Second)))
	w := at.Add(-10*time.Second - time.Duration(behind*float64(time.Second)))
	return kafka.Committed{Next: next, Note: kafka.Note{Watermark: w.UnixMilli(), At: at.UnixMilli(), Instance: "a"}}
}

func read(t *testing.T, c cluster) []lag.Row {
	t.Helper()
	rows, err := lag.Read(t.Context(), c, parts.Stages(0, 0)[:1], now)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func text(r lag.Row) string {
	behind, drain, note := r.Text()
	return fmt.Sprintf("%d records, %s, %s, %s", r.Records, behind, drain, note)
}

func TestRows(t *testing.T) {
	c := cluster{ranges: []kafka.Range{{Last: 100}, {Last: 100}, {Last: 100}, {First: 50, Last: 100}, {Last: 0}, {Last: 7}},
		said: []kafka.Committed{said(100, 3, 0.2), said(90, 3, 42), said(90, 3600, 0), said(20, 1, 600), {Next: -1}, {Next: -1}}}
	want := []string{
		"0 records, 0.0 s, -, ",
		"10 records, 42 s, ?, ",
		"10 records, 60 min, ?, ", // it has stood still since
		"50 records, 10 min, ?, data lost: see README, When a partition stops",
		"0 records, ?, -, nobody has committed yet",
		"7 records, ?, ?, nobody has committed yet",
	}
	for i, r := range read(t, c) {
		if got := text(r); got != want[i] {
			t.Errorf("partition %d: got %q, want %q", i, got, want[i])
		}
	}
	c.err = errors.New("boom")
	if _, err := lag.Read(t.Context(), c, parts.Stages(0, 0), now); !errors.Is(err, c.err) {
		t.Errorf("got %v", err)
	}
}

// Ensure that the time to catch up is the lag by the difference of the rates, and that a growing lag says so.
func TestDrain(t *testing.T) {
	before := read(t, cluster{ranges: []kafka.Range{{Last: 1000}, {Last: 1000}, {Last: 1000}},
		said: []kafka.Committed{said(100, 15, 60), said(100, 15, 60), said(100, 15, 60)}})
	after := read(t, cluster{ranges: []kafka.Range{{Last: 1100}, {Last: 1200}, {Last: 1000}},
		said: []kafka.Committed{said(300, 5, 60), said(200, 5, 60), said(100, 15, 60)}})
	lag.Drain(after, before, 10*time.Second)
	// 20 in and 10 out a second; 10 and 20; nothing heard of the third
	for i, want := range []string{"80 s", "never: the lag grows", "?"} {
		if _, got, _ := after[i].Text(); got != want {
			t.Errorf("partition %d: got %s, want %s", i, got, want)
		}
	}
	if !after[0].Behind() {
		t.Error("a partition that is a minute behind counts as one that is not")
	}
}
