package bench

import (
	"context"
	"maps"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/sim"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// whole runs everything at once and takes the time until the last event is in the tables.
func (b *bench) whole(ctx context.Context, dir string) (Sample, map[string]float64, error) {
	s, err := stack.Start(ctx, stack.Config{Dir: dir, Bin: b.config.Bin, Engine: b.config.Engine, Partitions: b.config.Partitions, Driven: true})
	if err != nil {
		return Sample{}, nil, err
	}
	defer s.Stop()
	client, err := kafka.NewClient(kafka.Config{Brokers: s.Kafka})
	if err != nil {
		return Sample{}, nil, err
	}
	defer client.Close()
	clock := &sim.HTTPClock{AdminURL: "http://" + s.IngestAdmin}
	if err := clock.Set(ctx, begin); err != nil {
		return Sample{}, nil, err
	}
	began, before := time.Now(), maps.Clone(s.CPU())
	if _, err := b.load.send(ctx, s.Ingest, clock.Set); err != nil {
		return Sample{}, nil, err
	}
	for _, w := range []struct {
		name   string
		stages map[string]string
	}{
		{"sessionizer", map[string]string{"visitor": schemas.TopicEvents(0)}},
		{"aggregator", map[string]string{"events": schemas.TopicEvents(0), "sessions": schemas.TopicSessions(0, 0)}},
	} {
		if err := b.caughtUp(ctx, client, s.Admin[w.name], w.stages); err != nil {
			return Sample{}, nil, err
		}
	}
	wall, each, all := time.Since(began), map[string]float64{}, time.Duration(0)
	for name, d := range s.CPU() {
		each[name] = Work{Events: b.load.events(), CPU: d - before[name]}.sample().CPU
		if name != "kafka" && name != "clickhouse" {
			all += d - before[name]
		}
	}
	return Work{Events: b.load.events(), CPU: all, Wall: wall}.sample(), each, nil
}
