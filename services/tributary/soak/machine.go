package soak

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/tributary-data/tributary/services/tributary/stack"
)

// crashed is the exit code of a process that a fail point ended (services/internal/boot).
const crashed = 137

// again is how a process starts that ended by itself.
const again = 500 * time.Millisecond

var (
	errStopping = errors.New("it is being stopped")
	errDeaf     = errors.New("it did not end within 20s of SIGTERM, and was killed")
)

// order says how a process starts the next time.
type order struct {
	// after it has been down so long
	after time.Duration
	// empty: on an empty state folder
	empty bool
	// nth time at the fail point it dies; 0: it does not
	nth int
}

// machine is one process that is started again whenever it ends.
type machine struct {
	name string
	// command is how to start it: order is the next start's, addr is where it listened before, or else the second argument.
	command func(o order, addr func(what, first string) string) (program string, args, settings []string)
	// ended is told of each end that no fault asked for. crash: at the fail point that the start was given.
	ended func(m *machine, crash bool, why error)
	logs  string
	state string // folder; empty: none

	mu       sync.Mutex
	process  *stack.Process
	known    map[string]string
	next     *order // of a fault that ends it now
	paused   bool
	down     bool
	doomed   bool // it will die at a fail point
	stopping chan struct{}
	over     chan struct{}
	once     sync.Once
}

// start starts the process and keeps it.
func (m *machine) start() error {
	m.known, m.stopping, m.over = map[string]string{}, make(chan struct{}), make(chan struct{})
	if err := m.spawn(order{}); err != nil {
		return err
	}
	go m.keep()
	return nil
}

func (m *machine) spawn(o order) error {
	if o.empty {
		if err := os.RemoveAll(m.state); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isStopping() { // whoever stops it looks at the process only after that
		return errStopping
	}
	program, args, settings := m.command(o, func(what, first string) string {
		if addr := m.known[what]; addr != "" {
			return addr
		}
		return first
	})
	p, err := stack.StartProcess(m.name, m.logs, program, args, settings)
	if err == nil {
		m.process, m.down, m.doomed = p, false, o.nth > 0
	}
	return err
}

// keep starts the process again after each end, until the machine is stopped.
func (m *machine) keep() {
	defer close(m.over)
	for {
		p := m.current()
		<-p.Done()
		m.mu.Lock()
		o := m.next
		m.next, m.down, m.doomed = nil, true, false
		m.mu.Unlock()
		if o == nil {
			o = &order{after: again}
			if !m.isStopping() {
				m.ended(m, p.ExitCode() == crashed, p.Failure())
			}
		}
		if !m.after(*o) {
			return
		}
	}
}

// after starts the process as told. It is false once the machine is stopped.
func (m *machine) after(o order) bool {
	for {
		t := time.NewTimer(o.after)
		select {
		case <-m.stopping:
			t.Stop()
			return false
		case <-t.C:
		}
		err := m.spawn(o)
		if err == nil || m.isStopping() {
			return err == nil
		}
		m.ended(m, false, err)
		o.after = again
	}
}

func (m *machine) isStopping() bool {
	select {
	case <-m.stopping:
		return true
	default:
		return false
	}
}

// addr waits for the address of one of the ports, and keeps it for the next start.
func (m *machine) addr(ctx context.Context, what string) (string, error) {
	addr, err := m.current().Addr(ctx, what)
	if err == nil {
		m.mu.Lock()
		m.known[what] = addr
		m.mu.Unlock()
	}
	return addr, err
}

func (m *machine) current() *stack.Process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.process
}
