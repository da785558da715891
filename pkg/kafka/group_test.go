package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/stream"
)

// member is one instance that joined; owned is what it has now.
type member struct {
	stop context.CancelFunc
	done chan error
}

// shares is who owns what.
type shares struct {
	mu    sync.Mutex
	owned map[string][]int32
	moved chan struct{}
}

func (s *shares) set(name string, partitions []int32) {
	s.mu.Lock()
	s.owned[name] = partitions
	s.mu.Unlock()
	s.moved <- struct{}{}
}

// until waits for a state in which every partition has one owner and ok holds.
func (s *shares) until(t *testing.T, n int, ok func(owned map[string][]int32) bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		var all []int32
		for _, list := range s.owned {
			all = append(all, list...)
		}
		slices.Sort(all)
		done := len(all) == n && len(slices.Compact(all)) == n && ok(s.owned)
		state := s.owned
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-s.moved:
		case <-deadline:
			t.Fatalf("the partitions stay at %v", state)
		}
	}
}

// folder takes what it is given.
type folder struct {
	shares *shares
	name   string
}

func (f folder) Assign(_ context.Context, partitions []int32) error {
	f.shares.set(f.name, partitions)
	return nil
}

func (f folder) Progress() map[int32]stream.Progress { return nil }

// broken cannot hand its partitions over.
type broken struct{ error }

func (b broken) Assign(context.Context, []int32) error { return b.error }
func (b broken) Progress() map[int32]stream.Progress   { return nil }

// slow has partitions that are not closed in time; it is asked for its progress by a member that stays.
type slow struct {
	broken
	asked func()
}

func (s slow) Progress() map[int32]stream.Progress {
	s.asked()
	return nil
}

func (s *shares) join(t *testing.T, name string, g kafka.Group) member {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	m := member{stop: stop, done: make(chan error, 1)}
	go func() {
		m.done <- g.Run(ctx, folder{s, name})
		s.set(name, nil)
	}()
	t.Cleanup(stop)
	return m
}

// Ensure that a failing partition ends the member with its error.
func TestGroupFails(t *testing.T) {
	c := client(t, harness.Broker(t), kafka.Topic{Name: "x", Partitions: 1})
	boom := errors.New("boom")
	g := kafka.Group{Client: c, ID: "g", Topic: "x", Partitions: 4, Heartbeat: 100 * time.Millisecond, Session: 6 * time.Second}
	if err := g.Run(t.Context(), broken{boom}); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	stays, stop := context.WithCancel(t.Context())
	g.ID = "slow"
	if err := g.Run(stays, slow{broken{fmt.Errorf("%w: %w", stream.ErrClosing, context.DeadlineExceeded)}, stop}); err != nil {
		t.Errorf("a partition that is slow to close ends the member: %v", err)
	}
	if _, err := c.Ownership(kafka.Share{Form: "some"}); err == nil {
		t.Error("an unknown form was taken")
	}
}
