package sim

import (
	"cmp"
	"slices"
)

// climb walks a session's trail through the funnel in force at its start: closed, in loose order, anchored at the
// session's start. Steps that share a millisecond come in the funnel's order.
func (c *cut) climb(set *setting, trail []*delivery) {
	type candidate struct {
		at   int64
		step int
	}
	var cs []candidate
	c.FunnelVersion, c.steps = set.version, set.steps
	c.Open = []int{1}
	for _, d := range trail {
		if i := slices.IndexFunc(set.steps, func(s step) bool { return s.action == d.kind.action }); i > 0 {
			cs = append(cs, candidate{d.ts, i + 1})
			if !slices.Contains(c.Open, i+1) {
				c.Open = append(c.Open, i+1)
			}
		}
	}
	slices.Sort(c.Open)
	slices.SortStableFunc(cs, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.step, b.step)) })
	c.Level, c.at = 1, []int64{c.StartedAt}
	for _, x := range cs {
		jumped := skipped(c.Level, x.step)
		if x.step <= c.Level || slices.ContainsFunc(jumped, func(k int) bool { return !set.steps[k-1].optional }) {
			continue
		}
		c.Level, c.Implied = x.step, append(c.Implied, jumped...)
		for len(c.at) < c.Level {
			c.at = append(c.at, x.at) // what is jumped over is reached with the step that jumps
		}
	}
}

// skipped lists the steps between two.
func skipped(from, to int) (out []int) {
	for k := from + 1; k < to; k++ {
		out = append(out, k)
	}
	return out
}

// cellKey names a cell besides its step.
type cellKey struct {
	Segment
	version int
}

// byEntry adds up the sessions of people in windows of so many seconds.
func byEntry(sessions []Session, window int64) []Cell {
	cells := map[cellKey][]Cell{}
	for i := range sessions {
		s := &sessions[i]
		if s.Robot {
			continue
		}
		of := cellsAt(cells, s, s.StartedAt/1000/window*window)
		for k := range of {
			of[k].Entered++
			if slices.Contains(s.Open, k+1) {
				of[k].OpenUnits++
			}
			if k < s.Level {
				of[k].add(s, k+1)
			}
		}
	}
	return flat(cells)
}

// byOccurrence adds up the sessions of people, each step where it happened.
func byOccurrence(sessions []Session) []Cell {
	cells := map[cellKey][]Cell{}
	for i := range sessions {
		s := &sessions[i]
		for k := range s.Level {
			if !s.Robot {
				cellsAt(cells, s, s.at[k]/1000/windowSeconds*windowSeconds)[k].add(s, k+1)
			}
		}
	}
	return slices.DeleteFunc(flat(cells), func(c Cell) bool { return c.Units == 0 })
}

// add the session to its step's cell.
func (c *Cell) add(s *Session, step int) {
	c.Units++
	c.ObservedValue += s.ValueMinor
	if slices.Contains(s.Implied, step) {
		c.Implied++
	}
}

// cellsAt are the cells of all steps where a session counts.
func cellsAt(cells map[cellKey][]Cell, s *Session, window int64) []Cell {
	k := cellKey{Segment{s.Store, window, s.Channel, s.Device}, s.FunnelVersion}
	if cells[k] == nil {
		for i, st := range s.steps {
			cells[k] = append(cells[k], Cell{Segment: k.Segment, FunnelVersion: k.version, Step: i + 1, Action: st.action})
		}
	}
	return cells[k]
}

func flat(cells map[cellKey][]Cell) []Cell {
	out := make([]Cell, 0, 8*len(cells))
	for _, of := range cells {
		out = append(out, of...)
	}
	slices.SortFunc(out, func(a, b Cell) int {
		return cmp.Or(a.Segment.Compare(b.Segment), cmp.Compare(a.FunnelVersion, b.FunnelVersion), cmp.Compare(a.Step, b.Step))
	})
	return out
}
