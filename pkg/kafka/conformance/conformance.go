// Package conformance holds what our client relies on a broker for, and what it promises on top. It runs against the embedded
// broker and against Apache Kafka, so that a demo says something about production. Only tests import it.
package conformance

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/stream"
)

// Broker is what the suite runs against.
type Broker struct {
	// Brokers to ask first, host:port, comma separated, without login.
	Brokers string
	// Replication of the topics. Default: 1
	Replication int
}

// Run holds the broker to everything. Its topics and groups have names of their own, so a broker may be shared.
func Run(t *testing.T, b Broker) {
	if b.Replication == 0 {
		b.Replication = 1
	}
	for _, c := range []struct {
		name string
		test func(*testing.T, Broker)
	}{
		{"TopicsAreReady", topicsAreReady},
		{"DriftIsNoticed", driftIsNoticed},
		{"NoTopicIsCreatedByAsking", noTopicIsCreatedByAsking},
		{"AppendTimeIsAnsweredAndFetched", appendTimeIsAnsweredAndFetched},
		{"OrdinaryTopicStampsNothing", ordinaryTopicStampsNothing},
		{"RepeatedBatchIsDropped", repeatedBatchIsDropped},
		{"DamagedAndForgedBatchesAreRefused", damagedAndForgedBatchesAreRefused},
		{"LostAnswersChangeNothing", lostAnswersChangeNothing},
		{"ReadFromAnyOffset", readFromAnyOffset},
		{"CompressionIsRead", compressionIsRead},
		{"TransactionMarkersAreSkipped", transactionMarkersAreSkipped},
		{"BigBatchesPass", bigBatchesPass},
		{"BackPressureIsOnePartitions", backPressureIsOnePartitions},
		{"TrimmedLogIsDataLoss", trimmedLogIsDataLoss},
		{"OffsetBeyondTheEndIsDataLoss", offsetBeyondTheEndIsDataLoss},
		{"AnotherTopicOfTheNameIsDataLoss", anotherTopicOfTheNameIsDataLoss},
		{"AnotherRecordIsDataLoss", anotherRecordIsDataLoss},
		{"Notes", notes},
		{"GroupSharesAndHandsOver", groupSharesAndHandsOver},
		{"StaticMembersKeepTheirShare", staticMembersKeepTheirShare},
		{"TwinIsFenced", twinIsFenced},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, b) })
	}
}

// used numbers the topics of this process.
var used atomic.Int32

// topic makes a topic with a name of its own.
func (b Broker) topic(t *testing.T, c *kafka.Client, partitions int, appendTime bool) kafka.Topic {
	t.Helper()
	topic := kafka.Topic{Name: fmt.Sprintf("conformance-%d", used.Add(1)), Partitions: partitions, AppendTime: appendTime}
	if err := b.ensure(t.Context(), c, topic); err != nil {
		t.Fatal(err)
	}
	return topic
}

func (b Broker) ensure(ctx context.Context, c *kafka.Client, topic kafka.Topic) error {
	return c.EnsureTopics(ctx, []kafka.Topic{topic}, b.Replication)
}

// client connects as the product does; adjust changes its settings.
func (b Broker) client(t *testing.T, adjust ...func(*kafka.Config)) *kafka.Client {
	t.Helper()
	conf := kafka.Config{Brokers: b.Brokers, Timeout: 5 * time.Second}
	for _, f := range adjust {
		f(&conf)
	}
	c, err := kafka.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// producer runs until the test ends. onAck may be nil.
func producer(t *testing.T, c *kafka.Client, topic kafka.Topic, onAck func(sent, appended time.Time)) *kafka.Producer {
	t.Helper()
	p := kafka.NewProducer(c, kafka.ProducerConfig{Topic: topic.Name, Partitions: topic.Partitions, OnAck: onAck})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return p
}

// write waits until the values are acknowledged.
func write(t *testing.T, p *kafka.Producer, partition int, values ...string) {
	t.Helper()
	var messages []kafka.Message
	for _, v := range values {
		messages = append(messages, kafka.Message{Key: []byte("k"), Value: []byte(v)})
	}
	if err := p.Write(t.Context(), map[int][]kafka.Message{partition: messages}); err != nil {
		t.Fatal(err)
	}
}

// open reads partitions, each from its offset, until the test ends. All tests read through it.
func open(t *testing.T, c *kafka.Client, conf kafka.ReaderConfig, from map[int32]int64) (source func(partition int32) stream.Source) {
	t.Helper()
	if conf.Wait == 0 {
		conf.Wait = 50 * time.Millisecond
	}
	at := map[int32]stream.Position{}
	for p, next := range from {
		at[p] = stream.From(next)
	}
	return openAt(t, c, conf, at)
}

// openAt reads partitions, each from a position that knows something of its log.
func openAt(t *testing.T, c *kafka.Client, conf kafka.ReaderConfig, from map[int32]stream.Position) (source func(partition int32) stream.Source) {
	t.Helper()
	r := kafka.NewReader(c, conf)
	sources := map[int32]stream.Source{}
	for p, at := range from {
		sources[p] = r.Open(p, at)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return func(p int32) stream.Source { return sources[p] }
}

// take waits for n records of a source.
func take(t *testing.T, s stream.Source, n int) (out []stream.Record) {
	t.Helper()
	limit := time.After(60 * time.Second)
	for len(out) < n {
		select {
		case b, ok := <-s.Batches():
			if !ok {
				t.Fatalf("the source ended after %d of %d records: %v", len(out), n, s.Err())
			}
			out = append(out, b.Records...)
		case <-limit:
			t.Fatalf("%d of %d records came within a minute", len(out), n)
		}
	}
	return out
}

// show is offset=value of each record.
func show(records []stream.Record) (out []string) {
	for _, r := range records {
		out = append(out, fmt.Sprintf("%d=%s", r.Offset, r.Value))
	}
	return out
}
