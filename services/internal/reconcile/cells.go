package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tributary-data/tributary/pkg/funnel"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/internal/recount"
)

// longest is how long after its start a session may reach the first step of a funnel: its cell's window is that of the step.
const longest = 24 * time.Hour

// cells is check (c): a day at a time, so that memory holds one day's cells.
func (j Job) cells(ctx context.Context, r *Result) error {
	lines, err := recount.Timelines(ctx, j.DB)
	if err != nil {
		return err
	}
	for _, store := range sortedStores(lines, j.Store) {
		for from := r.From; from.Before(r.To); from = from.Add(24 * time.Hour) {
			to := from.Add(24 * time.Hour)
			if to.After(r.To) {
				to = r.To
			}
			if err := j.cellsOf(ctx, store, lines[store], from, to, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j Job) cellsOf(ctx context.Context, store string, line *stores.Timeline, from, to time.Time, r *Result) error {
	definitions := map[string][]*funnel.Definition{}
	for _, set := range *line {
		definitions[set.ID] = recount.Definitions(set.File)
	}
	counted := recount.Cells{}
	err := recount.Sessions(ctx, j.DB, store, from.Add(-longest), to, func(s *pb.Session) {
		for _, d := range definitions[line.At(s.StartedAt).ID] {
			counted.Add(store, d, s)
		}
	})
	if err != nil {
		return err
	}
	stored, err := j.stored(ctx, store, from, to)
	if err != nil {
		return err
	}
	inside := func(k funnel.Key) bool { return k.Start >= from.Unix() && k.Start < to.Unix() }
	maps.DeleteFunc(counted, func(k funnel.Key, c *funnel.Cell) bool { return !inside(k) })
	for k := range stored {
		if counted[k] == nil {
			counted[k] = &funnel.Cell{}
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(counted), funnel.Key.Compare) {
		r.Compared++
		have := stored[k]
		if have == nil {
			have = &funnel.Cell{}
		}
		if what, a, b := different(have, counted[k]); what != "" {
			r.differ(Finding{Check: CheckCells, Store: store, Window: time.Unix(k.Start, 0).UTC(), Stored: a, Recounted: b,
				Key: fmt.Sprintf("funnel %s version %d, %s = %s, %s, %s", k.Funnel, k.Version, k.Breakdown, strings.ReplaceAll(k.Values, "\x00", ","), k.Class, what)})
		}
	}
	return nil
}

// stored cells, summed over the partitions; those of which nothing is left are not there.
func (j Job) stored(ctx context.Context, store string, from, to time.Time) (recount.Cells, error) {
	out := recount.Cells{}
	r := Result{From: from, To: to}
	p := j.params(&r)
	p["store"] = store
	err := j.DB.EachBound(ctx, `SELECT toString(funnel), funnel_version, toUnixTimestamp(window_start), toString(breakdown), arrayStringConcat(values, '\0'), toString(class),
			sumForEach(units), sumForEach(implied), sumForEach(observed_value), sumForEach(open_units)
		FROM tributary.funnel_cells FINAL WHERE epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL) AND store = {store:String} AND stage = 'visitor' AND basis = 'entry'
			AND window_seconds = 900 AND window_start >= fromUnixTimestamp64Milli({from:Int64}) AND window_start < fromUnixTimestamp64Milli({to:Int64})
		GROUP BY funnel, funnel_version, window_start, breakdown, values, class`, p, func(scan func(...any) error) error {
		k := funnel.Key{Store: store, Basis: funnel.BasisEntry, Window: funnel.WindowQuarter}
		c := &funnel.Cell{}
		var start uint32
		if err := scan(&k.Funnel, &k.Version, &start, &k.Breakdown, &k.Values, &k.Class, &c.Units, &c.Implied, &c.Value, &c.Open); err != nil {
			return err
		}
		k.Start, c.Times = int64(start), make([]map[int16]int64, len(c.Units))
		if !c.Zero() {
			out[k] = c
		}
		return nil
	})
	return out, err
}

// different names the first column of two cells that differs, with both values.
func different(stored, counted *funnel.Cell) (what, a, b string) {
	for _, c := range []struct {
		name string
		a, b []int64
	}{{"units", stored.Units, counted.Units}, {"implied", stored.Implied, counted.Implied}, {"observed_value", stored.Value, counted.Value}, {"open_units", stored.Open, counted.Open}} {
		if !equal(c.a, c.b) {
			return c.name, fmt.Sprint(c.a), fmt.Sprint(c.b)
		}
	}
	return "", "", ""
}

// equal numbers; missing ones are none.
func equal(a, b []int64) bool {
	for i := range max(len(a), len(b)) {
		if at(a, i) != at(b, i) {
			return false
		}
	}
	return true
}

func at(list []int64, i int) int64 {
	if i < len(list) {
		return list[i]
	}
	return 0
}

// sortedStores are the names of those that were asked for.
func sortedStores(lines map[string]*stores.Timeline, only string) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		if only == "" || only == name {
			out = append(out, name)
		}
	}
	return out
}
