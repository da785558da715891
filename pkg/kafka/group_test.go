package kafka_test

import (
	"context"
	"errors"
	"slices"
	"strings"
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

func (s *shares) has(name string) []int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owned[name]
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

// Ensure that instances share the partitions, each with one owner, and that one that leaves gives up its share.
func TestGroup(t *testing.T) {
	c := client(t, harness.Broker(t), kafka.Topic{Name: "x", Partitions: 4})
	g := kafka.Group{Client: c, ID: "g", Topic: "x", Partitions: 4, Heartbeat: 100 * time.Millisecond, Session: 6 * time.Second}
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
	g := kafka.Group{Client: c, ID: "g", Topic: "x", Partitions: 4, Heartbeat: 100 * time.Millisecond, Session: 6 * time.Second}
	if err := g.Run(t.Context(), broken{boom}); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Ownership(kafka.Share{Form: "some"}); err == nil {
		t.Error("an unknown form was taken")
	}
}

// Ensure that a static member that stops and starts again finds everything as it was, and nobody gets another share.
func TestStaticMember(t *testing.T) {
	c := client(t, harness.Broker(t), kafka.Topic{Name: "x", Partitions: 6})
	s := &shares{owned: map[string][]int32{}, moved: make(chan struct{}, 1000)}
	join := func(name string) member {
		return s.join(t, name, kafka.Group{Client: c, ID: "g", Topic: "x", Partitions: 6, Instance: name, Heartbeat: 100 * time.Millisecond, Session: 6 * time.Second})
	}
	first := join("first")
	s.until(t, 6, func(o map[string][]int32) bool { return len(o["first"]) == 6 })
	join("second")
	s.until(t, 6, func(o map[string][]int32) bool { return len(o["first"]) == 3 && len(o["second"]) == 3 })
	had, kept := s.has("first"), s.has("second")
	first.stop()
	if err := <-first.done; err != nil {
		t.Error(err)
	}
	join("first")
	s.until(t, 6, func(o map[string][]int32) bool { return slices.Equal(o["first"], had) })
	if now := s.has("second"); !slices.Equal(now, kept) {
		t.Errorf("the one that stayed had %v and has %v", kept, now)
	}
}

// Ensure that of two instances with one name the older one is fenced, and says so.
func TestFenced(t *testing.T) {
	c := client(t, harness.Broker(t), kafka.Topic{Name: "x", Partitions: 2})
	s := &shares{owned: map[string][]int32{}, moved: make(chan struct{}, 1000)}
	g := kafka.Group{Client: c, ID: "g", Topic: "x", Partitions: 2, Instance: "twin", Heartbeat: 100 * time.Millisecond, Session: 6 * time.Second}
	older := s.join(t, "older", g)
	s.until(t, 2, func(o map[string][]int32) bool { return len(o["older"]) == 2 })
	s.join(t, "newer", g)
	if err := <-older.done; !errors.Is(err, kafka.ErrFenced) || !strings.Contains(err.Error(), "TRIBUTARY_INSTANCE") {
		t.Errorf("the older one ended with %v", err)
	}
	s.until(t, 2, func(o map[string][]int32) bool { return len(o["newer"]) == 2 })
}
