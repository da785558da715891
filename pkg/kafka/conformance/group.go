package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/stream"
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
	last  map[string]string // what each had last, also while it has nothing
	lost  []string          // who was given another share than it had
	moved chan struct{}
}

func (s *shares) set(name string, partitions []int32) {
	s.mu.Lock()
	s.owned[name] = partitions
	if now := fmt.Sprint(partitions); partitions != nil {
		if was := s.last[name]; was != "" && was != now {
			s.lost = append(s.lost, fmt.Sprintf("%s had %s and got %s", name, was, now))
		}
		s.last[name] = now
	}
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

// gathering is a group of a topic of its own.
type gathering struct {
	shares
	group kafka.Group
}

func (b Broker) gather(t *testing.T, partitions int) *gathering {
	c := b.client(t)
	topic := b.topic(t, c, partitions, true)
	return &gathering{shares: shares{owned: map[string][]int32{}, last: map[string]string{}, moved: make(chan struct{}, 1000)},
		group: kafka.Group{Client: c, ID: "group-" + topic.Name, Topic: topic.Name, Partitions: partitions, Heartbeat: 100 * time.Millisecond, Session: 6 * time.Second}}
}

// join runs a member, under an instance's name if it has one. leave stops it; ended tells how it ended by itself.
func (g *gathering) join(t *testing.T, name, instance string) (leave func(), ended chan error) {
	ctx, stop := context.WithCancel(context.Background())
	ended = make(chan error, 1)
	member := g.group
	member.Instance = instance
	go func() {
		err := member.Run(ctx, folder{&g.shares, name})
		g.set(name, nil)
		ended <- err
	}()
	leave = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	return leave, ended
}

// Two members share the partitions, each with one owner, and one that leaves hands its share over.
func groupSharesAndHandsOver(t *testing.T, b Broker) {
	g := b.gather(t, 4)
	leave, _ := g.join(t, "first", "")
	g.wait(t, 4, map[string]int{"first": 4})
	end, _ := g.join(t, "second", "")
	defer end()
	g.wait(t, 4, map[string]int{"first": 2, "second": 2})
	leave()
	g.wait(t, 4, map[string]int{"second": 4})
}

// A static member that stops and comes back within the session timeout finds its share, and nobody else's changes.
func staticMembersKeepTheirShare(t *testing.T, b Broker) {
	g := b.gather(t, 12)
	want, leave := map[string]int{}, map[string]func(){}
	defer func() {
		for _, f := range leave {
			f()
		}
	}()
	for i, n := range []int{12, 6, 4} {
		name := fmt.Sprint("m", i)
		leave[name], _ = g.join(t, name, name)
		for j := range i + 1 {
			want[fmt.Sprint("m", j)] = n
		}
		g.wait(t, 12, want)
	}
	g.lost = nil // they gathered
	for name := range want {
		leave[name]()
		leave[name], _ = g.join(t, name, name)
		g.wait(t, 12, want)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.lost) > 0 {
		t.Errorf("each was restarted once, and %q", g.lost)
	}
}

// Of two instances with one name the older one is fenced, and says so.
func twinIsFenced(t *testing.T, b Broker) {
	g := b.gather(t, 2)
	_, ended := g.join(t, "older", "twin")
	g.wait(t, 2, map[string]int{"older": 2})
	leave, _ := g.join(t, "newer", "twin")
	defer leave()
	select {
	case err := <-ended:
		if !errors.Is(err, kafka.ErrFenced) || !strings.Contains(err.Error(), "give each instance a name of its own (TRIBUTARY_INSTANCE)") {
			t.Errorf("the older one ended with %v", err)
		}
	case <-time.After(60 * time.Second):
		t.Error("the older one goes on after a minute")
	}
	g.wait(t, 2, map[string]int{"newer": 2})
}
