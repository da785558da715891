// Package reconcile recounts what is stored from what it was made of, and tells where the two differ: records from events, sessions from
// events, cells from sessions (design §5).
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/services/internal/recount"
)

// Checks by name.
const (
	// CheckIntake: of each hour and partition, records = distinct events + repeats + reused ids, and the events are there.
	CheckIntake = "intake"
	// CheckSessions: runs of events without a pause, against the sessions that lie in them: start, end, events. A run is what the session
	// gap alone cuts; where user switches and split rules cut it further, its sessions must add up to it.
	CheckSessions = "sessions"
	// CheckCells: final cells by entry, against the sessions that they count.
	CheckCells = "cells"
)

// Checks in their order.
func Checks() []string { return []string{CheckIntake, CheckSessions, CheckCells} }

// Database is what is read from and written to.
type Database interface {
	recount.Database
	Insert(ctx context.Context, in clickhouse.Insert) error
}

// Finding is one difference.
type Finding struct {
	Check string `json:"check"`
	Store string `json:"store"`
	// Window is the hour, the start of the run, or the start of the cell's window.
	Window time.Time `json:"window"`
	// Key says which one, and names no person.
	Key       string `json:"key"`
	Stored    string `json:"stored"`
	Recounted string `json:"recounted"`
}

// String is one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s: store %s, %s, %s: stored %s, recounted %s", f.Check, f.Store, f.Window.UTC().Format("2006-01-02 15:04:05.000"), f.Key, f.Stored, f.Recounted)
}

// Result of one check.
type Result struct {
	Check string    `json:"check"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	// Compared things, and how many differ. Findings are the first of these.
	Compared    int64         `json:"compared"`
	Differences int64         `json:"differences"`
	Took        time.Duration `json:"took_ns"`
	Findings    []Finding     `json:"findings,omitempty"`
}

// most findings of a check that are kept.
const most = 100

func (r *Result) differ(f Finding) {
	r.Differences++
	if len(r.Findings) < most {
		r.Findings = append(r.Findings, f)
	}
}

// Job is what to recount.
type Job struct {
	DB Database
	// Store; empty: all of them.
	Store string
	// From and To bound the time; zero: the last 24 hours that are final. What is not final is left out.
	From, To time.Time
	// Progress is told of each check as it begins.
	Progress func(check string)
}

// ErrStore says that no store has the name.
var ErrStore = errors.New("there is no such store")

// Run runs all checks.
func (j Job) Run(ctx context.Context) (out []Result, err error) {
	if j.Store != "" {
		lines, err := recount.Timelines(ctx, j.DB)
		if err != nil {
			return nil, err
		}
		if lines[j.Store] == nil {
			return nil, fmt.Errorf("%w: %s; there are %s", ErrStore, j.Store, strings.Join(sortedStores(lines, ""), ", "))
		}
	}
	marks := map[string]struct{ processed, final time.Time }{}
	err = j.DB.EachBound(ctx, "SELECT toString(stage), processed_through, final_through FROM bi.completeness", nil, func(scan func(...any) error) error {
		var stage string
		var processed, final time.Time
		err := scan(&stage, &processed, &final)
		marks[stage] = struct{ processed, final time.Time }{processed, final}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read how far processing has come: %w", err)
	}
	for _, c := range []struct {
		name  string
		end   time.Time
		round time.Duration
		run   func(ctx context.Context, r *Result) error
	}{
		{CheckIntake, marks["events"].processed, time.Hour, j.intake},
		{CheckSessions, marks["sessions"].final, time.Millisecond, j.sessions},
		{CheckCells, marks["sessions"].final, 15 * time.Minute, j.cells},
	} {
		if j.Progress != nil {
			j.Progress(c.name)
		}
		began := time.Now()
		r := Result{Check: c.name}
		if r.From, r.To = j.span(c.end, c.round); r.From.Before(r.To) {
			if err := c.run(ctx, &r); err != nil {
				return nil, fmt.Errorf("recount %s: %w", c.name, err)
			}
		}
		r.Took = time.Since(began)
		out = append(out, r)
	}
	return out, nil
}

// span of a check whose data is there until end, in whole units.
func (j Job) span(end time.Time, unit time.Duration) (from, to time.Time) {
	if end.Unix() <= 0 {
		return time.Time{}, time.Time{}
	}
	to = end.UTC()
	if !j.To.IsZero() && j.To.Before(to) {
		to = j.To.UTC()
	}
	to = to.Truncate(unit)
	from = to.Add(-24 * time.Hour)
	if !j.From.IsZero() {
		from = j.From.UTC().Truncate(unit)
	}
	return from, to
}

func millis(t time.Time) string { return fmt.Sprint(t.UnixMilli()) }

func (j Job) params(r *Result) clickhouse.Params {
	return clickhouse.Params{"store": j.Store, "from": millis(r.From), "to": millis(r.To)}
}
