package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/internal/parts"
)

const (
	partitions = 4
	day0       = int64(1_790_000_000_000)
)

// world is a broker with events in its log.
type world struct {
	addr   string
	client *kafka.Client
	events *kafka.Producer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{addr: harness.Broker(t)}
	var err error
	if w.client, err = kafka.NewClient(kafka.Config{Brokers: w.addr}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	topics := []kafka.Topic{{Name: schemas.TopicEvents(0), Partitions: partitions, AppendTime: true}, {Name: schemas.TopicDeadLetters, Partitions: partitions},
		{Name: schemas.TopicSessions(0, 0), Partitions: partitions}, {Name: schemas.TopicSessions(0, 1), Partitions: partitions}}
	if err := w.client.EnsureTopics(context.Background(), topics, 1); err != nil {
		t.Fatal(err)
	}
	w.events = kafka.NewProducer(w.client, kafka.ProducerConfig{Topic: schemas.TopicEvents(0), Partitions: partitions})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.events.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	w.toAll(t, &pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: "demo", Flags: 1, Body: &pb.Record_Config{Config: &pb.Config{ConfigId: "1", File: stores.Demo()}}})
	return w
}

func (w *world) toAll(t *testing.T, r *pb.Record) {
	t.Helper()
	all := map[int][]kafka.Message{}
	for p := range partitions {
		all[p] = []kafka.Message{{Value: encode(t, r)}}
	}
	if err := w.events.Write(context.Background(), all); err != nil {
		t.Fatal(err)
	}
}

func encode(t *testing.T, r *pb.Record) []byte {
	t.Helper()
	b, err := r.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hour of traffic: disordered events of 40 visitors, then a tick.
func (w *world) hour(t *testing.T, n int) {
	t.Helper()
	byPartition := map[int][]kafka.Message{}
	start := day0 + int64(n)*3_600_000
	for i := range 300 {
		message, who := fmt.Sprint(n, "/", i), fmt.Sprint("v", i*7%40)
		id := event.IDFromMessage(message)
		key := event.Key("demo", who, "")
		p := event.Partition(key, partitions)
		byPartition[p] = append(byPartition[p], kafka.Message{Key: key, Value: encode(t, &pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "demo", Flags: 1,
			IngestTs: start + 3_600_000, Body: &pb.Record_Event{Event: &pb.Event{EventId: id[:], Visitor: who, Action: "page_viewed", Interactive: true,
				EventTs: start + int64(i*7919%300)*2_000, Entry: &pb.Entry{Channel: "Email"}}}})})
	}
	if err := w.events.Write(context.Background(), byPartition); err != nil {
		t.Fatal(err)
	}
	w.toAll(t, &pb.Record{Kind: pb.Kind_KIND_TICK, IngestTs: start + 3_600_000, Flags: 1, Body: &pb.Record_Tick{Tick: &pb.Tick{}}})
}

// instance runs a sessionizer; stop ends it, as a crash would, since it flushes nothing.
func (w *world) instance(t *testing.T, epoch uint16, ownership string) (a *app, stop func()) {
	t.Helper()
	r, err := New(Config{AdminAddr: "127.0.0.1:0", StateDir: t.TempDir(), Parts: parts.Config{Checkpoints: t.TempDir()}, Epoch: epoch,
		Kafka:     kafka.Config{Brokers: w.addr, Heartbeat: 50 * time.Millisecond, SessionTimeout: 6 * time.Second},
		Ownership: ownership, FlushEvery: 20 * time.Millisecond}, zap.NewNop())
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
	return r.(*app), stop
}

// waitForWork waits until the instance has committed something of a partition.
func waitForWork(t *testing.T, a *app) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		families, err := a.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "tributary_commits_total" && m.GetCounter().GetValue() > 0 {
					return
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the second instance got no partition")
		}
	}
}

// until reads the sessions of an epoch until every partition's W is there, and resolves them as readers do.
func (w *world) until(t *testing.T, epoch uint16, watermark int64) []string {
	t.Helper()
	r := kafka.NewReader(w.client, kafka.ReaderConfig{Topic: schemas.TopicSessions(0, epoch), Wait: 20 * time.Millisecond})
	sources := map[int32]stream.Source{}
	for p := range int32(partitions) {
		sources[p] = r.Open(p, stream.Start())
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	defer func() { stop(); <-done }()
	best := map[string]*pb.Record{}
	for p := range int32(partitions) {
		for at := int64(0); at < watermark; {
			b, ok := <-sources[p].Batches()
			if !ok {
				t.Fatalf("epoch %d, partition %d: W is at %d of %d: %v", epoch, p, at-day0, watermark-day0, sources[p].Err())
			}
			for _, raw := range b.Records {
				rec := &pb.Record{}
				if err := rec.UnmarshalVT(raw.Value); err != nil {
					t.Fatal(err)
				}
				at = max(at, rec.GetWatermark().GetW())
				id := string(bytes.Join([][]byte{rec.GetSession().GetSessionId(), rec.GetTombstone().GetSessionId()}, nil))
				if id != "" && (best[id] == nil || rec.Source.Offset >= best[id].Source.Offset) {
					best[id] = rec
				}
			}
		}
	}
	var out []string
	for _, id := range slices.Sorted(maps.Keys(best)) {
		if s := best[id].GetSession(); s != nil {
			out = append(out, fmt.Sprintf("%x %d-%d %d", s.SessionId, s.StartedAt-day0, s.EndedAt-day0, s.Events))
		}
	}
	return out
}

// Ensure that two instances that share the work, one of which goes away in the middle, come to the same table as one alone:
// the one that stays folds the lost partitions again from the log's start.
func TestInstancesShareTheWork(t *testing.T) {
	w := newWorld(t)
	const hours = 6
	_, stopFirst := w.instance(t, 0, kafka.OwnGroup)
	w.hour(t, 0)
	w.until(t, 0, day0+3_600_000-10_000)
	second, _ := w.instance(t, 0, kafka.OwnGroup)
	waitForWork(t, second)
	w.hour(t, 1)
	w.until(t, 0, day0+2*3_600_000-10_000)
	w.hour(t, 2)
	stopFirst()
	for h := 3; h < hours; h++ {
		w.hour(t, h)
	}
	end := day0 + hours*3_600_000 - 10_000
	got := w.until(t, 0, end)
	w.instance(t, 1, kafka.OwnAll)
	want := w.until(t, 1, end)
	if len(want) < 200 || !slices.Equal(got, want) {
		t.Errorf("got %d sessions, want %d:\n%s", len(got), len(want), strings.Join(got[:min(3, len(got))], "\n"))
	}
}

// Ensure that malformed bytes in the log come to dead-letters with their place, and that the log goes on after them.
func TestMalformedBytes(t *testing.T) {
	w := newWorld(t)
	if err := w.events.Write(context.Background(), map[int][]kafka.Message{2: {{Value: []byte("\xff")}}}); err != nil {
		t.Fatal(err)
	}
	w.hour(t, 0)
	w.instance(t, 0, kafka.OwnAll)
	if got := w.until(t, 0, day0+3_600_000-10_000); len(got) < 40 {
		t.Errorf("got %d sessions after the malformed bytes", len(got))
	}
	place := schemas.TopicEvents(0) + "/2/1" // behind the config
	p := int32(event.Partition([]byte(place), partitions))
	r := kafka.NewReader(w.client, kafka.ReaderConfig{Topic: schemas.TopicDeadLetters, Wait: 20 * time.Millisecond})
	source := r.Open(p, stream.Start())
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	defer func() { stop(); <-done }()
	var b stream.Batch
	for ok := true; len(b.Records) == 0; {
		if b, ok = <-source.Batches(); !ok {
			t.Fatal(source.Err())
		}
	}
	rec := &pb.Record{}
	if err := rec.UnmarshalVT(b.Records[0].Value); err != nil {
		t.Fatal(err)
	}
	d := rec.GetDeadLetter()
	if string(b.Records[0].Key) != place || d.GetReason() != string(event.ReasonUndecodable) || d.GetOffset() != 1 || string(d.GetOriginal()) != "\xff" {
		t.Errorf("got %q, %v", b.Records[0].Key, d)
	}
}

func TestBadOwnership(t *testing.T) {
	c := Config{AdminAddr: "127.0.0.1:0", StateDir: t.TempDir(), Kafka: kafka.Config{Brokers: "127.0.0.1:9092"}, Ownership: "mine"}
	if _, err := New(c, zap.NewNop()); err == nil || !strings.Contains(err.Error(), "expected all or group") {
		t.Errorf("got %v", err)
	}
}
