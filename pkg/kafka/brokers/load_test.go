// Package brokers holds our client to its promises while Apache Kafka's brokers are killed, stopped, paused and cut off under load.
package brokers_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
	"github.com/tributary-data/tributary/pkg/stream"
)

const (
	partitions = 12
	// within is how long anything may take that a test waits for.
	within = 90 * time.Second
	// pace and perWrite make the load: a few thousand records a second over all partitions.
	pace     = 10 * time.Millisecond
	perWrite = 5
)

// load numbers the records of each partition, writes them with our Producer and reads them with our Reader.
type load struct {
	cluster *kafkatest.Cluster
	client  *kafka.Client
	topic   string
	lanes   [partitions]lane

	endWrites, endReads func()
}

// lane is what is known of one partition.
type lane struct {
	acked atomic.Int64 // numbers below it are acknowledged
	read  atomic.Int64 // offsets below it were read
	epoch atomic.Int32 // of the last batch that was read

	mu      sync.Mutex
	last    time.Time     // of the last acknowledgement
	longest time.Duration // between two acknowledgements, since it was asked last
	fault   error         // of the reader
}

func start(t *testing.T, c *kafkatest.Cluster, topic string) *load {
	t.Helper()
	client, err := kafka.NewClient(kafka.Config{Brokers: c.Brokers(), Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if err := client.EnsureTopics(t.Context(), []kafka.Topic{{Name: topic, Partitions: partitions, AppendTime: true}}, c.Nodes()); err != nil {
		t.Fatal(err)
	}
	l := &load{cluster: c, client: client, topic: topic}
	l.endWrites, l.endReads = l.write(t), l.readAll(t)
	t.Cleanup(func() { l.endWrites(); l.endReads() })
	return l
}

// write writes to all partitions until end is called, which waits for the last acknowledgement.
func (l *load) write(t *testing.T) (end func()) {
	p := kafka.NewProducer(l.client, kafka.ProducerConfig{Topic: l.topic, Partitions: partitions})
	serve, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- p.Run(serve) }()
	enough := make(chan struct{})
	var writers sync.WaitGroup
	for i := range l.lanes {
		writers.Go(func() {
			limit, cancel := context.WithCancel(serve)
			defer cancel()
			if err := l.writeOne(limit, p, i, enough); err != nil {
				t.Errorf("write to partition %d: %v", i, err)
			}
		})
	}
	return sync.OnceFunc(func() {
		close(enough)
		patience := time.AfterFunc(within, stop)
		writers.Wait()
		patience.Stop()
		stop()
		<-served
	})
}

func (l *load) writeOne(ctx context.Context, p *kafka.Producer, partition int, enough <-chan struct{}) error {
	lane := &l.lanes[partition]
	lane.acknowledged(0)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for n := int64(0); ; n += perWrite {
		var messages []kafka.Message
		for i := range int64(perWrite) {
			messages = append(messages, kafka.Message{Key: []byte("k"), Value: strconv.AppendInt(nil, n+i, 10)})
		}
		if err := p.Write(ctx, map[int][]kafka.Message{partition: messages}); err != nil {
			return err
		}
		lane.acknowledged(n + perWrite)
		select {
		case <-enough:
			return nil
		case <-tick.C:
		}
	}
}

// acknowledged notes that numbers below n are.
func (l *lane) acknowledged(n int64) {
	l.acked.Store(n)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.last.IsZero() {
		l.longest = max(l.longest, now.Sub(l.last))
	}
	l.last = now
}

// pause is the longest between two acknowledgements of any partition since it was asked last.
func (l *load) pause() (longest time.Duration) {
	for i := range l.lanes {
		one := &l.lanes[i]
		one.mu.Lock()
		longest = max(longest, one.longest)
		one.longest = 0
		one.mu.Unlock()
	}
	return longest
}

// readAll reads all partitions from their starts until end is called.
func (l *load) readAll(t *testing.T) (end func()) {
	r := kafka.NewReader(l.client, kafka.ReaderConfig{Topic: l.topic, Wait: 50 * time.Millisecond})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	var readers sync.WaitGroup
	for i := range l.lanes {
		source := r.Open(int32(i), stream.Start())
		readers.Go(func() {
			err := l.lanes[i].readOne(source)
			l.lanes[i].mu.Lock()
			defer l.lanes[i].mu.Unlock()
			if l.lanes[i].fault = err; ctx.Err() == nil {
				t.Errorf("partition %d is not read any more: %v", i, err)
			}
		})
	}
	go func() { done <- r.Run(ctx) }()
	return sync.OnceFunc(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the reader ended with %v", err)
		}
		readers.Wait()
	})
}

// readOne takes every offset once and in order, and every number after the one before it; only numbers that came already may
// come again.
func (l *lane) readOne(s stream.Source) error {
	next, numbers := int64(0), int64(0)
	for b := range s.Batches() {
		for _, r := range b.Records {
			n, err := strconv.ParseInt(string(r.Value), 10, 64)
			switch {
			case err != nil:
				return err
			case r.Offset != next:
				return fmt.Errorf("offset %d came where %d was due", r.Offset, next)
			case n > numbers:
				return fmt.Errorf("offset %d holds number %d where %d was due: what is between is lost", r.Offset, n, numbers)
			}
			next, numbers = next+1, max(numbers, n+1)
		}
		l.epoch.Store(b.LeaderEpoch)
		l.read.Store(next)
	}
	return s.Err()
}

// moves waits until each partition has acknowledged and read more than now.
func (l *load) moves(t *testing.T) {
	t.Helper()
	var acked, read [partitions]int64
	for i := range l.lanes {
		acked[i], read[i] = l.lanes[i].acked.Load(), l.lanes[i].read.Load()
	}
	await(t, "every partition to move", func() error {
		for i := range l.lanes {
			if a, r := l.lanes[i].acked.Load(), l.lanes[i].read.Load(); a < acked[i]+3*perWrite || r < read[i]+3*perWrite {
				return fmt.Errorf("partition %d went from %d to %d acknowledged, from %d to %d read", i, acked[i], a, read[i], r)
			}
		}
		return nil
	})
}

// await asks until there is no error.
func await(t *testing.T, what string, ok func() error) {
	t.Helper()
	limit := time.After(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ok()
		if err == nil {
			return
		}
		select {
		case <-limit:
			t.Fatalf("waited %s for %s: %v", within, what, err)
		case <-tick.C:
		}
	}
}
