// Package soak runs three instances of each stateful service and two ingests under load, breaks them at random, and proves that
// what is stored is what was acknowledged, and what is derived is what an undisturbed run derives.
package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
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

// finishWithin is how long requests may take that were begun before the end of the load.
const finishWithin = time.Minute

// disturb sends load and carries out the plan, then waits until everything runs again and what was begun is acknowledged.
func (s *soak) disturb(ctx context.Context) error {
	from, err := mark(s.fleet.logs())
	if err != nil {
		return err
	}
	s.load = newLoad(s.config.Seed, s.length(), s.fleet.traffic)
	soft, end := context.WithTimeout(ctx, s.length())
	defer end()
	hard, cancel := context.WithTimeout(ctx, s.length()+finishWithin)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { s.chaos.run(soft, plan(s.config.Seed, s.length(), s.config.Nodes)) })
	all.Go(func() { s.tell(soft) })
	err = s.load.send(soft, hard)
	end()
	all.Wait()
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.result.Retries = s.load.retries.Load()
	s.say("%s; the faults are over, everything comes back", s.status())
	if err := s.chaos.calm(ctx); err != nil {
		return err
	}
	s.result.Rebalances, err = rebalances(s.fleet.logs(), from)
	return err
}

// tell shows how it goes.
func (s *soak) tell(ctx context.Context) {
	for sleep(ctx, tellEvery) == nil {
		s.say("%s", s.status())
	}
}

func (s *soak) status() string {
	c, down := s.chaos.result(), "all run"
	if d := s.fleet.down(); len(d) > 0 {
		down = strings.Join(d, ", ")
	}
	return fmt.Sprintf("acked %d, %d sent again, kills %d (%d between outputs and commit); %s", s.load.ledger.events(), s.load.retries.Load(), c.Kills, c.Between, down)
}

// catchUp ends the log, and waits until it is folded.
func (s *soak) catchUp(ctx context.Context) error {
	s.fleet.stop(ingest)
	return s.fleet.settled(ctx, 0, s.say)
}

// stored compares the ledger with the tables, before the fresh run could mend them.
func (s *soak) stored(ctx context.Context) (err error) {
	s.say("comparing what was acknowledged with what is stored")
	s.fleet.stop(sessionizer, aggregator)
	if s.result.Stored, err = s.load.ledger.compare(ctx, s.fleet.db); err != nil {
		return err
	}
	if s.result.Intake, err = readIntake(ctx, s.fleet.db); err != nil {
		return err
	}
	s.result.Faults = s.result.Intake.faults(s.result.Stored)
	return nil
}

// fresh folds the same log again, with nothing in the way.
func (s *soak) fresh(ctx context.Context) error {
	before, err := digests(ctx, s.fleet.db)
	if err != nil {
		return err
	}
	s.say("folding the same log again, undisturbed, as epoch 1")
	topics := []kafka.Topic{{Name: schemas.TopicSessions(0, 1), Partitions: partitions}, {Name: schemas.TopicVisits(0, 1), Partitions: partitions},
		{Name: schemas.TopicJourneys(0, 1), Partitions: partitions}}
	if err := s.fleet.client.EnsureTopics(ctx, topics, s.config.Nodes); err != nil {
		return err
	}
	if err := s.fleet.addFresh(); err != nil {
		return err
	}
	if err := s.fleet.settled(ctx, 1, s.say); err != nil {
		return err
	}
	s.fleet.stop("fresh")
	after, err := digests(ctx, s.fleet.db)
	s.result.Faults = append(s.result.Faults, changed(before, after)...)
	return err
}

// addFresh starts one instance of each stateful service, with nothing of the others'.
func (f *fleet) addFresh() error {
	for _, service := range []string{sessionizer, aggregator} {
		name := "fresh-" + service
		if err := f.add(f.service(name, func(order, addrOf) (string, []string) {
			return filepath.Join(f.config.Bin, service), append(f.folding(name, filepath.Join(f.config.Dir, "state", name), filepath.Join(f.config.Dir, "fresh-checkpoints")),
				"TRIBUTARY_EPOCH=1", "TRIBUTARY_CHECKPOINT_EVERY=0s")
		})); err != nil {
			return err
		}
	}
	return nil
}

func (s *soak) derived(ctx context.Context) (err error) {
	s.result.Tables, err = compareEpochs(ctx, s.fleet.db)
	return err
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
