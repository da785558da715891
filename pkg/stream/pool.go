package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
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

// task folds one partition.
type task struct {
	cancel context.CancelFunc
	done   chan struct{}
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

// start begins a partition's task; the lock is held.
func (p *Pool[O]) start(id int32) {
	ctx, cancel := context.WithCancel(p.ctx)
	t, before := &task{cancel: cancel, done: make(chan struct{})}, p.leaving[id]
	p.tasks[id] = t
	p.wg.Go(func() {
		defer close(t.done)
		defer cancel()
		if before != nil {
			<-before.done
		}
		p.keepFolding(ctx, id)
		p.closed(id, t)
	})
}

// closed forgets a task that has left.
func (p *Pool[O]) closed(id int32, t *task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leaving[id] != t {
		return
	}
	delete(p.leaving, id)
	if p.tasks[id] == nil {
		p.Metrics.gone(id)
		if p.Watcher != nil {
			p.Watcher.Gone(id)
		}
	}
}

// keepFolding folds a partition until ctx ends, with a pause after each failure.
func (p *Pool[O]) keepFolding(ctx context.Context, id int32) {
	var failed failures
	for ctx.Err() == nil {
		err := p.fold(ctx, id, failed.skip)
		var fatal *openError
		if errors.As(err, &fatal) && HaltOf(err) == nil && !errors.Is(err, errTransient) && ctx.Err() == nil {
			select {
			case p.fatal <- fmt.Errorf("partition %d: %w", id, err):
			default: // another one came first
			}
			return
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		pause := failed.note(err, p.Recheck)
		p.stopped(id, err)
		if h := HaltOf(err); h != nil && h.Reason == ReasonPoison {
			<-ctx.Done() // each further look would pass over as many again
			return
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// opened notes where a partition's state is before its first commit: whoever asks what a halted one lacks needs that.
func (p *Pool[O]) opened(id int32, at Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.progress[id]; !ok && p.tasks[id] != nil {
		p.progress[id] = Progress{Position: at}
	}
}

func (p *Pool[O]) stopped(id int32, err error) {
	p.Metrics.stopped(id, err)
	if p.Watcher != nil {
		p.Watcher.Stopped(id, err)
	}
}

var errTransient = errors.New("")

// Transient marks an error of Open that may be gone at the next try.
func Transient(err error) error { return fmt.Errorf("%w%w", err, errTransient) }

// openError marks what came before the loop.
type openError struct{ error }

func (e *openError) Unwrap() error { return e.error }

// openAtOnce bounds how many partitions open at a time: each may load a large state, or fetch one.
const openAtOnce = 8

// open makes the part of a partition, a few at a time.
func (p *Pool[O]) open(ctx context.Context, id int32) (part Part[O], err error) {
	select {
	case p.opening <- struct{}{}:
		defer func() { <-p.opening }()
		return p.Open(ctx, id)
	case <-ctx.Done():
		return part, ctx.Err()
	}
}

// fold opens a partition, folds it until something fails or ctx ends, and closes it.
func (p *Pool[O]) fold(ctx context.Context, id int32, skip func(int64) bool) (err error) {
	part, err := p.open(ctx, id)
	if err != nil {
		return &openError{fmt.Errorf("open: %w", err)}
	}
	defer func() {
		if cerr := part.Store.Close(); cerr != nil {
			err = errors.Join(err, fmt.Errorf("close state: %w", cerr))
		}
	}()
	at := part.Store.Position()
	if part.Gap != nil {
		at = part.Gap.After(at)
	}
	p.opened(id, at)
	source := p.Reader.Open(id, at)
	defer p.Reader.Close(id)
	c := p.Config
	c.Skip, c.Gap = skip, part.Gap
	committed := p.Metrics.progress(id, at.Next)
	c.Committed = func(g Progress) {
		committed(g)
		p.mu.Lock()
		if ctx.Err() == nil {
			p.progress[id] = g
		}
		p.mu.Unlock()
		if part.Committed != nil {
			part.Committed(g)
		}
	}
	c.Going = func() {
		p.Metrics.going(id)
		if p.Watcher != nil {
			p.Watcher.Going(id)
		}
	}
	loop := NewLoop(c, source, part.Fold, part.Sink, part.Store)
	if part.Background == nil {
		return loop.Run(ctx)
	}
	g, gctx := errgroup.WithContext(ctx)
	background, done := context.WithCancel(gctx)
	g.Go(func() error { return part.Background(background) })
	g.Go(func() error {
		defer done()
		return loop.Run(gctx)
	})
	return g.Wait()
}
