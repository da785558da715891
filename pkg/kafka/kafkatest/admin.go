package kafkatest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// with calls f with kafka-go itself, for what our client does not offer.
func with(brokers string, f func(*kafkago.Client, *kafkago.Transport) error) error {
	t := &kafkago.Transport{MetadataTTL: time.Second}
	defer t.CloseIdleConnections()
	return f(&kafkago.Client{Addr: kafkago.TCP(strings.Split(brokers, ",")...), Transport: t, Timeout: 15 * time.Second}, t)
}

// DeleteTopic deletes a topic; the brokers may take a moment to forget it.
func DeleteTopic(ctx context.Context, brokers, topic string) error {
	return with(brokers, func(k *kafkago.Client, _ *kafkago.Transport) error {
		res, err := k.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: []string{topic}})
		if err == nil {
			err = res.Errors[topic]
		}
		if err != nil {
			return fmt.Errorf("delete topic %s: %w", topic, err)
		}
		return nil
	})
}

// CreatePartitions gives a topic more partitions.
func CreatePartitions(ctx context.Context, brokers, topic string, n int) error {
	return with(brokers, func(k *kafkago.Client, _ *kafkago.Transport) error {
		res, err := k.CreatePartitions(ctx, &kafkago.CreatePartitionsRequest{Topics: []kafkago.TopicPartitionsConfig{{Name: topic, Count: int32(n)}}})
		if err == nil {
			err = res.Errors[topic]
		}
		if err != nil {
			return fmt.Errorf("create partitions of %s: %w", topic, err)
		}
		return nil
	})
}

// DeleteRecords trims a partition as retention would: what is before an offset is gone. -1 trims all there is.
func DeleteRecords(ctx context.Context, brokers, topic string, partition int32, before int64) error {
	return with(brokers, func(k *kafkago.Client, t *kafkago.Transport) error {
		// The transport knows the leaders of topics that it has been asked for.
		if _, err := k.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{topic}}); err != nil {
			return fmt.Errorf("metadata of %s: %w", topic, err)
		}
		m, err := t.RoundTrip(ctx, k.Addr, &deleteRecords{topic: topic, partition: partition, before: before})
		if err == nil && m.(deleted) != 0 {
			err = kafkago.Error(m.(deleted))
		}
		if err != nil {
			return fmt.Errorf("delete records of %s/%d: %w", topic, partition, err)
		}
		return nil
	})
}

// deleteRecords is DeleteRecords version 1, for one partition.
type deleteRecords struct {
	topic     string
	partition int32
	before    int64
}

// deleted is the error code of its answer.
type deleted int16

func (deleted) ApiKey() protocol.ApiKey                        { return protocol.DeleteRecords }
func (*deleteRecords) ApiKey() protocol.ApiKey                 { return protocol.DeleteRecords }
func (*deleteRecords) Required(map[protocol.ApiKey]int16) bool { return true }

// Broker sends it to the partition's leader.
func (r *deleteRecords) Broker(c protocol.Cluster) (protocol.Broker, error) {
	p, ok := c.Topics[r.topic].Partitions[r.partition]
	if !ok {
		return protocol.Broker{ID: -1}, kafkago.UnknownTopicOrPartition
	}
	return c.Brokers[p.Leader], nil
}

// RawExchange writes the request and reads its answer (protocol.RawExchanger).
func (r *deleteRecords) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	be := binary.BigEndian
	b := be.AppendUint32(nil, 0) // size
	b = be.AppendUint16(b, uint16(protocol.DeleteRecords))
	b = be.AppendUint16(b, 1)
	b = be.AppendUint32(b, 1)      // correlation
	b = be.AppendUint16(b, 0xffff) // no client id
	b = be.AppendUint32(b, 1)
	b = be.AppendUint16(b, uint16(len(r.topic)))
	b = append(b, r.topic...)
	b = be.AppendUint32(b, 1)
	b = be.AppendUint32(b, uint32(r.partition))
	b = be.AppendUint64(b, uint64(r.before))
	b = be.AppendUint32(b, 10_000) // ms
	be.PutUint32(b, uint32(len(b)-4))
	if _, err := rw.Write(b); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(rw, size[:]); err != nil {
		return nil, err
	}
	// correlation, throttle, topics, name, partitions, partition, low watermark, error
	answer := make([]byte, 4+4+4+2+len(r.topic)+4+4+8+2)
	if int(be.Uint32(size[:])) != len(answer) {
		return nil, errors.New("an answer of another size than one partition's")
	}
	if _, err := io.ReadFull(rw, answer); err != nil {
		return nil, err
	}
	return deleted(be.Uint16(answer[len(answer)-2:])), nil
}
