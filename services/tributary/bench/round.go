package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/sim"
	"github.com/tributary-data/tributary/schemas"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

func escape(query string) string { return url.QueryEscape(query) }

// bench is one run.
type bench struct {
	config Config
	load   load
}

// station is what one round runs on: a broker and an engine of its own, with topics and tables.
type station struct {
	*bench
	dir, kafka, clickhouse string
	client                 *kafka.Client
	started                []*stack.Process
}

// round measures every part once.
func (b *bench) round(ctx context.Context, dir string) (r round, err error) {
	r = round{of: map[string]Sample{}, limit: map[string]Sample{}}
	s := &station{bench: b, dir: dir}
	defer s.stop()
	if err := s.start(ctx); err != nil {
		return r, err
	}
	for _, part := range []struct {
		to         map[string]Sample
		name, what string
		measure    func(context.Context) (Sample, error)
	}{
		{r.limit, PartIngest, "its limit", s.noop},
		{r.of, PartIngest, "", s.ingest},
		{r.limit, PartVisitor, "its limit", s.child("bench-walk", "--topic="+schemas.TopicEvents(0))},
		{r.of, PartVisitor, "", s.visitor},
		{r.of, PartAggregator, "", s.aggregator},
		{r.limit, PartAggregator, "its limit", s.child("bench-copy")},
	} {
		if part.to[part.name], err = part.measure(ctx); err != nil {
			return r, fmt.Errorf("measure %s: %w", part.name, err)
		}
		b.config.Say("  %-14s %-10s %6.2f µs/event, %8.0f events/s", part.name, part.what, part.to[part.name].CPU, part.to[part.name].PerSecond)
	}
	s.stop()
	r.of[PartWhole], r.processes, err = b.whole(ctx, filepath.Join(dir, "whole"))
	return r, err
}

func (s *station) start(ctx context.Context) error {
	for _, d := range []string{"kafka", "clickhouse"} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o755); err != nil {
			return fmt.Errorf("create folder: %w", err)
		}
	}
	tributary := filepath.Join(s.config.Bin, "tributary")
	broker, err := s.process("kafka", tributary, []string{"embedded-kafka", "--attached", "--addr=127.0.0.1:0", "--data=" + filepath.Join(s.dir, "kafka")}, nil)
	if err != nil {
		return err
	}
	engine, err := s.process("clickhouse", tributary, []string{"embedded-clickhouse", "--attached", "--addr=127.0.0.1:0",
		"--data=" + filepath.Join(s.dir, "clickhouse"), "--library=" + s.config.Engine}, nil)
	if err != nil {
		return err
	}
	if s.kafka, err = broker.Addr(ctx, "kafka"); err != nil {
		return err
	}
	if s.clickhouse, err = engine.Addr(ctx, "clickhouse"); err != nil {
		return err
	}
	if s.client, err = kafka.NewClient(kafka.Config{Brokers: s.kafka}); err != nil {
		return err
	}
	if err := s.client.EnsureTopics(ctx, stack.Topics(s.config.Partitions), 1); err != nil {
		return err
	}
	db, err := clickhouse.Open(clickhouse.Config{Addr: s.clickhouse})
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = stack.Migrate(ctx, db, s.config.Partitions)
	return err
}

func (s *station) process(name, program string, args, settings []string) (*stack.Process, error) {
	p, err := stack.StartProcess(name, s.dir, program, args, settings)
	if err == nil {
		s.started = append(s.started, p)
	}
	return p, err
}

// service starts one of the services.
func (s *station) service(name string, settings ...string) (*stack.Process, error) {
	return s.process(name, filepath.Join(s.config.Bin, name), []string{"--attached"}, append(settings, "TRIBUTARY_KAFKA_BROKERS="+s.kafka,
		"TRIBUTARY_CLICKHOUSE_ADDR="+s.clickhouse, "TRIBUTARY_ADMIN_ADDR=127.0.0.1:0", "TRIBUTARY_LOG_FORMAT=json", "TRIBUTARY_OWNERSHIP=all",
		"TRIBUTARY_STATE_DIR="+filepath.Join(s.dir, "state", name), "TRIBUTARY_CHECKPOINTS="+filepath.Join(s.dir, "checkpoints")))
}

// stop stops what was started last first: servers outlive those who use them.
func (s *station) stop() {
	for i := len(s.started) - 1; i >= 0; i-- {
		s.started[i].Stop()
	}
	s.started = nil
	if s.client != nil {
		s.client.Close()
	}
}

func (s *station) noop(ctx context.Context) (Sample, error) {
	p, err := s.process("noop", filepath.Join(s.config.Bin, "tributary"), []string{"bench-noop", "--attached"}, nil)
	if err != nil {
		return Sample{}, err
	}
	defer p.Stop()
	return s.loaded(ctx, p, func(context.Context, time.Time) error { return nil })
}

func (s *station) ingest(ctx context.Context) (Sample, error) {
	p, err := s.service("ingest", "TRIBUTARY_ADDR=127.0.0.1:0", "TRIBUTARY_CLOCK=driven")
	if err != nil {
		return Sample{}, err
	}
	defer p.Stop()
	admin, err := p.Addr(ctx, "admin")
	if err != nil {
		return Sample{}, err
	}
	clock := &sim.HTTPClock{AdminURL: "http://" + admin}
	if err := clock.Set(ctx, begin); err != nil { // brings the store's file
		return Sample{}, err
	}
	return s.loaded(ctx, p, clock.Set)
}

// loaded is what the load costs whoever takes it.
func (s *station) loaded(ctx context.Context, p *stack.Process, moved func(context.Context, time.Time) error) (Sample, error) {
	addr, err := p.Addr(ctx, "traffic")
	if err != nil {
		return Sample{}, err
	}
	before, err := p.CPU()
	if err != nil {
		return Sample{}, err
	}
	wall, err := s.load.send(ctx, addr, moved)
	if err != nil {
		return Sample{}, err
	}
	after, err := p.CPU()
	return Work{Events: s.load.events(), CPU: after - before, Wall: wall}.sample(), err
}

// visitor is what the sessionizer takes from its start to the end of the topic.
func (s *station) visitor(ctx context.Context) (Sample, error) {
	return s.drained(ctx, "sessionizer", map[string]string{"visitor": schemas.TopicEvents(0)})
}

// aggregator is what the aggregator takes from its start to the end of both topics.
func (s *station) aggregator(ctx context.Context) (Sample, error) {
	return s.drained(ctx, "aggregator", map[string]string{"events": schemas.TopicEvents(0), "sessions": schemas.TopicSessions(0, 0)})
}

// drainWithin is how long a stage may take.
const drainWithin = 10 * time.Minute

func (s *station) drained(ctx context.Context, name string, stages map[string]string) (Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	began := time.Now()
	p, err := s.service(name)
	if err != nil {
		return Sample{}, err
	}
	defer p.Stop()
	admin, err := p.Addr(ctx, "admin")
	if err != nil {
		return Sample{}, err
	}
	if err := s.caughtUp(ctx, s.client, admin, stages); err != nil {
		return Sample{}, err
	}
	wall := time.Since(began)
	cpu, err := p.CPU()
	return Work{Events: s.load.events(), CPU: cpu, Wall: wall}.sample(), err
}

// pollEvery is rare enough not to be a cost of what is measured: each look at the metrics takes a millisecond of it.
const pollEvery = 200 * time.Millisecond

// caughtUp waits until each stage has committed everything of its topic.
func (b *bench) caughtUp(ctx context.Context, client *kafka.Client, admin string, stages map[string]string) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for stage, topic := range stages {
		for {
			done, err := stack.CaughtUp(ctx, client, admin, stage, topic, b.config.Partitions)
			if err != nil {
				return err
			}
			if done {
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("stage %s is not through topic %s: %w", stage, topic, ctx.Err())
			}
		}
	}
	return nil
}

// child runs a limit as a process of its own.
func (s *station) child(command string, args ...string) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		cmd := exec.CommandContext(ctx, filepath.Join(s.config.Bin, "tributary"), append([]string{command}, args...)...)
		cmd.Env = append(os.Environ(), "TRIBUTARY_KAFKA_BROKERS="+s.kafka, "TRIBUTARY_CLICKHOUSE_ADDR="+s.clickhouse)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return Sample{}, fmt.Errorf("%s: %w", command, err)
		}
		var w Work
		if err := json.Unmarshal(out, &w); err != nil {
			return Sample{}, fmt.Errorf("%s: %w", command, err)
		}
		return w.sample(), nil
	}
}
