package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/tributary-data/tributary/pkg/checkpoint"
	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/internal/parts"
	"github.com/tributary-data/tributary/services/internal/storeconf"
)

// restateCmd groups what is done to say anew what the log means: with other rules, or with a mended program.
type restateCmd struct {
	Prepare restatePrepareCmd `cmd:"" help:"Make the topics of the next epoch, and say which stores have other rules in it. Then start sessionizer and aggregator a second time, with TRIBUTARY_EPOCH and state folders of their own."`
	Status  restateStatusCmd  `cmd:"" help:"Show how far each epoch has come, and which one the views show."`
	Switch  restateSwitchCmd  `cmd:"" help:"Let the views show an epoch, once it has come as far as the one that they show. It can be switched back."`
}

type restatePrepareCmd struct {
	Checkpoints string   `help:"Bucket of the checkpoints, as the services have it." env:"TRIBUTARY_CHECKPOINTS"`
	Brokers     string   `help:"Broker addresses, host:port, comma separated." env:"TRIBUTARY_KAFKA_BROKERS" default:"127.0.0.1:9092"`
	Generation  uint8    `help:"Generation of the topic events." env:"TRIBUTARY_GENERATION" default:"0"`
	Epoch       uint16   `required:"" help:"Number of the new epoch."`
	Store       []string `help:"Store file that counts in the epoch from the log's start on, in place of all that the store has had so far. May be repeated." type:"existingfile"`
	Replication int      `help:"Replicas of the epoch's topics." default:"3"`
	Reason      string   `help:"Why, for those who read it later."`
}

// Run prepares.
func (c *restatePrepareCmd) Run(ctx context.Context) error {
	if c.Epoch == 0 {
		return fmt.Errorf("epoch 0 is the first one: use the next number that was not used%w", errCall)
	}
	client, err := kafkaClient(c.Brokers)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Check(ctx); err != nil {
		return err
	}
	n, err := client.Partitions(ctx, schemas.TopicEvents(c.Generation))
	if err != nil {
		return err
	}
	plan := parts.Plan{Reason: c.Reason, At: time.Now().UTC()}
	for _, name := range c.Store {
		r, err := c.restated(ctx, client, name, n)
		if err != nil {
			return err
		}
		plan.Stores = append(plan.Stores, r)
	}
	b := bucket{Checkpoints: c.Checkpoints}
	// First the plan: services of the epoch wait for its topics.
	if err := b.with(ctx, func(v *checkpoint.Vault) error { return parts.DecidePlan(ctx, v, c.Epoch, plan) }); err != nil {
		return fmt.Errorf("%w; an epoch has one plan: use the next number", err)
	}
	topics := []kafka.Topic{{Name: schemas.TopicSessions(c.Generation, c.Epoch), Partitions: n}, {Name: schemas.TopicVisits(c.Generation, c.Epoch), Partitions: n},
		{Name: schemas.TopicJourneys(c.Generation, c.Epoch), Partitions: n}}
	if err := client.EnsureTopics(ctx, topics, c.Replication); err != nil {
		return err
	}
	fmt.Printf("epoch %d is prepared, with other rules for %d stores\nNext: start sessionizer and aggregator beside those that run, with TRIBUTARY_EPOCH=%[1]d and state folders of their own.\nThen: tributary restate status, and tributary restate switch --epoch %[1]d when it has caught up.\n", c.Epoch, len(plan.Stores))
	return nil
}

// restated is a store whose file counts in the epoch.
func (c *restatePrepareCmd) restated(ctx context.Context, client *kafka.Client, name string, n int) (r parts.Restated, err error) {
	file, err := readStore(name)
	if err != nil {
		return r, err
	}
	f, err := stores.Parse(file)
	if err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	known, err := storeconf.Log{Notes: client, Writer: width(n), Topic: schemas.TopicEvents(c.Generation)}.Known(ctx, f.Store)
	if err != nil {
		return r, err
	}
	r = parts.Restated{Store: f.Store, File: string(file)}
	for _, list := range known {
		for _, s := range list {
			if !slices.Contains(r.Replaces, s.ID) {
				r.Replaces = append(r.Replaces, s.ID)
			}
		}
	}
	if len(r.Replaces) == 0 {
		return r, fmt.Errorf("store %s has no settings in the log: bring it there with tributary store apply", f.Store)
	}
	return r, nil
}

// width is a log that is only read from.
type width int

func (w width) Partitions() int { return int(w) }
func (width) Write(context.Context, map[int][]kafka.Message) error {
	return fmt.Errorf("nothing is written here")
}

// epochState is how far an epoch has come: the least over its partitions and stages.
type epochState struct {
	Epoch      uint16    `json:"epoch"`
	Live       bool      `json:"live"`
	Partitions uint64    `json:"partitions"`
	Processed  time.Time `json:"processed_through"`
}

// epochs lists them in order. An epoch whose stages have not all reported has come nowhere.
func epochs(ctx context.Context, db *clickhouse.DB) ([]epochState, error) {
	out := []epochState{}
	const query = `SELECT epoch, epoch = (SELECT argMax(epoch, live_from_day) FROM tributary.epochs FINAL) AS live, uniqExact(partition) AS parts,
		if(uniqExact(stage) < 2, toDateTime64(0, 3, 'UTC'), min(watermark)) AS processed
		FROM tributary.progress FINAL WHERE stage IN ('events', 'sessions') GROUP BY epoch ORDER BY epoch`
	err := db.Each(ctx, query, func(scan func(...any) error) error {
		var e epochState
		var live uint8
		if err := scan(&e.Epoch, &live, &e.Partitions, &e.Processed); err != nil {
			return err
		}
		e.Live = live == 1
		out = append(out, e)
		return nil
	})
	return out, err
}

type restateStatusCmd struct {
	database
	JSON bool `name:"json" help:"Print it as JSON."`
}

// Run shows.
func (c *restateStatusCmd) Run(ctx context.Context) error {
	db, err := c.open()
	if err != nil {
		return err
	}
	defer db.Close()
	list, err := epochs(ctx, db)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(list)
	}
	if len(list) == 0 {
		fmt.Println("no epoch has any rows yet: start sessionizer and aggregator")
	}
	for _, e := range list {
		note := ""
		if e.Live {
			note = "   the views show this one"
		}
		fmt.Printf("epoch %-3d %4d partitions, processed through %s%s\n", e.Epoch, e.Partitions, e.Processed.UTC().Format(time.RFC3339), note)
	}
	return nil
}

type restateSwitchCmd struct {
	database
	Epoch uint16 `required:"" help:"Epoch that the views are to show."`
	Force bool   `help:"Also if it has not come as far as the one that they show."`
}

// nearly as far as the live epoch is far enough: the two are never at the same record.
const nearly = time.Minute

// Run switches.
func (c *restateSwitchCmd) Run(ctx context.Context) error {
	db, err := c.open()
	if err != nil {
		return err
	}
	defer db.Close()
	list, err := epochs(ctx, db)
	if err != nil {
		return err
	}
	to := slices.IndexFunc(list, func(e epochState) bool { return e.Epoch == c.Epoch })
	live := slices.IndexFunc(list, func(e epochState) bool { return e.Live })
	switch {
	case to < 0:
		return fmt.Errorf("epoch %d has no rows: start its services, see tributary restate prepare", c.Epoch)
	case to == live:
		fmt.Printf("nothing to do: the views show epoch %d\n", c.Epoch)
		return nil
	case live >= 0 && !c.Force && (list[to].Partitions < list[live].Partitions || list[to].Processed.Add(nearly).Before(list[live].Processed)):
		return fmt.Errorf("epoch %d has come to %s with %d partitions, the one that the views show to %s with %d: wait until it has caught up, or use --force",
			c.Epoch, list[to].Processed.UTC().Format(time.RFC3339), list[to].Partitions, list[live].Processed.UTC().Format(time.RFC3339), list[live].Partitions)
	}
	// A day has one row, and the last one written counts: so it can be switched back.
	if err := db.Exec(ctx, fmt.Sprintf("INSERT INTO tributary.epochs (epoch, live_from_day) VALUES (%d, toDate(now('UTC')))", c.Epoch)); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	fmt.Printf("the views show epoch %d; services of the other one may be stopped, its rows stay\n", c.Epoch)
	return nil
}
