// Package turns does something again and again, with a pause between.
package turns

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// Every does a turn after each pause until ctx ends; a pause of 0 never. A turn that fails is logged under failed, and the next one tries again.
func Every(ctx context.Context, pause time.Duration, log *zap.Logger, failed string, turn func(context.Context) error) error {
	if pause <= 0 {
		return nil
	}
	t := time.NewTicker(pause)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if err := turn(ctx); err != nil && ctx.Err() == nil {
			log.Warn(failed, zap.Error(err))
		}
	}
}
