package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"

	embedded "github.com/tributary-data/tributary/pkg/embedded/clickhouse"
	"github.com/tributary-data/tributary/pkg/sim"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// prepare makes the folder, finds the programs, fetches the engine and plans the day.
func (r *runner) prepare(ctx context.Context) error {
	var err error
	if r.bin, err = binaries(); err != nil {
		return err
	}
	if r.config.Chaos {
		if err := r.linkPrograms(); err != nil {
			return err
		}
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	c := sim.Config{Seed: r.config.Seed, Events: r.config.Events, Day: today.AddDate(0, 0, -daysBack), Days: max(r.config.Days, 1), Clean: r.config.Clean,
		Wall: r.config.Pace, Sabotage: sim.Sabotage(r.config.Sabotage)}
	if c.Incidents, err = incidents(r.config.Incidents, c.Day.AddDate(0, 0, c.Days-1)); err != nil {
		return err
	}
	if r.day, err = sim.Plan(c); err == nil {
		r.stores, err = sim.Stores(c)
	}
	if err != nil {
		return fmt.Errorf("plan the day: %w", err)
	}
	if r.engine, err = r.fetchEngine(ctx); err != nil {
		return err
	}
	if err := r.makeDir(); err != nil {
		return err
	}
	return r.writeStores()
}

// incidents of a day, by kind: they last all of it, an outage 45 minutes at the evening's peak.
func incidents(kinds []string, day time.Time) (out []sim.Incident, err error) {
	for _, name := range kinds {
		k := sim.IncidentKind(name)
		if !slices.Contains(sim.IncidentKinds(), k) {
			return nil, fmt.Errorf("there is no incident %s: use one of %v", name, sim.IncidentKinds())
		}
		i := sim.Incident{Kind: k, From: day, To: day.Add(24 * time.Hour)}
		if k == sim.IncidentCheckoutOutage {
			i.From = day.Add(20 * time.Hour)
			i.To = i.From.Add(45 * time.Minute)
		}
		out = append(out, i)
	}
	return out, nil
}

// Programs finds the services' programs and the engine, which it downloads once, with progress.
func Programs(ctx context.Context) (bin, engine string, err error) {
	if bin, err = binaries(); err != nil {
		return "", "", err
	}
	r := &runner{out: os.Stderr, began: time.Now()}
	engine, err = r.fetchEngine(ctx)
	return bin, engine, err
}

// binaries is the folder of this program, in which the services' programs must be too.
func binaries() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the programs: %w", err)
	}
	dir := filepath.Dir(self)
	for _, p := range []string{"ingest", "sessionizer", "aggregator"} {
		if _, err := os.Stat(filepath.Join(dir, p)); err != nil {
			return "", fmt.Errorf("program %s is not beside %s: build all of them with ./scripts/demo", p, self)
		}
	}
	return dir, nil
}

// chaosPrograms is the folder, beside the programs, of those with fail points.
const chaosPrograms = "chaos"

// linkPrograms puts the programs that have no fail points beside those that have.
func (r *runner) linkPrograms() error {
	dir := filepath.Join(r.bin, chaosPrograms)
	for _, p := range []string{"sessionizer", "aggregator"} {
		if _, err := os.Stat(filepath.Join(dir, p)); err != nil {
			return fmt.Errorf("--chaos needs %s with fail points in %s: ./scripts/demo --chaos builds it", p, dir)
		}
	}
	for _, p := range []string{"tributary", "ingest"} {
		link := filepath.Join(dir, p)
		if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("prepare programs for chaos: %w", err)
		}
		if err := os.Symlink(filepath.Join(r.bin, p), link); err != nil {
			return fmt.Errorf("prepare programs for chaos: %w", err)
		}
	}
	return nil
}

// fetchEngine finds the engine, or downloads it once, with progress.
func (r *runner) fetchEngine(ctx context.Context) (string, error) {
	if path := os.Getenv("TRIBUTARY_ENGINE"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("TRIBUTARY_ENGINE=%s is not there: set it to the path of libchdb.so, or unset it to have the engine fetched%w", path, stack.ErrSettings)
		}
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the engine, set TRIBUTARY_ENGINE to the path of libchdb.so: %w%w", err, stack.ErrSettings)
	}
	bar := &download{runner: r}
	defer bar.stop()
	return embedded.Fetch(ctx, filepath.Join(cache, "tributary", "engine"), bar.update)
}

// download shows a progress bar on a terminal, and a line every five seconds elsewhere.
type download struct {
	runner  *runner
	writer  progress.Writer
	tracker *progress.Tracker
	last    time.Time
}

func (d *download) update(done, total int64) {
	if !d.runner.terminal() {
		if time.Since(d.last) > 5*time.Second {
			d.last = time.Now()
			d.runner.say("downloading the ClickHouse engine: %d of %d MB", done>>20, total>>20)
		}
		return
	}
	if d.writer == nil {
		d.writer = progress.NewWriter()
		d.writer.SetOutputWriter(d.runner.out)
		d.writer.SetAutoStop(false)
		d.tracker = &progress.Tracker{Message: "ClickHouse engine (once)", Total: total, Units: progress.UnitsBytes}
		d.writer.AppendTracker(d.tracker)
		go d.writer.Render()
	}
	d.tracker.SetValue(done)
}

func (d *download) stop() {
	if d.writer != nil {
		d.tracker.MarkAsDone()
		d.writer.Stop()
	}
}

// terminal tells whether the output is one.
func (r *runner) terminal() bool { return isTerminal(r.out) }

// isTerminal tells whether a person is at the other end.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
