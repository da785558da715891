package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/internal/storeconf"
)

// storeCmd groups what is done with store files.
type storeCmd struct {
	Apply storeApplyCmd `cmd:"" help:"Bring a store file into the log: the first one of a store counts at once, a changed one from the store's next midnight that is an hour away. Can be interrupted and called again."`
	Check storeCheckCmd `cmd:"" help:"Say what is wrong with a store file, without touching anything."`
	Show  storeShowCmd  `cmd:"" help:"Show which settings of a store each partition has."`
}

// cluster is where configs go.
type cluster struct {
	Brokers string `help:"Broker addresses, host:port, comma separated." env:"TRIBUTARY_KAFKA_BROKERS" default:"127.0.0.1:9092"`
}

// with calls f with the log of the cluster's events.
func (c cluster) with(ctx context.Context, f func(context.Context, storeconf.Log) error) error {
	client, err := kafkaClient(c.Brokers)
	if err != nil {
		return err
	}
	defer client.Close()
	topic := schemas.TopicEvents(0)
	if err := client.Check(ctx); err != nil {
		return err
	}
	n, err := client.Partitions(ctx, topic)
	if err != nil {
		return err
	}
	producer := kafka.NewProducer(client, kafka.ProducerConfig{Topic: topic, Partitions: n})
	g, ctx := errgroup.WithContext(ctx)
	lanes, stop := context.WithCancel(ctx)
	g.Go(func() error { return producer.Run(lanes) })
	g.Go(func() error {
		defer stop()
		// Only ingest has a clock that counts: these records say nothing of the time.
		return f(ctx, storeconf.Log{Notes: client, Writer: producer, Topic: topic, Stamp: func() (int64, uint32) { return 0, 0 }})
	})
	return g.Wait()
}

type storeApplyCmd struct {
	cluster
	File string `arg:"" help:"Store file." type:"existingfile"`
	JSON bool   `name:"json" help:"Print the result as JSON."`
}

// Run applies the file.
func (c *storeApplyCmd) Run(ctx context.Context) error {
	file, err := readStore(c.File)
	if err != nil {
		return err
	}
	return c.with(ctx, func(ctx context.Context, l storeconf.Log) error {
		r, err := l.Apply(ctx, file, time.Now(), func(p int) {
			if !c.JSON {
				fmt.Fprintf(os.Stderr, "\rpartition %d of %d", p+1, l.Writer.Partitions())
			}
		})
		if !c.JSON && r.Written > 0 {
			fmt.Fprintln(os.Stderr)
		}
		if err != nil {
			return fmt.Errorf("%w; call it again to go on, the moment stays", err)
		}
		if r.Replaced {
			return fmt.Errorf("store %s: a later file counts, and the same file cannot be applied twice; to go back to it, change something in it (a comment will do)", r.Store)
		}
		if c.JSON {
			return json.NewEncoder(os.Stdout).Encode(r)
		}
		fmt.Println(describe(r))
		return nil
	})
}

func describe(r storeconf.Result) string {
	when := "at once"
	if r.From > 0 {
		when = "from " + time.UnixMilli(r.From).Format(time.RFC3339)
	}
	if r.Written == 0 {
		return fmt.Sprintf("store %s: nothing to do, every partition has this file; it counts %s", r.Store, when)
	}
	return fmt.Sprintf("store %s: %d partitions got it; it counts %s", r.Store, r.Written, when)
}

type storeCheckCmd struct {
	File string `arg:"" help:"Store file." type:"existingfile"`
}

// Run checks the file.
func (c *storeCheckCmd) Run() error {
	b, err := readStore(c.File)
	if err != nil {
		return err
	}
	if err := mistyped(b); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	fmt.Println("ok")
	return nil
}

// mistyped looks for steps whose action is nearly one that we know. A store may have actions of its own, so apply does not ask.
func mistyped(file []byte) error {
	f, err := stores.Parse(file)
	if err != nil {
		return err
	}
	known := []string{"session"}
	for line := range strings.Lines(string(schemas.Actions)) {
		if name, _, ok := strings.Cut(line, "\t"); ok && name[0] != '#' {
			known = append(known, name)
		}
	}
	for i, fu := range f.Meaning.Funnels {
		for j, st := range fu.Steps {
			if near := stores.Nearest(st.Action, known); near != "" && !slices.Contains(known, st.Action) {
				return fmt.Errorf("meaning.funnels[%d].steps[%d]: no event is named %s: did you mean %s? Apply it all the same if it is an event of your own", i, j, st.Action, near)
			}
		}
	}
	return nil
}

// readStore reads and checks a file; its mistakes are told with the file's name in front.
func readStore(name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the store file, check its permission: %w", err)
	}
	if _, err := stores.Parse(b); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

type storeShowCmd struct {
	cluster
	Store string `arg:"" help:"Name of the store."`
	JSON  bool   `name:"json" help:"Print the result as JSON."`
}

// Run shows what each partition has.
func (c *storeShowCmd) Run(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, l storeconf.Log) error {
		known, err := l.Known(ctx, c.Store)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(os.Stdout).Encode(known)
		}
		any := false
		for p, list := range known {
			for _, s := range list {
				any = true
				fmt.Printf("partition %3d  %s  from %s\n", p, s.ID, time.UnixMilli(s.From).UTC().Format(time.RFC3339))
			}
		}
		if !any {
			return errors.New("no partition knows store " + c.Store + ": apply its file")
		}
		return nil
	})
}
