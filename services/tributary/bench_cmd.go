package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/tributary-data/tributary/services/tributary/bench"
	"github.com/tributary-data/tributary/services/tributary/demo"
)

type benchCmd struct {
	Events     int    `help:"Events of a round." default:"200000"`
	Rounds     int    `help:"Rounds; medians are shown." default:"5"`
	Partitions int    `help:"Partitions of every topic." default:"16"`
	JSON       string `name:"json" help:"Write the result as JSON to this file; - is standard output." type:"path"`
	Dir        string `help:"Folder for data and logs, removed afterwards. Default: a temporary one."`
}

// Validate says what is wrong with the flags.
func (c *benchCmd) Validate() error {
	if c.Events < 1 || c.Rounds < 1 || c.Partitions < 1 {
		return fmt.Errorf("--events=%d, --rounds=%d, --partitions=%d: use numbers above zero", c.Events, c.Rounds, c.Partitions)
	}
	return nil
}

// Run measures every stage of the pipeline on this machine.
func (c *benchCmd) Run(ctx context.Context) (err error) {
	bin, engine, err := demo.Programs(ctx)
	if err != nil {
		return err
	}
	if c.Dir == "" {
		if c.Dir, err = os.MkdirTemp("", "tributary-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(c.Dir)
	}
	r, err := bench.Run(ctx, bench.Config{Events: c.Events, Rounds: c.Rounds, Partitions: c.Partitions, Bin: bin, Engine: engine, Dir: c.Dir,
		Say: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }})
	if err != nil {
		return err
	}
	if c.JSON == "" {
		_, err = fmt.Println(r)
		return err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if c.JSON == "-" {
		_, err = fmt.Println(string(b))
		return err
	}
	fmt.Println(r)
	return os.WriteFile(c.JSON, append(b, '\n'), 0o644)
}

type benchNoopCmd struct{ attached }

// Run answers requests and does nothing else.
func (c *benchNoopCmd) Run(ctx context.Context) error {
	ctx, cancel := c.context(ctx)
	defer cancel()
	return bench.Noop(ctx)
}

type benchWalkCmd struct {
	Brokers string `env:"TRIBUTARY_KAFKA_BROKERS" required:""`
	Topic   string `required:""`
}

// Run reads a topic to its end.
func (c *benchWalkCmd) Run(ctx context.Context) error {
	w, err := bench.Walk(ctx, c.Brokers, c.Topic)
	return printed(w, err)
}

type benchCopyCmd struct {
	ClickHouse string `name:"clickhouse" env:"TRIBUTARY_CLICKHOUSE_ADDR" required:""`
}

// Run copies the rows of events.
func (c *benchCopyCmd) Run(ctx context.Context) error {
	w, err := bench.Copy(ctx, c.ClickHouse)
	return printed(w, err)
}

func printed(w bench.Work, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(w)
}
