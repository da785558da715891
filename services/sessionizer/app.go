package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/pkg/state"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/internal/boot"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

// app is the sessionizer, built and not started.
type app struct {
	config   Config
	dir      string
	log      *zap.Logger
	client   *kafka.Client
	health   *obs.Health
	registry *prometheus.Registry
	metrics  *stream.Metrics
}

// New builds the sessionizer from its settings; it dials nothing.
func New(c Config, log *zap.Logger) (boot.Runner, error) {
	client, err := kafka.NewClient(c.Kafka)
	if err != nil {
		return nil, err
	}
	dir, err := boot.StateDir(c.StateDir, "sessionizer")
	if err != nil {
		return nil, err
	}
	r := obs.NewRegistry()
	return &app{config: c, dir: dir, log: log, client: client, health: &obs.Health{}, registry: r,
		metrics: stream.NewMetrics(r, "visitor")}, nil
}

// Run folds until ctx ends. It does not flush then: stopping is the same path as crashing.
func (a *app) Run(ctx context.Context) error {
	defer a.client.Close()
	a.health.Unready("start", "the topics do not answer yet")
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return obs.Serve(ctx, a.config.AdminAddr, obs.Admin(a.registry, a.health), boot.Announce("admin"))
	})
	g.Go(func() error { return a.fold(ctx) })
	return g.Wait()
}

func (a *app) fold(ctx context.Context) error {
	from, to := schemas.TopicEvents(a.config.Generation), schemas.TopicSessions(a.config.Generation, a.config.Epoch)
	n, err := a.client.SamePartitions(ctx, from, to)
	if err != nil {
		return err
	}
	a.health.Ready("start")
	a.log.Info("folding", zap.String("from", from), zap.String("to", to), zap.Int("partitions", n), zap.String("state", a.dir))
	producer := kafka.NewProducer(a.client, kafka.ProducerConfig{Topic: to, Partitions: n})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return producer.Run(ctx) })
	group := stream.Group[[]visitor.Message]{
		Config:  stream.Config{FlushEvery: a.config.FlushEvery, FailPoint: boot.FailPoint},
		Metrics: a.metrics,
		Open:    func(p int32) (stream.Part[[]visitor.Message], error) { return a.open(p, producer) },
		Read: func(next map[int32]int64) stream.Reader {
			return kafka.NewReader(a.client, kafka.ReaderConfig{Topic: from}, next)
		},
	}
	g.Go(func() error { return kafka.All{Partitions: n}.Run(ctx, group.Run) })
	return g.Wait()
}

// open restores the fold of one partition from its store.
func (a *app) open(p int32, producer *kafka.Producer) (part stream.Part[[]visitor.Message], err error) {
	st, err := state.Open(filepath.Join(a.dir, "visitor", fmt.Sprintf("g%d.e%d", a.config.Generation, a.config.Epoch), strconv.Itoa(int(p))), state.Options{})
	if err != nil {
		return part, err
	}
	f := visitor.NewFold(a.config.Generation, uint32(p))
	if err := f.Load(st, st.Next()); err != nil {
		return part, fmt.Errorf("restore: %w", err)
	}
	return stream.Part[[]visitor.Message]{Fold: f, Store: st, Sink: &lane{producer: producer, partition: int(p)}}, nil
}

// lane writes what a fold emits to the partition with the fold's own number.
type lane struct {
	producer  *kafka.Producer
	partition int
}

// Write returns when everything is acknowledged.
func (l *lane) Write(ctx context.Context, out []visitor.Message) error {
	if len(out) == 0 {
		return nil
	}
	messages := make([]kafka.Message, len(out))
	for i, m := range out {
		messages[i] = kafka.Message(m)
	}
	return l.producer.Write(ctx, map[int][]kafka.Message{l.partition: messages})
}
