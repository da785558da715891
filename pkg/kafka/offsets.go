package kafka

import (
	"context"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
)

// Range is what a partition's log holds: [First, Last).
type Range struct{ First, Last int64 }

// Range asks for the first and the next offset of one partition.
func (c *Client) Range(ctx context.Context, topic string, partition int32) (Range, error) {
	list, err := c.ranges(ctx, topic, int(partition), 1)
	if err != nil {
		return Range{}, err
	}
	return list[0], nil
}

// Offsets asks for the first and the next offset of partitions 0..n-1.
func (c *Client) Offsets(ctx context.Context, topic string, n int) ([]Range, error) {
	return c.ranges(ctx, topic, 0, n)
}

// ranges asks for the offsets of n partitions from one on.
func (c *Client) ranges(ctx context.Context, topic string, from, n int) ([]Range, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	var ask []kafkago.OffsetRequest
	for p := from; p < from+n; p++ {
		ask = append(ask, kafkago.FirstOffsetOf(p), kafkago.LastOffsetOf(p))
	}
	res, err := c.client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: ask}})
	if err != nil {
		return nil, fmt.Errorf("offsets of %s: %w", topic, err)
	}
	out := make([]Range, n)
	for _, o := range res.Topics[topic] {
		if o.Error != nil {
			return nil, fmt.Errorf("offsets of %s/%d: %w", topic, o.Partition, o.Error)
		}
		out[o.Partition-from] = Range{First: o.FirstOffset, Last: o.LastOffset} // kafka-go answers exactly what was asked
	}
	return out, nil
}
