package demo

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/tributary-data/tributary/pkg/sim"
)

// clock is ingest's driven clock. It remembers where it stands: an ingest that was started again knows no time, and
// takes no event, until it is told.
type clock struct {
	sim.HTTPClock
	last atomic.Int64 // Unix milliseconds; 0 = never set
}

// Set moves the clock.
func (c *clock) Set(ctx context.Context, now time.Time) error {
	c.last.Store(now.UnixMilli())
	return c.HTTPClock.Set(ctx, now)
}

// again tells the time to an ingest that was started again. What cannot be told now is told by the next Set, and if there
// is none, the sender will say that ingest takes nothing.
func (c *clock) again(ctx context.Context) (told bool) {
	ms := c.last.Load()
	return ms > 0 && c.HTTPClock.Set(ctx, time.UnixMilli(ms)) == nil
}

var _ sim.Clock = (*clock)(nil)
