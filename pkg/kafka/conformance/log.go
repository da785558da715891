package conformance

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/tributary-data/tributary/pkg/kafka"
)

// Once EnsureTopics has returned, every partition takes a batch at the first try.
func topicsAreReady(t *testing.T, b Broker) {
	topic := b.topic(t, b.client(t), 12, true)
	k := b.library(t)
	for p := range topic.Partitions {
		if res := produce(t, k, topic.Name, p, raw{pid: -1, epoch: -1, sequence: -1, values: []string{"a"}}.encode(t), nil); res.BaseOffset != 0 {
			t.Errorf("partition %d: the first record has offset %d", p, res.BaseOffset)
		}
	}
}

func driftIsNoticed(t *testing.T, b Broker) {
	c := b.client(t)
	topic := b.topic(t, c, 2, false)
	if err := b.ensure(t.Context(), c, topic); err != nil {
		t.Errorf("an unchanged topic: %v", err)
	}
	for want, changed := range map[string]kafka.Topic{
		"message.timestamp.type=CreateTime": {Name: topic.Name, Partitions: 2, AppendTime: true},
		"has 2 partitions, expected 3":      {Name: topic.Name, Partitions: 3},
	} {
		if err := b.ensure(t.Context(), c, changed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("EnsureTopics(%+v) = %v, expected an error with %q", changed, err, want)
		}
	}
	if err := c.EnsureTopics(t.Context(), []kafka.Topic{{Name: topic.Name + "-wide", Partitions: 1}}, 50); err == nil || !strings.Contains(err.Error(), "cannot have 50 replicas") {
		t.Errorf("more replicas than brokers: %v", err)
	}
}

func noTopicIsCreatedByAsking(t *testing.T, b Broker) {
	c := b.client(t)
	for range 2 {
		if _, err := c.Partitions(t.Context(), "conformance-nowhere"); !errors.Is(err, kafkago.UnknownTopicOrPartition) {
			t.Errorf("metadata of a missing topic: %v", err)
		}
	}
}

func appendTimeIsAnsweredAndFetched(t *testing.T, b Broker) {
	c := b.client(t)
	topic := b.topic(t, c, 2, true)
	var appended time.Time
	before := time.Now().Truncate(time.Millisecond)
	write(t, producer(t, c, topic, func(_, a time.Time) { appended = a }), 1, "a", "b")
	if appended.Before(before) || appended.After(time.Now()) {
		t.Fatalf("append time in the produce answer is %v, expected the time of the call, %v or a little later", appended, before)
	}
	got := take(t, open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{1: 0})(1), 2)
	for _, r := range got {
		if r.AppendTime != appended.UnixMilli() {
			t.Errorf("offset %d: fetched append time %d, answered %d", r.Offset, r.AppendTime, appended.UnixMilli())
		}
	}
	if string(got[0].Key) != "k" || string(got[1].Value) != "b" {
		t.Errorf("fetched key %q and second value %q", got[0].Key, got[1].Value)
	}
}

func ordinaryTopicStampsNothing(t *testing.T, b Broker) {
	c := b.client(t)
	topic := b.topic(t, c, 1, false)
	var appended time.Time
	write(t, producer(t, c, topic, func(_, a time.Time) { appended = a }), 0, "a")
	if !appended.IsZero() {
		t.Errorf("append time %v answered for a topic that stamps none", appended)
	}
	if r := take(t, open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 0})(0), 1)[0]; r.AppendTime != 0 {
		t.Errorf("append time %d fetched from a topic that stamps none", r.AppendTime)
	}
}

// The identical batch again is answered as the first time, and not appended; a gap or an older epoch is refused.
func repeatedBatchIsDropped(t *testing.T, b Broker) {
	c, k := b.client(t), b.library(t)
	topic := b.topic(t, c, 2, true)
	pid, epoch := newProducerID(t, k, "")
	batch := raw{pid: pid, epoch: epoch, values: []string{"a", "b"}}
	first := produce(t, k, topic.Name, 1, batch.encode(t), nil)
	write(t, producer(t, c, topic, nil), 1, "other") // moves the log on in between
	again := produce(t, k, topic.Name, 1, batch.encode(t), nil)
	if again.BaseOffset != first.BaseOffset {
		t.Errorf("the repeat got offset %d, the first try %d", again.BaseOffset, first.BaseOffset)
	}
	if !again.LogAppendTime.Equal(first.LogAppendTime) || first.LogAppendTime.IsZero() {
		t.Errorf("the repeat was answered %v, the first try %v", again.LogAppendTime, first.LogAppendTime)
	}
	produce(t, k, topic.Name, 1, raw{pid: pid, epoch: epoch, sequence: 5, values: []string{"gap"}}.encode(t), kafkago.OutOfOrderSequenceNumber)
	produce(t, k, topic.Name, 1, raw{pid: pid, epoch: epoch + 1, values: []string{"new epoch"}}.encode(t), nil)
	produce(t, k, topic.Name, 1, raw{pid: pid, epoch: epoch, sequence: 2, values: []string{"zombie"}}.encode(t), kafkago.InvalidProducerEpoch)
	if r, err := c.Offsets(t.Context(), topic.Name, 2); err != nil || r[1].Last != 4 {
		t.Errorf("offsets %v, %v; expected partition 1 to end at 4", r, err)
	}
}

func damagedAndForgedBatchesAreRefused(t *testing.T, b Broker) {
	c, k := b.client(t), b.library(t)
	stamped, ordinary := b.topic(t, c, 1, true), b.topic(t, c, 1, false)
	alone := raw{pid: -1, epoch: -1, sequence: -1, values: []string{"a"}}
	damaged := alone.encode(t)
	damaged[len(damaged)-2]++
	forged := alone
	forged.attributes = appendStamp
	for _, topic := range []kafka.Topic{stamped, ordinary} {
		produce(t, k, topic.Name, 0, damaged, kafkago.InvalidMessage)
	}
	produce(t, k, stamped.Name, 0, forged.encode(t), kafkago.InvalidTimestamp)
	for _, topic := range []kafka.Topic{stamped, ordinary} {
		if r, err := c.Offsets(t.Context(), topic.Name, 1); err != nil || r[0].Last != 0 {
			t.Errorf("%s holds %v, %v; expected nothing", topic.Name, r, err)
		}
	}
	// Without append times Apache Kafka 4.2 takes the forged stamp off, the embedded broker refuses the batch.
	if res := send(t, k, ordinary.Name, 0, forged.encode(t)); res.Error != nil && !errors.Is(res.Error, kafkago.InvalidTimestamp) {
		t.Errorf("a forged stamp: %v", res.Error)
	}
	write(t, producer(t, c, ordinary, nil), 0, "b")
	ranges, err := c.Offsets(t.Context(), ordinary.Name, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range take(t, open(t, c, kafka.ReaderConfig{Topic: ordinary.Name}, map[int32]int64{0: 0})(0), int(ranges[0].Last)) {
		if r.AppendTime != 0 {
			t.Errorf("%s has the append time %d in a topic that stamps none", r.Value, r.AppendTime)
		}
	}
}

// flaky is a network that loses answers to produce requests.
type flaky struct{ lose, lost atomic.Int32 }

func (f *flaky) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &flakyConn{Conn: c, flaky: f}, nil
}

// flakyConn knows the key of the request in flight, of which there is one per connection.
type flakyConn struct {
	net.Conn
	flaky *flaky
	mu    sync.Mutex
	key   byte
}

func (c *flakyConn) Write(b []byte) (int, error) {
	if len(b) > 6 {
		c.mu.Lock()
		c.key = b[5]
		c.mu.Unlock()
	}
	return c.Conn.Write(b)
}

func (c *flakyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.key == 0 && c.flaky.lose.Add(-1) >= 0 { // 0 is Produce
		c.flaky.lost.Add(1)
		_ = c.Conn.Close() // on purpose
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// A batch whose answer was lost is sent again, and known to the broker: nothing doubles, nothing is lost.
func lostAnswersChangeNothing(t *testing.T, b Broker) {
	network := &flaky{}
	c := b.client(t, func(conf *kafka.Config) { conf.Dial = network.dial })
	topic := b.topic(t, c, 1, true)
	p := producer(t, c, topic, nil)
	write(t, p, 0, "first")
	network.lose.Store(3)
	write(t, p, 0, "a", "b")
	write(t, p, 0, "c")
	if n := network.lost.Load(); n != 3 {
		t.Fatalf("%d answers were lost, expected 3", n)
	}
	got := show(take(t, open(t, b.client(t), kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 0})(0), 4))
	if want := []string{"0=first", "1=a", "2=b", "3=c"}; !slices.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
	if r, err := c.Offsets(t.Context(), topic.Name, 1); err != nil || r[0].Last != 4 {
		t.Errorf("the log ends at %v, %v, expected 4", r, err)
	}
}
