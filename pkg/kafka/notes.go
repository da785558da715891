package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// Notes are short texts that the cluster keeps for us, one per partition of a topic: the metadata of committed offsets of
// a group that nobody joins. They go when the topic goes, which is right for what is said about its log, and after the
// cluster's offsets.retention.minutes (7 days by default) unless they are written again.

// MaxNote is the longest note, in bytes (offset.metadata.max.bytes is 4096 by default).
const MaxNote = 4096

// Notes reads the notes of a group about partitions 0..n-1; empty where there is none.
func (c *Client) Notes(ctx context.Context, group, topic string, n int) ([]string, error) {
	committed, err := c.committed(ctx, group, topic, n)
	if err != nil {
		return nil, fmt.Errorf("read notes %s: %w", group, err)
	}
	out := make([]string, n)
	for i, o := range committed {
		if o.CommittedOffset >= 0 {
			out[i] = o.Metadata
		}
	}
	return out, nil
}

// committed reads what a group has committed of partitions 0..n-1; an offset of −1 is none.
func (c *Client) committed(ctx context.Context, group, topic string, n int) ([]kafkago.OffsetFetchPartition, error) {
	parts, out := make([]int, n), make([]kafkago.OffsetFetchPartition, n)
	for i := range parts {
		parts[i], out[i].CommittedOffset = i, -1
	}
	var res *kafkago.OffsetFetchResponse
	err := c.coordinated(ctx, func() (err error) {
		res, err = c.client.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: parts}})
		if err == nil {
			err = res.Error
		}
		return err
	})
	if errors.Is(err, kafkago.GroupIdNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("%s/%d: %w", topic, p.Partition, p.Error)
		}
		if p.Partition < 0 || p.Partition >= n {
			return nil, fmt.Errorf("%s/%d was not asked for", topic, p.Partition)
		}
		out[p.Partition] = p
	}
	return out, nil
}

// Note writes one note.
func (c *Client) Note(ctx context.Context, group, topic string, partition int, text string) error {
	if len(text) > MaxNote {
		return fmt.Errorf("a note of %d bytes, at most %d are kept", len(text), MaxNote)
	}
	err := c.coordinated(ctx, func() error {
		res, err := c.client.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{GroupID: group, GenerationID: -1,
			Topics: map[string][]kafkago.OffsetCommit{topic: {{Partition: partition, Offset: 0, Metadata: text}}}})
		if err != nil {
			return err
		}
		return refusedOffset(res, topic)
	})
	if err != nil {
		return fmt.Errorf("write note %s of %s/%d: %w", group, topic, partition, err)
	}
	return nil
}

// refusedOffset is the first error of a commit's answer, which speaks of each partition by itself.
func refusedOffset(res *kafkago.OffsetCommitResponse, topic string) error {
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return p.Error
		}
	}
	return nil
}

// coordinated repeats a call while the group has no coordinator yet: the first use of a group creates an internal topic.
func (c *Client) coordinated(ctx context.Context, call func() error) error {
	for {
		err := call()
		if !errors.Is(err, kafkago.GroupCoordinatorNotAvailable) && !errors.Is(err, kafkago.NotCoordinatorForGroup) && !errors.Is(err, kafkago.GroupLoadInProgress) {
			return err
		}
		if werr := wait(ctx, 100*time.Millisecond); werr != nil {
			return errors.Join(werr, err)
		}
	}
}
