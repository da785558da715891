package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// Group shares the partitions of a topic among the instances that join it. Where a partition continues is its state's
// business: the group's offsets are never a start position.
type Group struct {
	// Client of the cluster.
	Client *Client
	// ID of the group, Topic whose partitions are shared.
	ID, Topic string
	// Heartbeat interval: how fast an instance notices that another one joined. Default: 3s
	Heartbeat time.Duration
	// Session timeout: how long a dead instance keeps its partitions; a drain must end within it. Default: 45s
	Session time.Duration
}

// Run joins, calls own with each generation's partitions until it ends, and leaves when ctx ends.
func (g Group) Run(ctx context.Context, own func(ctx context.Context, partitions []int32) error) error {
	if g.Heartbeat <= 0 {
		g.Heartbeat = 3 * time.Second
	}
	if g.Session <= 0 {
		g.Session = 45 * time.Second
	}
	members, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: g.ID, Brokers: g.Client.brokers(), Topics: []string{g.Topic},
		Dialer:            &kafkago.Dialer{Timeout: g.Client.config.Timeout, DialFunc: g.Client.config.Dial, ClientID: clientName},
		HeartbeatInterval: g.Heartbeat, SessionTimeout: g.Session, RebalanceTimeout: g.Session, JoinGroupBackoff: time.Second,
		Timeout: 15 * time.Second, GroupBalancers: []kafkago.GroupBalancer{kafkago.RangeGroupBalancer{}},
	})
	if err != nil {
		return fmt.Errorf("group %s: %w", g.ID, err)
	}
	failed, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer members.Close() // leaves, and waits for the generation's work
	for {
		gen, err := members.Next(failed)
		switch {
		case ctx.Err() != nil:
			return nil
		case failed.Err() != nil:
			return context.Cause(failed)
		case errors.Is(err, kafkago.ErrGroupClosed):
			return nil
		case err != nil:
			continue // the library backs off; a broker that is away is waited for
		}
		gen.Start(func(ctx context.Context) {
			if err := own(ctx, g.partitions(gen)); err != nil && ctx.Err() == nil {
				cancel(err)
			}
			<-ctx.Done() // returning earlier would end the generation for the others too
		})
	}
}

func (g Group) partitions(gen *kafkago.Generation) []int32 {
	out := []int32{}
	for _, a := range gen.Assignments[g.Topic] {
		out = append(out, int32(a.ID))
	}
	return out
}

// Forms of ownership.
const (
	OwnAll   = "all"
	OwnGroup = "group"
)

// Ownership of the partitions of a topic by a stage, in the form that the settings name.
func (c *Client) Ownership(form, stage, topic string, partitions int) (Ownership, error) {
	switch form {
	case OwnAll:
		return All{Partitions: partitions}, nil
	case OwnGroup:
		return Group{Client: c, ID: "tributary-" + stage, Topic: topic, Heartbeat: c.config.Heartbeat, Session: c.config.SessionTimeout}, nil
	}
	return nil, CheckOwnership(form)
}

// CheckOwnership says what is wrong with a form of ownership.
func CheckOwnership(form string) error {
	if form == OwnAll || form == OwnGroup {
		return nil
	}
	return fmt.Errorf("TRIBUTARY_OWNERSHIP=%s: expected all or group", form)
}
