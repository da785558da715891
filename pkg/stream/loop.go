package stream

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
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
	// Going is told once that the log fits to the state. May be nil.
	Going func()
	// Committed is told of each commit, in the loop's goroutine. May be nil.
	Committed func(Progress)
	// Skip tells which records to bury instead of applying them. May be nil.
	Skip func(offset int64) bool
	// Gap that the loop begins with: the records that the store's position needs next and that somebody decided to do without. It
	// takes effect with the first commit. May be nil.
	Gap *Gap
	// PoisonPerMinute is how many records may be passed over within a minute of the log before the partition stops. Default: 100
	PoisonPerMinute int
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
	if c.Going == nil {
		c.Going = func() {}
	}
	if c.Committed == nil {
		c.Committed = func(Progress) {}
	}
	if c.Skip == nil {
		c.Skip = func(int64) bool { return false }
	}
	if c.PoisonPerMinute <= 0 {
		c.PoisonPerMinute = 100
	}
	return c
}

// Gap is a part of a log, the records [From, To), that is missing.
type Gap struct{ From, To int64 }

// After is the position after the gap: nothing is known of the record before it.
func (g Gap) After(at Position) Position {
	return Position{Next: g.To, Topic: at.Topic, LastOffset: -1, LeaderEpoch: -1}
}

// Progress of a partition, as of a commit.
type Progress struct {
	Position
	// HighWatermark is the end of the log as of the last fetch.
	HighWatermark int64
	// Watermark of the fold, Unix milliseconds.
	Watermark int64
	// At is when it was committed.
	At time.Time
}

// Loop folds one partition. The zero value is not usable; see NewLoop.
type Loop[O any] struct {
	config Config
	source Source
	fold   Fold[O]
	sink   Sink[O]
	store  Store

	at             Position // after the last applied record
	records, bytes int      // applied since the last commit
	dirty          bool     // something was applied or skipped since the last commit
	high           int64
	going          bool
	poison         poison
}

// NewLoop ties a partition's source, fold, sink and store together. It starts nothing.
func NewLoop[O any](c Config, source Source, fold Fold[O], sink Sink[O], store Store) *Loop[O] {
	c = c.withDefaults()
	l := &Loop[O]{config: c, source: source, fold: fold, sink: sink, store: store, at: store.Position(), poison: poison{limit: c.PoisonPerMinute}}
	if c.Gap != nil {
		fold.Gap(c.Gap.From, c.Gap.To)
		l.at, l.dirty = c.Gap.After(l.at), true
	}
	return l
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
	if !l.going {
		l.going = true
		l.config.Going()
	}
	l.at.Topic, l.at.LeaderEpoch = b.Topic, b.LeaderEpoch
	var last *Record
	for i := range b.Records {
		r := &b.Records[i]
		if r.Offset < l.at.Next {
			continue // a fetch may start inside a batch
		}
		if err := l.applyOne(*r); err != nil {
			return err
		}
		last = r
		l.at.Next, l.dirty = r.Offset+1, true
		l.records++
		l.bytes += len(r.Key) + len(r.Value)
		if l.full() {
			l.remember(last)
			if err := l.flush(ctx); err != nil {
				return err
			}
		}
	}
	l.remember(last)
	if b.Next > l.at.Next {
		l.at.Next, l.dirty = b.Next, true
	}
	l.high = b.HighWatermark
	if l.config.Recycle && b.Release != nil {
		b.Release()
	}
	return l.config.FailPoint(StepApplied)
}

// remember notes the last applied record while its bytes are there.
func (l *Loop[O]) remember(last *Record) {
	if last != nil {
		l.at.LastOffset, l.at.LastHash = last.Offset, Hash(*last)
	}
}

// applyOne folds one record, or buries it.
func (l *Loop[O]) applyOne(r Record) error {
	if l.config.Skip(r.Offset) {
		l.fold.Bury(r, "the fold failed on it")
		return l.poison.met(r)
	}
	switch err := l.guarded(r); {
	case errors.Is(err, ErrPoison):
		return l.poison.met(r)
	case err != nil:
		return &ApplyError{Offset: r.Offset, Err: err}
	}
	return nil
}

// guarded makes an error of a fold's panic.
func (l *Loop[O]) guarded(r Record) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return l.fold.Apply(r)
}

func (l *Loop[O]) full() bool {
	return l.bytes >= l.config.FlushBytes || l.config.FlushRecords > 0 && l.records >= l.config.FlushRecords
}

// flush writes outputs, waits for their acks, and only then commits state and position together.
func (l *Loop[O]) flush(ctx context.Context) error {
	if !l.dirty {
		return nil
	}
	out, err := l.fold.Flush()
	if err != nil {
		return fmt.Errorf("flush before offset %d: %w", l.at.Next, err)
	}
	if err := l.config.FailPoint(StepFlushed); err != nil {
		return err
	}
	if err := l.sink.Write(ctx, out); err != nil {
		return fmt.Errorf("write outputs before offset %d: %w", l.at.Next, err)
	}
	if err := l.config.FailPoint(StepWritten); err != nil {
		return err
	}
	if err := l.store.Commit(l.at, l.fold.Save); err != nil {
		return fmt.Errorf("commit next offset %d: %w", l.at.Next, err)
	}
	l.fold.Saved()
	l.records, l.bytes, l.dirty = 0, 0, false
	l.config.Committed(Progress{Position: l.at, HighWatermark: l.high, Watermark: l.fold.Watermark(), At: time.Now()})
	return l.config.FailPoint(StepCommitted)
}
