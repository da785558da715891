package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Batch is what a log holds of one batch, with what our client's records do not tell: who wrote it, and under which leader.
type Batch struct {
	// Base is the offset of its first record.
	Base int64
	// ProducerID and Epoch of who wrote it.
	ProducerID int64
	Epoch      int16
	// LeaderEpoch of the partition when it was written.
	LeaderEpoch int32
	// Values of its records.
	Values []string
}

// Log reads all batches of a partition as kafka-go reads them, from an offset to the end.
func Log(ctx context.Context, brokers, topic string, partition int, from int64) (out []Batch, err error) {
	err = with(brokers, func(k *kafkago.Client, _ *kafkago.Transport) error {
		for {
			r, err := k.Fetch(ctx, &kafkago.FetchRequest{Topic: topic, Partition: partition, Offset: from, MaxBytes: 1 << 20, MaxWait: 10 * time.Millisecond})
			if err == nil {
				err = r.Error
			}
			if err != nil {
				return fmt.Errorf("read the log of %s/%d: %w", topic, partition, err)
			}
			stream, _ := r.Records.(*protocol.RecordStream)
			if stream == nil || len(stream.Records) == 0 {
				if from < r.HighWatermark {
					return fmt.Errorf("read the log of %s/%d: nothing at %d of %d", topic, partition, from, r.HighWatermark)
				}
				return nil
			}
			for _, one := range stream.Records {
				b, ok := one.(*protocol.RecordBatch)
				if !ok {
					return fmt.Errorf("read the log of %s/%d: a batch of type %T", topic, partition, one)
				}
				found := Batch{Base: b.BaseOffset, ProducerID: b.ProducerID, Epoch: b.ProducerEpoch, LeaderEpoch: b.PartitionLeaderEpoch}
				if found.Values, err = values(b); err != nil {
					return fmt.Errorf("read the log of %s/%d: %w", topic, partition, err)
				}
				out, from = append(out, found), b.BaseOffset+int64(len(found.Values))
			}
		}
	})
	return out, err
}

func values(b *protocol.RecordBatch) (out []string, err error) {
	for {
		r, err := b.ReadRecord()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		v, err := protocol.ReadAll(r.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, string(v))
	}
}

// Leaders are the brokers that lead the partitions of a topic; 0 where none does.
func Leaders(ctx context.Context, brokers, topic string) (out map[int]int, err error) {
	err = with(brokers, func(k *kafkago.Client, _ *kafkago.Transport) error {
		m, err := k.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{topic}})
		if err != nil {
			return fmt.Errorf("metadata of %s: %w", topic, err)
		}
		out = map[int]int{}
		for _, t := range m.Topics {
			for _, p := range t.Partitions {
				out[p.ID] = p.Leader.ID
			}
		}
		return nil
	})
	return out, err
}
