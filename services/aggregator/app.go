package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/aggregator/cells"
	"github.com/tributary-data/tributary/services/aggregator/facts"
	"github.com/tributary-data/tributary/services/aggregator/letters"
	"github.com/tributary-data/tributary/services/aggregator/minutes"
	"github.com/tributary-data/tributary/services/aggregator/table"
	"github.com/tributary-data/tributary/services/internal/boot"
	"github.com/tributary-data/tributary/services/internal/diagnosis"
	"github.com/tributary-data/tributary/services/internal/parts"
	"github.com/tributary-data/tributary/services/internal/reconcile"
)

// app is the aggregator, built and not started.
type app struct {
	config   Config
	instance string
	keepers  *parts.Keepers
	log      *zap.Logger
	client   *kafka.Client
	db       *clickhouse.DB
	health   *obs.Health
	registry *prometheus.Registry
}

// New builds the aggregator from its settings; it dials nothing.
func New(c Config, log *zap.Logger) (boot.Runner, error) {
	c.Kafka.Waiting = func(why error) { log.Warn("waiting for Kafka", zap.Error(why)) }
	client, err := kafka.NewClient(c.Kafka)
	if err != nil {
		return nil, err
	}
	c.ClickHouse.Waiting = func(why error) { log.Warn("waiting for ClickHouse", zap.Error(why)) }
	db, err := clickhouse.Open(c.ClickHouse)
	if err != nil {
		return nil, err
	}
	if err := kafka.CheckOwnership(c.Ownership); err != nil {
		return nil, err
	}
	dir, err := boot.StateDir(c.StateDir, "aggregator")
	if err != nil {
		return nil, err
	}
	instance, err := boot.Instance(c.Instance, dir)
	if err != nil {
		return nil, err
	}
	health, r := &obs.Health{}, obs.NewRegistry()
	return &app{config: c, instance: instance, log: log, client: client, db: db, health: health, registry: r,
		keepers: parts.NewKeepers(c.Parts, dir, health, log, r)}, nil
}

// Run folds until ctx ends. It does not flush then: stopping is the same path as crashing.
func (a *app) Run(ctx context.Context) error {
	defer a.client.Close()
	defer a.db.Close()
	a.health.Unready("start", "Kafka's topics or ClickHouse's tables do not answer yet")
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

// fold runs all stages with one writer, so that their flushes share inserts.
func (a *app) fold(ctx context.Context) error {
	events, sessions := schemas.TopicEvents(a.config.Generation), schemas.TopicSessions(a.config.Generation, a.config.Epoch)
	n, err := a.client.SamePartitions(ctx, events, sessions, schemas.TopicDeadLetters)
	if err != nil {
		return err
	}
	if err := a.db.WaitTable(ctx, table.Progress.Name); err != nil {
		return err
	}
	a.health.Ready("start")
	a.log.Info("folding", zap.Strings("from", []string{events, sessions, schemas.TopicDeadLetters}), zap.Int("partitions", n), zap.String("state", a.keepers.Dir))
	writer := clickhouse.NewWriter(a.db, a.log)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return writer.Run(ctx) })
	folds := map[string]func(p int32) fold{
		parts.StageEvents:   func(p int32) fold { return facts.New(a.config.Epoch, a.config.Generation, uint16(p)) },
		parts.StageSessions: func(p int32) fold { return cells.New(a.config.Epoch, a.config.Generation, uint16(p)) },
		parts.StageLetters:  func(p int32) fold { return letters.New(a.config.Epoch, a.config.Generation, uint16(p)) },
	}
	for _, stage := range parts.Stages(a.config.Generation, a.config.Epoch) {
		make := folds[stage.Name]
		if make == nil {
			continue // another service's
		}
		stage.Partitions = n
		keeper, err := a.keepers.Keeper(ctx, a.client, stage)
		if err != nil {
			return err
		}
		own, err := a.client.Ownership(kafka.Share{Form: a.config.Ownership, Group: keeper.Group(), Topic: stage.Topic, Partitions: n,
			Instance: a.instance, Stored: keeper.Stored, Joined: keeper.Joined})
		if err != nil {
			return err
		}
		pool := a.pool(keeper, writer, make)
		g.Go(func() error { return pool.Run(ctx) })
		g.Go(func() error { return own.Run(ctx, pool) })
	}
	g.Go(func() error { return minutes.New(a.db, a.log).Run(ctx) })
	g.Go(func() error { return reconcile.NewSchedule(a.db, a.config.ReconcileEvery, a.log, a.registry).Run(ctx) })
	g.Go(func() error {
		return (&diagnosis.Schedule{DB: a.db, Every: a.config.DiagnoseEvery, Log: a.log}).Run(ctx)
	})
	return g.Wait()
}

// fold is what all stages are.
type fold interface {
	stream.Fold[clickhouse.Submission]
	Load(r stream.StateReader, next int64) error
}

func (a *app) pool(k *parts.Keeper, w *clickhouse.Writer, make func(p int32) fold) *stream.Pool[clickhouse.Submission] {
	return &stream.Pool[clickhouse.Submission]{
		Config:  stream.Config{FlushEvery: a.config.FlushEvery, FailPoint: boot.FailPoint, PoisonPerMinute: a.config.PoisonPerMinute},
		Metrics: stream.NewMetrics(a.registry, k.Name),
		Open: func(ctx context.Context, p int32) (part stream.Part[clickhouse.Submission], err error) {
			st, err := k.Open(ctx, p)
			if err != nil {
				return part, err
			}
			f := make(p)
			if err := f.Load(st, st.Position().Next); err != nil {
				return part, errors.Join(fmt.Errorf("restore: %w", err), st.Close())
			}
			return stream.Part[clickhouse.Submission]{Fold: f, Store: st, Sink: w, Gap: st.Gap, Committed: st.Committed, Background: st.Background}, nil
		},
		Reader:  kafka.NewReader(a.client, kafka.ReaderConfig{Topic: k.Topic}),
		Watcher: k,
	}
}
