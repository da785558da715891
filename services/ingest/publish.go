package main

import (
	"context"
	"fmt"

	"github.com/tributary-data/tributary/pkg/collect"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
)

// publisher writes records to their partitions. It implements collect.Publisher.
type publisher struct{ events, dead *kafka.Producer }

// Publish returns when every record is acknowledged.
func (p *publisher) Publish(ctx context.Context, events, dead []collect.Message) error {
	if err := send(ctx, p.events, events); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	if err := send(ctx, p.dead, dead); err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	return nil
}

func send(ctx context.Context, to *kafka.Producer, messages []collect.Message) error {
	if len(messages) == 0 {
		return nil
	}
	byPartition := make(map[int][]kafka.Message, len(messages))
	for _, m := range messages {
		p := event.Partition(m.Key, to.Partitions())
		byPartition[p] = append(byPartition[p], kafka.Message{Key: m.Key, Value: m.Value})
	}
	return to.Write(ctx, byPartition)
}
