package conformance

import (
	"slices"
	"testing"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
	"github.com/tributary-data/tributary/pkg/stream"
)

// position is where a fold stands that has applied everything of a partition.
func position(t *testing.T, c *kafka.Client, topic kafka.Topic, partition int32, records int) stream.Position {
	t.Helper()
	source := open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{partition: 0})(partition)
	at := stream.Start()
	for n := 0; n < records; {
		b, ok := <-source.Batches()
		if !ok {
			t.Fatal(source.Err())
		}
		n += len(b.Records)
		at.Next, at.Topic, at.LeaderEpoch = b.Next, b.Topic, b.LeaderEpoch
		for _, r := range b.Records {
			at.LastOffset, at.LastHash = r.Offset, stream.Hash(r)
		}
	}
	return at
}

// A topic that is deleted and made again under its name, and longer than where we were, is not read on: neither by one who was
// reading, nor by one who comes back.
func anotherTopicOfTheNameIsDataLoss(t *testing.T, b Broker) {
	c := b.client(t)
	topic := b.topic(t, c, 1, true)
	write(t, producer(t, c, topic, nil), 0, "a", "b")
	at := position(t, c, topic, 0, 2)
	if at.Topic == ([16]byte{}) {
		t.Fatal("the position knows no topic id")
	}
	source := openAt(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]stream.Position{0: at})
	if b := <-source(0).Batches(); len(b.Records) > 0 || b.Next != 2 { // it fits, and there is nothing more
		t.Fatalf("got %v up to %d", show(b.Records), b.Next)
	}
	if err := kafkatest.DeleteTopic(t.Context(), b.Brokers, topic.Name); err != nil {
		t.Fatal(err)
	}
	if err := b.ensure(t.Context(), c, topic); err != nil {
		t.Fatal(err)
	}
	write(t, producer(t, c, topic, nil), 0, "new0", "new1", "new2", "new3")
	lost(t, source(0), stream.ReasonTopic, "was deleted and made again")
	lost(t, openAt(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]stream.Position{0: at})(0), stream.ReasonTopic, "was deleted and made again")
	if got := show(take(t, open(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]int64{0: 0})(0), 4)); !slices.Equal(got, []string{"0=new0", "1=new1", "2=new2", "3=new3"}) {
		t.Errorf("one that knows nothing of the old topic: got %v", got)
	}
}

// A log that holds another record where ours was is another log, whatever its topic says (a restored cluster).
func anotherRecordIsDataLoss(t *testing.T, b Broker) {
	c := b.client(t)
	topic := b.topic(t, c, 1, true)
	write(t, producer(t, c, topic, nil), 0, "a", "b", "c")
	at := position(t, c, topic, 0, 3)
	at.LastHash++
	lost(t, openAt(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]stream.Position{0: at})(0), stream.ReasonFingerprint, "another record at offset 2")
	at.LastHash--
	source := openAt(t, c, kafka.ReaderConfig{Topic: topic.Name}, map[int32]stream.Position{0: at})
	write(t, producer(t, c, topic, nil), 0, "d")
	if got := show(take(t, source(0), 1)); !slices.Equal(got, []string{"3=d"}) {
		t.Errorf("the right record: got %v", got)
	}
}
