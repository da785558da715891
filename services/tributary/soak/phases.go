package soak

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
)

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
	all.Go(func() { s.chaos.run(ctx, soft, plan(s.config.Seed, s.length(), s.config.Nodes)) })
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

func (s *soak) derived(ctx context.Context) (err error) {
	s.result.Tables, err = compareEpochs(ctx, s.fleet.db)
	return err
}
