package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/tributary-data/tributary/services/tributary/tail"
)

type tailCmd struct {
	Store     string `help:"Only this store's."`
	Visitor   string `help:"Only this visitor's."`
	FromStart bool   `help:"Begin with what is already there."`
	Limit     int    `short:"n" help:"End after so many lines; 0 goes on until Ctrl-C."`
	JSON      bool   `name:"json" help:"One JSON object a line."`
	Brokers   string `help:"Broker addresses, host:port, comma separated." env:"TRIBUTARY_KAFKA_BROKERS" default:"127.0.0.1:9092"`
}

// Run shows events as ingest accepts them, and what it refuses, until Ctrl-C, which is how it is meant to end.
func (c *tailCmd) Run(ctx context.Context) error {
	client, err := kafkaClient(c.Brokers)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Check(ctx); err != nil {
		return err
	}
	show := func(l tail.Line) error {
		_, err := fmt.Println(l)
		return err
	}
	if c.JSON {
		out := json.NewEncoder(os.Stdout)
		show = func(l tail.Line) error { return out.Encode(l) }
	}
	err = tail.Follow(ctx, client, tail.Config{Store: c.Store, Visitor: c.Visitor, FromStart: c.FromStart, Limit: c.Limit}, func() {
		if !c.FromStart {
			fmt.Fprintln(os.Stderr, "waiting for events; --from-start shows those that are there already, Ctrl-C ends")
		}
	}, show)
	if ctx.Err() != nil {
		return nil
	}
	return err
}
