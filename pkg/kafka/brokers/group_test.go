package brokers_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
	"github.com/tributary-data/tributary/pkg/stream"
)

// gathering is who has which partitions of a topic, by the members' names.
type gathering struct {
	mu    sync.Mutex
	owned map[string][]int32
}

// folder takes what a member is given.
type folder struct {
	g    *gathering
	name string
}

func (f folder) Assign(_ context.Context, partitions []int32) error {
	f.g.mu.Lock()
	defer f.g.mu.Unlock()
	f.g.owned[f.name] = slices.Sorted(slices.Values(partitions))
	return nil
}

// Progress tells of each partition, so that the member commits.
func (f folder) Progress() map[int32]stream.Progress {
	f.g.mu.Lock()
	defer f.g.mu.Unlock()
	out := map[int32]stream.Progress{}
	for _, p := range f.g.owned[f.name] {
		out[p] = stream.Progress{Position: stream.From(1), At: time.Now()}
	}
	return out
}

// shared tells who has what once all have a part and every partition has one owner.
func (g *gathering) shared(members int) (map[string][]int32, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []int32
	for _, list := range g.owned {
		all = append(all, list...)
	}
	slices.Sort(all)
	if len(g.owned) != members || len(all) != partitions || len(slices.Compact(all)) != partitions {
		return nil, fmt.Errorf("owned are %v", g.owned)
	}
	for name, list := range g.owned {
		if len(list) != partitions/members {
			return nil, fmt.Errorf("%s has %v", name, list)
		}
	}
	return maps.Clone(g.owned), nil
}

// Ensure that members outlive their only broker: it is killed, is away for longer than their sessions, comes back, and every
// partition has the owner that it had.
func TestGroupOutlivesTheBroker(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{})
	client, err := kafka.NewClient(kafka.Config{Brokers: c.Brokers(), Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const topic, group, session = "events", "tributary-test", 6 * time.Second // far longer than a member waits between its tries
	if err := client.EnsureTopics(t.Context(), []kafka.Topic{{Name: topic, Partitions: partitions}}, 1); err != nil {
		t.Fatal(err)
	}
	g := &gathering{owned: map[string][]int32{}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 3)
	for _, name := range []string{"a", "b", "c"} {
		m := kafka.Group{Client: client, ID: group, Topic: topic, Partitions: partitions, Instance: name, Heartbeat: 100 * time.Millisecond, Session: session}
		go func() { ended <- m.Run(ctx, folder{g, name}) }()
	}
	defer func() {
		stop()
		for range 3 {
			if err := <-ended; err != nil {
				t.Errorf("a member ended with %v", err)
			}
		}
	}()
	var before map[string][]int32
	await(t, "three members to share the partitions", func() (err error) {
		before, err = g.shared(3)
		return err
	})
	if err := c.Kill(1); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	await(t, "the session timeout to pass", func() error {
		if time.Since(began) < session {
			return errors.New("it has not")
		}
		return nil
	})
	if err := c.Restart(1); err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	ready := time.Now()
	await(t, "every partition to be committed by its owner again", func() error {
		said, err := client.Progress(t.Context(), group, topic, partitions)
		if err != nil {
			return err
		}
		for p, s := range said {
			if s.At < ready.UnixMilli() || !slices.Contains(before[s.Instance], int32(p)) {
				return fmt.Errorf("partition %d was committed by %q at %s, owners were %v", p, s.Instance, time.UnixMilli(s.At), before)
			}
		}
		return nil
	})
	after, err := g.shared(3)
	if err == nil && !maps.EqualFunc(before, after, slices.Equal) {
		err = errors.New("partitions moved")
	}
	if err != nil {
		t.Errorf("before %v, after %v: %v", before, after, err)
	}
	t.Logf("the broker is ready %s after it was killed, all is committed by its owner %s later", ready.Sub(began).Round(time.Millisecond), time.Since(ready).Round(time.Millisecond))
}
