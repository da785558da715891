// Package soak runs three instances of each stateful service and two ingests under load, breaks them at random, and proves that
// what is stored is what was acknowledged, and what is derived is what an undisturbed run derives.
package soak

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Brokers to run on.
const (
	Embedded = "embedded"
	Apache   = "apache"
)

// Config of a soak.
type Config struct {
	// Seconds of load and faults.
	Seconds int
	// Broker to run on, and its number of nodes.
	Broker string
	Nodes  int
	// Seed of the faults.
	Seed uint64
	// Dir holds data and logs; it must be empty.
	Dir string
	// Bin is the folder of the programs, with those that have fail points in its folder chaos; Engine is the path of libchdb.
	Bin, Engine string
	// JSON prints the result as JSON instead of the last line.
	JSON bool
	// Progress and Out take progress and result.
	Progress, Out io.Writer
}

// tellEvery is the pause between two lines of progress.
const tellEvery = 5 * time.Second

// soak is one run.
type soak struct {
	config Config
	began  time.Time
	fleet  *fleet
	chaos  *chaos
	load   *load
	result Result
	mu     sync.Mutex // of progress
}

// Run runs a soak and returns its exit code: 0 exact, 1 something differs, 4 too little happened.
func Run(ctx context.Context, c Config) (code int, err error) {
	s := &soak{config: c, began: time.Now(), result: Result{Seed: c.Seed, Seconds: c.Seconds, Broker: c.Broker, Nodes: c.Nodes, Took: map[string]float64{}}}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return 0, fmt.Errorf("make the soak's folder: %w", err)
	}
	log, err := os.Create(filepath.Join(c.Dir, "faults.log"))
	if err != nil {
		return 0, fmt.Errorf("make the log of faults: %w", err)
	}
	defer log.Close()
	s.fleet = &fleet{config: c}
	s.chaos = &chaos{fleet: s.fleet, began: s.began, log: log, counts: Counts{Faults: map[kind]int{}}}
	s.fleet.ended = s.chaos.ended
	defer s.fleet.close()
	s.say("seed %d, %d s on %s (%d nodes), %d faults planned; logs in %s", c.Seed, c.Seconds, c.Broker, c.Nodes, len(plan(c.Seed, s.length(), c.Nodes)), c.Dir)
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{{"start", s.fleet.start}, {"load", s.disturb}, {"catch up", s.catchUp}, {"compare stored", s.stored}, {"fresh run", s.fresh}, {"compare", s.derived}} {
		at := time.Now()
		if err := step.do(ctx); err != nil {
			return 0, fmt.Errorf("%s (seed %d, logs in %s): %w", step.name, c.Seed, c.Dir, err)
		}
		s.result.Took[step.name] = math.Round(10*time.Since(at).Seconds()) / 10
	}
	s.result.Counts = s.chaos.result()
	s.result.settle()
	return s.result.Exit, s.report()
}

func (s *soak) length() time.Duration { return time.Duration(s.config.Seconds) * time.Second }

func (s *soak) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.config.Progress, "%7.1fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// report prints the result; its line is the last one.
func (s *soak) report() error {
	r := &s.result
	for _, line := range r.details() {
		s.say("%s", line)
	}
	for _, e := range r.Counts.Ends {
		s.say("ended by itself: %s", e)
	}
	s.say("faults %v, %d skipped; seed %d, %d of %d sent again; intake %+v; seconds %v", r.Counts.Faults, r.Counts.Skipped, r.Seed, r.Retries, s.load.next.Load(), r.Intake, r.Took)
	if r.Lacks != "" {
		s.say("too little: %s", r.Lacks)
	}
	if s.config.JSON {
		return json.NewEncoder(s.config.Out).Encode(r)
	}
	_, err := fmt.Fprintln(s.config.Out, r)
	return err
}
