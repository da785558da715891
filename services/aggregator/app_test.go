package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/internal/parts"
)

const (
	partitions = 4
	day0       = int64(1_790_000_000_000)
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// world is a broker with topics, and an engine with tables.
type world struct {
	addr, engine string
	db           *clickhouse.DB
	lanes        map[string]*kafka.Producer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{addr: harness.Broker(t), engine: harness.Engine(t), lanes: map[string]*kafka.Producer{}}
	client, err := kafka.NewClient(kafka.Config{Brokers: w.addr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	topics := []string{schemas.TopicEvents(0), schemas.TopicSessions(0, 0), schemas.TopicDeadLetters}
	for i, name := range topics {
		if err := client.EnsureTopics(t.Context(), []kafka.Topic{{Name: name, Partitions: partitions, AppendTime: i == 0}}, 1); err != nil {
			t.Fatal(err)
		}
		p := kafka.NewProducer(client, kafka.ProducerConfig{Topic: name, Partitions: partitions})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		t.Cleanup(func() { stop(); <-done })
		w.lanes[name] = p
	}
	if w.db, err = clickhouse.Open(clickhouse.Config{Addr: w.engine}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.db.Close() })
	if _, err := w.db.Migrate(t.Context(), schemas.ClickHouse, "clickhouse"); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Exec(t.Context(), "INSERT INTO tributary.generations (generation, partitions, closed_at) SELECT 0, 4, 0"); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Exec(t.Context(), "INSERT INTO tributary.epochs (epoch, live_from_day) SELECT 0, toDate(0)"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) write(t *testing.T, topic string, partition int, recs ...*pb.Record) {
	t.Helper()
	var ms []kafka.Message
	for _, r := range recs {
		b, err := r.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, kafka.Message{Value: b})
	}
	if err := w.lanes[topic].Write(context.Background(), map[int][]kafka.Message{partition: ms}); err != nil {
		t.Fatal(err)
	}
}

// round writes, to every partition, sessions of which each is told twice and grows, events of which each is told twice, and
// a dead letter that is told twice.
func (w *world) round(t *testing.T, n int) {
	t.Helper()
	for p := range partitions {
		source := func(i int) *pb.Source { return &pb.Source{Partition: uint32(p), Offset: int64(n*1000 + i)} }
		var sessions, events []*pb.Record
		for i := range 50 {
			id := event.Hash128(fmt.Append(nil, p, n, i))
			at := day0 + int64(n*900+i)*1000
			for grown := range 2 {
				s := &pb.Session{SessionId: id[:], Visitor: fmt.Sprint(p, n, i), StartedAt: at, EndedAt: at, Events: uint32(1 + grown), Entry: &pb.Entry{Channel: "Email", Device: "mobile"}}
				if grown == 1 {
					s.Trail = []*pb.Step{{Action: "cart_added", Ts: at, EventId: id[:]}}
					s.Entry.Consent, s.Entry.Variants = "denied", map[string]string{"button": "B", "price": "(mixed)"}
				}
				sessions = append(sessions, &pb.Record{Kind: pb.Kind_KIND_SESSION, Store: "demo", Source: source(10 + 2*i + grown), Body: &pb.Record_Session{Session: s}})
				events = append(events, &pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "demo", IngestTs: at, Flags: 1, Body: &pb.Record_Event{Event: &pb.Event{
					EventId: id[:], Visitor: fmt.Sprint(p, n, i), Action: "page_viewed", EventTs: at}}})
			}
		}
		sessions = append(sessions, &pb.Record{Kind: pb.Kind_KIND_WATERMARK, Source: source(900), Body: &pb.Record_Watermark{Watermark: &pb.Watermark{W: day0 + int64(n+1)*900_000, F: day0 + int64(n)*900_000}}})
		events = append(events, &pb.Record{Kind: pb.Kind_KIND_TICK, IngestTs: day0 + int64(n+1)*900_000, Flags: 1, Body: &pb.Record_Tick{Tick: &pb.Tick{}}})
		letter := &pb.Record{Kind: pb.Kind_KIND_DEAD_LETTER, Store: "demo", Body: &pb.Record_DeadLetter{DeadLetter: &pb.DeadLetter{Reason: "id_reused", Topic: "events.g0", Partition: uint32(p), Offset: int64(n)}}}
		w.write(t, schemas.TopicSessions(0, 0), p, sessions...)
		w.write(t, schemas.TopicEvents(0), p, events...)
		w.write(t, schemas.TopicDeadLetters, p, letter, letter)
	}
}

// instance runs an aggregator; stop ends it, as a crash would, since it flushes nothing.
func (w *world) instance(t *testing.T) (stop func()) {
	t.Helper()
	r, err := New(Config{AdminAddr: "127.0.0.1:0", StateDir: t.TempDir(), Parts: parts.Config{Checkpoints: t.TempDir()}, ClickHouse: clickhouse.Config{Addr: w.engine}, Ownership: kafka.OwnGroup,
		Kafka: kafka.Config{Brokers: w.addr, Heartbeat: 50 * time.Millisecond, SessionTimeout: 6 * time.Second}, FlushEvery: 20 * time.Millisecond}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	stop = func() {
		if cancel(); !stopped {
			stopped = true
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
				t.Error("an instance ended with", err)
			}
		}
	}
	t.Cleanup(stop)
	return stop
}

// counts of everything that the rounds wrote.
func (w *world) counts(t *testing.T) string {
	t.Helper()
	rows, err := w.db.Select(context.Background(), `SELECT ifNull(concat(
		toString((SELECT count() FROM bi.sessions)), ' ', toString((SELECT sum(events) FROM bi.sessions)), ' ',
		toString((SELECT sumIf(units, step = 1) FROM bi.funnel_steps)), ' ', toString((SELECT sumIf(units, step = 3) FROM bi.funnel_steps)), ' ',
		toString((SELECT count() FROM bi.events)), ' ', toString((SELECT (sum(records), sum(unique_events), sum(duplicate)) FROM bi.intake)), ' ',
		toString((SELECT count() FROM bi.dead_letters)), ' ',
		toString((SELECT countIf(consent = 'denied' AND variants['button'] = 'B' AND variants['price'] = '(mixed)' AND length(variants) = 2) FROM tributary.sessions FINAL))), '')`)
	if err != nil {
		t.Fatal(err)
	}
	return rows.Values[0][0].(string)
}

func (w *world) until(t *testing.T, want string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for got := ""; got != want; {
		if got = w.counts(t); time.Now().After(deadline) {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// Ensure that two instances that share the work, one of which goes away in the middle, count everything once: the one that
// stays folds the lost partitions again from the logs' starts.
func TestInstancesShareTheWork(t *testing.T) {
	w := newWorld(t)
	cfg := func() *pb.Record {
		return &pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: "demo", Source: &pb.Source{}, Body: &pb.Record_Config{Config: &pb.Config{ConfigId: "1", File: stores.Demo()}}}
	}
	for p := range partitions {
		w.write(t, schemas.TopicEvents(0), p, cfg())
		w.write(t, schemas.TopicSessions(0, 0), p, cfg())
	}
	want := func(rounds int) string {
		n := rounds * partitions * 50
		return fmt.Sprintf("%d %d %d %d %d (%d,%d,%d) %d %d", n, 2*n, n, n, n, 2*n, n, n, rounds*partitions, n)
	}
	stopFirst := w.instance(t)
	w.round(t, 0)
	w.until(t, want(1))
	w.instance(t)
	w.round(t, 1)
	w.until(t, want(2))
	stopFirst()
	w.round(t, 2)
	w.until(t, want(3))
}

func TestBadSettings(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{ClickHouse: clickhouse.Config{Addr: "127.0.0.1:8123"}}, "TRIBUTARY_KAFKA_BROKERS"},
		{Config{Kafka: kafka.Config{Brokers: "127.0.0.1:9092"}}, "TRIBUTARY_CLICKHOUSE_ADDR"},
	} {
		if _, err := New(c.config, zap.NewNop()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want something with %q", err, c.want)
		}
	}
}
