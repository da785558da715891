package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tributary-data/tributary/services/tributary/demo"
	"github.com/tributary-data/tributary/services/tributary/soak"
)

type soakCmd struct {
	Seconds int    `help:"Seconds of load and faults." default:"60"`
	Broker  string `help:"Broker to run on: embedded or apache." enum:"embedded,apache" default:"embedded"`
	Nodes   int    `help:"Brokers of Apache Kafka: 1 or 3." default:"1"`
	Seed    uint64 `help:"Seed of the faults; 0: drawn from the clock, and printed."`
	Dir     string `help:"Folder for data and logs, empty or new, which stays. Default: a temporary one, removed after an exact result."`
	JSON    bool   `name:"json" help:"Print the result as JSON; progress goes to standard error."`
}

// Validate says what is wrong with the flags.
func (c *soakCmd) Validate() error {
	if c.Seconds < 1 || c.Seconds > 24*3600 {
		return fmt.Errorf("--seconds=%d: use a number from 1 to %d", c.Seconds, 24*3600)
	}
	if c.Nodes != 1 && (c.Nodes != 3 || c.Broker != soak.Apache) {
		return fmt.Errorf("--nodes=%d: use 1, or 3 with --broker apache", c.Nodes)
	}
	return nil
}

// Run runs the soak. Exit codes: 0 exact, 1 something differs, 4 too little happened.
func (c *soakCmd) Run(ctx context.Context) error {
	bin, engine, err := demo.Programs(ctx)
	if err != nil {
		return err
	}
	dir, made := c.Dir, false
	if dir == "" {
		if dir, err = os.MkdirTemp("", "tributary-soak-"); err != nil {
			return err
		}
		made = true
	} else if found, err := os.ReadDir(dir); err == nil && len(found) > 0 {
		return fmt.Errorf("%s is not empty: choose another --dir%w", dir, errCall)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if c.Seed == 0 {
		c.Seed = uint64(time.Now().UnixNano())
	}
	var progress io.Writer = os.Stdout
	if c.JSON {
		progress = os.Stderr
	}
	code, err := soak.Run(ctx, soak.Config{Seconds: c.Seconds, Broker: c.Broker, Nodes: c.Nodes, Seed: c.Seed, Dir: dir, Bin: bin, Engine: engine, JSON: c.JSON,
		Progress: progress, Out: os.Stdout})
	if made && (err == nil && code != 1 || ctx.Err() != nil) {
		_ = os.RemoveAll(dir) // it tells nothing that the result does not
	}
	if err == nil && code != 0 {
		return exitCode(code)
	}
	return err
}
