package stack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/kafka"
)

// Config of a stack.
type Config struct {
	// Dir holds data, state and logs.
	Dir string
	// Bin is the folder of the programs tributary, ingest, sessionizer and aggregator.
	Bin string
	// Engine is the path of libchdb.
	Engine string
	// IngestAddr takes storefront traffic; KafkaAddr and ClickHouseAddr are the broker's and the engine's. Default: free
	// loopback ports
	IngestAddr, KafkaAddr, ClickHouseAddr string
	// Partitions of every topic.
	Partitions int
	// Driven makes ingest's clock one that is set.
	Driven bool
	// Shop makes ingest serve a small shop to click, under /shop/.
	Shop bool
	// Ownership of the partitions by sessionizer and aggregator: all, or group to share them with instances that somebody
	// else starts. Default: all
	Ownership string
	// Stores are store files or folders; empty: the demo's store.
	Stores string
	// Step is told what is being started. May be nil.
	Step func(what string)
}

// Stack is the running pipeline.
type Stack struct {
	// Ingest, IngestAdmin, ClickHouse: host:port.
	Ingest, IngestAdmin, ClickHouse, Kafka string
	// Admin addresses of the services by name.
	Admin map[string]string

	config   Config
	children []*child
	dead     chan error
}

// free is a loopback port that the system chooses.
const free = "127.0.0.1:0"

// Prefer is addr if nothing listens there, else a free loopback port.
func Prefer(addr string) string {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return free
	}
	_ = l.Close() // it was only to see whether we could
	return addr
}

// startWithin is how long the whole stack may take to be ready.
const startWithin = 60 * time.Second

// Start starts everything and waits until it is ready. After an error nothing is left running.
func Start(ctx context.Context, c Config) (_ *Stack, err error) {
	for _, addr := range []*string{&c.IngestAddr, &c.KafkaAddr, &c.ClickHouseAddr} {
		if *addr == "" {
			*addr = free
		}
	}
	if c.Ownership == "" {
		c.Ownership = "all"
	}
	if c.Step == nil {
		c.Step = func(string) {}
	}
	for _, d := range []string{"kafka", "clickhouse", "state", "log"} {
		if err := os.MkdirAll(filepath.Join(c.Dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("create folder: %w", err)
		}
	}
	s := &Stack{config: c, Admin: map[string]string{}, dead: make(chan error, 8)}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	limit, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	if err := s.startServers(limit); err != nil {
		return nil, err
	}
	if err := s.setUp(limit); err != nil {
		return nil, err
	}
	return s, s.startServices(limit)
}

func (s *Stack) startServers(ctx context.Context) (err error) {
	c := s.config
	s.config.Step("broker and engine")
	tributary := filepath.Join(c.Bin, "tributary")
	kafkaChild, err := s.spawn("kafka", tributary, []string{"embedded-kafka", "--attached", "--addr", c.KafkaAddr, "--data", filepath.Join(c.Dir, "kafka")})
	if err != nil {
		return err
	}
	engine, err := s.spawn("clickhouse", tributary, []string{"embedded-clickhouse", "--attached", "--addr", c.ClickHouseAddr,
		"--data", filepath.Join(c.Dir, "clickhouse"), "--library", c.Engine})
	if err != nil {
		return err
	}
	if s.Kafka, err = kafkaChild.addr(ctx, "kafka"); err != nil {
		return err
	}
	s.ClickHouse, err = engine.addr(ctx, "clickhouse")
	return err
}

func (s *Stack) setUp(ctx context.Context) error {
	s.config.Step("topics and tables")
	client, err := kafka.NewClient(kafka.Config{Brokers: s.Kafka})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.EnsureTopics(ctx, Topics(s.config.Partitions), 1); err != nil {
		return err
	}
	db, err := clickhouse.Open(clickhouse.Config{Addr: s.ClickHouse})
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = Migrate(ctx, db, s.config.Partitions)
	return err
}

func (s *Stack) startServices(ctx context.Context) error {
	s.config.Step("ingest, sessionizer and aggregator")
	clock := "wall"
	if s.config.Driven {
		clock = "driven"
	}
	ingest, err := s.spawn("ingest", filepath.Join(s.config.Bin, "ingest"), []string{"--attached"}, "TRIBUTARY_ADDR="+s.config.IngestAddr,
		"TRIBUTARY_CLOCK="+clock, "TRIBUTARY_STORES="+s.config.Stores, fmt.Sprint("TRIBUTARY_SHOP=", s.config.Shop))
	if err != nil {
		return err
	}
	services := map[string]*child{"ingest": ingest}
	for _, name := range []string{"sessionizer", "aggregator"} {
		if services[name], err = s.spawn(name, filepath.Join(s.config.Bin, name), []string{"--attached"},
			"TRIBUTARY_STATE_DIR="+filepath.Join(s.config.Dir, "state", name), "TRIBUTARY_OWNERSHIP="+s.config.Ownership); err != nil {
			return err
		}
	}
	for name, c := range services {
		if s.Admin[name], err = c.addr(ctx, "admin"); err != nil {
			return err
		}
	}
	s.IngestAdmin = s.Admin["ingest"]
	if s.Ingest, err = ingest.addr(ctx, "traffic"); err != nil {
		return err
	}
	for _, name := range []string{"sessionizer", "aggregator"} {
		if err := s.waitReady(ctx, services[name], s.Admin[name]); err != nil {
			return err
		}
	}
	return nil
}

// spawn starts a child that knows where the servers are.
func (s *Stack) spawn(name, program string, args []string, settings ...string) (*child, error) {
	settings = append(settings, "TRIBUTARY_KAFKA_BROKERS="+s.Kafka, "TRIBUTARY_CLICKHOUSE_ADDR="+s.ClickHouse, "TRIBUTARY_ADMIN_ADDR="+free,
		"TRIBUTARY_LOG_FORMAT=json")
	c, err := start(name, filepath.Join(s.config.Dir, "log"), program, args, settings)
	if err != nil {
		return nil, err
	}
	s.children = append(s.children, c)
	go func() {
		<-c.done
		s.dead <- c.failure()
	}()
	return c, nil
}

// waitReady asks /readyz until it says yes.
func (s *Stack) waitReady(ctx context.Context, c *child, admin string) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/readyz", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close() // the status is all we want
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		t := time.NewTimer(20 * time.Millisecond)
		select {
		case <-c.done:
			return c.failure()
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %s; its log is %s", c.name, startWithin, c.log)
		case <-t.C:
		}
	}
}

// Dead tells of children that ended by themselves.
func (s *Stack) Dead() <-chan error { return s.dead }

// CPU is the processor time of each process so far, by name.
func (s *Stack) CPU() map[string]time.Duration {
	out := map[string]time.Duration{}
	for _, c := range s.children {
		if d, err := c.cpu(); err == nil { // no such figure on this system: none is shown
			out[c.name] = d
		}
	}
	return out
}

// Stop stops everything in the order in which data flows, so that nothing complains about a missing peer.
func (s *Stack) Stop() {
	order := map[string]int{"ingest": 0, "sessionizer": 1, "aggregator": 2, "kafka": 3, "clickhouse": 4}
	for rank := range len(order) {
		for _, c := range s.children {
			if order[c.name] == rank {
				c.stop()
			}
		}
	}
}
