package e2e_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/internal/parts"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// otherRules is the demo's store with another gap between sessions, in a file.
func otherRules(t *testing.T) string {
	t.Helper()
	file := bytes.Replace(stores.Demo(), []byte("session_gap: 30m"), []byte("session_gap: 5m"), 1)
	if bytes.Equal(file, stores.Demo()) {
		t.Fatal("the demo's store has no gap of 30 minutes")
	}
	name := filepath.Join(t.TempDir(), "demo.yaml")
	if err := os.WriteFile(name, file, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// own are the rows of an epoch as they lie in the tables, whatever the views show.
func (p pipeline) own(t *testing.T, epoch string) []string {
	t.Helper()
	out := lines(t, p.db, "SELECT hex(session_id), version, deleted, started_at, ended_at, channel, events, trail_action FROM tributary.sessions FINAL WHERE epoch = "+epoch+" ORDER BY ALL")
	return append(out, lines(t, p.db, "SELECT store, funnel, basis, window_seconds, window_start, breakdown, values, class, partition, version, units, observed_value FROM tributary.funnel_cells FINAL WHERE epoch = "+epoch+" ORDER BY ALL")...)
}

// Ensure that a changed rule can be tried on the whole log beside live traffic, and that the views, once switched, show what a fresh
// run under that rule shows; the old epoch's rows stay as they are.
func TestRestate(t *testing.T) {
	skipIfShort(t)
	t.Setenv("TRIBUTARY_FLUSH_EVERY", flushEvery)
	fresh := start(t, stack.Config{Dir: t.TempDir(), Bin: plain(t), Partitions: 2, Driven: true, Stores: otherRules(t)})
	for i := range batches {
		if err := fresh.play(t, i); err != nil {
			t.Fatal(err)
		}
	}
	want := fresh.finish(t)
	fresh.stop(t)

	dir := t.TempDir()
	p := start(t, stack.Config{Dir: dir, Bin: plain(t), Partitions: 2, Driven: true})
	for i := range batches / 2 {
		if err := p.play(t, i); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(say(t, "restate", "prepare", "--checkpoints="+p.Checkpoints, "--brokers="+p.Kafka, "--epoch=1", "--replication=1", "--store="+otherRules(t), "--reason=a test"))
	t.Setenv("TRIBUTARY_EPOCH", "1")
	join(t, p, "sessionizer")
	join(t, p, "aggregator")
	os.Unsetenv("TRIBUTARY_EPOCH")
	for i := batches / 2; i < batches; i++ {
		if err := p.play(t, i); err != nil {
			t.Fatal(err)
		}
	}
	old := p.finish(t)
	p.caughtUp(t, 1)
	rows := p.own(t, "0")
	t.Log(say(t, "restate", "status", "--clickhouse="+p.ClickHouse))
	t.Log(say(t, "restate", "switch", "--clickhouse="+p.ClickHouse, "--epoch=1"))
	contentOf(t, p.db).same(t, "after the switch", want)
	same(t, "the old epoch's rows", p.own(t, "0"), rows)
	t.Log(say(t, "restate", "switch", "--clickhouse="+p.ClickHouse, "--epoch=0"))
	contentOf(t, p.db).same(t, "switched back", old)
}

// caughtUp waits until an epoch's stages have folded all that is in their logs.
func (p pipeline) caughtUp(t *testing.T, epoch uint16) {
	t.Helper()
	c, err := kafka.NewClient(kafka.Config{Brokers: p.Kafka})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range parts.Stages(0, epoch)[:3] {
		if err := await(t.Context(), "stage "+s.Name+" to catch up", p.Dead(), func(ctx context.Context) (bool, error) {
			ranges, err := c.Offsets(ctx, s.Topic, 2)
			if err != nil {
				return false, err
			}
			said, err := c.Progress(ctx, s.Group(), s.Topic, 2)
			return err == nil && said[0].Next == ranges[0].Last && said[1].Next == ranges[1].Last, err
		}); err != nil {
			t.Fatal(err)
		}
	}
}
