package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/tributary-data/tributary/services/internal/reconcile"
)

type reconcileCmd struct {
	Store string `help:"Only this store. Default: all of them."`
	From  string `help:"Start, such as 2026-11-20 (UTC). Default: 24 hours before the end."`
	To    string `help:"End. Default: what is final; later time is left out anyway."`
	Save  bool   `help:"Write the result into bi.reconciliations, as the aggregator does on its schedule."`
	JSON  bool   `name:"json" help:"Print the result as JSON."`
	database
}

// Help says what is recounted.
func (reconcileCmd) Help() string {
	return `Recounts what is stored from what it was made of, over time that is final:

  intake    records = distinct events + repeats + reused ids, per hour of arrival and partition
  sessions  runs of a visitor's events that the session gap cuts, against the sessions that lie in them: start, end, events
  cells     funnel cells by entry, against the sessions that they count: units, implied, value, open units

Where a session was cut further, by another user or a rule, its parts must add up to the run. Exit code 0 if nothing differs, 1 if
something does; each difference names window, key and both values.`
}

// Run recounts and prints.
func (c *reconcileCmd) Run(ctx context.Context) error {
	from, err := moment(c.From)
	if err != nil {
		return err
	}
	to, err := moment(c.To)
	if err != nil {
		return err
	}
	db, err := c.open()
	if err != nil {
		return err
	}
	defer db.Close()
	list, err := reconcile.Job{DB: db, Store: c.Store, From: from, To: to, Progress: func(check string) {
		if !c.JSON {
			fmt.Fprintf(os.Stderr, "recounting %s ...\n", check)
		}
	}}.Run(ctx)
	if errors.Is(err, reconcile.ErrStore) {
		return fmt.Errorf("--store=%s: %w%w", c.Store, err, errCall)
	}
	if err != nil {
		return err
	}
	if c.Save {
		if err := reconcile.Save(ctx, db, time.Now().UTC(), list); err != nil {
			return err
		}
	}
	if c.JSON {
		if err := json.NewEncoder(os.Stdout).Encode(list); err != nil {
			return err
		}
	} else if err := showResults(list); err != nil {
		return err
	}
	for _, r := range list {
		if r.Differences > 0 {
			return exitCode(1)
		}
	}
	return nil
}

func showResults(list []reconcile.Result) error {
	p := &printer{w: os.Stdout}
	t := plainTable("check", "from", "to", "compared", "differences", "seconds")
	var compared, differences int64
	for _, r := range list {
		t.AppendRow(table.Row{r.Check, r.From.Format(time.DateTime), r.To.Format(time.DateTime), r.Compared, r.Differences, fmt.Sprintf("%.1f", r.Took.Seconds())})
		compared, differences = compared+r.Compared, differences+r.Differences
	}
	p.line("%s\n", t.Render())
	for _, r := range list {
		for _, f := range r.Findings {
			p.line("%s", f)
		}
		if more := r.Differences - int64(len(r.Findings)); more > 0 {
			p.line("%s: and %d more", r.Check, more)
		}
	}
	switch {
	case compared == 0:
		p.line("nothing was compared: no time is final yet, or there are no events in it")
	case differences == 0:
		p.line("%d compared, difference 0", compared)
	default:
		p.line("%d compared, %d differ", compared, differences)
	}
	return p.err
}
