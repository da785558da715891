package stream

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// Reader fetches many partitions; Source must exist for each that it was made for.
type Reader interface {
	Run(ctx context.Context) error
	Source(partition int32) Source
}

// Part is what it takes to fold one partition.
type Part[O any] struct {
	Fold  Fold[O]
	Sink  Sink[O]
	Store OwnedStore
}

// OwnedStore is a Store with an end.
type OwnedStore interface {
	Store
	Close() error
}

// Group folds partitions of one topic side by side.
type Group[O any] struct {
	// Config of every loop; Metrics adds what it is told of.
	Config  Config
	Metrics *Metrics
	// Open makes the part of a partition, restored from its store.
	Open func(partition int32) (Part[O], error)
	// Read makes a reader of the partitions, each from its offset.
	Read func(from map[int32]int64) Reader
}

// Run opens the partitions, folds them until ctx ends or one of them fails, and closes them.
func (g Group[O]) Run(ctx context.Context, partitions []int32) (err error) {
	parts, from := map[int32]Part[O]{}, map[int32]int64{}
	defer func() {
		for p, part := range parts {
			if cerr := part.Store.Close(); cerr != nil {
				err = errors.Join(err, fmt.Errorf("close state of partition %d: %w", p, cerr))
			}
		}
	}()
	for _, p := range partitions {
		part, err := g.Open(p)
		if err != nil {
			return fmt.Errorf("open partition %d: %w", p, err)
		}
		parts[p], from[p] = part, part.Store.Next()
	}
	reader := g.Read(from)
	tasks, tctx := errgroup.WithContext(ctx)
	tasks.Go(func() error { return reader.Run(tctx) })
	for p, part := range parts {
		c := g.Config
		c.Progress = g.Metrics.progress(p, part.Store.Next())
		loop := NewLoop(c, reader.Source(p), part.Fold, part.Sink, part.Store)
		tasks.Go(func() error {
			if err := loop.Run(tctx); err != nil {
				return fmt.Errorf("partition %d: %w", p, err)
			}
			return nil
		})
	}
	return tasks.Wait()
}
