package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

// lanes are one partition's own: no other partition's trouble is in their way, and their order is that of its fold.
type lanes struct {
	sessions, dead *kafka.Producer
	partition      int
}

func newLanes(c *kafka.Client, topic string, partitions int, p int32) *lanes {
	return &lanes{kafka.NewProducer(c, kafka.ProducerConfig{Topic: topic, Partitions: partitions}),
		kafka.NewProducer(c, kafka.ProducerConfig{Topic: schemas.TopicDeadLetters, Partitions: partitions}), int(p)}
}

// run serves the lanes until ctx ends.
func (l *lanes) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.sessions.Run(ctx) })
	g.Go(func() error { return l.dead.Run(ctx) })
	return g.Wait()
}

// Write puts sessions into the partition with the fold's own number, dead letters where their key belongs. It returns when everything is acknowledged.
func (l *lanes) Write(ctx context.Context, out visitor.Output) error {
	if len(out.Dead) > 0 {
		byPartition := map[int][]kafka.Message{}
		for _, m := range out.Dead {
			p := event.Partition(m.Key, l.dead.Partitions())
			byPartition[p] = append(byPartition[p], kafka.Message(m))
		}
		if err := l.dead.Write(ctx, byPartition); err != nil {
			return fmt.Errorf("dead letters: %w", err)
		}
	}
	if len(out.Sessions) == 0 {
		return nil
	}
	messages := make([]kafka.Message, len(out.Sessions))
	for i, m := range out.Sessions {
		messages[i] = kafka.Message(m)
	}
	return l.sessions.Write(ctx, map[int][]kafka.Message{l.partition: messages})
}
