package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
)

func notes(t *testing.T, b Broker) {
	ctx, c := t.Context(), b.client(t)
	topic := b.topic(t, c, 3, true)
	group := "notes-" + topic.Name
	expect := func(group string, want ...string) {
		t.Helper()
		if got, err := c.Notes(ctx, group, topic.Name, 3); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, expected %q", group, got, err, want)
		}
	}
	expect(group, "", "", "")
	longest := strings.Repeat("ü", kafka.MaxNote/2)
	for p, text := range []string{"first", "", longest} {
		if err := c.Note(ctx, group, topic.Name, p, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Note(ctx, group, topic.Name, 0, "again"); err != nil {
		t.Fatal(err)
	}
	expect(group, "again", "", longest)
	expect("other-"+topic.Name, "", "", "")
}

// shares is which member owns what.
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

// wait until every partition has one owner and the members have so many.
func (s *shares) wait(t *testing.T, partitions int, want map[string]int) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		s.mu.Lock()
		var all []int32
		fits := true
		for name, list := range s.owned {
			all = append(all, list...)
			fits = fits && len(list) == want[name]
		}
		slices.Sort(all)
		fits = fits && len(all) == partitions && len(slices.Compact(all)) == partitions
		state := fmt.Sprint(s.owned)
		s.mu.Unlock()
		if fits {
			return
		}
		select {
		case <-s.moved:
		case <-deadline:
			t.Fatalf("the partitions stay at %s, expected %v", state, want)
		}
	}
}

// Two members share the partitions, each with one owner, and one that leaves hands its share over.
func groupSharesAndHandsOver(t *testing.T, b Broker) {
	c := b.client(t)
	topic := b.topic(t, c, 4, true)
	g := kafka.Group{Client: c, ID: "group-" + topic.Name, Topic: topic.Name, Heartbeat: 100 * time.Millisecond, Session: 6 * time.Second}
	s := &shares{owned: map[string][]int32{}, moved: make(chan struct{}, 1000)}
	join := func(name string) (leave func()) {
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() {
			done <- g.Run(ctx, func(ctx context.Context, partitions []int32) error {
				s.set(name, partitions)
				<-ctx.Done()
				s.set(name, nil)
				return nil
			})
		}()
		leave = sync.OnceFunc(func() {
			stop()
			if err := <-done; err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		t.Cleanup(leave)
		return leave
	}
	leave := join("first")
	s.wait(t, 4, map[string]int{"first": 4})
	join("second")
	s.wait(t, 4, map[string]int{"first": 2, "second": 2})
	leave()
	s.wait(t, 4, map[string]int{"second": 4})
}
