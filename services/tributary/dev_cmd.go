package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/tributary/demo"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

type devCmd struct {
	Stores string `help:"Store file, or folder of them. Default: the demo's store." type:"path"`
	Dir    string `help:"Folder for data, state and logs. Default: ~/.local/share/tributary/dev"`
	Reset  bool   `help:"Throw the folder's data away first."`
	Addr   string `help:"Address of ingest." default:"127.0.0.1:8080"`
}

// Run runs the pipeline for your own traffic until Ctrl-C; the next run goes on with the data.
func (c *devCmd) Run(ctx context.Context) error {
	if c.Dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return fmt.Errorf("no home folder for the data, use --dir: %w", err)
		}
		c.Dir = filepath.Join(home, ".local", "share", "tributary", "dev")
	}
	if c.Reset {
		if err := reset(c.Dir); err != nil {
			return err
		}
	}
	bin, engine, err := demo.Programs(ctx)
	if err != nil {
		return err
	}
	s, err := stack.Start(ctx, stack.Config{Dir: c.Dir, Bin: bin, Engine: engine, IngestAddr: c.Addr, Stores: c.Stores, Shop: true,
		KafkaAddr: stack.Prefer("127.0.0.1:9092"), ClickHouseAddr: stack.Prefer("127.0.0.1:8123"), Partitions: schemas.PartitionsLaptop,
		Step: func(what string) { fmt.Fprintln(os.Stderr, "starting", what) }})
	if err != nil {
		return err
	}
	defer s.Stop()
	fmt.Printf(`Ready; Ctrl-C stops it, and the next start goes on with the data.
  shop         http://%[1]s/shop (click, and see your session)
  ingest       http://%[1]s/v1/batch (Segment's protocol)
  ClickHouse   http://%[2]s
  Kafka        %[3]s
  data, logs   %[4]s
Try:  tributary send "Product Viewed" -p product_id=p1      tributary query sessions
`, s.Ingest, s.ClickHouse, s.Kafka, c.Dir)
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.Dead():
		return err
	}
}

// reset removes what the pipeline keeps in a folder, and nothing else that may be there.
func reset(dir string) error {
	for _, part := range []string{"kafka", "clickhouse", "state", "log"} {
		if err := os.RemoveAll(filepath.Join(dir, part)); err != nil {
			return fmt.Errorf("reset: %w", err)
		}
	}
	return nil
}
