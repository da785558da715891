package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// Counts of what was done to the processes.
type Counts struct {
	// Kills are SIGKILLs and deaths at fail points, Between the latter.
	Kills   int `json:"kills"`
	Between int `json:"between_outputs_and_commit"`
	// Faults by kind, as carried out.
	Faults map[kind]int `json:"faults"`
	// Skipped faults, whose service had no process that ran.
	Skipped int `json:"skipped"`
	// Ends of processes that nobody asked for, with their last words.
	Ends []string `json:"unexpected_ends,omitempty"`
}

// chaos carries out the plan.
type chaos struct {
	fleet *fleet
	began time.Time
	log   io.Writer

	mu     sync.Mutex
	counts Counts
}

func (c *chaos) note(format string, args ...any) {
	fmt.Fprintf(c.log, "%s %7.1fs  %s\n", time.Now().UTC().Format("15:04:05.000"), time.Since(c.began).Seconds(), fmt.Sprintf(format, args...))
}

// ended is told of each end that no fault asked for, and of deaths at a fail point.
func (c *chaos) ended(m *machine, crash bool, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if crash {
		c.counts.Kills++
		c.counts.Between++
		c.note("%s died between outputs and commit", m.name)
		return
	}
	c.failed(fmt.Errorf("%s: %w", m.name, why))
}

// failed is with the lock.
func (c *chaos) failed(err error) {
	c.counts.Ends = append(c.counts.Ends, err.Error())
	c.note("UNEXPECTED: %v", err)
}

// run carries out the faults while there is load. What a fault took away comes back also after that: only ctx ends it.
func (c *chaos) run(ctx, load context.Context, faults []fault) {
	for _, f := range faults {
		if sleep(load, f.After) != nil {
			return
		}
		done := c.strike(ctx, f)
		c.mu.Lock()
		if done == "" {
			c.counts.Skipped++
			c.note("skipped: %s", f)
		} else {
			c.counts.Faults[f.Kind]++
			if f.Kind.kills() {
				c.counts.Kills++
			}
			c.note("%s: %s", done, f)
		}
		c.mu.Unlock()
	}
}

// kills tells whether it begins with a kill -9.
func (k kind) kills() bool { return k != faultPause && k != faultZombie && k != faultStop }

// instances of a service.
var instances = map[string]int{ingest: ingests, sessionizer: statefuls, aggregator: statefuls}

// strike carries out a fault on the instance that it names, or the next one that runs, and tells which that was; empty: none ran.
func (c *chaos) strike(ctx context.Context, f fault) string {
	if f.Service == broker {
		if c.fleet.apache == nil {
			return c.meets(broker, f)
		}
		sig := syscall.SIGKILL
		if f.Kind == faultStop {
			sig = syscall.SIGTERM
		}
		if !c.fleet.apache.strike(ctx, f.Instance, sig, f.Down, func(err error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.failed(err)
		}) {
			return ""
		}
		return fmt.Sprintf("broker %d", f.Instance)
	}
	n := instances[f.Service]
	for _, doomed := range []bool{false, true} { // one that will die between outputs and commit had better do so
		for i := range n {
			name := fmt.Sprintf("%s-%d", f.Service, (f.Instance-1+i)%n+1)
			if c.fleet.machine(name).isDoomed() != doomed {
				continue
			}
			if met := c.meets(name, f); met != "" {
				return met
			}
		}
	}
	return ""
}

func (c *chaos) meets(name string, f fault) string {
	m, done := c.fleet.machine(name), false
	switch f.Kind {
	case faultPause, faultZombie:
		done = m.pause(f.Down)
	case faultStop:
		done = m.strike(syscall.SIGTERM, order{after: f.Down})
	default:
		done = m.strike(syscall.SIGKILL, order{after: f.Down, empty: f.Kind == faultEmpty || f.Kind == faultMoved, nth: f.Nth})
	}
	if !done {
		return ""
	}
	return name
}

// calm waits until everything runs again.
func (c *chaos) calm(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		down := c.fleet.down()
		if len(down) == 0 {
			return nil
		}
		if err := sleep(limit, 100*time.Millisecond); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errors.New("not everything runs again: " + fmt.Sprint(down))
		}
	}
}

func (c *chaos) result() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}
