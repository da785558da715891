package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/tributary-data/tributary/pkg/stream"
)

// commitEvery is how often progress is committed to the group. It is for lag tools only, never a start position (design §3).
const commitEvery = 5 * time.Second

// Note of a committed offset, as JSON in its metadata: what lag tools cannot know from the offset alone.
type Note struct {
	// Watermark that the state has reached, Unix milliseconds; 0: none yet.
	Watermark int64 `json:"w"`
	// At is when the state was committed, Unix milliseconds.
	At int64 `json:"at"`
	// Instance that did it.
	Instance string `json:"by,omitempty"`
}

// committer commits offsets with notes to a group.
type committer struct {
	client *Client
	topic  string
	member member
	by     string // the instance's name
	last   map[int32]stream.Progress
}

// commit sends what changed. An offset that cannot be committed is none of the fold's business: the next one will do.
func (c *committer) commit(ctx context.Context, progress map[int32]stream.Progress) {
	var list []kafkago.OffsetCommit
	for id, p := range progress {
		if was, ok := c.last[id]; ok && was == p {
			continue
		}
		note, err := json.Marshal(Note{Watermark: max(p.Watermark, 0), At: max(p.At.UnixMilli(), 0), Instance: c.by})
		if err != nil {
			continue
		}
		list = append(list, kafkago.OffsetCommit{Partition: int(id), Offset: p.Next, Metadata: string(note)})
	}
	if len(list) == 0 {
		return
	}
	limit, cancel := context.WithTimeout(ctx, c.client.config.Timeout)
	defer cancel()
	res, err := c.client.client.OffsetCommit(limit, &kafkago.OffsetCommitRequest{GroupID: c.member.group, GenerationID: int(c.member.generation),
		MemberID: c.member.id, InstanceID: c.member.instance, Topics: map[string][]kafkago.OffsetCommit{c.topic: list}})
	if err == nil && refusedOffset(res, c.topic) == nil {
		c.last = progress
	}
}

// Committed is what a group last said of a partition.
type Committed struct {
	// Next offset; −1: it has said nothing yet.
	Next int64
	Note
}

// Progress reads what a group said of partitions 0..n-1 of a topic. A note that is not ours is left out.
func (c *Client) Progress(ctx context.Context, group, topic string, n int) ([]Committed, error) {
	list, err := c.committed(ctx, group, topic, n)
	if err != nil {
		return nil, fmt.Errorf("progress of group %s: %w", group, err)
	}
	out := make([]Committed, n)
	for i, o := range list {
		out[i].Next = o.CommittedOffset
		if err := json.Unmarshal([]byte(o.Metadata), &out[i].Note); err != nil {
			out[i].Note = Note{}
		}
	}
	return out, nil
}
