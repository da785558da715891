package stream

import (
	"context"
	"fmt"
	"time"
)

// Steps of the loop at which a crash can be planted (Config.FailPoint).
const (
	StepApplied   = "applied"   // in memory only
	StepFlushed   = "flushed"   // outputs built, not written
	StepWritten   = "written"   // outputs acknowledged, state not committed
	StepCommitted = "committed" // state committed
)

// Config of a loop.
type Config struct {
	// FlushEvery is the longest time between flushes. Default: 1s
	FlushEvery time.Duration
	// FlushRecords flushes after so many records. Default: no limit
	FlushRecords int
	// FlushBytes flushes after so many bytes of input. Default: 4 MiB
	FlushBytes int
	// Recycle releases each batch once it is applied: for folds that keep none of its bytes.
	Recycle bool
	// FailPoint is called at each step; an error ends the loop there, as a crash would. Nil outside tests.
	FailPoint func(step string) error
	// Progress is told of each commit: the next offset and the last high watermark. May be nil.
	Progress func(next, highWatermark int64)
}

func (c Config) withDefaults() Config {
	if c.FlushEvery <= 0 {
		c.FlushEvery = time.Second
	}
	if c.FlushBytes <= 0 {
		c.FlushBytes = 4 << 20
	}
	if c.FailPoint == nil {
		c.FailPoint = func(string) error { return nil }
	}
	if c.Progress == nil {
		c.Progress = func(int64, int64) {}
	}
	return c
}

// Loop folds one partition. The zero value is not usable; see NewLoop.
type Loop[O any] struct {
	config Config
	source Source
	fold   Fold[O]
	sink   Sink[O]
	store  Store

	next           int64 // after the last applied record
	records, bytes int   // applied since the last commit
	dirty          bool  // something was applied or skipped since the last commit
	high           int64
}

// NewLoop ties a partition's source, fold, sink and store together. It starts nothing.
func NewLoop[O any](c Config, source Source, fold Fold[O], sink Sink[O], store Store) *Loop[O] {
	return &Loop[O]{config: c.withDefaults(), source: source, fold: fold, sink: sink, store: store, next: store.Next()}
}

// Run folds until ctx ends (nil), the source ends, or an error stops the partition.
// On ctx end it does not flush: stopping is the same path as crashing, and replay does the rest.
func (l *Loop[O]) Run(ctx context.Context) error {
	flush := time.NewTicker(l.config.FlushEvery)
	defer flush.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case b, ok := <-l.source.Batches():
			if !ok {
				return l.end(ctx)
			}
			if err := l.apply(ctx, b); err != nil {
				return l.result(ctx, err)
			}
		case <-flush.C:
			if err := l.flush(ctx); err != nil {
				return l.result(ctx, err)
			}
		}
	}
}

// end flushes what a finished source left (only bounded sources finish without an error).
func (l *Loop[O]) end(ctx context.Context) error {
	if err := l.source.Err(); err != nil {
		return l.result(ctx, fmt.Errorf("read: %w", err))
	}
	return l.result(ctx, l.flush(ctx))
}

func (l *Loop[O]) result(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (l *Loop[O]) apply(ctx context.Context, b Batch) error {
	for _, r := range b.Records {
		if r.Offset < l.next {
			continue // a fetch may start inside a batch
		}
		if err := l.fold.Apply(r); err != nil {
			return fmt.Errorf("apply offset %d: %w", r.Offset, err)
		}
		l.next, l.dirty = r.Offset+1, true
		l.records++
		l.bytes += len(r.Key) + len(r.Value)
		if l.full() {
			if err := l.flush(ctx); err != nil {
				return err
			}
		}
	}
	if b.Next > l.next {
		l.next, l.dirty = b.Next, true
	}
	l.high = b.HighWatermark
	if l.config.Recycle && b.Release != nil {
		b.Release()
	}
	return l.config.FailPoint(StepApplied)
}

func (l *Loop[O]) full() bool {
	return l.bytes >= l.config.FlushBytes || l.config.FlushRecords > 0 && l.records >= l.config.FlushRecords
}

// flush writes outputs, waits for their acks, and only then commits state and next offset together.
func (l *Loop[O]) flush(ctx context.Context) error {
	if !l.dirty {
		return nil
	}
	out, err := l.fold.Flush()
	if err != nil {
		return fmt.Errorf("flush before offset %d: %w", l.next, err)
	}
	if err := l.config.FailPoint(StepFlushed); err != nil {
		return err
	}
	if err := l.sink.Write(ctx, out); err != nil {
		return fmt.Errorf("write outputs before offset %d: %w", l.next, err)
	}
	if err := l.config.FailPoint(StepWritten); err != nil {
		return err
	}
	if err := l.store.Commit(l.next, l.fold.Save); err != nil {
		return fmt.Errorf("commit next offset %d: %w", l.next, err)
	}
	l.fold.Saved()
	l.records, l.bytes, l.dirty = 0, 0, false
	l.config.Progress(l.next, l.high)
	return l.config.FailPoint(StepCommitted)
}
