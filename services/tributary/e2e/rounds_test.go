package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
)

// rounds are a log of events that is written round by round, a virtual moment each: in every partition one event and a tick.
// So every partition has something to commit all the time, and what comes of it depends on the log alone.
type rounds struct {
	brokers string
	client  *kafka.Client
	events  *kafka.Producer
	n       int           // partitions
	step    time.Duration // of virtual time between rounds
	who     [][]string    // visitors, by partition

	mu    sync.Mutex
	acked []time.Time // when each round was acknowledged
}

const (
	firstMinute = int64(1_790_000_000_000)
	perRound    = 2 // records in each partition
)

// newRounds makes the topics of two epochs with n partitions, and writes the demo's store.
func newRounds(t *testing.T, brokers string, n, visitors int, step time.Duration) *rounds {
	t.Helper()
	client, err := kafka.NewClient(kafka.Config{Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	var topics []kafka.Topic
	for _, name := range []string{schemas.TopicEvents(0), schemas.TopicDeadLetters, schemas.TopicSessions(0, 0), schemas.TopicSessions(0, 1)} {
		topics = append(topics, kafka.Topic{Name: name, Partitions: n, AppendTime: name == schemas.TopicEvents(0)})
	}
	if err := client.EnsureTopics(t.Context(), topics, 1); err != nil {
		t.Fatal(err)
	}
	r := &rounds{brokers: brokers, client: client, n: n, step: step, who: make([][]string, n),
		events: kafka.NewProducer(client, kafka.ProducerConfig{Topic: schemas.TopicEvents(0), Partitions: n})}
	for i := range visitors {
		visitor := fmt.Sprint("v", i)
		p := event.Partition(event.Key("demo", visitor, ""), n)
		r.who[p] = append(r.who[p], visitor)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.events.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	r.toAll(t, &pb.Record{Kind: pb.Kind_KIND_CONFIG, Store: "demo", Flags: event.EnvelopeDriven,
		Body: &pb.Record_Config{Config: &pb.Config{ConfigId: "1", File: stores.Demo()}}})
	return r
}

func (r *rounds) toAll(t *testing.T, record *pb.Record) {
	t.Helper()
	b, err := record.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	all := map[int][]kafka.Message{}
	for p := range r.n {
		all[p] = []kafka.Message{{Value: b}}
	}
	if err := r.events.Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

// write writes the next rounds at once.
func (r *rounds) write(ctx context.Context, count int) error {
	all := map[int][]kafka.Message{}
	for i := len(r.acked); i < len(r.acked)+count; i++ {
		now := r.at(i)
		tick, err := (&pb.Record{Kind: pb.Kind_KIND_TICK, IngestTs: now, Flags: event.EnvelopeDriven, Body: &pb.Record_Tick{Tick: &pb.Tick{}}}).MarshalVT()
		if err != nil {
			return err
		}
		for p := range r.n {
			visitor := r.who[p][i/5%len(r.who[p])] // five in a row, and a session later again
			id := event.IDFromMessage(fmt.Sprint(i, "/", p))
			b, err := (&pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "demo", Flags: event.EnvelopeDriven, IngestTs: now, Body: &pb.Record_Event{Event: &pb.Event{
				EventId: id[:], Visitor: visitor, Action: "page_viewed", Interactive: true, EventTs: now - int64(i%7), Entry: &pb.Entry{Channel: "Email"}}}}).MarshalVT()
			if err != nil {
				return err
			}
			all[p] = append(all[p], kafka.Message{Key: event.Key("demo", visitor, ""), Value: b}, kafka.Message{Value: tick})
		}
	}
	if err := r.events.Write(ctx, all); err != nil {
		return fmt.Errorf("write round %d: %w", len(r.acked), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for range count {
		r.acked = append(r.acked, time.Now())
	}
	return nil
}

// at is the virtual time of a round.
func (r *rounds) at(i int) int64 { return firstMinute + int64(i)*r.step.Milliseconds() }

// flow writes a round each 100 ms until end is called.
func (r *rounds) flow(t *testing.T) (end func()) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				done <- nil
				return
			case <-tick.C:
			}
			if err := r.write(t.Context(), 1); err != nil {
				done <- err
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// waiting is how long the oldest acknowledged record of a partition has waited, whose state is at next.
func (r *rounds) waiting(next int64, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	round := max(0, int(next-1)/perRound) // the config comes first
	if round >= len(r.acked) {
		return 0
	}
	return max(0, now.Sub(r.acked[round]))
}

// close ends the log with a tick long after the last round, at which everything is final, and returns its watermark.
func (r *rounds) close(t *testing.T) (watermark int64) {
	t.Helper()
	end := r.at(len(r.acked)) + (48 * time.Hour).Milliseconds()
	r.toAll(t, &pb.Record{Kind: pb.Kind_KIND_TICK, IngestTs: end, Flags: event.EnvelopeDriven, Body: &pb.Record_Tick{Tick: &pb.Tick{}}})
	return end - event.Allowance
}

// sessions of an epoch as readers resolve them, once every partition has come to a watermark: the highest version of each. Two
// records of one version must be the same.
func (r *rounds) sessions(t *testing.T, epoch uint16, watermark int64) []string {
	t.Helper()
	reader := kafka.NewReader(r.client, kafka.ReaderConfig{Topic: schemas.TopicSessions(0, epoch), Wait: 20 * time.Millisecond})
	var sources []stream.Source
	for p := range int32(r.n) {
		sources = append(sources, reader.Open(p, stream.Start()))
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*waitWithin)
	done := make(chan error, 1)
	go func() { done <- reader.Run(ctx) }()
	defer func() { stop(); <-done }()
	best := map[string]*pb.Record{}
	for p, s := range sources {
		for at := int64(0); at < watermark; {
			b, ok := <-s.Batches()
			if !ok {
				t.Fatalf("sessions of epoch %d, partition %d: the watermark is %d ms short: %v", epoch, p, watermark-at, s.Err())
			}
			for _, raw := range b.Records {
				rec := &pb.Record{}
				if err := rec.UnmarshalVT(raw.Value); err != nil {
					t.Fatal(err)
				}
				at = max(at, rec.GetWatermark().GetW())
				id := string(bytes.Join([][]byte{rec.GetSession().GetSessionId(), rec.GetTombstone().GetSessionId()}, nil))
				if id == "" {
					continue
				}
				switch was := best[id]; {
				case was == nil || rec.Source.Offset > was.Source.Offset:
					best[id] = rec
				case rec.Source.Offset == was.Source.Offset && !rec.EqualVT(was):
					t.Errorf("session %x has two values of version %d: %v and %v", id, rec.Source.Offset, was, rec)
				}
			}
		}
	}
	var out []string
	for _, id := range slices.Sorted(maps.Keys(best)) {
		if s := best[id].GetSession(); s != nil {
			out = append(out, fmt.Sprintf("%x %d-%d %d version %d", s.SessionId, s.StartedAt-firstMinute, s.EndedAt-firstMinute, s.Events, best[id].Source.Offset))
		}
	}
	return out
}
