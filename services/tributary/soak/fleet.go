package soak

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// partitions of every topic.
const partitions = 12

// readyWithin is how long everything may take to start.
const readyWithin = 2 * time.Minute

// fleet is everything that runs: a broker, an engine, two ingests, and three instances of each stateful service.
type fleet struct {
	config Config
	ended  func(m *machine, crash bool, why error)

	apache   *apache // nil: the broker is a machine
	brokers  string
	engine   string
	machines []*machine
	traffic  []string // addresses of the ingests
	client   *kafka.Client
	db       *clickhouse.DB
}

func (f *fleet) logs() string { return filepath.Join(f.config.Dir, "log") }

// addrOf makes a machine's command announce a port.
type addrOf = func(what, first string) string

const anyPort = "127.0.0.1:0"

// start starts everything and waits until the ingests take traffic.
func (f *fleet) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := os.MkdirAll(f.logs(), 0o755); err != nil {
		return fmt.Errorf("make the soak's folder: %w", err)
	}
	if err := f.startServers(ctx); err != nil {
		return err
	}
	if err := f.setUp(ctx, stack.Topics(partitions)); err != nil {
		return err
	}
	for i := range statefuls {
		for _, service := range []string{sessionizer, aggregator} {
			if err := f.add(f.stateful(service, i+1)); err != nil {
				return err
			}
		}
	}
	for i := range ingests {
		m := f.service(fmt.Sprintf("%s-%d", ingest, i+1), func(_ order, addr addrOf) (string, []string) {
			return filepath.Join(f.config.Bin, ingest), []string{"TRIBUTARY_ADDR=" + addr("traffic", anyPort), "TRIBUTARY_STORES="}
		})
		if err := f.add(m); err != nil {
			return err
		}
		addr, err := m.addr(ctx, "traffic")
		if err != nil {
			return err
		}
		f.traffic = append(f.traffic, addr)
	}
	for i := range ingests {
		m := f.machine(fmt.Sprintf("%s-%d", ingest, i+1))
		admin, err := m.addr(ctx, "admin")
		if err == nil {
			err = m.current().Ready(ctx, admin)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *fleet) startServers(ctx context.Context) (err error) {
	own, data := filepath.Join(f.config.Bin, "tributary"), func(what string) string { return filepath.Join(f.config.Dir, what) }
	if f.config.Broker == Apache {
		if f.apache, f.brokers, err = startApache(ctx, filepath.Join(f.config.Bin, "kafka"), data(broker), f.logs(), f.config.Nodes); err != nil {
			return err
		}
	} else if f.brokers, err = f.server(ctx, broker, func(_ order, addr addrOf) (string, []string, []string) {
		return own, []string{"embedded-kafka", "--attached", "--addr", addr(broker, anyPort), "--data", data(broker)}, nil
	}); err != nil {
		return err
	}
	f.engine, err = f.server(ctx, engine, func(_ order, addr addrOf) (string, []string, []string) {
		return own, []string{"embedded-clickhouse", "--attached", "--addr", addr(engine, anyPort), "--data", data(engine), "--library", f.config.Engine}, nil
	})
	return err
}

// server is a machine of one port, of the same name.
func (f *fleet) server(ctx context.Context, name string, command func(order, addrOf) (string, []string, []string)) (string, error) {
	m := &machine{name: name, command: command}
	if err := f.add(m); err != nil {
		return "", err
	}
	return m.addr(ctx, name)
}

func (f *fleet) add(m *machine) error {
	m.logs, m.ended = f.logs(), f.ended
	if err := m.start(); err != nil {
		return err
	}
	f.machines = append(f.machines, m)
	return nil
}

// setUp makes topics and tables.
func (f *fleet) setUp(ctx context.Context, topics []kafka.Topic) (err error) {
	if f.client, err = kafka.NewClient(kafka.Config{Brokers: f.brokers}); err != nil {
		return err
	}
	if err = f.client.EnsureTopics(ctx, topics, f.config.Nodes); err != nil {
		return err
	}
	if f.db, err = clickhouse.Open(clickhouse.Config{Addr: f.engine}); err != nil {
		return err
	}
	_, err = stack.Migrate(ctx, f.db, partitions)
	return err
}

// machine by its name.
func (f *fleet) machine(name string) *machine {
	for _, m := range f.machines {
		if m.name == name {
			return m
		}
	}
	return nil
}

// down lists what does not run.
func (f *fleet) down() (out []string) {
	for _, m := range f.machines {
		if s := m.status(); s != "" {
			out = append(out, m.name+" "+s)
		}
	}
	if f.apache != nil && f.apache.status() != "" {
		out = append(out, f.apache.status())
	}
	return out
}
