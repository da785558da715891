package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/internal/storeconf"
)

// writeStores puts the stores' first files where ingest finds them.
func (r *runner) writeStores() error {
	dir := filepath.Join(r.dir, "stores")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create the folder of store files: %w", err)
	}
	for _, s := range r.stores {
		if !s.From.IsZero() {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, s.Name+".yaml"), s.File, 0o600); err != nil {
			return fmt.Errorf("write store file: %w", err)
		}
	}
	return nil
}

// applyStores sets the clock to the day's start, at which ingest brings the stores' first files, and then applies the
// files that change a store's meaning in the course of the day, as an operator would.
func (r *runner) applyStores(ctx context.Context) error {
	begin := r.day.Config.Day
	if err := r.clock.Set(ctx, begin); err != nil {
		return fmt.Errorf("set the clock to the day's start: %w", err)
	}
	client, err := kafka.NewClient(kafka.Config{Brokers: r.stack.Kafka})
	if err != nil {
		return err
	}
	defer client.Close()
	topic := schemas.TopicEvents(0)
	producer := kafka.NewProducer(client, kafka.ProducerConfig{Topic: topic, Partitions: schemas.PartitionsLaptop})
	g, ctx := errgroup.WithContext(ctx)
	lanes, stop := context.WithCancel(ctx)
	g.Go(func() error { return producer.Run(lanes) })
	g.Go(func() error {
		defer stop()
		log := storeconf.Log{Notes: client, Writer: producer, Topic: topic, Stamp: func() (int64, uint32) { return begin.UnixMilli(), event.EnvelopeDriven }}
		for _, s := range r.stores {
			if s.From.IsZero() {
				continue
			}
			res, err := log.Apply(ctx, s.File, begin, nil)
			if err != nil {
				return fmt.Errorf("apply the changed file of store %s: %w", s.Name, err)
			}
			if res.From != s.From.UnixMilli() {
				return fmt.Errorf("the changed file of store %s counts from %d, the plan says %d", s.Name, res.From, s.From.UnixMilli())
			}
			r.say("store %s changes its meaning at %s", s.Name, s.From.Format("15:04 MST"))
		}
		return nil
	})
	return g.Wait()
}
