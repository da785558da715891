package kafka

import (
	"context"
	"fmt"

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
	// Joined is told of each generation that this instance takes part in (Group). May be nil.
	Joined func(generation int32, partitions []int32)
}

// Ownership of the partitions in the form that the share names.
func (c *Client) Ownership(s Share) (Ownership, error) {
	switch s.Form {
	case OwnAll:
		return all{client: c, share: s}, nil
	case OwnGroup:
		return Group{Client: c, ID: s.Group, Topic: s.Topic, Partitions: s.Partitions, Instance: s.Instance, Stored: s.Stored, Joined: s.Joined,
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
	committer := committer{client: a.client, topic: a.share.Topic, by: a.share.Instance, member: member{group: a.share.Group, generation: -1}}
	for wait(ctx, commitEvery) == nil {
		committer.commit(ctx, f.Progress())
	}
	return nil
}
