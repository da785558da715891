package backfill

import (
	"context"
	"fmt"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/funnel"
	"github.com/tributary-data/tributary/services/internal/recount"
)

// plan of a run.
type plan struct {
	epoch      uint16
	definition *funnel.Definition
	// inForce is when the version came into force: the stream counts from there on.
	inForce time.Time
	// from and to are what is visible at the end, start is where this run begins.
	from, to, start time.Time
	shown           span
}

func (j *Job) plan(ctx context.Context) (*plan, error) {
	p := &plan{}
	if err := j.define(ctx, p); err != nil {
		return nil, err
	}
	var final, first time.Time
	params := clickhouse.Params{"store": j.Store, "funnel": j.Funnel, "version": fmt.Sprint(p.definition.Version)}
	err := j.DB.EachBound(ctx, `SELECT (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL),
			assumeNotNull((SELECT max(final_through) FROM bi.completeness WHERE stage = 'sessions')),
			assumeNotNull((SELECT min(started_at) FROM tributary.sessions FINAL WHERE deleted = 0 AND store = {store:String}))`, params,
		func(scan func(...any) error) error {
			var epoch *uint16
			if err := scan(&epoch, &final, &first); err != nil {
				return err
			}
			if epoch != nil {
				p.epoch = *epoch
			}
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read what is final: %w", err)
	}
	err = j.DB.EachBound(ctx, `SELECT from_ts, to_ts, done_through, complete FROM tributary.backfills FINAL WHERE epoch = `+fmt.Sprint(p.epoch)+`
		AND store = {store:String} AND funnel = {funnel:String} AND funnel_version = {version:UInt16}`, params, func(scan func(...any) error) error {
		var complete uint8
		err := scan(&p.shown.from, &p.shown.to, &p.shown.done, &complete)
		p.shown.complete = complete == 1
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read how far it was: %w", err)
	}
	return p, j.bound(p, final, first)
}

// define finds the version's definition and when it came into force.
func (j *Job) define(ctx context.Context, p *plan) error {
	lines, err := recount.Timelines(ctx, j.DB)
	if err != nil {
		return err
	}
	line := lines[j.Store]
	if line == nil {
		return fmt.Errorf("%w: no store is named %s", ErrNothing, j.Store)
	}
	for _, set := range *line { // in the order in which they come into force: the first that has a version brought it
		for _, d := range recount.Definitions(set.File) {
			better := p.definition == nil || d.Version > p.definition.Version
			if d.Name == j.Funnel && (j.Version == 0 && better || d.Version == j.Version && p.definition == nil) {
				p.definition, p.inForce = d, time.UnixMilli(set.From).UTC()
			}
		}
	}
	switch {
	case p.definition == nil:
		return fmt.Errorf("%w: store %s has no funnel %s with that version", ErrNothing, j.Store, j.Funnel)
	case p.inForce.Unix() <= 0:
		return fmt.Errorf("%w: version %d of %s has counted since the first event", ErrNothing, p.definition.Version, j.Funnel)
	}
	return nil
}

// bound the run: only windows that are final, from where an interrupted run was.
func (j *Job) bound(p *plan, final, first time.Time) error {
	const window = 15 * time.Minute
	p.to = p.inForce
	if end := final.UTC().Truncate(window); end.Before(p.to) {
		p.to = end
	}
	p.from = j.From.UTC().Truncate(window)
	if j.From.IsZero() {
		p.from = first.UTC().Truncate(window)
	}
	p.start = p.from
	known := !p.shown.done.IsZero() && p.shown.done.Unix() > 0
	switch {
	case known && p.shown.complete && !p.from.Before(p.shown.from): // more of it is final now
		p.from, p.start = p.shown.from, p.shown.done
	case known && !p.shown.complete && p.shown.from.Equal(p.from): // it was interrupted
		p.start = p.shown.done
	}
	if !p.shown.complete {
		p.shown.from, p.shown.to = p.from, p.from
	}
	if !p.start.Before(p.to) {
		return fmt.Errorf("%w: up to %s all is counted; version %d is in force from %s, and %s is final so far", ErrNothing, p.start.Format(time.DateTime),
			p.definition.Version, p.inForce.Format(time.DateTime), final.UTC().Format(time.DateTime))
	}
	return nil
}
