package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tributary-data/tributary/pkg/sim"
	"github.com/tributary-data/tributary/schemas/stores"
)

// demoMeaning is what the demo's store means by a session.
func demoMeaning() (stores.Meaning, error) {
	f, err := stores.Parse(stores.Demo())
	return f.Meaning, err
}

// screen shows the funnel: redrawn in place on a terminal, as a line every few seconds elsewhere.
type screen struct {
	runner *runner
	lines  int // drawn last, to be overwritten
	told   time.Time
	latest sim.Progress
}

// funnel is what the views say now.
type funnel struct {
	steps    []step
	channels []channel
}

type step struct {
	action         string
	units, implied int64
	value          int64
}

type channel struct {
	name                       string
	sessions, carts, purchases int64
}

// draw shows the state after a virtual minute. A failed query is shown once the next one works: the demo goes on.
func (s *screen) draw(ctx context.Context, p sim.Progress) {
	s.latest = p
	f, err := s.runner.funnel(ctx)
	if err != nil {
		return
	}
	if len(f.steps) > 0 && s.runner.firstFunnel == 0 {
		s.runner.firstFunnel = time.Since(s.runner.began)
	}
	line := s.status(ctx, p, f)
	if !s.runner.terminal() {
		if time.Since(s.told) > 5*time.Second {
			s.told = time.Now()
			s.runner.say("%s", line)
		}
		return
	}
	s.put(line + "\n" + f.String())
}

// last clears the picture, which is not final, and leaves a line.
func (s *screen) last(ctx context.Context) {
	f, err := s.runner.funnel(ctx)
	if err != nil {
		return // the verdict will tell
	}
	if s.runner.firstFunnel == 0 && len(f.steps) > 0 {
		s.runner.firstFunnel = time.Since(s.runner.began)
	}
	s.clear()
	s.runner.say("%s", s.status(ctx, s.latest, f))
}

func (s *screen) put(picture string) {
	s.clear()
	fmt.Fprintln(s.runner.out, picture)
	s.lines = strings.Count(picture, "\n") + 1
}

func (s *screen) clear() {
	if s.lines > 0 && s.runner.terminal() {
		fmt.Fprintf(s.runner.out, "\x1b[%dA\x1b[J", s.lines)
	}
	s.lines = 0
}

// status is one line: virtual time, throughput, lag.
func (s *screen) status(ctx context.Context, p sim.Progress, f funnel) string {
	rate := 0.0
	if p.Elapsed > 0 {
		rate = float64(p.Acked) / p.Elapsed.Seconds()
	}
	rollups := "no rollup yet"
	if c, err := s.runner.completeness(ctx); err == nil && !c["sessions"].processed.IsZero() && c["sessions"].processed.Unix() > 0 {
		behind := p.Clock.Sub(c["sessions"].processed).Round(time.Minute).String()
		rollups = "rollups " + strings.TrimSuffix(behind, "0s") + " of the day behind"
	}
	sessions, purchases := int64(0), int64(0)
	if len(f.steps) > 0 {
		sessions, purchases = f.steps[0].units, f.steps[len(f.steps)-1].units
	}
	layout := "15:04"
	if s.runner.day.Config.Days > 1 {
		layout = "Mon 15:04"
	}
	return fmt.Sprintf("%s  %d of %d events, %.0f events/s, %d sessions, %d purchases, %s",
		p.Clock.Format(layout), p.Acked, p.Events, rate, sessions, purchases, rollups)
}

const (
	queryFunnelSteps = `SELECT toString(any(action)), sum(units), sum(implied), sum(observed_value) FROM bi.funnel_steps
		WHERE store = 'demo' AND funnel = 'purchase' GROUP BY step ORDER BY step`
	queryFunnelChannels = `SELECT channel, sumIf(units, step = 1) AS sessions, sumIf(units, action = 'cart_added'), sumIf(units, action = 'purchased')
		FROM bi.funnel_steps WHERE store = 'demo' AND funnel = 'purchase' GROUP BY channel ORDER BY sessions DESC, channel`
)

func (r *runner) funnel(ctx context.Context) (f funnel, err error) {
	err = r.db.Each(ctx, queryFunnelSteps, func(scan func(...any) error) error {
		var s step
		err := scan(&s.action, &s.units, &s.implied, &s.value)
		f.steps = append(f.steps, s)
		return err
	})
	if err != nil {
		return f, err
	}
	err = r.db.Each(ctx, queryFunnelChannels, func(scan func(...any) error) error {
		var c channel
		err := scan(&c.name, &c.sessions, &c.carts, &c.purchases)
		f.channels = append(f.channels, c)
		return err
	})
	return f, err
}

// barWidth of 100 %.
const barWidth = 40

// String draws bars by step and rates by channel.
func (f funnel) String() string {
	if len(f.steps) == 0 {
		return "no session yet"
	}
	bars := table.NewWriter()
	bars.SetStyle(plain())
	bars.AppendHeader(table.Row{"step", "sessions", "of all", "", "implied", "value"})
	for _, s := range f.steps {
		n := int(s.units * barWidth / max(1, f.steps[0].units))
		bars.AppendRow(table.Row{s.action, s.units, percent(s.units, f.steps[0].units), strings.Repeat("█", n) + strings.Repeat("·", barWidth-n), s.implied, fmt.Sprintf("%.2f EUR", float64(s.value)/100)})
	}
	rates := table.NewWriter()
	rates.SetStyle(plain())
	rates.AppendHeader(table.Row{"channel", "sessions", "to cart", "to purchase"})
	for _, c := range f.channels {
		rates.AppendRow(table.Row{c.name, c.sessions, percent(c.carts, c.sessions), percent(c.purchases, c.sessions)})
	}
	right := []table.ColumnConfig{{Number: 2, Align: text.AlignRight}, {Number: 3, Align: text.AlignRight}, {Number: 5, Align: text.AlignRight}, {Number: 6, Align: text.AlignRight}}
	bars.SetColumnConfigs(right)
	rates.SetColumnConfigs(append(right, table.ColumnConfig{Number: 4, Align: text.AlignRight}))
	return bars.Render() + "\n\n" + rates.Render()
}

func plain() table.Style {
	s := table.StyleDefault
	s.Options = table.OptionsNoBordersAndSeparators
	s.Format.Header = text.FormatDefault
	return s
}

func percent(x, n int64) string { return fmt.Sprintf("%.1f %%", 100*float64(x)/float64(max(1, n))) }
