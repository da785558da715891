package kafkatest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
)

// Ensure that one broker of three can be killed, stopped and paused while writes go on, and that each comes back in sync.
func TestThreeNodes(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{Nodes: 3})
	client, err := kafka.NewClient(kafka.Config{Brokers: c.Brokers(), Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topic := kafka.Topic{Name: "x", Partitions: 3}
	if err := client.EnsureTopics(t.Context(), []kafka.Topic{topic}, 3); err != nil {
		t.Fatal(err)
	}
	p := kafka.NewProducer(client, kafka.ProducerConfig{Topic: "x", Partitions: 3})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	defer func() { stop(); <-done }()
	for i, away := range []func(int) error{c.Kill, c.Stop, c.Pause} {
		node, began := i+1, time.Now()
		if err := away(node); err != nil {
			t.Fatal(err)
		}
		for part := range 3 { // each has a leader, whoever is away
			if err := p.Write(t.Context(), map[int][]kafka.Message{part: {{Value: fmt.Append(nil, i)}}}); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("written without broker %d after %s", node, time.Since(began))
		began = time.Now()
		if c.PID(node) != 0 {
			err = c.Continue(node)
		} else {
			err = c.Restart(node)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("broker %d in sync after %s", node, time.Since(began))
	}
	ranges, err := client.Offsets(t.Context(), "x", 3)
	if err != nil {
		t.Fatal(err)
	}
	for part, r := range ranges {
		if r.Last != 3 {
			t.Errorf("partition %d ends at %d, expected 3", part, r.Last)
		}
	}
}

// Ensure that a cluster goes on with its data in the same folder, and that nothing of it runs after it was closed.
func TestSameFolderAgain(t *testing.T) {
	dir := t.TempDir()
	want := ""
	for round := range 2 {
		c := kafkatest.Start(t, kafkatest.Options{Dir: dir})
		if want == "" {
			want = c.Brokers()
		}
		if c.Brokers() != want {
			t.Errorf("round %d is at %s, expected %s", round, c.Brokers(), want)
		}
		client, err := kafka.NewClient(kafka.Config{Brokers: c.Brokers()})
		if err != nil {
			t.Fatal(err)
		}
		ranges, err := client.Offsets(t.Context(), "kafkatest-ready", 1)
		client.Close()
		if err != nil || ranges[0].Last != int64(round+1) { // each start writes one record
			t.Errorf("round %d: %v, %v", round, ranges, err)
		}
		pid := c.PID(1)
		if err := c.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("process %d still runs", pid)
		}
		if _, err := net.Dial("tcp", want); err == nil {
			t.Error("the address still answers")
		}
	}
	if _, err := kafkatest.Launch(t.Context(), kafkatest.Options{Dir: dir, Nodes: 3}); err == nil {
		t.Error("a folder of one node was taken for three")
	}
	if _, err := os.Stat(dir + "/node1/server.log"); err != nil {
		t.Error(err)
	}
}

// Ensure that a machine without Apache Kafka is told what to do, and that this is a failure where it must not happen.
func TestMissing(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err := kafkatest.Launch(t.Context(), kafkatest.Options{Dir: t.TempDir()})
	if !errors.Is(err, kafkatest.ErrMissing) || !strings.Contains(err.Error(), "run ./scripts/kafka fetch") {
		t.Errorf("got %v", err)
	}
	for _, c := range []struct {
		ci, apache string
		want       bool
	}{{"", "", false}, {"true", "", true}, {"", "required", true}} {
		t.Setenv("CI", c.ci)
		t.Setenv("TRIBUTARY_APACHE", c.apache)
		if got := kafkatest.Required(); got != c.want {
			t.Errorf("CI=%s TRIBUTARY_APACHE=%s: required is %t", c.ci, c.apache, got)
		}
	}
	if _, err := kafkatest.Launch(t.Context(), kafkatest.Options{Nodes: 2}); err == nil || !strings.Contains(err.Error(), "use 1 or 3") {
		t.Errorf("two nodes: %v", err)
	}
}
