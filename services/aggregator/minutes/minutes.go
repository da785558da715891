// Package minutes drops the cells of one minute when their days are three days behind the final mark. Whole partitions
// go, by the mark in the log and no clock, so a replay that brings them back has them dropped again.
package minutes

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/services/internal/turns"
)

// Database is what the dropper needs of ClickHouse.
type Database interface {
	Exec(ctx context.Context, statement string) error
	Each(ctx context.Context, query string, row func(scan func(dest ...any) error) error) error
}

// every is how often to look. It decides when room is freed, and nothing else.
const every = time.Minute

// keep is how long minutes are kept behind the mark.
const keep = 72 * time.Hour

// expired lists the days whose minutes all end before the mark less what is kept.
const expired = `SELECT DISTINCT toString(toDate(window_start, 'UTC')) AS day FROM tributary.funnel_cells
	WHERE window_seconds = 60 AND toDate(window_start, 'UTC') < toDate(
		ifNull((SELECT max(final_through) FROM bi.completeness WHERE stage = 'sessions'), toDateTime64(0, 3, 'UTC')) - toIntervalSecond(%d), 'UTC') ORDER BY day`

// Dropper drops old minutes.
type Dropper struct {
	db  Database
	log *zap.Logger
}

// New prepares a dropper; Run starts it.
func New(db Database, log *zap.Logger) *Dropper { return &Dropper{db: db, log: log} }

// Run looks every minute until ctx ends. What fails is tried again at the next look.
func (d *Dropper) Run(ctx context.Context) error {
	return turns.Every(ctx, every, d.log, "old minutes were not dropped", func(ctx context.Context) error {
		days, err := d.Drop(ctx)
		if err == nil && len(days) > 0 {
			d.log.Info("dropped old minutes", zap.Strings("days", days))
		}
		return err
	})
}

// Drop drops what is expired now, and returns the days.
func (d *Dropper) Drop(ctx context.Context) (days []string, err error) {
	err = d.db.Each(ctx, fmt.Sprintf(expired, int(keep.Seconds())), func(scan func(...any) error) error {
		var day string
		err := scan(&day)
		days = append(days, day)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list old minutes: %w", err)
	}
	for _, day := range days {
		if err := d.db.Exec(ctx, fmt.Sprintf("ALTER TABLE tributary.funnel_cells DROP PARTITION ('%s', 60)", day)); err != nil {
			return nil, fmt.Errorf("drop the minutes of %s: %w", day, err)
		}
	}
	return days, nil
}
