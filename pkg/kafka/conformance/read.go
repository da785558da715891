package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
	"github.com/tributary-data/tributary/pkg/stream"
)

// A reader begins exactly where it is told to: at the start, in the middle of a batch, at the end.
func readFromAnyOffset(t *testing.T, b Broker) {
	c := b.client(t)
	topic := b.topic(t, c, 4, true)
	p := producer(t, c, topic, nil)
	for i := range topic.Partitions {
		write(t, p, i, "a", "b", "c") // one batch
	}
	source := open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 0, 1: 1, 2: 2, 3: 3})
	for i, want := range [][]string{{"0=a", "1=b", "2=c"}, {"1=b", "2=c"}, {"2=c"}} {
		if got := show(take(t, source(int32(i)), len(want))); !slices.Equal(got, want) {
			t.Errorf("partition %d: got %v, expected %v", i, got, want)
		}
	}
	write(t, p, 3, "d")
	if got := show(take(t, source(3), 1)); !slices.Equal(got, []string{"3=d"}) {
		t.Errorf("from the end: got %v", got)
	}
}

func compressionIsRead(t *testing.T, b Broker) {
	c, k := b.client(t), b.library(t)
	topic := b.topic(t, c, 1, true)
	long := strings.Repeat("a long value ", 1000)
	var want []string
	for i, codec := range []uint16{none, snappy, zstandard} {
		produce(t, k, topic.Name, 0, raw{pid: -1, epoch: -1, sequence: -1, attributes: codec, values: []string{fmt.Sprint(codec), long}}.encode(t), nil)
		want = append(want, fmt.Sprintf("%d=%d", 2*i, codec), fmt.Sprintf("%d=%s", 2*i+1, long))
	}
	if got := show(take(t, open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 0})(0), len(want))); !slices.Equal(got, want) {
		t.Errorf("got %.200v", got)
	}
}

// A marker takes an offset and is no record, and what was aborted is none either. Our topics hold neither, but others' tools may
// write some.
func transactionMarkersAreSkipped(t *testing.T, b Broker) {
	c, k := b.client(t), b.library(t)
	topic := b.topic(t, c, 1, false)
	transaction := topic.Name
	pid, epoch := newProducerID(t, k, transaction)
	transact := func(sequence int32, value string, commit bool, last int64) {
		t.Helper()
		const concurrent = kafkago.Error(51) // the one before is being ended
		for again := true; again; {
			add, err := k.AddPartitionsToTxn(t.Context(), &kafkago.AddPartitionsToTxnRequest{TransactionalID: transaction, ProducerID: int(pid), ProducerEpoch: int(epoch),
				Topics: map[string][]kafkago.AddPartitionToTxn{topic.Name: {{Partition: 0}}}})
			if err != nil {
				t.Fatal(err)
			}
			err = add.Topics[topic.Name][0].Error
			if again = errors.Is(err, concurrent); !again && err != nil {
				t.Fatal(err)
			}
		}
		produce(t, k, topic.Name, 0, raw{pid: pid, epoch: epoch, sequence: sequence, attributes: transactional, values: []string{value}}.encode(t), nil, transaction)
		end, err := k.EndTxn(t.Context(), &kafkago.EndTxnRequest{TransactionalID: transaction, ProducerID: int(pid), ProducerEpoch: int(epoch), Committed: commit})
		if err != nil || end.Error != nil {
			t.Fatal(err, end)
		}
		for ended := int64(0); ended < last; { // the marker follows the answer, some time
			r, err := c.Offsets(t.Context(), topic.Name, 1)
			if err != nil {
				t.Fatal(err)
			}
			ended = r[0].Last
		}
	}
	transact(0, "a", true, 2)
	source := open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 0})(0)
	passed(t, source, 2, "0=a") // the marker too, with nothing behind it
	write(t, producer(t, c, topic, nil), 0, "b")
	passed(t, source, 3, "2=b")
	transact(1, "never", false, 5)
	write(t, producer(t, c, topic, nil), 0, "c")
	passed(t, source, 6, "5=c")
	passed(t, open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 0})(0), 6, "0=a", "2=b", "5=c")
}

// passed waits until a source is at an offset, and checks what it has delivered until then.
func passed(t *testing.T, s stream.Source, next int64, want ...string) {
	t.Helper()
	var got []string
	for limit := time.After(60 * time.Second); ; {
		select {
		case b, ok := <-s.Batches():
			if !ok {
				t.Fatal(s.Err())
			}
			got = append(got, show(b.Records)...)
			if b.Next < next {
				continue
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, expected %v", got, want)
			}
			return
		case <-limit:
			t.Fatalf("not at offset %d within a minute, with %v", next, got)
		}
	}
}

// A batch that is larger than what is asked for comes whole, else a reader would stand still before it.
func bigBatchesPass(t *testing.T, b Broker) {
	c, k := b.client(t), b.library(t)
	topic := b.topic(t, c, 2, true)
	for p := range topic.Partitions {
		for range 3 {
			produce(t, k, topic.Name, p, raw{pid: -1, epoch: -1, sequence: -1, values: []string{strings.Repeat("x", 300<<10)}}.encode(t), nil)
		}
	}
	source := open(t, c, kafka.ReaderConfig{Topic: topic.Name, MaxBytes: 1 << 10, PartitionBytes: 1 << 10}, map[int32]int64{0: 0, 1: 0})
	for p := range int32(topic.Partitions) {
		for _, r := range take(t, source(p), 3) {
			if len(r.Value) != 300<<10 {
				t.Errorf("partition %d, offset %d: %d bytes", p, r.Offset, len(r.Value))
			}
		}
	}
}

// A fold that does not take its batches holds back its own partition only.
func backPressureIsOnePartitions(t *testing.T, b Broker) {
	c := b.client(t)
	topic := b.topic(t, c, 2, true)
	p := producer(t, c, topic, nil)
	source := open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 0, 1: 0})
	var want []string
	for i := range 20 {
		write(t, p, 0, "a")
		write(t, p, 1, "b")
		if got := show(take(t, source(1), 1)); got[0] != fmt.Sprintf("%d=b", i) { // partition 0 is not taken
			t.Fatalf("got %v", got)
		}
		want = append(want, fmt.Sprintf("%d=a", i))
	}
	if got := show(take(t, source(0), len(want))); !slices.Equal(got, want) {
		t.Errorf("partition 0: got %v", got)
	}
}

// lost waits for a source to end with a halt.
func lost(t *testing.T, s stream.Source, reason stream.Reason, says string) {
	t.Helper()
	limit := time.After(60 * time.Second)
	for {
		select {
		case batch, ok := <-s.Batches():
			if ok && len(batch.Records) > 0 {
				t.Fatalf("delivered %v", show(batch.Records))
			}
			if ok {
				continue
			}
			if h := stream.HaltOf(s.Err()); h == nil || h.Reason != reason || !strings.Contains(h.Text, says) {
				t.Errorf("got %v, expected %s with %q", s.Err(), reason, says)
			}
			return
		case <-limit:
			t.Fatal("no word of the loss within a minute")
		}
	}
}

// What retention has taken from a reader stops that partition, and no other.
func trimmedLogIsDataLoss(t *testing.T, b Broker) {
	c := b.client(t)
	topic := b.topic(t, c, 2, true)
	p := producer(t, c, topic, nil)
	for i := range topic.Partitions {
		write(t, p, i, "a", "b")
		write(t, p, i, "c", "d")
	}
	if err := kafkatest.DeleteRecords(t.Context(), b.Brokers, topic.Name, 0, 2); err != nil {
		t.Fatal(err)
	}
	if r, err := c.Offsets(t.Context(), topic.Name, 2); err != nil || r[0] != (kafka.Range{First: 2, Last: 4}) || r[1] != (kafka.Range{Last: 4}) {
		t.Fatalf("offsets %v, %v", r, err)
	}
	source := open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 1, 1: 1})
	lost(t, source(0), stream.ReasonTrimmed, "/0 at offset 1, the log holds 2 to 4")
	if got := show(take(t, source(1), 3)); !slices.Equal(got, []string{"1=b", "2=c", "3=d"}) {
		t.Errorf("the other partition: got %v", got)
	}
	write(t, p, 1, "e")
	if got := show(take(t, source(1), 1)); !slices.Equal(got, []string{"4=e"}) {
		t.Errorf("the other partition afterwards: got %v", got)
	}
	if got := show(take(t, open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 2})(0), 2)); !slices.Equal(got, []string{"2=c", "3=d"}) {
		t.Errorf("from the new start: got %v", got)
	}
	// All of it, up to the end: the next offset stays what it was.
	if err := kafkatest.DeleteRecords(context.Background(), b.Brokers, topic.Name, 0, -1); err != nil {
		t.Fatal(err)
	}
	write(t, p, 0, "f")
	if got := show(take(t, open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 4})(0), 1)); !slices.Equal(got, []string{"4=f"}) {
		t.Errorf("after all was trimmed: got %v", got)
	}
}

// An offset that the log has not reached is one that it has lost: nothing else explains it.
func offsetBeyondTheEndIsDataLoss(t *testing.T, b Broker) {
	c := b.client(t)
	topic := b.topic(t, c, 2, true)
	p := producer(t, c, topic, nil)
	write(t, p, 0, "a")
	write(t, p, 1, "a")
	source := open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 99, 1: 0})
	lost(t, source(0), stream.ReasonBeyond, "/0 at offset 99, the log holds 0 to 1")
	if got := show(take(t, source(1), 1)); !slices.Equal(got, []string{"0=a"}) {
		t.Errorf("the other partition: got %v", got)
	}
}
