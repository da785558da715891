package main

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/collect"
	"github.com/tributary-data/tributary/pkg/kafka"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// How often ticks and configs are written.
const (
	tickEvery   = time.Second
	configEvery = time.Hour
)

// broadcaster writes control records to every partition of events.
type broadcaster struct {
	events  *kafka.Producer
	clock   collect.Clock
	configs []*pb.Record
	log     *zap.Logger
}

// tick tells every partition what time it is.
func (b *broadcaster) tick(ctx context.Context) error {
	now, flags, ok := b.clock.Now()
	if !ok {
		return nil
	}
	rec := &pb.Record{Kind: pb.Kind_KIND_TICK, IngestTs: now.UnixMilli(), Flags: flags, Body: &pb.Record_Tick{Tick: &pb.Tick{}}}
	return b.toAll(ctx, rec)
}

// config tells every partition what the stores' events mean. The same id again changes nothing.
func (b *broadcaster) config(ctx context.Context) error {
	now, flags, _ := b.clock.Now()
	for _, c := range b.configs {
		rec := c.CloneVT()
		rec.IngestTs, rec.Flags = now.UnixMilli(), flags
		if err := b.toAll(ctx, rec); err != nil {
			return fmt.Errorf("config of store %s: %w", c.Store, err)
		}
	}
	return nil
}

func (b *broadcaster) toAll(ctx context.Context, rec *pb.Record) error {
	value, err := rec.MarshalVT()
	if err != nil {
		return fmt.Errorf("encode %s: %w", rec.Kind, err)
	}
	all := make(map[int][]kafka.Message, b.events.Partitions())
	for p := range b.events.Partitions() {
		all[p] = []kafka.Message{{Value: value}}
	}
	return b.events.Write(ctx, all)
}

// run writes ticks each second and configs each hour, on the wall clock. A tick that cannot be written is not made up
// for: the next one says more.
func (b *broadcaster) run(ctx context.Context) error {
	ticks, configs := time.NewTicker(tickEvery), time.NewTicker(configEvery)
	defer ticks.Stop()
	defer configs.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
			err = b.tick(ctx)
		case <-configs.C:
			err = b.config(ctx)
		}
		if err != nil && ctx.Err() == nil {
			b.log.Warn("a control record was not written", zap.Error(err))
		}
	}
}
