package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/collect"
	"github.com/tributary-data/tributary/pkg/kafka"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/internal/storeconf"
)

// How often ticks and configs are written.
const (
	tickEvery   = time.Second
	configEvery = time.Hour
	openEvery   = 30 * time.Second
)

// broadcaster writes control records to every partition of events.
type broadcaster struct {
	events *kafka.Producer
	clock  collect.Clock
	conf   storeconf.Log
	files  []storeFile
	log    *zap.Logger
	look   time.Duration // how often to look whether a closed store was applied meanwhile
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

// open brings the stores' files to every partition, where that is ours to do, and opens the stores that every partition
// knows. It reports how many stay closed.
func (b *broadcaster) open(ctx context.Context) (closed int, err error) {
	now, _, _ := b.clock.Now()
	for _, f := range b.files {
		if f.open.Load() {
			continue
		}
		s, known, _, err := b.conf.Plan(ctx, f.file, now)
		if errors.Is(err, storeconf.ErrSameVersion) {
			closed++
			b.log.Error("this store takes no events: its file cannot be applied", zap.String("store", f.name), zap.String("file", f.path), zap.Error(err))
			continue
		}
		if err != nil {
			return closed, err
		}
		if fresh := s.From == 0; fresh || begun(known, s.ID) {
			r, err := b.conf.Apply(ctx, f.file, now, nil)
			if err != nil {
				return closed, err
			}
			if r.Replaced {
				b.log.Warn("a later file of this store counts: give ingest that one", zap.String("store", f.name), zap.String("file", f.path))
			}
			f.open.Store(true)
			continue
		}
		closed++
		b.log.Error("this store takes no events, its file changed", zap.String("store", f.name), zap.String("error", "apply it with: tributary store apply "+f.path))
	}
	return closed, nil
}

// begun tells whether some partition has the setting: then applying it is only to be finished.
func begun(known [][]storeconf.Setting, id string) bool {
	for _, list := range known {
		for _, s := range list {
			if s.ID == id {
				return true
			}
		}
	}
	return false
}

// repeat writes the stores' settings again, so that no retention forgets them.
func (b *broadcaster) repeat(ctx context.Context) error {
	for _, f := range b.files {
		if f.open.Load() {
			if err := b.conf.Repeat(ctx, f.name, f.file); err != nil {
				return err
			}
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

// run writes ticks each second and configs each hour, on the wall clock, and looks after stores that are still closed. A
// tick that cannot be written is not made up for: the next one says more.
func (b *broadcaster) run(ctx context.Context, closed int) error {
	ticks, configs, opens := time.NewTicker(tickEvery), time.NewTicker(configEvery), time.NewTicker(b.look)
	defer ticks.Stop()
	defer configs.Stop()
	defer opens.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
			err = b.tick(ctx)
		case <-configs.C:
			err = b.repeat(ctx)
		case <-opens.C:
			if closed > 0 {
				closed, err = b.open(ctx)
			}
		}
		if err != nil && ctx.Err() == nil {
			b.log.Warn("a control record was not written", zap.Error(err))
		}
	}
}
