package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// layout is what the cluster says of a topic.
type layout struct {
	// id stays with the topic; one of the same name that is made later has another.
	id         [16]byte
	partitions map[int32]leadership
}

// leadership of a partition; broker is −1 while none leads it.
type leadership struct {
	broker, epoch int32
}

// describe asks for a topic's layout with Metadata version 12, the first that kafka-go does not know and that tells topic ids.
func (c *Client) describe(ctx context.Context, topic string) (*layout, error) {
	b := binary.AppendUvarint(nil, 2) // one topic
	b = append(b, make([]byte, 16)...)
	b = appendCompact(b, topic)
	b = append(b, 0, 0, 0, 0) // tags, no automatic creation, no authorized operations, tags
	m, err := c.roundTrip(ctx, &call{key: protocol.Metadata, version: 12, body: b})
	if err != nil {
		return nil, fmt.Errorf("metadata of %s: %w", topic, err)
	}
	out, err := readLayout(m.cursor(), topic)
	if errors.Is(err, kafkago.UnknownTopicOrPartition) {
		return nil, explained{fmt.Sprintf("topic %s is not there: create it with tributary topics create", topic), err}
	}
	if err != nil {
		return nil, fmt.Errorf("metadata of %s: %w", topic, err)
	}
	return out, nil
}

// readLayout reads a Metadata answer, version 12, for one topic.
func readLayout(c *cursor, topic string) (*layout, error) {
	c.skip(4) // throttle time
	for n := c.length(); n > 0 && c.err == nil; n-- {
		c.skip(4)          // node id
		c.skip(c.length()) // host
		c.skip(4)          // port
		c.skip(c.length()) // rack
		c.tags()
	}
	c.skip(c.length()) // cluster id
	c.skip(4)          // controller
	for n := c.length(); n > 0 && c.err == nil; n-- {
		code, name := c.int16(), c.text()
		out := &layout{id: c.id(), partitions: map[int32]leadership{}}
		c.skip(1) // internal
		for p := c.length(); p > 0 && c.err == nil; p-- {
			c.skip(2) // its error is told by what leads it
			id := c.int32()
			out.partitions[id] = leadership{broker: c.int32(), epoch: c.int32()}
			for range 3 { // replicas, in sync, offline
				c.skip(4 * c.length())
			}
			c.tags()
		}
		c.skip(4) // authorized operations
		c.tags()
		switch {
		case c.err != nil:
			return nil, c.err
		case name == topic && code != 0:
			return nil, kafkago.Error(code)
		case name == topic:
			return out, nil
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	return nil, errors.New("the answer does not hold the topic")
}

// epochEnd asks the leader where an epoch of a partition ended, with OffsetForLeaderEpoch version 4. It returns −1 where the
// broker does not know the epoch.
func (c *Client) epochEnd(ctx context.Context, topic string, partition int32, l leadership, epoch int32) (int64, error) {
	be := binary.BigEndian
	b := be.AppendUint32(nil, 0xffffffff) // a consumer
	b = binary.AppendUvarint(b, 2)
	b = appendCompact(b, topic)
	b = binary.AppendUvarint(b, 2)
	b = be.AppendUint32(b, uint32(partition))
	b = be.AppendUint32(b, uint32(l.epoch))
	b = be.AppendUint32(b, uint32(epoch))
	b = append(b, 0, 0, 0) // tags
	m, err := c.roundTrip(ctx, &brokerCall{call{key: protocol.OffsetForLeaderEpoch, version: 4, body: b}, l.broker})
	if err != nil {
		return 0, fmt.Errorf("end of epoch %d of %s/%d: %w", epoch, topic, partition, err)
	}
	r := m.cursor()
	r.skip(4)          // throttle time
	r.length()         // one topic
	r.skip(r.length()) // its name
	r.length()         // one partition
	code := r.int16()
	r.skip(8) // partition, leader epoch
	end := r.int64()
	if r.err == nil && code != 0 {
		r.err = kafkago.Error(code)
	}
	if r.err != nil {
		return 0, fmt.Errorf("end of epoch %d of %s/%d: %w", epoch, topic, partition, r.err)
	}
	return end, nil
}

// TopicID is the cluster's id of a topic. One of the same name that is made later has another. It waits for a broker that goes
// while it is asked.
func (c *Client) TopicID(ctx context.Context, topic string) (id [16]byte, err error) {
	err = c.insist(ctx, func() (bool, error) {
		l, err := c.describe(ctx, topic)
		if err == nil {
			id = l.id
		}
		return err == nil || !retryable(err), err
	})
	return id, err
}

// roundTrip carries a call of ours, within the time that one request may take.
func (c *Client) roundTrip(ctx context.Context, m protocol.Message) (*answer, error) {
	limit, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	res, err := c.transport.RoundTrip(limit, c.addr, m)
	if err != nil {
		return nil, err
	}
	a, ok := res.(*answer)
	if !ok {
		return nil, fmt.Errorf("answer of type %T", res)
	}
	return a, nil
}
