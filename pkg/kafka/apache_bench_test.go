package kafka_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
	"github.com/tributary-data/tributary/pkg/stream"
)

// What the benchmarks on Apache Kafka read and write: records of 300 bytes. The broker is another process, so that the processor
// time is the client's alone.
const (
	benchPartitions = 12
	benchEach       = 20_000
)

// cpu is the processor time of this process.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measured reports the processor time that f takes per record, each time that the benchmark calls it.
func measured(b *testing.B, records int, f func()) {
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N*records), "cpu-ns/record")
}

func benchRecord(i int) (key, value []byte) {
	return fmt.Appendf(nil, "visitor-%08d", i), []byte(strings.Repeat(fmt.Sprintf("%07d-abc", i*7919), 27))
}

// filled is a topic with benchEach records in each partition.
func filled(b *testing.B, brokers string) (*kafka.Client, string) {
	b.Helper()
	c := client(b, brokers, kafka.Topic{Name: "bench-read", Partitions: benchPartitions})
	ranges, err := c.Offsets(b.Context(), "bench-read", benchPartitions)
	if err != nil {
		b.Fatal(err)
	}
	if ranges[0].Last > 0 {
		return c, "bench-read" // another benchmark filled it
	}
	p := producer(b, c, kafka.ProducerConfig{Topic: "bench-read", Partitions: benchPartitions, QueueBytes: 64 << 20})
	all := map[int][]kafka.Message{}
	for i := range benchPartitions * benchEach {
		key, value := benchRecord(i)
		all[i%benchPartitions] = append(all[i%benchPartitions], kafka.Message{Key: key, Value: value})
	}
	if err := p.Write(b.Context(), all); err != nil {
		b.Fatal(err)
	}
	return c, "bench-read"
}

// BenchmarkApacheFetch reads twelve partitions from the start to the end: with our reader, and with the two ways of kafka-go.
func BenchmarkApacheFetch(b *testing.B) {
	brokers := kafkatest.Shared(b).Brokers()
	c, topic := filled(b, brokers)
	const total = benchPartitions * benchEach
	each := func(read func(p int)) {
		var wg sync.WaitGroup
		for p := range benchPartitions {
			wg.Go(func() { read(p) })
		}
		wg.Wait()
	}
	b.Run("reader=tributary", func(b *testing.B) {
		measured(b, total, func() {
			r := kafka.NewReader(c, kafka.ReaderConfig{Topic: topic})
			ctx, stop := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- r.Run(ctx) }()
			each(func(p int) {
				source := r.Open(int32(p), stream.Start())
				for n := 0; n < benchEach; {
					batch := <-source.Batches()
					n += len(batch.Records)
					if batch.Release != nil {
						batch.Release()
					}
				}
			})
			stop()
			<-done
		})
	})
	b.Run("reader=kafka-go-Reader", func(b *testing.B) {
		measured(b, total, func() {
			each(func(p int) {
				r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: strings.Split(brokers, ","), Topic: topic, Partition: p, MaxBytes: 1 << 20, MaxWait: 250 * time.Millisecond})
				defer r.Close()
				for range benchEach {
					if _, err := r.ReadMessage(context.Background()); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	})
	b.Run("reader=kafka-go-Client.Fetch", func(b *testing.B) {
		lib := &kafkago.Client{Addr: kafkago.TCP(strings.Split(brokers, ",")...), Timeout: 10 * time.Second}
		measured(b, total, func() { each(func(p int) { fetchAll(b, lib, topic, p) }) })
	})
}

// fetchAll reads a partition with kafka-go's Client.
func fetchAll(b *testing.B, lib *kafkago.Client, topic string, p int) {
	for next := int64(0); next < benchEach; {
		res, err := lib.Fetch(context.Background(), &kafkago.FetchRequest{Topic: topic, Partition: p, Offset: next, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 250 * time.Millisecond})
		if err == nil {
			err = res.Error
		}
		if err != nil {
			b.Error(err)
			return
		}
		for {
			rec, err := res.Records.ReadRecord()
			if err != nil {
				break // the end of the answer
			}
			for _, f := range []io.Reader{rec.Key, rec.Value} {
				if _, err := io.Copy(io.Discard, f); err != nil {
					b.Error(err)
					return
				}
			}
			next = rec.Offset + 1
		}
	}
}

// BenchmarkApacheProduce writes 320 records to each of four partitions and waits: with our producer, and with the two ways of kafka-go.
func BenchmarkApacheProduce(b *testing.B) {
	const partitions, each = 4, 320
	brokers := kafkatest.Shared(b).Brokers()
	c := client(b, brokers, kafka.Topic{Name: "bench-write", Partitions: partitions})
	addr := kafkago.TCP(strings.Split(brokers, ",")...)
	fresh := &kafkago.Transport{} // the default one may have cached that the topic is not there
	b.Run("writer=tributary", func(b *testing.B) {
		p := producer(b, c, kafka.ProducerConfig{Topic: "bench-write", Partitions: partitions})
		all := map[int][]kafka.Message{}
		for i := range partitions * each {
			key, value := benchRecord(i)
			all[i%partitions] = append(all[i%partitions], kafka.Message{Key: key, Value: value})
		}
		measured(b, partitions*each, func() {
			if err := p.Write(context.Background(), all); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("writer=kafka-go-Writer", func(b *testing.B) {
		w := &kafkago.Writer{Addr: addr, Topic: "bench-write", RequiredAcks: kafkago.RequireAll, BatchSize: each, BatchTimeout: 5 * time.Millisecond,
			Compression: kafkago.Snappy, Balancer: &kafkago.RoundRobin{}, Transport: fresh}
		defer w.Close()
		var all []kafkago.Message
		for i := range partitions * each {
			key, value := benchRecord(i)
			all = append(all, kafkago.Message{Key: key, Value: value})
		}
		measured(b, partitions*each, func() {
			if err := w.WriteMessages(context.Background(), all...); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("writer=kafka-go-Client.Produce", func(b *testing.B) {
		lib := &kafkago.Client{Addr: addr, Timeout: 10 * time.Second, Transport: fresh}
		measured(b, partitions*each, func() {
			var wg sync.WaitGroup
			for p := range partitions {
				wg.Go(func() {
					records := make([]kafkago.Record, each)
					for i := range records {
						key, value := benchRecord(i*partitions + p)
						records[i] = kafkago.Record{Key: kafkago.NewBytes(key), Value: kafkago.NewBytes(value)}
					}
					_, err := lib.Produce(context.Background(), &kafkago.ProduceRequest{Topic: "bench-write", Partition: p, RequiredAcks: kafkago.RequireAll,
						Compression: kafkago.Snappy, Records: kafkago.NewRecordReader(records...)})
					if err != nil {
						b.Error(err)
					}
				})
			}
			wg.Wait()
		})
	})
}
