package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/insight"
	"github.com/tributary-data/tributary/services/internal/diagnosis"
)

type diagnoseCmd struct {
	Store  string `help:"Only this store. Default: all of them."`
	Funnel string `help:"Only this funnel. Default: all of them."`
	At     string `help:"End of the time that is judged, such as 2026-11-20 or 2026-11-20T15:00:00Z. Default: the last quarter of an hour that is final."`
	JSON   bool   `name:"json" help:"Print the reports as JSON, one a line."`
	Save   bool   `help:"Write the reports into bi.diagnoses and bi.alerts, as the aggregator does on its schedule."`
	database
}

// Help teaches what the words of a diagnosis mean.
func (diagnoseCmd) Help() string {
	return `The last 1, 3 and 7 days are compared with the same weekdays of the four weeks before. The first rule that holds wins:

  insufficient  too few units, or the time is not final yet
  tracking      a step's events vanished while the steps behind it hold: look at the instrumentation
  outage        a step nearly stopped within the last two hours
  mix           other people came; each segment behaves as before
  localised     one segment moved, the others did not
  upstream      everybody moved, before the cart
  downstream    everybody moved, from the cart on
  both          mix and rates
  no_change     nothing moved beyond what days vary by

Days that an annotation of kind incident touches teach nothing about usual days: see tributary annotate.`
}

// Run prints a diagnosis of each funnel.
func (c *diagnoseCmd) Run(ctx context.Context) error {
	at, err := moment(c.At)
	if err != nil {
		return err
	}
	db, err := c.open()
	if err != nil {
		return err
	}
	defer db.Close()
	marks, err := diagnosis.ReadMarks(ctx, db)
	if err != nil {
		return err
	}
	if c.At == "" {
		if at = marks.Moment(); marks.Final.Unix() <= 0 {
			return errors.New("nothing is final yet: windows become final a day (the store's lateness) after they end; until then, name a time with --at")
		}
	}
	funnels, err := diagnosis.Funnels(ctx, db, c.Store, c.Funnel)
	if errors.Is(err, diagnosis.ErrNothing) {
		return fmt.Errorf("%w%w", err, errCall)
	}
	if err != nil {
		return err
	}
	for i, f := range funnels {
		r, at, err := c.one(ctx, db, f, at, marks)
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(os.Stdout).Encode(struct {
				Store   string    `json:"store"`
				Funnel  string    `json:"funnel"`
				Version uint16    `json:"funnel_version"`
				Moment  time.Time `json:"moment"`
				insight.Report
			}{f.Store, f.Name, f.Version, at, r})
		} else {
			err = writeDiagnosis(os.Stdout, f, at, r, i > 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// one funnel's report, and the end of the time that it is about.
func (c *diagnoseCmd) one(ctx context.Context, db *clickhouse.DB, f diagnosis.Funnel, at time.Time, marks diagnosis.Marks) (insight.Report, time.Time, error) {
	now := marks.Now()
	if c.At != "" && at.Before(now) {
		now = at // the past, as it looked then
	}
	fmt.Fprintf(os.Stderr, "reading 35 days of %s, funnel %s ...\n", f.Store, f.Name)
	q, err := diagnosis.Read(ctx, db, f, at, now, marks)
	if err != nil {
		return insight.Report{}, at, err
	}
	r := insight.Diagnose(q)
	at = diagnosis.Judged(r, at, now)
	if c.Save {
		err = diagnosis.Write(ctx, db, f, at, r, time.Now().UTC())
	}
	return r, at, err
}

// moment reads a time as people write it; empty is no time.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: use one such as 2026-11-20, 2026-11-20 15:00 or 2026-11-20T15:00:00Z (UTC)%w", text, errCall)
}

// printer writes lines until one fails.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
