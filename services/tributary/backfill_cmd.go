package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tributary-data/tributary/services/tributary/backfill"
)

type backfillCmd struct {
	Store   string `help:"Store of the funnel." required:""`
	Funnel  string `help:"Funnel whose new version is counted for earlier time." required:""`
	Version uint16 `help:"Version; default: the newest."`
	From    string `help:"Start, such as 2026-11-01 (UTC). Default: the store's first session."`
	JSON    bool   `name:"json" help:"Print the result as JSON."`
	database
}

// Help says when to use it.
func (backfillCmd) Help() string {
	return `A new version of a funnel counts from the midnight on which it comes into force. This counts it for the time before, from the sessions
that are final, while the stream goes on. At the end the views show that time in the new version, and no longer in the old one. It can be
interrupted and called again; what is not final yet is left for a later call.`
}

// Run counts and prints what came of it.
func (c *backfillCmd) Run(ctx context.Context) error {
	from, err := moment(c.From)
	if err != nil {
		return err
	}
	db, err := c.open()
	if err != nil {
		return err
	}
	defer db.Close()
	job := backfill.Job{DB: db, Store: c.Store, Funnel: c.Funnel, Version: c.Version, From: from, Now: time.Now, Progress: func(done, from, to time.Time) {
		fmt.Fprintf(os.Stderr, "counted up to %s, %.0f %%\n", done.Format(time.DateTime), 100*done.Sub(from).Seconds()/to.Sub(from).Seconds())
	}}
	r, err := job.Run(ctx)
	if errors.Is(err, backfill.ErrNothing) {
		fmt.Println(err)
		return nil
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	fmt.Printf("version %d of %s: %d sessions made %d cells, %s to %s\n", r.Version, c.Funnel, r.Sessions, r.Cells, r.From.Format(time.DateTime), r.To.Format(time.DateTime))
	if r.Rest {
		fmt.Printf("what lies between %s and %s is not final yet: call it again later\n", r.To.Format(time.DateTime), r.InForce.Format(time.DateTime))
	}
	return nil
}
