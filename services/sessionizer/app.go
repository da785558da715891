package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

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
	instance string
	keepers  *parts.Keepers
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
	health := &obs.Health{}
	return &app{config: c, instance: instance, log: log, client: client, health: health, registry: r,
		keepers: parts.NewKeepers(c.Parts, dir, health, log, r), metrics: stream.NewMetrics(r, "visitor")}, nil
}

// Run folds until ctx ends. It does not flush then: stopping is the same path as crashing.
func (a *app) Run(ctx context.Context) error {
	defer a.client.Close()
	a.health.Unready("start", "the topics do not answer yet")
	if err := a.keepers.Open(ctx); err != nil {
		return err
	}
	defer a.keepers.Close()
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
	stage := parts.Stages(a.config.Generation, a.config.Epoch)[0]
	stage.Partitions = n
	keeper, err := a.keepers.Keeper(ctx, a.client, stage)
	if err != nil {
		return err
	}
	a.health.Ready("start")
	a.log.Info("folding", zap.String("from", from), zap.String("to", to), zap.Int("partitions", n), zap.String("state", a.keepers.Dir))
	plan, err := a.keepers.Plan(ctx, a.config.Epoch)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	pool := &stream.Pool[visitor.Output]{
		Config:  stream.Config{FlushEvery: a.config.FlushEvery, Recycle: true, FailPoint: boot.FailPoint, PoisonPerMinute: a.config.PoisonPerMinute},
		Metrics: a.metrics,
		Open: func(ctx context.Context, p int32) (stream.Part[visitor.Output], error) {
			return a.open(ctx, keeper, plan, p, newLanes(a.client, to, n, p))
		},
		Reader:  kafka.NewReader(a.client, kafka.ReaderConfig{Topic: from}),
		Watcher: keeper,
	}
	own, err := a.client.Ownership(kafka.Share{Form: a.config.Ownership, Group: keeper.Group(), Topic: from, Partitions: n,
		Instance: a.instance, Stored: keeper.Stored, Joined: keeper.Joined})
	if err != nil {
		return err
	}
	g.Go(func() error { return pool.Run(ctx) })
	g.Go(func() error { return own.Run(ctx, pool) })
	return g.Wait()
}

// open restores the fold of one partition from its store.
func (a *app) open(ctx context.Context, k *parts.Keeper, plan parts.Plan, p int32, out *lanes) (part stream.Part[visitor.Output], err error) {
	st, err := k.Open(ctx, p)
	if err != nil {
		return part, err
	}
	f := visitor.NewFold(k.Topic, k.Generation, uint32(p))
	if err := f.Load(st, st.Position().Next); err != nil {
		return part, errors.Join(fmt.Errorf("restore: %w", err), st.Close())
	}
	return stream.Part[visitor.Output]{Fold: &restated{f, plan.Stores}, Store: st, Sink: out, Gap: st.Gap, Committed: st.Committed, Background: func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return out.run(ctx) })
		g.Go(func() error { return st.Background(ctx) })
		return g.Wait()
	}}, nil
}
