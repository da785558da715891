package insight

import (
	"cmp"
	"slices"
	"strings"
)

// Question is what a diagnosis needs to know about one funnel at one moment.
type Question struct {
	// Steps are the actions of the funnel, in order.
	Steps []string
	// Days before the moment, each of 24 hours, the newest of age 0. A move is judged against the same weekdays of four weeks, and
	// noise is learned from 28 days: 35 days are enough. Days may be missing, and come in any order.
	Days []Day
	// Beats are the last minutes of each step, by occurrence, oldest first: outages are looked for in them.
	Beats []Beat
	// Notes are what people wrote down about the time.
	Notes []Note
}

// Day is the 24 hours that end Age days before the moment, by entry: who entered in them, and how far they came.
type Day struct {
	Age int
	// Final says that no count of it changes any more. What is not final is not judged.
	Final bool
	// Incident says that somebody marked the day: it teaches nothing about usual days.
	Incident bool
	Tables   []Table
	// Humans and Bots entered: to tell whether robots explain a move.
	Humans, Bots int64
}

// Table is one breakdown of a day. Each unit is in one segment of each breakdown.
type Table struct {
	// Dimension, or several joined by commas; empty: everybody is in one segment.
	Dimension string
	Segments  []Counts
}

// Counts of one segment: one number per step of the funnel.
type Counts struct {
	// Value of the dimension; those of several are joined by commas.
	Value string
	// Units that reached each step; never more than reached the step before.
	Units []int64
	// Open units did the action of the step at all, in whatever order.
	Open []int64
}

// Beat is one step's minutes.
type Beat struct {
	// Step is its number, from 1.
	Step    int
	Minutes []Minute
}

// Note is what a person said about a time: a release, an incident, a campaign.
type Note struct {
	Kind, Text string
	// Hours from its start to the moment; below 0: it comes after.
	Hours float64
}

// ledger is a question in the order in which it is read: each segment's counts by age.
type ledger struct {
	steps []string
	days  []Day // by age; one that is missing has no tables
	total series
	dims  []dimension
	// watched says that there are minutes in which outages were looked for.
	watched bool
}

type dimension struct {
	name     string
	segments []series
}

// series is one segment through the days; an age without it has no counts.
type series struct {
	value string
	days  []Counts
}

// read sorts a question, coarse breakdowns first. The total is that of the first breakdown, since each holds every unit.
func read(q Question) ledger {
	oldest := 0
	for _, d := range q.Days {
		oldest = max(oldest, d.Age)
	}
	l := ledger{steps: q.Steps, days: make([]Day, oldest+1), watched: len(q.Beats) > 0}
	for i := range l.days {
		l.days[i].Age = i
	}
	l.total.days = make([]Counts, oldest+1)
	for _, d := range q.Days {
		l.days[d.Age] = d
		for i, t := range d.Tables {
			dim := l.dimension(cmp.Or(t.Dimension, "everybody"))
			for _, c := range t.Segments {
				s := dim.series(c.Value, oldest+1)
				s.days[d.Age] = add(s.days[d.Age], c)
				if i == 0 {
					l.total.days[d.Age] = add(l.total.days[d.Age], c)
				}
			}
		}
	}
	for i := range l.dims {
		slices.SortFunc(l.dims[i].segments, func(a, b series) int { return cmp.Compare(a.value, b.value) })
	}
	slices.SortStableFunc(l.dims, func(a, b dimension) int {
		return cmp.Or(cmp.Compare(len(a.segments), len(b.segments)), cmp.Compare(strings.Count(a.name, ","), strings.Count(b.name, ",")))
	})
	return l
}

func (l *ledger) dimension(name string) *dimension {
	for i := range l.dims {
		if l.dims[i].name == name {
			return &l.dims[i]
		}
	}
	l.dims = append(l.dims, dimension{name: name})
	return &l.dims[len(l.dims)-1]
}

func (d *dimension) series(value string, ages int) *series {
	for i := range d.segments {
		if d.segments[i].value == value {
			return &d.segments[i]
		}
	}
	d.segments = append(d.segments, series{value: value, days: make([]Counts, ages)})
	return &d.segments[len(d.segments)-1]
}

func add(a, b Counts) Counts {
	return Counts{Value: b.Value, Units: addAll(a.Units, b.Units), Open: addAll(a.Open, b.Open)}
}

func addAll(a, b []int64) []int64 {
	out := make([]int64, max(len(a), len(b)))
	copy(out, a)
	for i, v := range b {
		out[i] += v
	}
	return out
}

// sum of a segment's counts over ages.
func (s *series) sum(ages []int) (c Counts) {
	for _, a := range ages {
		c = add(c, s.days[a])
	}
	return c
}

// step is the rate of step k (from 1, so k−1 is its denominator, from 0).
func (c Counts) step(k int) Rate {
	if k >= len(c.Units) {
		return Rate{}
	}
	return Rate{c.Units[k], c.Units[k-1]}
}

// open is the share of all units that did the action of step k.
func (c Counts) open(k int) Rate {
	if k >= len(c.Open) || len(c.Units) == 0 {
		return Rate{}
	}
	return Rate{c.Open[k], c.Units[0]}
}
