package stack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// member is a process that the stack keeps: the child that runs now, and how to start the next one.
type member struct {
	name string
	// command is how to start it, on addresses that it is given: once announced, a process comes back where it was.
	command func(addr func(what, first string) string) (program string, args, settings []string)
	stack   *Stack

	mu       sync.Mutex
	child    *Process
	known    map[string]string // announced addresses by what they are
	used     time.Duration     // processor time of the children that are gone
	stopping bool
	over     chan struct{} // closed when nobody starts it again
}

// backoff is when a process is started again: after a pause that doubles from first to longest. One that lived longer than
// healthy begins anew. After so many quick deaths in a row the stack gives up: what fails each time needs a person.
type backoff struct {
	first, longest, healthy time.Duration
	deaths                  int
}

var usual = backoff{first: 100 * time.Millisecond, longest: 3 * time.Second, healthy: 10 * time.Second, deaths: 20}

// start starts the process, and keeps it running if the stack is to.
func (s *Stack) start(m *member) error {
	m.stack, m.known, m.over = s, map[string]string{}, make(chan struct{})
	if err := m.spawn(); err != nil {
		return err
	}
	s.members = append(s.members, m)
	go m.keep()
	return nil
}

// spawn starts the next child, unless the stack is stopping.
func (m *member) spawn() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopping {
		return errStopping
	}
	program, args, settings := m.command(func(what, first string) string {
		if addr := m.known[what]; addr != "" {
			return addr
		}
		return first
	})
	if more := m.stack.config.Settings; more != nil {
		settings = append(settings, more(m.name)...)
	}
	c, err := start(m.name, filepath.Join(m.stack.config.Dir, "log"), program, args, settings, m.stack.lock)
	if err == nil {
		m.child = c
	}
	return err
}

var errStopping = errors.New("the stack is stopping")

// keep waits for each child's end, and starts the next one.
func (m *member) keep() {
	defer close(m.over)
	b := m.stack.backoff
	pause, quick := b.first, 0
	for {
		c, began := m.current(), time.Now()
		<-c.done
		m.mu.Lock()
		m.used += c.used()
		stopping := m.stopping
		m.mu.Unlock()
		if time.Since(began) > b.healthy {
			pause, quick = b.first, 0
		}
		quick++
		switch {
		case stopping:
			return
		case m.stack.starting.Load(): // whoever starts it is told, and sees to the rest
			m.stack.dead <- c.Failure()
			return
		case !m.stack.config.Restart:
			m.stack.dead <- c.Failure()
			return
		case quick >= b.deaths:
			m.stack.dead <- fmt.Errorf("gave up after %d starts in a row: %w", quick, c.Failure())
			return
		}
		m.stack.config.Ended(m.name, c.Failure(), pause)
		if !m.again(pause) {
			return
		}
		pause = min(2*pause, b.longest)
	}
}

// again starts the next child after a pause. It is false when the stack is stopping, or the program cannot be started.
func (m *member) again(pause time.Duration) bool {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-m.stack.stopped:
		return false
	}
	switch err := m.spawn(); {
	case errors.Is(err, errStopping):
		return false
	case err != nil:
		m.stack.dead <- err
		return false
	}
	go m.stack.config.Started(m.name)
	return true
}

func (m *member) current() *Process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.child
}

// addr waits for the address of one of the process's ports.
func (m *member) addr(ctx context.Context, what string) (string, error) {
	addr, err := m.current().Addr(ctx, what)
	if err == nil {
		m.mu.Lock()
		m.known[what] = addr
		m.mu.Unlock()
	}
	return addr, err
}

// stop ends the process for good.
func (m *member) stop() {
	m.mu.Lock()
	m.stopping = true
	c := m.child
	m.mu.Unlock()
	c.Stop()
	<-m.over
}

// cpu is the processor time of this child and of those before it.
func (m *member) cpu() (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.child.CPU()
	return m.used + d, err
}

// kill is SIGKILL, as the system's out-of-memory killer would. It is false when the process is not running.
func (m *member) kill() bool {
	c := m.current()
	select {
	case <-c.done:
		return false
	default:
		return c.cmd.Process.Kill() == nil
	}
}
