package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/internal/boot"
	"github.com/tributary-data/tributary/services/internal/parts"
	"github.com/tributary-data/tributary/services/sessionizer/visitor"
)

// app is the sessionizer, built and not started.
type app struct {
	config   Config
	dir      string
	instance string
	log      *zap.Logger
	client   *kafka.Client
	health   *obs.Health
	registry *prometheus.Registry
	metrics  *stream.Metrics
}

// New builds the sessionizer from its settings; it dials nothing.
func New(c Config, log *zap.Logger) (boot.Runner, error) {
	c.Kafka.Waiting = func(why error) { log.Warn("waiting for Kafka", zap.Error(why)) }
	client, err := kafka.NewClient(c.Kafka)
	if err != nil {
		return nil, err
	}
	if err := kafka.CheckOwnership(c.Ownership); err != nil {
		return nil, err
	}
	dir, err := boot.StateDir(c.StateDir, "sessionizer")
	if err != nil {
		return nil, err
	}
	instance, err := boot.Instance(c.Instance, dir)
	if err != nil {
		return nil, err
	}
	r := obs.NewRegistry()
	return &app{config: c, dir: dir, instance: instance, log: log, client: client, health: &obs.Health{}, registry: r,
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
	n, err := a.client.SamePartitions(ctx, from, to, schemas.TopicDeadLetters)
	if err != nil {
		return err
	}
	keeper := &parts.Keeper{Stage: parts.Stage{Name: "visitor", Topic: from, Generation: a.config.Generation, Epoch: a.config.Epoch, Partitions: n},
		Dir: a.dir, Health: a.health, Log: a.log}
	if err := keeper.Claim(); err != nil {
		return err
	}
	a.health.Ready("start")
	a.log.Info("folding", zap.String("from", from), zap.String("to", to), zap.Int("partitions", n), zap.String("state", a.dir))
	sessions := kafka.NewProducer(a.client, kafka.ProducerConfig{Topic: to, Partitions: n})
	dead := kafka.NewProducer(a.client, kafka.ProducerConfig{Topic: schemas.TopicDeadLetters, Partitions: n})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return sessions.Run(ctx) })
	g.Go(func() error { return dead.Run(ctx) })
	pool := &stream.Pool[visitor.Output]{
		Config:  stream.Config{FlushEvery: a.config.FlushEvery, Recycle: true, FailPoint: boot.FailPoint, PoisonPerMinute: a.config.PoisonPerMinute},
		Metrics: a.metrics,
		Open: func(ctx context.Context, p int32) (stream.Part[visitor.Output], error) {
			return a.open(ctx, keeper, p, &lane{sessions, dead, int(p)})
		},
		Reader:  kafka.NewReader(a.client, kafka.ReaderConfig{Topic: from}),
		Watcher: keeper,
	}
	own, err := a.client.Ownership(kafka.Share{Form: a.config.Ownership, Group: keeper.Group(), Topic: from, Partitions: n,
		Instance: a.instance, Stored: keeper.Stored})
	if err != nil {
		return err
	}
	g.Go(func() error { return pool.Run(ctx) })
	g.Go(func() error { return own.Run(ctx, pool) })
	return g.Wait()
}

// open restores the fold of one partition from its store.
func (a *app) open(ctx context.Context, k *parts.Keeper, p int32, sink *lane) (part stream.Part[visitor.Output], err error) {
	st, err := k.Open(ctx, p)
	if err != nil {
		return part, err
	}
	f := visitor.NewFold(k.Topic, k.Generation, uint32(p))
	if err := f.Load(st, st.Position().Next); err != nil {
		return part, errors.Join(fmt.Errorf("restore: %w", err), st.Close())
	}
	return stream.Part[visitor.Output]{Fold: f, Store: st, Sink: sink}, nil
}

// lane writes what a fold emits: sessions to the partition with the fold's own number, dead letters by their key.
type lane struct {
	sessions, dead *kafka.Producer
	partition      int
}

// Write returns when everything is acknowledged.
func (l *lane) Write(ctx context.Context, out visitor.Output) error {
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
