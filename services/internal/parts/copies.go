package parts

import (
	"context"
	"errors"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/services/internal/boot"
)

const (
	// keepCopies of a partition, and what is younger than checkpoint.MinAge.
	keepCopies = 3
	// collectEvery so many uploads the old ones are deleted.
	collectEvery = 30
)

// Steps at which a crash can be planted, beside those of the loop.
const (
	StepTaken    = "taken"    // a checkpoint lies on the disk, and is not in the bucket
	StepUploaded = "uploaded" // its manifest is in the bucket
)

// pass is a step at which a crash can be planted.
func pass(step string) {
	if at := failPoint; at != nil {
		_ = at(step) // it ends the process, or does nothing
	}
}

// failPoint is nil in builds without fail points.
var failPoint func(step string) error = boot.FailPoint

// copies uploads checkpoints of one partition while it is folded.
type copies struct {
	of    *Opened
	due   time.Time
	taken chan taken // one waits at most: the next is newer
	prev  *checkpoint.Manifest
	count int
}

// taken is a checkpoint on the disk.
type taken struct {
	dir   string
	point checkpoint.Point
}

func newCopies(o *Opened) *copies {
	k := o.keeper
	first := time.Duration(0)
	if k.Partitions > 0 { // spread over the interval, so that not all partitions copy at once
		first = k.Every * time.Duration(o.partition+1) / time.Duration(k.Partitions)
	}
	return &copies{of: o, due: time.Now().Add(first), taken: make(chan taken, 1)}
}

// Committed takes a checkpoint when one is due. It is called in the loop's goroutine: the store is at that commit.
func (o *Opened) Committed(p stream.Progress) {
	c, k := o.copies, o.keeper
	if k.Every <= 0 || time.Now().Before(c.due) || len(c.taken) > 0 {
		return
	}
	c.due = time.Now().Add(k.Every)
	dir := k.copyOf(o.partition)
	if _, err := os.Stat(dir); err == nil {
		return // the last one is still on its way
	}
	if err := o.Checkpoint(dir); err != nil {
		k.Log.Warn("no checkpoint was taken", zap.String("partition", k.part(o.partition)), zap.Error(errors.Join(err, os.RemoveAll(dir))))
		return
	}
	c.taken <- taken{dir: dir, point: checkpoint.Point{Next: p.Next, LastOffset: p.LastOffset, LastHash: p.LastHash, LeaderEpoch: p.LeaderEpoch,
		Watermark: p.Watermark, At: p.At}}
}

// errRebuild ends the folding of a partition that is to be rebuilt.
var errRebuild = errors.New("an operator decided to make the state anew from the log's start")

// Background uploads checkpoints, and looks for decisions to rebuild, until ctx ends. What was taken and not uploaded is left to the
// next one.
func (o *Opened) Background(ctx context.Context) error {
	defer os.RemoveAll(o.keeper.copyOf(o.partition)) // what is left all the same goes with the next start
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case t := <-o.copies.taken:
			o.copies.upload(ctx, t)
		case <-look.C:
			n, err := o.keeper.rebuildsOf(ctx, o.partition, false)
			if err == nil && n > o.rebuilds { // a bucket that does not answer now does later
				return errRebuild
			}
		}
	}
}

// upload puts a checkpoint into the bucket. One that fails is no reason to stop folding: the next one takes its place.
func (c *copies) upload(ctx context.Context, t taken) {
	k, o := c.of.keeper, c.of
	defer os.RemoveAll(t.dir)
	pass(StepTaken)
	began := time.Now()
	m, moved, err := k.Vault.Upload(ctx, t.dir, k.source(o.partition, o.rebuilds), t.point, o.Lineage(), c.prev)
	if ctx.Err() != nil {
		return
	}
	k.Metrics.uploaded(o.partition, moved, err)
	if err != nil {
		k.Log.Warn("a checkpoint was not uploaded", zap.String("partition", k.part(o.partition)), zap.Error(err))
		return
	}
	k.Log.Debug("uploaded a checkpoint", zap.String("partition", k.part(o.partition)), zap.Int64("next", m.Next), zap.Int64("bytes", moved), zap.Duration("took", time.Since(began)))
	pass(StepUploaded)
	c.prev = &m
	if c.count++; c.count%collectEvery == 1 {
		if _, err := k.Vault.Collect(ctx, m.Source, keepCopies, checkpoint.MinAge, time.Now()); err != nil && ctx.Err() == nil {
			k.Log.Warn("old checkpoints were not deleted", zap.String("partition", k.part(o.partition)), zap.Error(err))
		}
	}
}
