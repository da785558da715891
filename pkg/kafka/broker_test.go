package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/stream"
)

func client(t testing.TB, addr string, topics ...kafka.Topic) *kafka.Client {
	t.Helper()
	c, err := kafka.NewClient(kafka.Config{Brokers: addr, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.EnsureTopics(context.Background(), topics, 1); err != nil {
		t.Fatal(err)
	}
	return c
}

// producer runs a producer for the test.
func producer(t testing.TB, c *kafka.Client, conf kafka.ProducerConfig) *kafka.Producer {
	t.Helper()
	p := kafka.NewProducer(c, conf)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return p
}

func write(t testing.TB, p *kafka.Producer, partition int, values ...string) {
	t.Helper()
	var ms []kafka.Message
	for _, v := range values {
		ms = append(ms, kafka.Message{Key: []byte("k"), Value: []byte(v)})
	}
	if err := p.Write(context.Background(), map[int][]kafka.Message{partition: ms}); err != nil {
		t.Fatal(err)
	}
}

// read folds what a source delivers until it has n records.
func read(t testing.TB, s stream.Source, n int) (out []string) {
	t.Helper()
	for len(out) < n {
		b, ok := <-s.Batches()
		if !ok {
			t.Fatalf("the source ended after %d of %d records: %v", len(out), n, s.Err())
		}
		for _, r := range b.Records {
			out = append(out, fmt.Sprintf("%d=%s", r.Offset, r.Value))
		}
	}
	return out
}

// reading is a reader with some partitions open.
type reading struct {
	*kafka.Reader
	sources map[int32]stream.Source
}

func (r reading) Source(id int32) stream.Source { return r.sources[id] }

func reader(t testing.TB, c *kafka.Client, topic string, from map[int32]int64) reading {
	t.Helper()
	r := reading{kafka.NewReader(c, kafka.ReaderConfig{Topic: topic, Wait: 50 * time.Millisecond}), map[int32]stream.Source{}}
	for id, next := range from {
		r.sources[id] = r.Open(id, stream.From(next))
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return r
}

// Ensure that what was written to each partition is read in order, from the offset asked for, with its append time.
func TestWriteAndRead(t *testing.T) {
	c := client(t, harness.Broker(t), kafka.Topic{Name: "x", Partitions: 3, AppendTime: true})
	p := producer(t, c, kafka.ProducerConfig{Topic: "x", Partitions: 3})
	for i := range 3 {
		write(t, p, i, "a", "b")
		write(t, p, i, "c")
	}
	r := reader(t, c, "x", map[int32]int64{0: 0, 1: 1, 2: 2})
	for i, want := range [][]string{{"0=a", "1=b", "2=c"}, {"1=b", "2=c"}, {"2=c"}} {
		if got := read(t, r.Source(int32(i)), len(want)); !slices.Equal(got, want) {
			t.Errorf("partition %d: got %v, want %v", i, got, want)
		}
	}
	write(t, p, 1, "d")
	if got := read(t, r.Source(1), 1); !slices.Equal(got, []string{"3=d"}) {
		t.Errorf("got %v", got)
	}
}

// Ensure that many writers share batches and that each gets its own answer.
func TestGroupCommit(t *testing.T) {
	c := client(t, harness.Broker(t), kafka.Topic{Name: "x", Partitions: 1})
	var acks atomic.Int32
	p := producer(t, c, kafka.ProducerConfig{Topic: "x", Partitions: 1, OnAck: func(time.Time, time.Time) { acks.Add(1) }})
	var wg sync.WaitGroup
	const writers = 200
	for i := range writers {
		wg.Go(func() { write(t, p, 0, fmt.Sprint(i)) })
	}
	wg.Wait()
	r := reader(t, c, "x", map[int32]int64{0: 0})
	if got := read(t, r.Source(0), writers); len(got) != writers {
		t.Errorf("got %d records", len(got))
	}
	if n := acks.Load(); n >= writers {
		t.Errorf("%d batches for %d writers: nothing was shared", n, writers)
	}
}

// Ensure that a lane sheds load when its queue is full, and that stopping answers everybody who waits.
func TestFullQueueAndStop(t *testing.T) {
	c, err := kafka.NewClient(kafka.Config{Brokers: "127.0.0.1:1", Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p := kafka.NewProducer(c, kafka.ProducerConfig{Topic: "x", Partitions: 1, QueueBytes: 100})
	done := make(chan error, 2)
	big := []kafka.Message{{Value: make([]byte, 90)}}
	if err := p.Send(0, big, done); err != nil {
		t.Fatal(err)
	}
	if err := p.Send(0, big, done); !errors.Is(err, kafka.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- p.Run(ctx) }()
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who waited got %v", err)
	}
	<-stopped
}

// Ensure that Write waits for room where Send sheds load, and that a lane that nobody serves any more says so.
func TestWriteWaitsForRoom(t *testing.T) {
	c := client(t, harness.Broker(t), kafka.Topic{Name: "x", Partitions: 1})
	p := kafka.NewProducer(c, kafka.ProducerConfig{Topic: "x", Partitions: 1, QueueBytes: 100})
	big := []kafka.Message{{Value: make([]byte, 90)}}
	if err := p.Send(0, big, make(chan error, 1)); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- p.Write(context.Background(), map[int][]kafka.Message{0: big}) }()
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	if err := <-written; err != nil {
		t.Errorf("got %v", err)
	}
	stop()
	<-ran
	if err := p.Write(context.Background(), map[int][]kafka.Message{0: big}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: got %v", err)
	}
	if err := kafka.NewProducer(c, kafka.ProducerConfig{Topic: "x", Partitions: 1}).Send(0, big, make(chan error, 1)); err != nil {
		t.Errorf("before Run: got %v", err)
	}
}

// Ensure that drift is an error that says what to do.
func TestEnsureTopicsNoticesDrift(t *testing.T) {
	c := client(t, harness.Broker(t), kafka.Topic{Name: "x", Partitions: 2}, kafka.Topic{Name: "y", Partitions: 3})
	ctx := context.Background()
	if err := c.EnsureTopics(ctx, []kafka.Topic{{Name: "x", Partitions: 2}}, 1); err != nil {
		t.Errorf("an unchanged topic: %v", err)
	}
	if err := c.EnsureTopics(ctx, []kafka.Topic{{Name: "x", Partitions: 3}}, 1); err == nil || !strings.Contains(err.Error(), "has 2 partitions, expected 3") {
		t.Errorf("another partition count: %v", err)
	}
	if err := c.EnsureTopics(ctx, []kafka.Topic{{Name: "x", Partitions: 2, AppendTime: true}}, 1); err == nil || !strings.Contains(err.Error(), "LogAppendTime") {
		t.Errorf("another timestamp type: %v", err)
	}
	if _, err := c.SamePartitions(ctx, "x", "y"); err == nil || !strings.Contains(err.Error(), "one count") {
		t.Errorf("two counts: %v", err)
	}
	limit, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.WaitPartitions(limit, "nowhere"); err == nil || !strings.Contains(err.Error(), "tributary topics create") {
		t.Errorf("a missing topic: %v", err)
	}
}

func TestLoopback(t *testing.T) {
	for brokers, want := range map[string]bool{"127.0.0.1:9092": true, "localhost:1,[::1]:2": true, "kafka:9092": false,
		"127.0.0.1:1,10.0.0.1:1": false, "127.0.0.1": false} {
		if got := (kafka.Config{Brokers: brokers}).Loopback(); got != want {
			t.Errorf("%s: got %t", brokers, got)
		}
	}
	if _, err := kafka.NewClient(kafka.Config{}); err == nil {
		t.Error("no broker was taken")
	}
}

// BenchmarkProduce writes 300-byte records, 320 in flight per partition.
func BenchmarkProduce(b *testing.B) {
	c := client(b, harness.Broker(b), kafka.Topic{Name: "x", Partitions: 4})
	p := producer(b, c, kafka.ProducerConfig{Topic: "x", Partitions: 4})
	all := map[int][]kafka.Message{}
	for i := range 4 * 320 {
		all[i%4] = append(all[i%4], kafka.Message{Key: fmt.Appendf(nil, "visitor-%08d", i), Value: []byte(strings.Repeat(fmt.Sprintf("%07d-abc", i*7919), 27))})
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Write(context.Background(), all); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*4*320), "ns/record")
}

// BenchmarkFetch reads 300-byte records of four partitions from the log's start; the broker is in the same process.
func BenchmarkFetch(b *testing.B) {
	c := client(b, harness.Broker(b), kafka.Topic{Name: "x", Partitions: 4})
	p := producer(b, c, kafka.ProducerConfig{Topic: "x", Partitions: 4})
	const each = 20_000
	for i := range 4 {
		var ms []kafka.Message
		for j := range each {
			ms = append(ms, kafka.Message{Key: fmt.Appendf(nil, "visitor-%08d", j), Value: []byte(strings.Repeat(fmt.Sprintf("%07d-abc", j*7919), 27))})
		}
		if err := p.Write(context.Background(), map[int][]kafka.Message{i: ms}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		r := kafka.NewReader(c, kafka.ReaderConfig{Topic: "x"})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		var wg sync.WaitGroup
		for i := range int32(4) {
			wg.Go(func() {
				source := r.Open(i, stream.Start())
				for n := 0; n < each; {
					b := <-source.Batches()
					n += len(b.Records)
					if b.Release != nil {
						b.Release()
					}
				}
			})
		}
		wg.Wait()
		stop()
		<-done
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*4*each), "ns/record")
}
