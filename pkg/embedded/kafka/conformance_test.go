package kafka_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/kafka/conformance"
	"github.com/tributary-data/tributary/pkg/stream"
)

var (
	stamped  = kafka.Topic{Name: "events", Partitions: 2, AppendTime: true}
	ordinary = kafka.Topic{Name: "sessions", Partitions: 2}
)

func ensure(t testing.TB, c *kafka.Client, topics ...kafka.Topic) {
	t.Helper()
	if err := c.EnsureTopics(t.Context(), topics, 1); err != nil {
		t.Fatal(err)
	}
}

// write produces through our own producer and returns the broker's append time.
func write(t testing.TB, c *kafka.Client, topic kafka.Topic, values ...string) (appended time.Time) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := kafka.NewProducer(c, kafka.ProducerConfig{Topic: topic.Name, Partitions: topic.Partitions,
		OnAck: func(_, a time.Time) { appended = a }})
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	var messages []kafka.Message
	for _, v := range values {
		messages = append(messages, kafka.Message{Key: []byte("k"), Value: []byte(v)})
	}
	if err := p.Write(ctx, map[int][]kafka.Message{1: messages}); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-done
	return appended
}

// read returns the first n records of partition 1 through our own raw fetch, which checks the batches' checksums.
func read(t testing.TB, c *kafka.Client, topic kafka.Topic, n int) []stream.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r := kafka.NewReader(c, kafka.ReaderConfig{Topic: topic.Name, Wait: 50 * time.Millisecond})
	source := r.Open(1, stream.Start())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	defer func() { cancel(); <-done }()
	var out []stream.Record
	for len(out) < n {
		b, ok := <-source.Batches()
		if !ok {
			t.Fatalf("read %d of %d records: %v", len(out), n, source.Err())
		}
		out = append(out, b.Records...)
	}
	return out
}

// TestConformance holds the broker to what Apache Kafka is held to.
func TestConformance(t *testing.T) {
	addr, _ := start(t, "")
	conformance.Run(t, conformance.Broker{Brokers: addr})
}

// TestOrdinaryTopicIsUntouched looks at the bytes: a batch that gets no stamp is passed through.
func TestOrdinaryTopicIsUntouched(t *testing.T) {
	addr, _ := start(t, "")
	c := client(t, addr)
	ensure(t, c, ordinary)
	sent := batch(7, 0, 0, "x")
	produce(t, addr, ordinary.Name, 0, sent, nil)
	// Byte for byte what was sent, but for the leader epoch, which the broker owns.
	if got := fetchRaw(t, addr, ordinary.Name); string(got[16:]) != string(sent[16:]) {
		t.Errorf("the batch changed:\nsent    %x\nfetched %x", sent[16:], got[16:])
	}
}

// TestForgedStampIsRefused everywhere: Apache Kafka would take it off where no stamp belongs, which is more work for nothing.
func TestForgedStampIsRefused(t *testing.T) {
	addr, _ := start(t, "")
	ensure(t, client(t, addr), stamped, ordinary)
	forged := batch(1, 0, 0, "a")
	forged[22] |= 1 << 3
	seal(forged)
	produce(t, addr, stamped.Name, 0, forged, kafkago.InvalidTimestamp)
	produce(t, addr, ordinary.Name, 0, forged, kafkago.InvalidTimestamp)
}

// TestTopicIDs uses a client of the newest versions, which name topics by id only.
func TestTopicIDs(t *testing.T) {
	addr, _ := start(t, "")
	ensure(t, client(t, addr), stamped)
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(stamped.Name), kgo.DefaultProduceTopic(stamped.Name))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	sent, err := cl.ProduceSync(t.Context(), &kgo.Record{Value: []byte("v"), Timestamp: time.UnixMilli(1000)}).First()
	if err != nil {
		t.Fatal(err)
	}
	fetches := cl.PollFetches(t.Context())
	if err := fetches.Err(); err != nil {
		t.Fatal(err)
	}
	got := fetches.Records()[0]
	if got.Attrs.TimestampType() != 1 || time.Since(got.Timestamp) > time.Minute {
		t.Errorf("fetched time %v of type %d, expected append time", got.Timestamp, got.Attrs.TimestampType())
	}
	if sent.Offset != got.Offset {
		t.Errorf("produced offset %d, fetched %d", sent.Offset, got.Offset)
	}
}

// batch is one uncompressed batch.
func batch(pid int64, epoch int16, sequence int32, values ...string) []byte {
	var records []byte
	for i, v := range values {
		r := kmsg.NewRecord()
		r.OffsetDelta, r.Value = int32(i), []byte(v)
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		records = r.AppendTo(records)
	}
	b := kmsg.RecordBatch{PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(len(values) - 1), FirstTimestamp: 1000, MaxTimestamp: 1000,
		ProducerID: pid, ProducerEpoch: epoch, FirstSequence: sequence, NumRecords: int32(len(values)), Records: records}
	out := b.AppendTo(nil)
	binary.BigEndian.PutUint32(out[8:], uint32(len(out)-12))
	seal(out)
	return out
}

func seal(b []byte) {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
}

func produce(t testing.TB, addr, topic string, partition int, b []byte, want error) *kafkago.ProduceResponse {
	t.Helper()
	sized := binary.BigEndian.AppendUint32(nil, uint32(len(b)))
	res, err := raw(t, addr).RawProduce(t.Context(), &kafkago.RawProduceRequest{Topic: topic, Partition: partition, RequiredAcks: kafkago.RequireAll,
		RawRecords: protocol.RawRecordSet{Reader: strings.NewReader(string(sized) + string(b))}})
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(res.Error, want) {
		t.Fatalf("produce to %s: %v, expected %v", topic, res.Error, want)
	}
	return res
}

// fetchRaw returns the record set of partition 0 as the wire carries it.
func fetchRaw(t testing.TB, addr, topic string) []byte {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.Version = 1000, 1, 1<<20, 12
	ft := kmsg.NewFetchRequestTopic()
	ft.Topic = topic
	fp := kmsg.NewFetchRequestTopicPartition()
	fp.PartitionMaxBytes = 1 << 20
	ft.Partitions = append(ft.Partitions, fp)
	req.Topics = append(req.Topics, ft)
	meta := kmsg.NewPtrMetadataRequest()
	mt := kmsg.NewMetadataRequestTopic()
	mt.Topic = kmsg.StringPtr(topic)
	meta.Topics = append(meta.Topics, mt)
	m, err := meta.RequestWith(t.Context(), cl)
	if err != nil {
		t.Fatal(err)
	}
	req.Topics[0].TopicID = m.Topics[0].TopicID
	res, err := cl.Broker(0).Request(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	p := res.(*kmsg.FetchResponse).Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		t.Fatalf("fetch: code %d", p.ErrorCode)
	}
	return p.RecordBatches
}

func values(records []stream.Record) string {
	var out []string
	for _, r := range records {
		out = append(out, fmt.Sprintf("%d:%s@%d", r.Offset, r.Value, r.AppendTime))
	}
	return strings.Join(out, " ")
}
