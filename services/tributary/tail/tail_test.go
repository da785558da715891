package tail_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/tributary/stack"
	"github.com/tributary-data/tributary/services/tributary/tail"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

const noon = int64(1_790_000_000_000) // 2026-09-21 14:13:20 UTC

// log is a broker with the topics, and a way to write them.
type log struct {
	t            *testing.T
	client       *kafka.Client
	events, dead *kafka.Producer
}

func newLog(t *testing.T) log {
	t.Helper()
	c, err := kafka.NewClient(kafka.Config{Brokers: harness.Broker(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.EnsureTopics(t.Context(), stack.Topics(3), 1); err != nil {
		t.Fatal(err)
	}
	l := log{t: t, client: c, events: kafka.NewProducer(c, kafka.ProducerConfig{Topic: schemas.TopicEvents(0), Partitions: 3}),
		dead: kafka.NewProducer(c, kafka.ProducerConfig{Topic: schemas.TopicDeadLetters, Partitions: 3})}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 2)
	for _, p := range []*kafka.Producer{l.events, l.dead} {
		go func() { done <- p.Run(ctx) }()
	}
	t.Cleanup(func() { stop(); <-done; <-done })
	return l
}

func (l log) write(to *kafka.Producer, partition int, records ...*pb.Record) {
	l.t.Helper()
	var messages []kafka.Message
	for _, r := range records {
		b, err := r.MarshalVT()
		if err != nil {
			l.t.Fatal(err)
		}
		messages = append(messages, kafka.Message{Value: b})
	}
	if err := to.Write(l.t.Context(), map[int][]kafka.Message{partition: messages}); err != nil {
		l.t.Fatal(err)
	}
}

func viewed(store, visitor string, flags uint32) *pb.Record {
	return &pb.Record{Kind: pb.Kind_KIND_EVENT, Store: store, IngestTs: noon, Body: &pb.Record_Event{Event: &pb.Event{Visitor: visitor, Action: "product_viewed",
		Interactive: true, EventTs: noon - 5, Flags: flags, Product: "p1", Entry: &pb.Entry{Channel: "Email", Device: "mobile"}}}}
}

func letter(store, original string) *pb.Record {
	return &pb.Record{Kind: pb.Kind_KIND_DEAD_LETTER, Store: store, IngestTs: noon, Body: &pb.Record_DeadLetter{DeadLetter: &pb.DeadLetter{Original: []byte(original),
		Reason: string(event.ReasonNoName), Path: "event", Rule: "a track call needs an event name"}}}
}

// follow returns the first lines, whatever their order among partitions.
func (l log) follow(c tail.Config, n int) (out []string) {
	l.t.Helper()
	c.Limit = n
	err := tail.Follow(l.t.Context(), l.client, c, nil, func(line tail.Line) error {
		out = append(out, fmt.Sprintf("%s/%d/%d %s", line.Topic, line.Partition, line.Offset, strings.Join(strings.Fields(line.String()), " ")))
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// Ensure that accepted and refused events are shown with what was made of them, and only those that were asked for.
func TestFollow(t *testing.T) {
	l := newLog(t)
	order := viewed("demo", "", event.FlagCurrency)
	e := order.GetEvent()
	e.User, e.Action, e.OrderId, e.Money, e.Interactive = "u", "purchased", "o1", &pb.Money{Minor: 2050, Currency: "EUR"}, false
	l.write(l.events, 0, &pb.Record{Kind: pb.Kind_KIND_TICK, IngestTs: noon, Body: &pb.Record_Tick{Tick: &pb.Tick{}}}, viewed("demo", "a", event.FlagSkewed), viewed("other", "b", 0))
	l.write(l.events, 2, order)
	l.write(l.dead, 1, letter("demo", `{"anonymousId":"a"}`), letter("demo", `{"anonymousId":"c"}`))
	const (
		ofA     = "events.g0/0/1 14:13:19.995 demo a product_viewed Email mobile p1 the client's clock is wrong: time corrected"
		ofB     = "events.g0/0/2 14:13:19.995 other b product_viewed Email mobile p1"
		ofUser  = "events.g0/2/0 14:13:19.995 demo u purchased Email mobile p1 o1 2050 EUR minor unknown currency: value not counted; no visitor: joins the person, not a session"
		letterA = "dead-letters/1/0 14:13:20.000 demo - refused: event_name_missing event a track call needs an event name"
		letterC = "dead-letters/1/1 14:13:20.000 demo - refused: event_name_missing event a track call needs an event name"
	)
	for _, c := range []struct {
		config tail.Config
		want   []string
	}{
		{tail.Config{}, []string{letterA, letterC, ofA, ofB, ofUser}},
		{tail.Config{Store: "other"}, []string{ofB}},
		{tail.Config{Store: "demo"}, []string{letterA, letterC, ofA, ofUser}},
		{tail.Config{Visitor: "a"}, []string{letterA, ofA}},
	} {
		c.config.FromStart = true
		if got := l.follow(c.config, len(c.want)); !slices.Equal(got, c.want) {
			t.Errorf("%+v:\ngot  %q\nwant %q", c.config, got, c.want)
		}
	}
}

// Ensure that without a wish for what is there only what comes is shown, and that a record which is none is shown too.
func TestOnlyWhatComes(t *testing.T) {
	l := newLog(t)
	l.write(l.events, 1, viewed("demo", "early", 0))
	ready := make(chan struct{})
	go func() {
		<-ready
		if err := l.events.Write(t.Context(), map[int][]kafka.Message{1: {{Value: []byte("nonsense")}}}); err != nil {
			t.Error(err)
		}
	}()
	var got []string
	err := tail.Follow(t.Context(), l.client, tail.Config{Limit: 1}, func() { close(ready) }, func(line tail.Line) error {
		got = append(got, fmt.Sprint(line.Refused, " ", line.Offset))
		return nil
	})
	if err != nil || !slices.Equal(got, []string{"unreadable 1"}) {
		t.Errorf("got %q, %v", got, err)
	}
}

// Ensure that missing topics are an error at once.
func TestNoTopics(t *testing.T) {
	c, err := kafka.NewClient(kafka.Config{Brokers: harness.Broker(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := tail.Follow(t.Context(), c, tail.Config{}, nil, nil); err == nil || !strings.Contains(err.Error(), "events.g0") {
		t.Errorf("got %v", err)
	}
}
