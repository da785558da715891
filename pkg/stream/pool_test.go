package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tributary-data/tributary/pkg/stream"
)

// cluster is the reader, the stores and the watcher of a pool, one world per partition.
type cluster struct {
	mu     sync.Mutex
	worlds map[int32]*world
	ends   map[int32]func(w *world) // what a partition's source does when it is opened
	opened map[int32]int
	told   []string
}

func newCluster(n int32) *cluster {
	c := &cluster{worlds: map[int32]*world{}, ends: map[int32]func(*world){}, opened: map[int32]int{}}
	for p := range n {
		c.worlds[p] = newWorld()
	}
	return c
}

func (c *cluster) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Open delivers what the partition's log holds.
func (c *cluster) Open(p int32, from stream.Position) stream.Source {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.worlds[p]
	w.batches, w.err = make(chan stream.Batch, 16), nil
	c.opened[p]++
	if end := c.ends[p]; end != nil {
		end(w)
	}
	return &source{w.batches, w}
}

func (c *cluster) Close(int32) {}

// source stays the one that was opened.
type source struct {
	batches chan stream.Batch
	w       *world
}

func (s *source) Batches() <-chan stream.Batch { return s.batches }
func (s *source) Err() error                   { return s.w.err }

func (c *cluster) say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, fmt.Sprintf(format, args...))
}

// times that a partition was opened.
func (c *cluster) times(p int32) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened[p]
}

// heard is what the watcher was told, in order of the alphabet.
func (c *cluster) heard() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := slices.Clone(c.told)
	slices.Sort(list)
	return list
}

func (c *cluster) Gone(p int32)               { c.say("%d gone", p) }
func (c *cluster) Going(p int32)              { c.say("%d going", p) }
func (c *cluster) Stopped(p int32, why error) { c.say("%d stopped: %v", p, why) }

func (c *cluster) pool(m *stream.Metrics) *stream.Pool[string] {
	return &stream.Pool[string]{Metrics: m, Reader: c, Watcher: c,
		Open: func(_ context.Context, p int32) (stream.Part[string], error) {
			w := c.worlds[p]
			return stream.Part[string]{Fold: w, Sink: w, Store: w}, nil
		}}
}

// run starts a pool in a bubble with its partitions.
func run(t *testing.T, p *stream.Pool[string], partitions ...int32) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	if err := p.Assign(t.Context(), partitions); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return func() error { cancel(); return <-done }
}

// Ensure that stores stay open over assignments that keep them, that only what goes is closed, and that what comes is opened.
func TestAssignments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(4)
		p := c.pool(nil)
		stop := run(t, p, 0, 1, 2)
		if err := p.Assign(t.Context(), []int32{2, 0, 3}); err != nil {
			t.Fatal(err)
		}
		if c.worlds[1].closed != 1 {
			t.Error("Assign returned before the partition that left was closed")
		}
		synctest.Wait()
		if got := []int{c.times(0), c.times(1), c.times(2), c.times(3)}; !slices.Equal(got, []int{1, 1, 1, 1}) {
			t.Errorf("opened %v times", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		for id, w := range c.worlds {
			if w.closed != 1 {
				t.Errorf("partition %d was closed %d times", id, w.closed)
			}
		}
	})
}

// lingering is a store that takes its time to close.
type lingering struct {
	stream.OwnedStore
	close <-chan struct{}
}

func (l lingering) Close() error {
	<-l.close
	return l.OwnedStore.Close()
}

// Ensure that a partition that takes long to close does not hold up an assignment for longer than it may, that the others are opened
// meanwhile, and that one which comes back is opened only once it is closed.
func TestSlowToClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, release := newCluster(3), make(chan struct{})
		p := c.pool(nil)
		open := p.Open
		p.Open = func(ctx context.Context, id int32) (stream.Part[string], error) {
			part, err := open(ctx, id)
			if id == 1 {
				part.Store = lingering{part.Store, release}
			}
			return part, err
		}
		stop := run(t, p, 0, 1)
		limit, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := p.Assign(limit, []int32{0, 2}); !errors.Is(err, stream.ErrClosing) {
			t.Errorf("got %v", err)
		}
		for range 2 { // it comes, goes and comes again
			if err := p.Assign(t.Context(), []int32{0, 1}); c.times(1) != 1 || c.times(2) != 1 || c.worlds[1].closed != 0 || err != nil && !errors.Is(err, stream.ErrClosing) {
				t.Errorf("opened %d and %d times, %v", c.times(1), c.times(2), err)
			}
			limit, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if err := p.Assign(limit, []int32{0}); !errors.Is(err, stream.ErrClosing) {
				t.Errorf("got %v", err)
			}
		}
		if err := p.Assign(t.Context(), []int32{0, 1}); err != nil {
			t.Error(err)
		}
		close(release)
		synctest.Wait()
		if got := []int{c.times(0), c.times(1), c.times(2)}; !slices.Equal(got, []int{1, 2, 1}) || c.worlds[1].closed != 1 {
			t.Errorf("opened %v times", got)
		}
		if err := stop(); err != nil || c.worlds[1].closed != 2 {
			t.Errorf("closed %d times, %v", c.worlds[1].closed, err)
		}
	})
}

// Ensure that a halted partition stops alone, is told of once it is, is looked at again, and goes on when its log fits again.
func TestHalt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(2)
		halt := stream.Haltf(stream.ReasonTrimmed, "gone")
		c.ends[1] = func(w *world) { w.err = halt; close(w.batches) }
		c.ends[0] = func(w *world) { w.deliver(0, 1) }
		registry := prometheus.NewRegistry()
		stop := run(t, c.pool(stream.NewMetrics(registry, "test")), 0, 1)
		if got := gauges(t, registry, "tributary_partition_stopped"); !slices.Equal(got, []string{"0  = 0", "1 trimmed = 1"}) {
			t.Errorf("the metric says %q", got)
		}
		c.mu.Lock()
		c.ends[1] = func(w *world) { w.deliver(0, 2) }
		c.mu.Unlock()
		time.Sleep(5 * time.Second) // the pause before it is looked at again
		synctest.Wait()
		if want := []string{"0 going", "1 going", "1 stopped: read: gone"}; !slices.Equal(c.heard(), want) {
			t.Errorf("told %q", c.heard())
		}
		if got := gauges(t, registry, "tributary_partition_stopped"); !slices.Equal(got, []string{"0  = 0", "1  = 0"}) {
			t.Errorf("the metric still says %q", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Ensure that a partition that fails otherwise is tried again after pauses that grow, and that others do not notice.
func TestFailingPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(2)
		c.ends[1] = func(w *world) { w.err = errors.New("boom"); close(w.batches) }
		stop := run(t, c.pool(nil), 0, 1)
		time.Sleep(time.Second)
		synctest.Wait()
		if c.times(0) != 1 || c.times(1) != 4 { // at 0, 0.1, 0.3 and 0.7 s
			t.Errorf("opened %d and %d times", c.times(0), c.times(1))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := c.times(1); n < 120 || n > 130 {
			t.Errorf("within an hour it was opened %d times, want one each 30 s", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Ensure that a record on which the fold panics is tried twice, from the state before it, and then buried, that nothing else is, and
// that each time is told of.
func TestPanicIsBuried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(1)
		c.worlds[0].explode = map[int64]bool{1: true}
		c.ends[0] = func(w *world) { w.deliver(w.at.Next, 3) }
		stop := run(t, c.pool(nil), 0)
		time.Sleep(2 * time.Second) // a flush
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		c.worlds[0].expect(t, "apply 0", "apply 1", "apply 0", "apply 1", "apply 0", "bury 1", "apply 2", "flush", "write out", "save", "commit 3", "saved")
		told := c.heard()
		for i, want := range []string{"0 going", "0 going", "0 going", "0 stopped: apply", "0 stopped: apply"} {
			if len(told) != 5 || !strings.HasPrefix(told[i], want) {
				t.Errorf("told %q", told)
				break
			}
		}
	})
}

// Ensure that a fold that cannot read its records stops after a hundred within a minute, and not before.
func TestPoison(t *testing.T) {
	for _, n := range []int64{100, 101} {
		w := newWorld()
		w.applyErr = stream.ErrPoison
		w.deliver(0, n)
		close(w.batches)
		err := w.run(t.Context(), stream.Config{})
		if h := stream.HaltOf(err); (h != nil && h.Reason == stream.ReasonPoison) != (n > 100) {
			t.Errorf("%d records: got %v", n, err)
		}
	}
	w := newWorld()
	w.applyErr = stream.ErrPoison
	for minute := range int64(3) { // of the log: a replay runs through many of them at once
		b := stream.Batch{Next: (minute + 1) * 60}
		for i := range int64(60) {
			b.Records = append(b.Records, stream.Record{Offset: minute*60 + i, AppendTime: (minute + 1) * 60_000})
		}
		w.batches <- b
	}
	close(w.batches)
	if err := w.run(t.Context(), stream.Config{}); err != nil {
		t.Errorf("60 a minute: %v", err)
	}
}

// Ensure that a partition that met too much poison does not creep on, however often it would be looked at, and that nobody calls it
// stopped any more once it is another instance's.
func TestPoisonStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(1)
		c.worlds[0].applyErr = stream.ErrPoison
		c.ends[0] = func(w *world) {
			next := w.at.Next
			b := stream.Batch{Next: next + 101}
			for o := next; o < next+101; o++ {
				b.Records = append(b.Records, stream.Record{Offset: o})
			}
			w.batches <- b
		}
		p := c.pool(nil)
		stop := run(t, p, 0)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := c.times(0); n != 1 {
			t.Errorf("it was opened %d times", n)
		}
		if err := p.Assign(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if told := c.heard(); !slices.Contains(told, "0 gone") {
			t.Errorf("told %q", told)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Ensure that a pool ends with the error of a part that cannot be opened.
func TestOpenFails(t *testing.T) {
	boom := errors.New("boom")
	c := newCluster(1)
	p := c.pool(nil)
	p.Open = func(context.Context, int32) (stream.Part[string], error) { return stream.Part[string]{}, boom }
	done := make(chan error, 1)
	go func() { done <- p.Run(t.Context()) }()
	if err := p.Assign(t.Context(), []int32{0}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
}

// gauges lists a metric's values by labels, without the stage.
func gauges(t *testing.T, r *prometheus.Registry, name string) (out []string) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != name {
				continue
			}
			text := ""
			for _, l := range m.GetLabel() {
				if l.GetName() != "stage" {
					text += l.GetValue() + " "
				}
			}
			out = append(out, fmt.Sprintf("%s= %g", text, m.GetGauge().GetValue()))
		}
	}
	return out
}

// Ensure that the metrics tell where the states are, from the start on.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(2)
		c.worlds[1].at = stream.From(10)
		registry := prometheus.NewRegistry()
		p := c.pool(stream.NewMetrics(registry, "test"))
		stop := run(t, p, 0, 1)
		if got := gauges(t, registry, "tributary_next_offset"); !slices.Equal(got, []string{"0 = 0", "1 = 10"}) {
			t.Errorf("got %q", got)
		}
		c.worlds[1].deliver(10, 12)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := p.Progress()[1]; got.Next != 12 || got.HighWatermark != 12 {
			t.Errorf("progress is %+v", got)
		}
		if err := p.Assign(t.Context(), []int32{1}); err != nil {
			t.Fatal(err)
		}
		if got := gauges(t, registry, "tributary_next_offset"); !slices.Equal(got, []string{"1 = 12"}) {
			t.Errorf("after partition 0 left: %q", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
