package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/tributary-data/tributary/services/internal/parts"
	"github.com/tributary-data/tributary/services/tributary/lag"
)

type lagCmd struct {
	Brokers    string        `help:"Broker addresses, host:port, comma separated." env:"TRIBUTARY_KAFKA_BROKERS" default:"127.0.0.1:9092"`
	Generation uint8         `help:"Generation of the topic events." env:"TRIBUTARY_GENERATION" default:"0"`
	Epoch      uint16        `help:"Epoch of what is derived from it." env:"TRIBUTARY_EPOCH" default:"0"`
	Stage      string        `help:"Only this stage: visitor, events, sessions or dead-letters."`
	Sample     time.Duration `help:"If something is behind, look a second time after this, to tell when it will have caught up; 0: look once." default:"12s"`
	JSON       bool          `name:"json" help:"Print all partitions as JSON."`
}

// Run prints the lag.
func (c *lagCmd) Run(ctx context.Context) error {
	stages := parts.Stages(c.Generation, c.Epoch)
	if c.Stage != "" {
		stages = slices.DeleteFunc(stages, func(s parts.Stage) bool { return s.Name != c.Stage })
		if len(stages) == 0 {
			return fmt.Errorf("no stage is named %s: use visitor, events, sessions or dead-letters%w", c.Stage, errCall)
		}
	}
	client, err := kafkaClient(c.Brokers)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Check(ctx); err != nil {
		return err
	}
	began := time.Now()
	rows, err := lag.Read(ctx, client, stages, began)
	if err != nil {
		return err
	}
	if c.Sample > 0 && slices.ContainsFunc(rows, lag.Row.Behind) {
		if err := c.wait(ctx); err != nil {
			return err
		}
		first, now := rows, time.Now()
		if rows, err = lag.Read(ctx, client, stages, now); err != nil {
			return err
		}
		lag.Drain(rows, first, now.Sub(began))
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(rows)
	}
	return writeLag(os.Stdout, rows)
}

// wait between two looks, with a word about it.
func (c *lagCmd) wait(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for left := c.Sample; left > 0; left -= time.Second {
		fmt.Fprintf(os.Stderr, "\rsomething is behind: measuring its rate, %.0f s left ", left.Seconds())
		select {
		case <-ctx.Done():
			fmt.Fprintln(os.Stderr)
			return ctx.Err()
		case <-tick.C:
		}
	}
	fmt.Fprintln(os.Stderr)
	return nil
}

func writeLag(w io.Writer, rows []lag.Row) error {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options.SeparateColumns = false
	t.AppendHeader(table.Row{"stage", "partition", "records behind", "behind", "caught up in", "instance", ""})
	for _, r := range rows {
		behind, drain, note := r.Text()
		t.AppendRow(table.Row{r.Stage, fmt.Sprintf("%s/%d", r.Topic, r.Partition), r.Records, behind, drain, r.Instance, note})
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}
