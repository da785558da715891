package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tributary-data/tributary/pkg/insight"
	"github.com/tributary-data/tributary/services/internal/diagnosis"
)

// writeDiagnosis prints the sentence first, then what it rests on.
func writeDiagnosis(w io.Writer, f diagnosis.Funnel, at time.Time, r insight.Report, another bool) error {
	p := &printer{w: w}
	if another {
		p.line("")
	}
	p.line("%s, funnel %s (version %d), up to %s: %s (%s)", f.Store, f.Name, f.Version, at.Format("2006-01-02 15:04 UTC"), r.Label, r.Rule)
	p.line("\n%s\n", r.Sentence)
	writeSteps(p, r)
	writeSplit(p, r)
	if len(r.Daily) > 1 {
		low, high := slices.Min(r.Daily), slices.Max(r.Daily)
		p.line(" %s > %s, day by day, %s to %s\n %s\n", r.From, r.To, percent(low), percent(high), sparkline(r.Daily))
	}
	for _, s := range r.Evidence {
		p.line(" note       %s", s)
	}
	for _, s := range r.RuledOut {
		p.line(" ruled out  %s", s)
	}
	for _, v := range r.Windows {
		why := ""
		if v.Why != "" {
			why = ": " + v.Why
		}
		p.line(" %d d  %s%s", v.Days, v.Label, why)
	}
	return p.err
}

func writeSteps(p *printer, r insight.Report) {
	if len(r.Steps) == 0 {
		return
	}
	t := plainTable("step", "before", "now", "moved conversion by", "units now")
	for _, s := range r.Steps {
		mark := ""
		if s.Step == r.Step {
			mark = " <"
		}
		t.AppendRow(table.Row{s.Action, shareOrNone(s.Before), shareOrNone(s.Now), points(s.Contribution) + mark, fmt.Sprintf("%d of %d", s.Now.X, s.Now.N)})
	}
	p.line("%s\n", t.Render())
}

func writeSplit(p *printer, r insight.Report) {
	if len(r.Parts) == 0 || r.Label == insight.LabelNoChange {
		return
	}
	p.line(" %s > %s %s: mix %s, rates %s", r.From, r.To, points(r.Mix+r.Rate), points(r.Mix), points(r.Rate))
	t := plainTable("segment", "share before", "now", "rate before", "now", "mix", "rate", "z")
	parts := slices.Clone(r.Parts)
	slices.SortStableFunc(parts, func(a, b insight.Slice) int { return cmp.Compare(effect(b), effect(a)) })
	for _, s := range parts[:min(len(parts), 12)] {
		name := s.Value
		if strings.Trim(name, ",") == "" {
			name = "(none)"
		}
		t.AppendRow(table.Row{name, percent(s.ShareBefore), percent(s.ShareNow), shareOrNone(s.Before), shareOrNone(s.Now), points(s.Mix), points(s.Rate), fmt.Sprintf("%.1f", s.Z)})
	}
	p.line("%s\n", t.Render())
}

func effect(s insight.Slice) float64 { return math.Abs(s.Mix) + math.Abs(s.Rate) }

// shareOrNone is a rate, or what it is called where too few units make it up.
func shareOrNone(r insight.Rate) string {
	if r.N < insight.MinN {
		return "insufficient"
	}
	return percent(r.Value())
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }

func points(diff float64) string { return fmt.Sprintf("%+.2f pp", 100*diff) }

func plainTable(head ...string) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatDefault
	row := make(table.Row, len(head))
	var columns []table.ColumnConfig
	for i, h := range head {
		row[i] = h
		if i > 0 {
			columns = append(columns, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	t.AppendHeader(row)
	t.SetColumnConfigs(columns)
	return t
}

// sparkline draws one character a day, between the lowest and the highest.
func sparkline(values []float64) string {
	levels := []rune("▁▂▃▄▅▆▇█")
	low, high := slices.Min(values), slices.Max(values)
	var b strings.Builder
	for _, v := range values {
		i := 0
		if high > low {
			i = int((v - low) / (high - low) * float64(len(levels)-1))
		}
		b.WriteRune(levels[i])
	}
	return b.String()
}
