package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tributary-data/tributary/services/tributary/demo"
)

type demoCmd struct {
	Events   int           `help:"Events of a day." default:"50000"`
	Days     int           `help:"Days in a row; people come back on later ones. An incident happens on the last one." default:"1"`
	Seed     uint64        `help:"Seed of the simulated storefront." default:"1"`
	Pace     time.Duration `help:"Wall time that all days take; 0 plays it as fast as the machine can." default:"60s"`
	Clean    bool          `help:"One store whose traffic has no faults, instead of three whose traffic is as dirty as real one."`
	Chaos    bool          `help:"Kill processes at random while the day is played, 20 times at least; they are started again, and the result must be the same. Kills are drawn from the seed; needs the programs that ./scripts/demo --chaos builds."`
	Keep     bool          `help:"Leave everything running at the end, for your own queries, until Ctrl-C; keep the data."`
	JSON     bool          `name:"json" help:"Print the result as JSON; progress goes to standard error."`
	Incident []string      `help:"Something happens to the storefront on the day: mix, storefront, mobile_release, checkout_outage, tracking_break or identity_change; may be repeated. It lasts all day, a checkout_outage from 20:00 to 20:45 UTC. The pipeline must count what comes of it, difference 0." placeholder:"KIND"`
	Sabotage string        `help:"Change one event between the ledger and ingest: drop, dup or move. The verdict must find it." enum:",drop,dup,move" default:""`
	Addr     string        `help:"Address of ingest, host:port. Default: a free port on loopback."`
	Prune    bool          `help:"Delete the folders that earlier demos left, of --keep or a killed run, without asking."`
	Dir      string        `help:"Folder for data and logs. Default: a new one under ~/.local/share/tributary/demo."`
}

// mostEvents of all days: they are planned in memory, which takes some kilobytes for each.
const mostEvents = 2_000_000

// Validate says what is wrong with the flags.
func (c *demoCmd) Validate() error {
	if c.Days < 1 || c.Days > demo.MostDays {
		return fmt.Errorf("--days=%d: use a number from 1 to %d", c.Days, demo.MostDays)
	}
	if c.Events < 1 || c.Events > mostEvents/c.Days {
		return fmt.Errorf("--events=%d: use a number from 1 to %d", c.Events, mostEvents/c.Days)
	}
	if c.Pace < 0 {
		return fmt.Errorf("--pace=%s: use 0 or a duration such as 60s", c.Pace)
	}
	return nil
}

// Run runs the demo. Exit codes: 0 equal, 3 something differs, 4 too little was compared.
func (c *demoCmd) Run(ctx context.Context) error {
	code, err := demo.Run(ctx, demo.Config{Events: c.Events, Days: c.Days, Seed: c.Seed, Pace: c.Pace, Clean: c.Clean, Chaos: c.Chaos, Keep: c.Keep, JSON: c.JSON, Sabotage: c.Sabotage, Incidents: c.Incident,
		Addr: c.Addr, Dir: c.Dir, Prune: c.Prune})
	if err != nil {
		return err
	}
	if code != 0 {
		return exitCode(code)
	}
	return nil
}
