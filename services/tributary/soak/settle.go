package soak

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tributary-data/tributary/services/internal/parts"
	"github.com/tributary-data/tributary/services/tributary/lag"
)

// stuckAfter is how long the stages may stand still before the soak says that they hang.
const stuckAfter = 90 * time.Second

// settled waits until every stage of the epoch has folded everything that is in its topic, with nothing new in between: what the
// stages wrote on the way counts too. Ingest must be stopped.
func (f *fleet) settled(ctx context.Context, epoch uint16, say func(format string, args ...any)) error {
	var was, moved int64 = -1, 0
	since, told, quiet := time.Now(), time.Now(), 0
	for quiet < 2 {
		rows, err := lag.Read(ctx, f.client, parts.Stages(0, epoch), time.Now())
		if err != nil && ctx.Err() != nil {
			return err
		}
		behind, sum := int64(0), int64(0)
		for _, r := range rows {
			behind += r.Records
			sum += r.Last + max(r.Next, 0)
		}
		if moved != sum {
			moved, since = sum, time.Now()
		}
		if quiet++; err != nil || behind > 0 || was != sum {
			quiet = 0
		}
		was = sum
		if time.Since(since) > stuckAfter && quiet == 0 {
			return fmt.Errorf("the stages of epoch %d stand still for %s, %d records behind (%v): %s", epoch, stuckAfter, behind, err, listed(rows))
		}
		if time.Since(told) > tellEvery {
			told = time.Now()
			say("epoch %d is %d records behind", epoch, behind)
		}
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// listed names the partitions that are behind.
func listed(rows []lag.Row) string {
	var out []string
	for _, r := range rows {
		if r.Records > 0 {
			out = append(out, fmt.Sprintf("%s/%d at %d of %d, last committed by %s", r.Stage, r.Partition, r.Next, r.Last, r.Instance))
		}
	}
	return strings.Join(out, "; ")
}
