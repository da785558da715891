package main

import (
	"context"
	"fmt"

	"github.com/tributary-data/tributary/services/tributary/accept"
)

type acceptCmd struct {
	SeedBase uint64 `help:"First seed." default:"1"`
	Seeds    int    `help:"Seeds of each incident." default:"20"`
	Clean    int    `help:"Clean days." default:"60"`
}

// Run draws, judges and prints a table. Exit 1 unless all but one in twenty incidents are told right, at most 5 % of clean days are flagged, and outages
// are told in time.
func (c *acceptCmd) Run(context.Context) error {
	ok := true
	line := func(good bool, format string, args ...any) {
		mark := "ok  "
		if !good {
			mark, ok = "BAD ", false
		}
		fmt.Printf(mark+format+"\n", args...)
	}
	for _, k := range accept.Cases() {
		right := 0
		for i := range c.Seeds {
			r, good := k.Judge(c.SeedBase + uint64(i))
			if good {
				right++
				continue
			}
			fmt.Printf("     seed %d: %s %s=%s %s, %d d, z %.1f\n", c.SeedBase+uint64(i), r.Label, r.Dimension, r.Segment, r.To, r.Days, r.Z)
		}
		line(20*right >= 19*c.Seeds, "%s: %d of %d", k, right, c.Seeds)
	}
	for _, sessions := range []int{4_000, 20_000} {
		flagged := 0
		for i := range c.Seeds {
			flagged += len(accept.CleanDays(c.SeedBase+uint64(i), sessions, c.Clean))
		}
		line(20*flagged <= c.Clean*c.Seeds, "clean days, %6d sessions a day: %d of %d flagged (%.1f %%)", sessions, flagged, c.Clean*c.Seeds, 100*float64(flagged)/float64(c.Clean*c.Seeds))
	}
	c.outages(line)
	if !ok {
		return exitCode(1)
	}
	return nil
}

// outages are told within half an hour at 20,000 sessions a day, and within ten minutes at 80,000.
func (c *acceptCmd) outages(line func(good bool, format string, args ...any)) {
	for _, o := range []struct{ sessions, within int }{{20_000, 30}, {80_000, 10}} {
		right, wrong, slowest := 0, 0, 0
		for i := range c.Seeds {
			p, w := accept.Outage(c.SeedBase+uint64(i), o.sessions)
			if p.After >= 0 && p.After <= o.within {
				right++
			}
			slowest = max(slowest, p.After)
			wrong += w + accept.FalsePages(c.SeedBase+uint64(i), o.sessions, c.Clean)
		}
		line(20*right >= 19*c.Seeds && wrong == 0, "checkout_outage  %6d sessions a day: %d of %d within %d min, the slowest after %d; %d false pages in %d days",
			o.sessions, right, c.Seeds, o.within, slowest, wrong, c.Seeds*(c.Clean+1))
	}
}
