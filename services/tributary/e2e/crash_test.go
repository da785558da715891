package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/sim"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/services/internal/parts"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// tick is a step of the clock that shows: a flush without data tells of a watermark that moved by 5 seconds or more.
const tick = 10 * time.Second

// moveTo sets ingest's clock and waits until everything acknowledged before is in the views.
func (p pipeline) moveTo(t *testing.T, now time.Time) error {
	t.Helper()
	clock := &sim.HTTPClock{AdminURL: "http://" + p.IngestAdmin}
	if err := clock.Set(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	return p.settled(t.Context(), now)
}

// play sends batch i and waits until it is in the views, or a process is gone. Either way ingest has acknowledged it.
func (p pipeline) play(t *testing.T, i int) error {
	t.Helper()
	clock := &sim.HTTPClock{AdminURL: "http://" + p.IngestAdmin}
	if err := clock.Set(t.Context(), batchTime(i)); err != nil {
		t.Fatal(err)
	}
	post(t, p.Ingest, "/v1/batch", batchBody(t, i))
	return p.moveTo(t, batchTime(i).Add(tick))
}

// finish makes everything final and returns what the views hold then.
func (p pipeline) finish(t *testing.T) content {
	t.Helper()
	if err := p.moveTo(t, batchTime(batches).Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for view := range views {
		if view == "bi.events" {
			continue // an event is a fact at once
		}
		if open := lines(t, p.db, "SELECT count() FROM "+view+" WHERE final = 0"); open[0] != "0" {
			t.Errorf("%s: %s rows are not final", view, open[0])
		}
	}
	return contentOf(t, p.db)
}

// undisturbed plays the script without a crash. It returns the views after each batch, and when all is final.
func undisturbed(t *testing.T) (after []content, final content) {
	t.Helper()
	p := start(t, stack.Config{Dir: t.TempDir(), Bin: plain(t), Partitions: 2, Driven: true})
	defer p.stop(t)
	for i := range batches {
		if err := p.play(t, i); err != nil {
			t.Fatal(err)
		}
		after = append(after, contentOf(t, p.db))
	}
	final = p.finish(t)
	for view, rows := range final {
		if len(rows) < 10 {
			t.Fatalf("the script makes %d rows of %s only", len(rows), view)
		}
	}
	return after, final
}

// Ensure that a service killed at any step of the loop, or of a checkpoint, leaves nothing lost or counted twice: once started
// again, where it was or on a machine with an empty disk, the views are those of a run without a crash, then and to the end.
func TestCrashes(t *testing.T) {
	skipIfShort(t)
	t.Setenv("TRIBUTARY_FLUSH_EVERY", flushEvery)
	t.Setenv("TRIBUTARY_CHECKPOINT_EVERY", "150ms")
	after, final := undisturbed(t)
	for _, c := range []struct {
		victim, step string
		nth          int // high enough to have data in its hands: every flush of a partition counts, and the aggregator has two stages
	}{
		{"sessionizer", stream.StepWritten, 5},
		{"aggregator", stream.StepWritten, 9},
		{"sessionizer", stream.StepApplied, 7},
		{"aggregator", stream.StepApplied, 13},
		{"sessionizer", stream.StepFlushed, 4},
		{"aggregator", stream.StepFlushed, 7},
		{"sessionizer", stream.StepCommitted, 6},
		{"aggregator", stream.StepCommitted, 11},
		{"sessionizer", parts.StepTaken, 5},
		{"aggregator", parts.StepUploaded, 9},
	} {
		for _, emptied := range []bool{false, true} {
			name := fmt.Sprintf("%s %s %d", c.victim, c.step, c.nth)
			if emptied {
				name += " elsewhere"
			}
			t.Run(name, func(t *testing.T) {
				t.Setenv("TRIBUTARY_CRASH", fmt.Sprintf("crash=%s:%d", c.step, c.nth))
				crashOnce(t, c.victim, emptied, after).same(t, "in the end", final)
			})
		}
	}
}

// crashOnce plays the script to the planted crash, goes on where the victim was or without its disk, and returns the views of the end.
func crashOnce(t *testing.T, victim string, emptied bool, after []content) content {
	config := stack.Config{Dir: t.TempDir(), Bin: withCrashing(t, victim), Partitions: 2, Driven: true}
	at := playToCrash(t, start(t, config), victim)
	config.Bin = plain(t)
	if emptied {
		if err := os.RemoveAll(filepath.Join(config.Dir, "state", victim)); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, config)
	if emptied && at > 1 && !p.said(t, config.Dir, victim, "restored from a checkpoint") {
		t.Error("nothing was restored from a checkpoint")
	}
	if err := p.moveTo(t, batchTime(at).Add(2*tick)); err != nil {
		t.Fatal(err)
	}
	contentOf(t, p.db).same(t, fmt.Sprintf("after batch %d", at), after[at])
	for i := at + 1; i < batches; i++ {
		if err := p.play(t, i); err != nil {
			t.Fatal(err)
		}
	}
	return p.finish(t)
}

// said waits until a service's log holds a text.
func (p pipeline) said(t *testing.T, dir, service, text string) bool {
	t.Helper()
	return await(t.Context(), service+" to say "+text, p.Dead(), func(context.Context) (bool, error) {
		b, err := os.ReadFile(filepath.Join(dir, "log", service+".log"))
		return strings.Contains(string(b), text), err
	}) == nil
}

// Ensure that two instances of each service share the work, and that the views do not show that one was killed.
func TestTakeover(t *testing.T) {
	skipIfShort(t)
	t.Setenv("TRIBUTARY_FLUSH_EVERY", flushEvery)
	_, final := undisturbed(t)
	shared(t).same(t, "in the end", final)
}

// playToCrash plays until the victim dies, stops the rest, and returns the batch that was being worked on. No crash comes
// before the first batch: the log is empty until the clock is set.
func playToCrash(t *testing.T, p pipeline, victim string) (at int) {
	t.Helper()
	defer p.stop(t)
	for i := range batches {
		switch err := p.play(t, i); {
		case err == nil:
		case !errors.Is(err, errGone) || !strings.Contains(err.Error(), victim+" ended (exit status 137)"):
			t.Fatal(err)
		default:
			return i
		}
	}
	t.Fatalf("%s did not crash in %d batches", victim, batches)
	return 0
}
