package kafka_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/kafka"
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

func (s *shares) join(t *testing.T, name string, g kafka.Group) member {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	m := member{stop: stop, done: make(chan error, 1)}
	go func() {
		m.done <- g.Run(ctx, func(ctx context.Context, partitions []int32) error {
			s.set(name, partitions)
			<-ctx.Done()
			s.set(name, nil)
			return nil
		})
	}()
	t.Cleanup(stop)
	return m
}

// Ensure that instances share the partitions, each with one owner, and that one that leaves gives up its share.
func TestGroup(t *testing.T) {
	c := client(t, harness.Broker(t), kafka.Topic{Name: "x", Partitions: 4})
	g := kafka.Group{Client: c, ID: "g", Topic: "x", Heartbeat: 100 * time.Millisecond, Session: 6 * time.Second}
	s := &shares{owned: map[string][]int32{}, moved: make(chan struct{}, 1000)}
	first := s.join(t, "first", g)
	s.until(t, 4, func(o map[string][]int32) bool { return len(o["first"]) == 4 })
	second := s.join(t, "second", g)
	s.until(t, 4, func(o map[string][]int32) bool { return len(o["first"]) == 2 && len(o["second"]) == 2 })
	first.stop()
	if err := <-first.done; err != nil {
		t.Error(err)
	}
	s.until(t, 4, func(o map[string][]int32) bool { return len(o["second"]) == 4 })
	second.stop()
	if err := <-second.done; err != nil {
		t.Error(err)
	}
}

// Ensure that a failing partition ends the member with its error.
func TestGroupFails(t *testing.T) {
	c := client(t, harness.Broker(t), kafka.Topic{Name: "x", Partitions: 1})
	boom := errors.New("boom")
	g := kafka.Group{Client: c, ID: "g", Topic: "x", Heartbeat: 100 * time.Millisecond, Session: 6 * time.Second}
	if err := g.Run(t.Context(), func(context.Context, []int32) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Ownership("some", "s", "x", 1); err == nil {
		t.Error("an unknown form was taken")
	}
}
