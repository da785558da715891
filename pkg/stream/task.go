package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// task folds one partition.
type task struct {
	cancel context.CancelFunc
	done   chan struct{}
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
