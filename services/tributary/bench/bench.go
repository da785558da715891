// Package bench measures what each stage costs on this machine: processor time per event of the real processes, beside the
// limit of each, which is the same work with nothing done in it.
//
// A limit and its stage run one after the other in the same round, so that what else the machine does meets both; the medians
// of several rounds are shown, and ratios mean more than numbers.
package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Config of a benchmark.
type Config struct {
	// Events of a round, and Rounds.
	Events, Rounds int
	// Partitions of every topic.
	Partitions int
	// Bin is the folder of the programs, Engine the path of libchdb.
	Bin, Engine string
	// Dir for data and logs; removed at the end of each round.
	Dir string
	// Say is told of progress.
	Say func(format string, args ...any)
}

// Parts that are measured, in the order of the table.
const (
	PartIngest     = "ingest"
	PartVisitor    = "visitor stage"
	PartAggregator = "aggregator"
	PartWhole      = "whole path"
)

// Sample is one measurement.
type Sample struct {
	// CPU is processor time per event in µs, PerSecond events per second of wall time.
	CPU       float64 `json:"cpu_us_per_event"`
	PerSecond float64 `json:"events_per_second"`
}

// Row of the table: a part, what limits it, and the medians of both.
type Row struct {
	Part  string `json:"part"`
	Limit string `json:"limit"`
	// Of the part, and of its limit; whole path has none.
	Of      Sample `json:"of"`
	OfLimit Sample `json:"of_limit"`
	// Min and Max of CPU over the rounds.
	Min float64 `json:"min_cpu_us_per_event"`
	Max float64 `json:"max_cpu_us_per_event"`
}

// Result of all rounds.
type Result struct {
	Events     int       `json:"events"`
	Rounds     int       `json:"rounds"`
	Partitions int       `json:"partitions"`
	At         time.Time `json:"at"`
	Rows       []Row     `json:"rows"`
	// Processes is the processor time per event of each process on the whole path, in µs.
	Processes map[string]float64 `json:"whole_path_cpu_us_per_event"`
}

// limits of the parts.
var limits = []struct{ part, limit string }{
	{PartIngest, "no-op net/http handler, same bodies"},
	{PartVisitor, "fetch that only walks batches"},
	{PartAggregator, "raw Native insert of the event rows"},
	{PartWhole, ""},
}

// round is what one round measured, by part.
type round struct {
	of, limit map[string]Sample
	processes map[string]float64
}

// Run measures all rounds.
func Run(ctx context.Context, c Config) (Result, error) {
	b := &bench{config: c, load: newLoad(c.Events)}
	out := Result{Events: b.load.events(), Rounds: c.Rounds, Partitions: c.Partitions, At: time.Now().UTC(), Processes: map[string]float64{}}
	var rounds []round
	for i := range c.Rounds {
		c.Say("round %d of %d, %d events", i+1, c.Rounds, out.Events)
		dir := filepath.Join(c.Dir, fmt.Sprint("round", i+1))
		r, err := b.round(ctx, dir)
		if rerr := os.RemoveAll(dir); err == nil && rerr != nil {
			err = fmt.Errorf("remove the round's data: %w", rerr)
		}
		if err != nil {
			return out, err
		}
		rounds = append(rounds, r)
	}
	for _, l := range limits {
		row := Row{Part: l.part, Limit: l.limit}
		row.Of, row.Min, row.Max = middle(rounds, func(r round) Sample { return r.of[l.part] })
		row.OfLimit, _, _ = middle(rounds, func(r round) Sample { return r.limit[l.part] })
		out.Rows = append(out.Rows, row)
	}
	for name := range rounds[0].processes {
		s, _, _ := middle(rounds, func(r round) Sample { return Sample{CPU: r.processes[name]} })
		out.Processes[name] = s.CPU
	}
	return out, nil
}

// middle is the median of each figure, and the least and the most processor time.
func middle(rounds []round, of func(round) Sample) (s Sample, least, most float64) {
	var cpu, rate []float64
	for _, r := range rounds {
		cpu, rate = append(cpu, of(r).CPU), append(rate, of(r).PerSecond)
	}
	slices.Sort(cpu)
	slices.Sort(rate)
	return Sample{CPU: cpu[len(cpu)/2], PerSecond: rate[len(rate)/2]}, cpu[0], cpu[len(cpu)-1]
}
