package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/tributary-data/tributary/pkg/stream"
)

// Folder folds the partitions that it is given (stream.Pool).
type Folder interface {
	// Assign gives the whole set of partitions. It returns once those that are in it no longer are closed; new ones open by
	// themselves. It is never called twice at a time.
	Assign(ctx context.Context, partitions []int32) error
	// Progress of each partition that is open.
	Progress() map[int32]stream.Progress
}

// Ownership says which partitions this instance folds.
type Ownership interface {
	// Run tells f until ctx ends, or until somebody else took this instance's place.
	Run(ctx context.Context, f Folder) error
}

// Forms of ownership.
const (
	OwnAll   = "all"
	OwnGroup = "group"
)

// CheckOwnership says what is wrong with a form of ownership.
func CheckOwnership(form string) error {
	if form == OwnAll || form == OwnGroup {
		return nil
	}
	return fmt.Errorf("TRIBUTARY_OWNERSHIP=%s: expected all or group", form)
}

// Share of a stage's work that an instance takes.
type Share struct {
	// Form is OwnAll or OwnGroup.
	Form string
	// Group is the consumer group, Topic the one whose partitions are shared.
	Group, Topic string
	Partitions   int
	// Instance is this instance's name in the group; no two may have the same.
	Instance string
	// Stored lists partitions whose state this instance keeps from before: it is given them rather than others. May be nil.
	Stored func() []int32
}

// Ownership of the partitions in the form that the share names.
func (c *Client) Ownership(s Share) (Ownership, error) {
	switch s.Form {
	case OwnAll:
		return all{client: c, share: s}, nil
	case OwnGroup:
		return Group{Client: c, ID: s.Group, Topic: s.Topic, Partitions: s.Partitions, Instance: s.Instance, Stored: s.Stored,
			Heartbeat: c.config.Heartbeat, Session: c.config.SessionTimeout}, nil
	}
	return nil, CheckOwnership(s.Form)
}

// all owns every partition: one instance, as in demo and dev. The file lock of each partition's store keeps a second instance out.
type all struct {
	client *Client
	share  Share
}

func (a all) Run(ctx context.Context, f Folder) error {
	parts := make([]int32, a.share.Partitions)
	for i := range parts {
		parts[i] = int32(i)
	}
	if err := f.Assign(ctx, parts); err != nil {
		return err
	}
	committer := committer{client: a.client, topic: a.share.Topic, member: member{group: a.share.Group, generation: -1}}
	for wait(ctx, commitEvery) == nil {
		committer.commit(ctx, f.Progress())
	}
	return nil
}

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
	last   map[int32]stream.Progress
}

// commit sends what changed. An offset that cannot be committed is none of the fold's business: the next one will do.
func (c *committer) commit(ctx context.Context, progress map[int32]stream.Progress) {
	var list []kafkago.OffsetCommit
	for id, p := range progress {
		if p.Next == 0 || c.last[id] == p {
			continue
		}
		note, err := json.Marshal(Note{Watermark: max(p.Watermark, 0), At: p.At.UnixMilli(), Instance: c.member.instance})
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
	_, err := c.client.client.OffsetCommit(limit, &kafkago.OffsetCommitRequest{GroupID: c.member.group, GenerationID: int(c.member.generation),
		MemberID: c.member.id, InstanceID: c.member.instance, Topics: map[string][]kafkago.OffsetCommit{c.topic: list}})
	if err == nil {
		c.last = progress
	}
}
