// Package tail shows events as ingest has accepted them, and what it refused, from Kafka's log.
package tail

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// Config of what is followed.
type Config struct {
	// Generation of the topic events.
	Generation uint8
	// Store and Visitor to show; empty shows all.
	Store, Visitor string
	// FromStart begins at the logs' start instead of their end.
	FromStart bool
	// Limit ends after so many lines; 0 goes on.
	Limit int
}

// topics that are followed.
func (c Config) topics() []string {
	return []string{schemas.TopicEvents(c.Generation), schemas.TopicDeadLetters}
}

// Follow calls show with each line, in the order of each partition's log, until ctx ends, show fails or the limit is
// reached. ready, if not nil, is called once it is clear from where on lines are shown.
func Follow(ctx context.Context, client *kafka.Client, c Config, ready func(), show func(Line) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	lines := make(chan Line)
	g, ctx := errgroup.WithContext(ctx)
	for _, topic := range c.topics() {
		from, err := starts(ctx, client, topic, c.FromStart)
		if err != nil {
			return err
		}
		reader := kafka.NewReader(client, kafka.ReaderConfig{Topic: topic, Wait: 100 * time.Millisecond})
		g.Go(func() error { return reader.Run(ctx) })
		for p, next := range from {
			source := reader.Open(p, stream.From(next))
			g.Go(func() error { return c.read(ctx, topic, p, source, lines) })
		}
	}
	if ready != nil {
		ready()
	}
	g.Go(func() error {
		defer stop() // whoever reads the log has nobody to tell any more
		for n := 0; c.Limit == 0 || n < c.Limit; n++ {
			select {
			case l := <-lines:
				if err := show(l); err != nil {
					return err
				}
			case <-ctx.Done():
				return nil
			}
		}
		return nil
	})
	return g.Wait()
}

// starts are the offsets from which the partitions of a topic are shown.
func starts(ctx context.Context, client *kafka.Client, topic string, fromStart bool) (map[int32]int64, error) {
	n, err := client.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	ranges, err := client.Offsets(ctx, topic, n)
	if err != nil {
		return nil, err
	}
	from := map[int32]int64{}
	for p, r := range ranges {
		from[int32(p)] = r.Last
		if fromStart {
			from[int32(p)] = r.First
		}
	}
	return from, nil
}

// read makes lines of one partition's records. A record that it cannot read is shown as such: it is what one looks for.
func (c Config) read(ctx context.Context, topic string, partition int32, source stream.Source, to chan<- Line) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case b, ok := <-source.Batches():
			switch {
			case ctx.Err() != nil:
				return nil
			case !ok:
				return fmt.Errorf("read %s/%d: %w", topic, partition, source.Err())
			}
			for _, r := range b.Records {
				l, ok := c.line(r)
				if !ok {
					continue
				}
				l.Topic, l.Partition, l.Offset = topic, partition, r.Offset
				select {
				case to <- l:
				case <-ctx.Done():
					return nil
				}
			}
		}
	}
}

// line is what a record says, if it is one to show.
func (c Config) line(r stream.Record) (Line, bool) {
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(r.Value); err != nil {
		return Line{Refused: "unreadable", Reasons: []string{"the record is not one of ours"}}, c.Store == "" && c.Visitor == ""
	}
	if c.Store != "" && rec.Store != c.Store {
		return Line{}, false
	}
	switch {
	case rec.GetEvent() != nil:
		return accepted(rec, rec.GetEvent()), c.Visitor == "" || rec.GetEvent().Visitor == c.Visitor
	case rec.GetDeadLetter() != nil:
		return refused(rec, rec.GetDeadLetter()), c.Visitor == "" || contains(rec.GetDeadLetter().Original, c.Visitor)
	}
	return Line{}, false
}
