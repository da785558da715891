package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/services/tributary/verdict"
)

// What chaos must at least do, or it has shown nothing.
const (
	minKills = 20
	// minBetween of them fall between acknowledged outputs and the commit of the state: the moment that an
	// exactly-once pipeline gets wrong first.
	minBetween = 5
)

// crashed is the exit code of a process that a fail point ended (services/internal/boot).
const crashed = 137

// victims of chaos, by how often they are chosen.
var victims = []string{"ingest", "sessionizer", "aggregator", "kafka", "clickhouse"}

// chaos kills processes at random while the day is played: from outside at any moment, and, in sessionizer and aggregator, by
// fail points between outputs and commit. Between two kills the day goes on by a minute at least, so that each falls into
// traffic and the day comes to its end.
type chaos struct {
	runner *runner
	moved  chan struct{} // the day has gone on

	mu      sync.Mutex
	rand    *rand.Rand
	over    bool
	kills   map[string]int
	between int
}

func newChaos(r *runner) *chaos {
	return &chaos{runner: r, moved: make(chan struct{}, 1), rand: rand.New(rand.NewPCG(r.config.Seed, 0xc4a05)), kills: map[string]int{}}
}

// progress tells that a minute of the day is over.
func (c *chaos) progress() {
	select {
	case c.moved <- struct{}{}:
	default: // told already
	}
}

// run kills until ctx ends.
func (c *chaos) run(ctx context.Context) {
	defer c.end()
	for {
		select {
		case <-c.moved:
		case <-ctx.Done():
			return
		}
		c.mu.Lock()
		pause, victim := time.Duration(100+c.rand.IntN(1400))*time.Millisecond, victims[c.rand.IntN(len(victims))]
		c.mu.Unlock()
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
		select {
		case <-c.moved: // told before the pause: wait for the next minute
		default:
		}
		if c.runner.stack.Kill(victim) {
			c.note(victim, "at any moment")
		}
	}
}

// settings plants a crash in most starts of a process that has fail points.
func (c *chaos) settings(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || name != "sessionizer" && name != "aggregator" || c.rand.IntN(8) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("TRIBUTARY_CRASH=crash=%s:%d", stream.StepWritten, 3+c.rand.IntN(28))}
}

// ended is told of each end of a process.
func (c *chaos) ended(name string, why error) {
	var exit *exec.ExitError
	switch known := errors.As(why, &exit); {
	case known && exit.ExitCode() == crashed:
		c.mu.Lock()
		c.between++
		c.mu.Unlock()
		c.note(name, "between outputs and commit")
	case known && exit.ExitCode() < 0: // by a signal: we sent it, and have noted it
	default: // it could not bear that another one was gone, and says so
		c.runner.say("%s", shortened(why))
	}
}

func (c *chaos) note(victim, moment string) {
	c.mu.Lock()
	c.kills[victim]++
	n := c.total()
	c.mu.Unlock()
	c.runner.say("kill %d: %s, %s", n, victim, moment)
}

func (c *chaos) end() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
}

func (c *chaos) total() (n int) {
	for _, k := range c.kills {
		n += k
	}
	return n
}

// ChaosResult is what chaos did.
type ChaosResult struct {
	// Seed of the kills.
	Seed uint64 `json:"seed"`
	// Kills in all, by process, and Between outputs and commit.
	Kills   int            `json:"kills"`
	By      map[string]int `json:"by_process"`
	Between int            `json:"between_outputs_and_commit"`
}

func (c *chaos) result() ChaosResult {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ChaosResult{Seed: c.runner.config.Seed, Kills: c.total(), By: c.kills, Between: c.between}
}

// String is one line.
func (c ChaosResult) String() string {
	var by []string
	for _, v := range victims {
		by = append(by, fmt.Sprintf("%s %d", v, c.By[v]))
	}
	return fmt.Sprintf("chaos: seed %d, %d kills (%s), %d of them between outputs and commit", c.Seed, c.Kills, strings.Join(by, ", "), c.Between)
}

// settle makes what was lost, or came from nowhere, a difference, and too few kills, and an idle run, a verdict that shows too little.
func (c ChaosResult) settle(v *verdict.Verdict, l Ledger) {
	if n := l.Lost + l.Unknown; n > 0 {
		v.Difference, v.Exit = v.Difference+n, verdict.ExitDiffers
	}
	idle := slices.IndexFunc(victims, func(name string) bool { return c.By[name] == 0 })
	const more = ": play more --events, or with a longer --pace"
	switch {
	case c.Kills < minKills:
		v.Lacks(fmt.Sprintf("%d kills, expected at least %d", c.Kills, minKills) + more)
	case c.Between < minBetween:
		v.Lacks(fmt.Sprintf("%d kills between outputs and commit, expected at least %d", c.Between, minBetween) + more)
	case idle >= 0:
		v.Lacks(victims[idle] + " was never killed" + more)
	case v.Events == 0:
		v.Lacks("no event was in flight")
	}
}

// shortened is the first line of an error.
func shortened(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	if len(s) > 200 {
		s = s[:200] + "..."
	}
	return s
}
