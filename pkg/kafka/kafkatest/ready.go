package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/tributary-data/tributary/pkg/kafka"
)

// scratch is a topic of ours; its partitions are in sync on every node that is ready.
const scratch = "kafkatest-ready"

// Ready waits until every broker that runs is in sync, and a record, a producer id and a group's offset are written.
func (c *Cluster) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	client, err := kafka.NewClient(kafka.Config{Brokers: c.Brokers(), Timeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		ids, err := c.running()
		if err != nil {
			return err
		}
		try, stop := context.WithTimeout(ctx, 10*time.Second)
		err = c.tryOut(try, client, ids)
		stop()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the cluster is not ready (logs in %s): %w", c.options.Dir, errors.Join(context.Cause(ctx), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// running are the ids of the brokers that run. One that ended by itself is an error, with its last words.
func (c *Cluster) running() (ids []int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		switch {
		case n.runs():
			ids = append(ids, n.id)
		case n.cmd != nil && !n.asked:
			return nil, fmt.Errorf("broker %d ended; the end of its log:\n%s", n.id, n.tail())
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("no broker runs")
	}
	return ids, nil
}

func (c *Cluster) tryOut(ctx context.Context, client *kafka.Client, ids []int) error {
	topic := kafka.Topic{Name: scratch, Partitions: len(c.nodes)}
	if err := client.EnsureTopics(ctx, []kafka.Topic{topic}, len(c.nodes)); err != nil {
		return err
	}
	if err := c.inSync(ctx, scratch, ids); err != nil {
		return err
	}
	p := kafka.NewProducer(client, kafka.ProducerConfig{Topic: scratch, Partitions: topic.Partitions})
	lanes, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- p.Run(lanes) }()
	defer func() { stop(); <-done }()
	records := map[int][]kafka.Message{}
	for i := range topic.Partitions {
		records[i] = []kafka.Message{{Value: []byte("ready")}}
	}
	if err := p.Write(ctx, records); err != nil {
		return err
	}
	return client.Note(ctx, scratch, scratch, 0, "ready")
}

// InSync waits until each partition of a topic has a leader, and all brokers that run in sync.
func (c *Cluster) InSync(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		ids, err := c.running()
		if err == nil {
			if err = c.inSync(ctx, topic, ids); err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// inSync asks whether each partition of a topic has a leader, and all these brokers in sync.
func (c *Cluster) inSync(ctx context.Context, topic string, ids []int) error {
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	k := &kafkago.Client{Addr: kafkago.TCP(strings.Split(c.Brokers(), ",")...), Transport: transport}
	m, err := k.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return fmt.Errorf("metadata of %s: %w", topic, err)
	}
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			if p.Error != nil || len(p.Isr) < len(ids) {
				return fmt.Errorf("%d of %d brokers are in sync for %s/%d: %w", len(p.Isr), len(ids), topic, p.ID, p.Error)
			}
		}
	}
	return nil
}
