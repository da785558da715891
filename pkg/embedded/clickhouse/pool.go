package clickhouse

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Sizes of the pool. A connection runs one statement at a time and several run in parallel; more than the demo's
// two cores can use would only cost memory.
const (
	writers    = 2
	readers    = 2
	maxThreads = 2
)

// Deadlines.
const (
	// openWithin is how long a killed process may keep the folder locked.
	openWithin = 15 * time.Second
	openRetry  = 50 * time.Millisecond
	// killRetry repeats a KILL that came before its statement began.
	killRetry = 100 * time.Millisecond
)

// pool hands out connections to one data folder. A writer is exclusive during its insert: it accepts nothing else
// while an insert stream is open.
type pool struct {
	lib              *library
	args             []string
	writers, readers chan *conn
	sessions         *sessions

	killing sync.Mutex // guards killer
	killer  *conn      // stops statements of the other connections
}

// openPool connects, and waits while a killed process still holds the folder.
func openPool(ctx context.Context, lib *library, dir string) (*pool, error) {
	p := &pool{lib: lib, args: []string{"--path=" + dir, fmt.Sprintf("--max_threads=%d", maxThreads)},
		writers: make(chan *conn, writers), readers: make(chan *conn, readers)}
	p.sessions = &sessions{open: p.open, byID: map[string]*session{}}
	first, err := p.first(ctx)
	if err != nil {
		return nil, err
	}
	p.killer = first
	for _, ch := range []chan *conn{p.writers, p.readers} {
		for range cap(ch) {
			c, err := p.open()
			if err != nil {
				p.close()
				return nil, fmt.Errorf("open %s: %w", dir, err)
			}
			ch <- c
		}
	}
	return p, nil
}

// open connects for clients. The engine takes a bare expression for a SELECT, as a shell does; a server refuses it.
func (p *pool) open() (*conn, error) {
	c, err := p.lib.open(p.args...)
	if err != nil {
		return nil, err
	}
	if _, err := c.query("SET implicit_select = 0", "Null"); err != nil {
		c.close()
		return nil, fmt.Errorf("set up a connection: %w", err)
	}
	return c, nil
}

func (p *pool) first(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	for {
		c, err := p.lib.open(p.args...)
		if err == nil {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(openRetry):
		}
	}
}

// get waits for a connection.
func (p *pool) get(ctx context.Context, from chan *conn) (*conn, error) {
	select {
	case c := <-from:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// put gives it back. One that a statement left dirty is replaced: a fresh one costs less than a millisecond.
func (p *pool) put(to chan *conn, c *conn) {
	if c.dirty {
		if fresh, err := p.open(); err == nil {
			c.close()
			c = fresh
		}
	}
	to <- c
}

// run waits for one statement. If ctx ends first, it kills the statement by the mark in its text, and still waits:
// the connection is not free before.
func (p *pool) run(ctx context.Context, mark string, statement func() (result, error)) (result, error) {
	type outcome struct {
		result
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		r, err := statement()
		done <- outcome{r, err}
	}()
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
	}
	for {
		p.kill(mark)
		select {
		case o := <-done:
			return o.result, o.err
		case <-time.After(killRetry):
		}
	}
}

// kill stops what carries the mark. Not SYNC: that waits for ever in this engine. Errors mean that it is over.
func (p *pool) kill(mark string) {
	p.killing.Lock()
	defer p.killing.Unlock()
	_, _ = p.killer.query("KILL QUERY WHERE position(query, "+quote(mark)+") > 0 AND query NOT LIKE 'KILL QUERY%' ASYNC", "Null")
}

// close waits for every connection and closes it; the last one closes the engine and frees the folder.
func (p *pool) close() {
	p.sessions.close()
	for _, ch := range []chan *conn{p.writers, p.readers} {
		for len(ch) > 0 {
			(<-ch).close()
		}
	}
	p.killing.Lock()
	defer p.killing.Unlock()
	p.killer.close()
}
