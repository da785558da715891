package stack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
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
	// IngestAddr takes storefront traffic; KafkaAddr and ClickHouseAddr are the broker's and the engine's: as obs.Listen takes
	// them. Default: free loopback ports
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
	// Restart starts a process again that ended by itself, with growing pauses, on the addresses that it had. Without it,
	// Dead tells of the first that ends.
	Restart bool
	// Ended is told of such an end, and of the pause before the next start; Started when the next one was started, from a
	// goroutine of its own. Only with Restart; may be nil.
	Ended   func(name string, why error, pause time.Duration)
	Started func(name string)
	// Settings are further environment variables for each start of a process. May be nil.
	Settings func(name string) []string
}

// Stack is the running pipeline.
type Stack struct {
	// Ingest, IngestAdmin, ClickHouse: host:port.
	Ingest, IngestAdmin, ClickHouse, Kafka string
	// Checkpoints is the bucket of the services.
	Checkpoints string
	// Admin addresses of the services by name.
	Admin map[string]string

	config  Config
	members []*member
	dead    chan error
	stopped chan struct{}
	once    sync.Once
	lock    *os.File
	backoff backoff
	// starting is set until everything is ready: what ends before is not started again.
	starting atomic.Bool
}

// free is a loopback port that the system chooses.
const free = "127.0.0.1:0"

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
	if c.Ended == nil {
		c.Ended = func(string, error, time.Duration) {}
	}
	if c.Started == nil {
		c.Started = func(string) {}
	}
	made, err := makeParts(c.Dir)
	if err != nil {
		return nil, err
	}
	s := &Stack{config: c, Checkpoints: filepath.Join(c.Dir, "checkpoints"), Admin: map[string]string{}, dead: make(chan error, 8), stopped: make(chan struct{}), backoff: usual}
	if s.lock, err = lock(c.Dir); err != nil {
		return nil, err
	}
	s.starting.Store(true)
	defer func() {
		s.starting.Store(false)
		if err != nil {
			s.Stop()
			unmake(made, filepath.Join(c.Dir, "log"), err)
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
	broker := &member{name: "kafka", command: func(addr func(what, first string) string) (string, []string, []string) {
		return tributary, []string{"embedded-kafka", "--attached", "--addr", addr("kafka", c.KafkaAddr), "--data", filepath.Join(c.Dir, "kafka")}, nil
	}}
	engine := &member{name: "clickhouse", command: func(addr func(what, first string) string) (string, []string, []string) {
		return tributary, []string{"embedded-clickhouse", "--attached", "--addr", addr("clickhouse", c.ClickHouseAddr),
			"--data", filepath.Join(c.Dir, "clickhouse"), "--library", c.Engine}, nil
	}}
	for _, m := range []*member{broker, engine} {
		if err := s.start(m); err != nil {
			return err
		}
	}
	if s.Kafka, err = broker.addr(ctx, "kafka"); err != nil {
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
	ingest := s.service("ingest", func(addr func(what, first string) string) []string {
		return []string{"TRIBUTARY_ADDR=" + addr("traffic", s.config.IngestAddr), "TRIBUTARY_CLOCK=" + clock, "TRIBUTARY_STORES=" + s.config.Stores,
			fmt.Sprint("TRIBUTARY_SHOP=", s.config.Shop)}
	})
	services := []*member{ingest}
	for _, name := range []string{"sessionizer", "aggregator"} {
		services = append(services, s.service(name, func(func(what, first string) string) []string {
			return []string{"TRIBUTARY_STATE_DIR=" + filepath.Join(s.config.Dir, "state", name), "TRIBUTARY_CHECKPOINTS=" + s.Checkpoints, "TRIBUTARY_OWNERSHIP=" + s.config.Ownership}
		}))
	}
	for _, m := range services {
		if err := s.start(m); err != nil {
			return err
		}
	}
	var err error
	for _, m := range services {
		if s.Admin[m.name], err = m.addr(ctx, "admin"); err != nil {
			return err
		}
	}
	s.IngestAdmin = s.Admin["ingest"]
	if s.Ingest, err = ingest.addr(ctx, "traffic"); err != nil {
		return err
	}
	wait := services
	if s.config.Driven {
		wait = services[1:] // ingest is ready once its clock is set
	}
	for _, m := range wait {
		if err := m.current().Ready(ctx, s.Admin[m.name]); err != nil {
			return err
		}
	}
	return nil
}

// service is a member that knows where the servers are.
func (s *Stack) service(name string, own func(addr func(what, first string) string) []string) *member {
	return &member{name: name, command: func(addr func(what, first string) string) (string, []string, []string) {
		return filepath.Join(s.config.Bin, name), []string{"--attached"}, append(own(addr), "TRIBUTARY_KAFKA_BROKERS="+s.Kafka, "TRIBUTARY_KAFKA_TLS=false", "TRIBUTARY_KAFKA_SASL=none",
			"TRIBUTARY_CLICKHOUSE_ADDR="+s.ClickHouse, "TRIBUTARY_ADMIN_ADDR="+addr("admin", free), "TRIBUTARY_LOG_FORMAT=json")
	}}
}

// Dead tells of processes that ended by themselves and are not started again.
func (s *Stack) Dead() <-chan error { return s.dead }

// Kill ends a process at once, as the system would that is out of memory. It is false if the process was not running.
func (s *Stack) Kill(name string) bool {
	i := slices.IndexFunc(s.members, func(m *member) bool { return m.name == name })
	return i >= 0 && s.members[i].kill()
}

// Signal sends a process a signal, such as SIGSTOP. It is false if the process was not running.
func (s *Stack) Signal(name string, sig os.Signal) bool {
	i := slices.IndexFunc(s.members, func(m *member) bool { return m.name == name })
	return i >= 0 && s.members[i].current().cmd.Process.Signal(sig) == nil
}

// order in which data flows: what stops first has nobody left to complain about.
var order = []string{"ingest", "sessionizer", "aggregator", "kafka", "clickhouse"}

// Stop stops everything in the order in which data flows, so that nothing complains about a missing peer.
func (s *Stack) Stop() {
	s.once.Do(func() { close(s.stopped) })
	for _, name := range order {
		for _, m := range s.members {
			if m.name == name {
				m.stop()
			}
		}
	}
	if s.lock != nil {
		_ = s.lock.Close() // nothing was written that could be lost
	}
}
