package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tributary-data/tributary/pkg/clickhouse"
)

type annotateCmd struct {
	Text   string `arg:"" optional:"" help:"What happened, in a few words."`
	From   string `help:"Start, such as 2026-11-20 15:00 (UTC). Default: now."`
	To     string `help:"End. Default: as the start, a moment."`
	Kind   string `help:"release, incident, campaign or promo. Days that an incident touches teach a diagnosis nothing about usual days." enum:"release,incident,campaign,promo" default:"release"`
	Store  string `help:"Store that it is about. Default: all of them."`
	Remove string `help:"Take back the annotation with this id." placeholder:"ID"`
	database
}

var annotations = clickhouse.Table{Name: "tributary.annotations", Columns: "store, id, from_ts, to_ts, kind, text, deleted, version"}

// Run writes one annotation, or takes one back.
func (c *annotateCmd) Run(ctx context.Context) error {
	now := time.Now().UTC()
	from, to, err := c.span(now)
	if err != nil {
		return err
	}
	id, deleted := uuid.New(), uint8(0)
	if c.Remove != "" {
		deleted = 1
		if id, err = uuid.Parse(c.Remove); err != nil {
			return fmt.Errorf("--remove=%s is no id of an annotation: it was printed when the annotation was made%w", c.Remove, errCall)
		}
	} else if strings.TrimSpace(c.Text) == "" {
		return fmt.Errorf(`say what happened: tributary annotate --kind release "checkout 2.1"%w`, errCall)
	}
	db, err := c.open()
	if err != nil {
		return err
	}
	defer db.Close()
	row := []any{c.Store, id.String(), from, to, c.Kind, c.Text, deleted, uint64(now.UnixMicro())}
	if err := db.Insert(ctx, clickhouse.Insert{Table: &annotations, Rows: [][]any{row}}); err != nil {
		return fmt.Errorf("write the annotation: %w", err)
	}
	if deleted == 1 {
		fmt.Println("removed", id)
		return nil
	}
	fmt.Printf("%s, %s to %s: %s (take it back with --remove %s", c.Kind, from.Format(time.DateTime), to.Format(time.DateTime), c.Text, id)
	if c.Store != "" {
		fmt.Printf(" --store %s", c.Store)
	}
	fmt.Println(")")
	return nil
}

func (c *annotateCmd) span(now time.Time) (from, to time.Time, err error) {
	if from, err = moment(c.From); err != nil {
		return from, to, err
	}
	if to, err = moment(c.To); err != nil {
		return from, to, err
	}
	if c.From == "" {
		from = now.Truncate(time.Second)
	}
	if c.To == "" {
		to = from
	}
	if to.Before(from) {
		return from, to, fmt.Errorf("--to=%s lies before --from=%s%w", c.To, c.From, errCall)
	}
	return from, to, nil
}
