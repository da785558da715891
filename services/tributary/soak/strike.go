package soak

import (
	"os"
	"syscall"
	"time"

	"github.com/tributary-data/tributary/services/tributary/stack"
)

// endWithin is how long a process may take to end after SIGTERM: the services promise less.
const endWithin = 20 * time.Second

// status is empty while the process runs.
func (m *machine) status() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.down, m.next != nil:
		return "down"
	case m.paused:
		return "paused"
	}
	return ""
}

// isDoomed tells whether the process will die at a fail point.
func (m *machine) isDoomed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.doomed
}

// strike ends the process with a signal, to start again as told. It is false if it does not run.
func (m *machine) strike(sig os.Signal, o order) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down || m.paused || m.next != nil || !m.process.Signal(sig) {
		return false
	}
	m.next = &o
	if sig == syscall.SIGTERM {
		go m.insist(m.process)
	}
	return true
}

// insist kills a process that does not end after SIGTERM, and tells of it.
func (m *machine) insist(p *stack.Process) {
	t := time.NewTimer(endWithin)
	defer t.Stop()
	select {
	case <-p.Done():
	case <-t.C:
		m.ended(m, false, errDeaf)
		p.Signal(syscall.SIGKILL)
	}
}

// pause stops the process where it is, and lets it go on after a while. It is false if it does not run.
func (m *machine) pause(d time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down || m.paused || m.next != nil || !m.process.Signal(syscall.SIGSTOP) {
		return false
	}
	m.paused = true
	p := m.process
	go func() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-m.stopping:
		}
		p.Signal(syscall.SIGCONT)
		m.mu.Lock()
		m.paused = false
		m.mu.Unlock()
	}()
	return true
}

// stop ends the process for good.
func (m *machine) stop() {
	m.once.Do(func() {
		close(m.stopping)
		p := m.current()
		p.Signal(syscall.SIGCONT)
		p.Stop()
		<-m.over
	})
}
