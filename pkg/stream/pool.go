package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Reader fetches partitions of one topic, which are opened and closed while it runs.
type Reader interface {
	Run(ctx context.Context) error
	// Open reads a partition on from a position. Its source closes with a *Halt where the log does not fit to that.
	Open(partition int32, from Position) Source
	Close(partition int32)
}

// Part is what it takes to fold one partition.
type Part[O any] struct {
	Fold  Fold[O]
	Sink  Sink[O]
	Store OwnedStore
	// Gap to begin with (Config.Gap). May be nil.
	Gap *Gap
	// Committed is told of each commit, in the loop's goroutine. May be nil.
	Committed func(Progress)
	// Background runs while the partition is folded, until its context ends; its error stops the partition. May be nil.
	Background func(ctx context.Context) error
}

// OwnedStore is a Store with an end.
type OwnedStore interface {
	Store
	Close() error
}

// Watcher is told how partitions fare.
type Watcher interface {
	// Going: the partition folds.
	Going(partition int32)
	// Stopped: it does not, and why: a *Halt waits for somebody's decision, everything else is tried again by itself.
	Stopped(partition int32, why error)
	// Gone: it is another instance's business now.
	Gone(partition int32)
}

// Pool folds partitions of one topic side by side, each until it is assigned to somebody else. A partition that fails does so
// alone: it is opened anew after a pause, and again until that works.
type Pool[O any] struct {
	// Config of every loop; Metrics adds what it is told of.
	Config  Config
	Metrics *Metrics
	// Open makes the part of a partition, restored from its store. An error that is neither a *Halt nor marked by Transient ends
	// the pool.
	Open func(ctx context.Context, partition int32) (Part[O], error)
	// Reader of the topic.
	Reader Reader
	// Watcher may be nil.
	Watcher Watcher
	// Recheck is the pause before a halted partition is looked at again. Default: 5s
	Recheck time.Duration

	mu       sync.Mutex
	tasks    map[int32]*task
	leaving  map[int32]*task // those that are being closed, and by partition the last
	progress map[int32]Progress
	ctx      context.Context // of Run; a pool that does not run takes no partitions
	started  chan struct{}
	opening  chan struct{} // room for those that open
	once     sync.Once
	wg       sync.WaitGroup
	fatal    chan error
}

func (p *Pool[O]) init() {
	p.once.Do(func() {
		p.tasks, p.leaving, p.progress = map[int32]*task{}, map[int32]*task{}, map[int32]Progress{}
		p.started, p.fatal, p.opening = make(chan struct{}), make(chan error, 1), make(chan struct{}, openAtOnce)
		if p.Recheck <= 0 {
			p.Recheck = 5 * time.Second
		}
	})
}

// Run reads and folds what is assigned until ctx ends, then closes everything.
func (p *Pool[O]) Run(ctx context.Context) error {
	p.init()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	p.ctx = ctx
	p.mu.Unlock()
	close(p.started)
	read := make(chan error, 1)
	go func() { read <- p.Reader.Run(ctx) }()
	var err error
	reading := true
	select {
	case err = <-p.fatal:
	case err = <-read:
		reading = false
	case <-ctx.Done():
	}
	cancel()
	p.wg.Wait()
	if reading {
		err = errors.Join(err, <-read)
	}
	return err
}

// ErrClosing says that partitions that left are still being closed. The assignment counts all the same.
var ErrClosing = errors.New("partitions that were given up are not closed yet")

// Assign gives the pool its partitions. It returns once those that it no longer has are closed, or with ErrClosing at the end of
// ctx: one that opens may read a large state. One that comes back meanwhile waits until it is closed.
func (p *Pool[O]) Assign(ctx context.Context, partitions []int32) error {
	p.init()
	select {
	case <-p.started:
	case <-ctx.Done():
		return ctx.Err()
	}
	wanted := map[int32]bool{}
	for _, id := range partitions {
		wanted[id] = true
	}
	p.mu.Lock()
	var leaving []*task
	for id, t := range p.tasks {
		if !wanted[id] {
			t.cancel()
			leaving = append(leaving, t)
			p.leaving[id] = t
			delete(p.tasks, id)
			delete(p.progress, id)
		}
	}
	for id := range wanted {
		if p.tasks[id] == nil && p.ctx.Err() == nil {
			p.start(id)
		}
	}
	p.mu.Unlock()
	for _, t := range leaving {
		select {
		case <-t.done:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrClosing, ctx.Err())
		}
	}
	return nil
}

// Progress of the partitions as of their last commits.
func (p *Pool[O]) Progress() map[int32]Progress {
	p.init()
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.progress)
}
