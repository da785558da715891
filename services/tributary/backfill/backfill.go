// Package backfill counts a funnel's version for the time before it came into force, from the sessions that are final, with the same pure
// matcher as the stream. It writes cells of stage backfill; the views show them where a backfill is complete, and the older version's
// no more, so that no window counts twice.
package backfill

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/funnel"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/internal/recount"
)

// Database is what is read and written.
type Database interface {
	recount.Database
	Insert(ctx context.Context, in clickhouse.Insert) error
}

// Job is one backfill.
type Job struct {
	DB            Database
	Store, Funnel string
	// Version; 0: the newest.
	Version uint16
	// From; zero: the first session of the store.
	From time.Time
	// Progress is told of each day that is done.
	Progress func(done, from, to time.Time)
	// Now stamps rows: of two that say the same a later one replaces an earlier one.
	Now func() time.Time
}

// Result of a run.
type Result struct {
	Version  uint16    `json:"funnel_version"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	InForce  time.Time `json:"in_force_from"`
	Sessions int64     `json:"sessions"`
	Cells    int64     `json:"cells"`
	// Rest says that windows between To and InForce are not final yet: run it again later.
	Rest bool `json:"rest"`
}

// ErrNothing says that there is nothing to count.
var ErrNothing = errors.New("there is nothing to backfill")

// span is what was counted of a version, as the table has it.
type span struct {
	from, to, done time.Time
	complete       bool
}

var (
	cellTable = clickhouse.Table{Name: "tributary.funnel_cells", Columns: "epoch, store, stage, funnel, funnel_version, basis, window_seconds, window_start, breakdown, values, " +
		"class, generation, partition, version, units, implied, observed_value, open_units, time_to_step"}
	spanTable = clickhouse.Table{Name: "tributary.backfills", Columns: "epoch, store, funnel, funnel_version, from_ts, to_ts, done_through, complete, version"}
)

// Run counts day by day, goes on where an earlier run was interrupted, and makes what it counted visible at its end.
func (j *Job) Run(ctx context.Context) (r Result, err error) {
	p, err := j.plan(ctx)
	if err != nil {
		return r, err
	}
	r = Result{Version: p.definition.Version, From: p.from, To: p.to, InForce: p.inForce, Rest: p.to.Before(p.inForce)}
	for at := p.start; at.Before(p.to); {
		next := at.Truncate(24 * time.Hour).Add(24 * time.Hour)
		if next.After(p.to) {
			next = p.to
		}
		sessions, cells, err := j.day(ctx, p, at, next)
		if err != nil {
			return r, err
		}
		r.Sessions, r.Cells = r.Sessions+sessions, r.Cells+cells
		// What was visible stays so while a run extends it.
		if err := j.mark(ctx, p, span{p.shown.from, p.shown.to, next, p.shown.complete}); err != nil {
			return r, err
		}
		at = next
		if j.Progress != nil {
			j.Progress(at, p.start, p.to)
		}
	}
	return r, j.mark(ctx, p, span{p.from, p.to, p.to, true})
}

// day counts the cells of one day, or a part of one, and writes them. A session may reach the first step long after it began.
func (j *Job) day(ctx context.Context, p *plan, from, to time.Time) (sessions, written int64, err error) {
	cells := recount.Cells{}
	err = recount.Sessions(ctx, j.DB, j.Store, from.Add(-24*time.Hour), to, func(s *pb.Session) {
		if s.StartedAt < p.inForce.UnixMilli() { // what began later was counted by the stream
			sessions++
			cells.Add(j.Store, p.definition, s)
		}
	})
	if err != nil {
		return 0, 0, err
	}
	maps.DeleteFunc(cells, func(k funnel.Key, c *funnel.Cell) bool { return k.Start < from.Unix() || k.Start >= to.Unix() })
	in := clickhouse.Insert{Table: &cellTable}
	version := uint64(j.Now().UnixMicro())
	for _, k := range slices.SortedFunc(maps.Keys(cells), funnel.Key.Compare) {
		c := cells[k]
		times := make([]map[int16]int64, len(c.Times))
		for i := range times {
			if times[i] = c.Times[i]; times[i] == nil {
				times[i] = map[int16]int64{}
			}
		}
		in.Rows = append(in.Rows, []any{p.epoch, j.Store, "backfill", k.Funnel, k.Version, k.Basis, uint32(k.Window), time.Unix(k.Start, 0).UTC(), k.Breakdown,
			strings.Split(k.Values, "\x00"), k.Class, uint8(0), uint16(0), version, c.Units, c.Implied, c.Value, c.Open, times})
	}
	if len(in.Rows) == 0 {
		return sessions, 0, nil
	}
	if err := j.DB.Insert(ctx, in); err != nil {
		return 0, 0, fmt.Errorf("write the cells of %s: %w", from.Format(time.DateOnly), err)
	}
	return sessions, int64(len(in.Rows)), nil
}

// mark writes how far the backfill has come, and what of it is visible.
func (j *Job) mark(ctx context.Context, p *plan, s span) error {
	complete := uint8(0)
	if s.complete {
		complete = 1
	}
	row := []any{p.epoch, j.Store, j.Funnel, p.definition.Version, s.from, s.to, s.done, complete, uint64(j.Now().UnixMicro())}
	if err := j.DB.Insert(ctx, clickhouse.Insert{Table: &spanTable, Rows: [][]any{row}}); err != nil {
		return fmt.Errorf("note how far the backfill has come: %w", err)
	}
	return nil
}
