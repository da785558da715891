package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-data/tributary/pkg/stream"
)

// trace records what the loop did, in order.
type trace struct {
	mu    sync.Mutex
	steps []string
}

func (t *trace) add(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps = append(t.steps, fmt.Sprintf(format, args...))
}

// world is source, fold, sink and store in one.
type world struct {
	trace
	batches  chan stream.Batch
	err      error // of the source
	applyErr error
	writeErr error
	explode  map[int64]bool // offsets at which Apply panics
	at       stream.Position
	closed   int
}

func newWorld() *world { return &world{batches: make(chan stream.Batch, 16), at: stream.Start()} }

func (w *world) Batches() <-chan stream.Batch { return w.batches }
func (w *world) Err() error                   { return w.err }

func (w *world) Apply(r stream.Record) error {
	w.add("apply %d", r.Offset)
	if w.explode[r.Offset] {
		panic("boom")
	}
	return w.applyErr
}

func (w *world) Bury(r stream.Record, _ string) { w.add("bury %d", r.Offset) }
func (w *world) Gap(from, to int64)             { w.add("gap %d %d", from, to) }
func (w *world) Watermark() int64               { return 77 }
func (w *world) Close() error                   { w.closed++; return nil }

func (w *world) Flush() (string, error)    { w.add("flush"); return "out", nil }
func (w *world) Save(stream.Batcher) error { w.add("save"); return nil }
func (w *world) Saved()                    { w.add("saved") }

func (w *world) Write(_ context.Context, out string) error {
	w.add("write %s", out)
	return w.writeErr
}

func (w *world) Position() stream.Position { return w.at }

func (w *world) Commit(at stream.Position, save func(stream.Batcher) error) error {
	err := save(nil)
	w.add("commit %d", at.Next)
	w.at = at
	return err
}

// deliver puts the records [from, to) into one batch.
func (w *world) deliver(from, to int64) {
	b := stream.Batch{Next: to, HighWatermark: to}
	for o := from; o < to; o++ {
		b.Records = append(b.Records, stream.Record{Offset: o, Value: []byte("12345")})
	}
	w.batches <- b
}

func (w *world) run(ctx context.Context, c stream.Config) error {
	return stream.NewLoop[string](c, w, w, w, w).Run(ctx)
}

func (w *world) expect(t *testing.T, want ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.steps, want) {
		t.Errorf("got  %q\nwant %q", w.steps, want)
	}
}

// Ensure the one order that exactness rests on: apply, write, and only then commit state with the next offset.
func TestOrder(t *testing.T) {
	w := newWorld()
	w.deliver(0, 2)
	close(w.batches)
	if err := w.run(t.Context(), stream.Config{}); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "apply 0", "apply 1", "flush", "write out", "save", "commit 2", "saved")
}

func TestFlushesByRecordsBytesAndTime(t *testing.T) {
	for name, c := range map[string]stream.Config{"records": {FlushRecords: 2}, "bytes": {FlushBytes: 10}} {
		w := newWorld()
		w.deliver(0, 3)
		close(w.batches)
		if err := w.run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		t.Log(name)
		w.expect(t, "apply 0", "apply 1", "flush", "write out", "save", "commit 2", "saved",
			"apply 2", "flush", "write out", "save", "commit 3", "saved")
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.run(ctx, stream.Config{FlushEvery: time.Second}) }()
		w.deliver(0, 1)
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		w.expect(t, "apply 0")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		w.expect(t, "apply 0", "flush", "write out", "save", "commit 1", "saved") // and no flush of nothing
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Ensure that stopping is crashing: nothing is flushed, and no error is made of it.
func TestStopDoesNotFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.run(ctx, stream.Config{FlushEvery: time.Hour}) }()
		w.deliver(0, 1)
		synctest.Wait()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.expect(t, "apply 0")
	})
}

// Ensure that nothing is committed after a failed write, and that each failure names its place.
func TestFailures(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name  string
		plant func(w *world)
		want  []string
		text  string
	}{
		{"apply", func(w *world) { w.applyErr = boom }, []string{"apply 0"}, "apply offset 0: boom"},
		{"write", func(w *world) { w.writeErr = boom }, []string{"apply 0", "apply 1", "flush", "write out"}, "write outputs before offset 2: boom"},
		{"read", func(w *world) { w.err = boom }, []string{"apply 0", "apply 1"}, "read: boom"},
	} {
		w := newWorld()
		c.plant(w)
		w.deliver(0, 2)
		close(w.batches)
		err := w.run(t.Context(), stream.Config{})
		if !errors.Is(err, boom) || err.Error() != c.text {
			t.Errorf("%s: got %v, want %s", c.name, err, c.text)
		}
		w.expect(t, c.want...)
	}
}

// Ensure that records below the resume offset are not applied again, and that an empty batch moves the next offset.
func TestResume(t *testing.T) {
	w := newWorld()
	w.at = stream.From(2)
	w.deliver(0, 3)
	w.batches <- stream.Batch{Next: 9}
	close(w.batches)
	if err := w.run(t.Context(), stream.Config{}); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "apply 2", "flush", "write out", "save", "commit 9", "saved")
}

func TestProgressAndFailPoints(t *testing.T) {
	w := newWorld()
	w.deliver(0, 2)
	close(w.batches)
	var steps []string
	var got stream.Progress
	going := 0
	err := w.run(t.Context(), stream.Config{Committed: func(p stream.Progress) { got = p }, Going: func() { going++ },
		FailPoint: func(s string) error { steps = append(steps, s); return nil }})
	if err != nil || got.Next != 2 || got.HighWatermark != 2 || got.Watermark != 77 || got.LastOffset != 1 || going != 1 {
		t.Errorf("got progress %+v, going %d times, %v", got, going, err)
	}
	if want := stream.Hash(stream.Record{Value: []byte("12345")}); got.LastHash != want {
		t.Errorf("the last record has the hash %x, want %x", got.LastHash, want)
	}
	if want := []string{stream.StepApplied, stream.StepFlushed, stream.StepWritten, stream.StepCommitted}; !slices.Equal(steps, want) {
		t.Errorf("got steps %v", steps)
	}
}

// Ensure that a batch's memory is given back once all of it is applied, and only where the fold allows it.
func TestRelease(t *testing.T) {
	for recycle, want := range map[bool][]string{
		true:  {"apply 0", "apply 1", "release", "flush", "write out", "save", "commit 2", "saved"},
		false: {"apply 0", "apply 1", "flush", "write out", "save", "commit 2", "saved"},
	} {
		w := newWorld()
		w.batches <- stream.Batch{Next: 2, Records: []stream.Record{{Offset: 0}, {Offset: 1}}, Release: func() { w.add("release") }}
		close(w.batches)
		if err := w.run(t.Context(), stream.Config{Recycle: recycle}); err != nil {
			t.Fatal(err)
		}
		w.expect(t, want...)
	}
}
