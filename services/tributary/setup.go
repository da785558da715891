package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/tributary-data/tributary/services/tributary/stack"
)

// topicsCmd groups what is done with topics.
type topicsCmd struct {
	Create topicsCreateCmd `cmd:"" help:"Create missing topics, and fail where an existing one has drifted."`
}

type topicsCreateCmd struct {
	Brokers     string `help:"Broker addresses, host:port, comma separated." env:"TRIBUTARY_KAFKA_BROKERS" default:"127.0.0.1:9092"`
	Partitions  int    `help:"Partitions of every topic. It cannot change later: more need a new generation." default:"64"`
	Replication int    `help:"Replicas of every partition." default:"3"`
}

// Run creates the topics.
func (c *topicsCreateCmd) Run(ctx context.Context) error {
	client, err := kafkaClient(c.Brokers)
	if err != nil {
		return err
	}
	defer client.Close()
	topics := stack.Topics(c.Partitions)
	if err := client.EnsureTopics(ctx, topics, c.Replication); err != nil {
		return err
	}
	for _, t := range topics {
		fmt.Printf("%-16s %d partitions\n", t.Name, t.Partitions)
	}
	return nil
}

type migrateCmd struct {
	Partitions int `help:"Partitions of the topic events." default:"64"`
	database
}

// Run applies the migrations that are missing.
func (c *migrateCmd) Run(ctx context.Context) error {
	db, err := c.open()
	if err != nil {
		return err
	}
	defer db.Close()
	applied, err := stack.Migrate(ctx, db, c.Partitions)
	if err != nil {
		return err
	}
	if len(applied) == 0 {
		fmt.Println("nothing to do")
		return nil
	}
	fmt.Println("applied:", strings.Join(applied, ", "))
	return nil
}
