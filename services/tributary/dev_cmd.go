package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/tributary/demo"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

type devCmd struct {
	Stores string `help:"Store file, or folder of them. Default: the demo's store." type:"path"`
	Dir    string `help:"Folder for data, state and logs. Default: ~/.local/share/tributary/dev"`
	Reset  bool   `help:"Throw the folder's data away first."`
	Addr   string `help:"Address of ingest." default:"127.0.0.1:8080"`
	Kafka  string `help:"Address of the broker. Default: 127.0.0.1:9092, or a free port."`
	Engine string `name:"clickhouse" help:"Address of ClickHouse's HTTP interface. Default: 127.0.0.1:8123, or a free port."`
}

// Addresses that people and their tools try first; send, query and tail do too.
const (
	usualIngest = "127.0.0.1:8080"
	usualKafka  = "127.0.0.1:9092"
	usualEngine = "127.0.0.1:8123"
)

// Run runs the pipeline for your own traffic until Ctrl-C; the next run goes on with the data.
func (c *devCmd) Run(ctx context.Context) error {
	if c.Dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return fmt.Errorf("no home folder for the data, use --dir: %w%w", err, errCall)
		}
		c.Dir = filepath.Join(home, ".local", "share", "tributary", "dev")
	}
	if c.Reset {
		if err := reset(c.Dir); err != nil {
			return err
		}
	}
	if c.Stores != "" {
		if _, err := os.Stat(c.Stores); err != nil {
			return fmt.Errorf("--stores=%s is not there: use a store file, or a folder of them%w", c.Stores, errCall)
		}
	}
	bin, engine, err := demo.Programs(ctx)
	if err != nil {
		return err
	}
	if c.Kafka == "" {
		c.Kafka = obs.Preferred(usualKafka)
	}
	if c.Engine == "" {
		c.Engine = obs.Preferred(usualEngine)
	}
	s, err := stack.Start(ctx, stack.Config{Dir: c.Dir, Bin: bin, Engine: engine, IngestAddr: c.Addr, Stores: c.Stores, Shop: true,
		KafkaAddr: c.Kafka, ClickHouseAddr: c.Engine, Partitions: schemas.PartitionsLaptop,
		Step:    func(what string) { fmt.Fprintln(os.Stderr, "starting", what) },
		Restart: true, Ended: func(_ string, why error, pause time.Duration) {
			fmt.Fprintf(os.Stderr, "%v; starting it again in %s\n", why, pause)
		}})
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
Try, in another terminal:
  tributary send "Product Viewed" -p product_id=p1%[5]s
  tributary query sessions%[6]s
  tributary tail%[7]s
`, s.Ingest, s.ClickHouse, s.Kafka, c.Dir, elsewhere(" --ingest=http://", s.Ingest, usualIngest), elsewhere(" --clickhouse=", s.ClickHouse, usualEngine),
		elsewhere(" --brokers=", s.Kafka, usualKafka))
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.Dead():
		return err
	}
}

// elsewhere is the flag that a command needs when a server is not where it is looked for.
func elsewhere(flag, addr, usual string) string {
	if addr == usual {
		return ""
	}
	return flag + addr
}

// reset throws the data of a folder away, unless a stack runs on it.
func reset(dir string) error {
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return nil
	}
	lock, err := stack.Lock(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	return stack.Reset(dir)
}
