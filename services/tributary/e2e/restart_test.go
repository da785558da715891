package e2e_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/services/tributary/stack"
)

// checkRestart ensures that a stopped stack leaves nothing behind but its folder, and goes on from there.
func checkRestart(t *testing.T, p pipeline, config stack.Config) {
	before := contentOf(t, p.db)
	ports := p.ports()
	for name, addr := range ports {
		if !listens(addr) {
			t.Errorf("%s does not listen on %s before the stop", name, addr)
		}
	}
	if n := len(running(t, config.Bin)); n != 5 && runtime.GOOS == "linux" {
		t.Errorf("%d processes run before the stop, want 5", n)
	}
	p.stop(t)
	for name, addr := range ports {
		if listens(addr) {
			t.Errorf("%s still listens on %s", name, addr)
		}
	}
	if left := running(t, config.Bin); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	again := start(t, config)
	if err := again.settled(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	contentOf(t, again.db).same(t, "after the restart", before)
	post(t, again.Ingest, "/v1/track", `{"event":"Product Viewed","anonymousId":"shopper-d","messageId":"after-restart",
		"properties":{"product_id":"p-9"},"context":{"page":{"url":"https://shop.example/p-9","referrer":"https://friend.example/"}}}`)
	if err := again.settled(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	after := contentOf(t, again.db)
	for name, mine := range map[string]int{"bi.sessions": 1, "bi.events": 1, "bi.funnel_steps": 7} {
		earlier := slices.DeleteFunc(slices.Clone(after[name]), func(l string) bool {
			return strings.Contains(l, "shopper-d") || strings.Contains(l, "|Referral|other|")
		})
		same(t, "earlier rows, "+name, earlier, before[name])
		if n := len(after[name]) - len(earlier); n != mine {
			t.Errorf("%s: the new event makes %d rows, want %d", name, n, mine)
		}
	}
}

// checkDeadLetters ensures that what ingest refused lies in dead-letters with its reason and its original.
func checkDeadLetters(t *testing.T, broker string, refused []string) {
	client, err := kafka.NewClient(kafka.Config{Brokers: broker})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, stop := context.WithTimeout(t.Context(), waitWithin)
	partition := int32(event.Partition([]byte("demo"), schemas.PartitionsLaptop))
	r := kafka.NewReader(client, kafka.ReaderConfig{Topic: schemas.TopicDeadLetters})
	source := r.Open(partition, stream.Start())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	defer func() { stop(); <-done }()
	var got []string
	for b := range source.Batches() {
		for _, record := range b.Records {
			rec := &pb.Record{}
			if err := rec.UnmarshalVT(record.Value); err != nil {
				t.Fatal(err)
			}
			d := rec.GetDeadLetter()
			got = append(got, d.GetReason())
			if !strings.Contains(string(d.GetOriginal()), `"messageId":"`+refused[0]+`"`) {
				t.Errorf("the original is not the refused call: %s", d.GetOriginal())
			}
		}
		if b.Next >= b.HighWatermark {
			break
		}
	}
	if !slices.Equal(got, []string{string(event.ReasonNameTooLong)}) {
		t.Errorf("got dead letters %v, want one: %s", got, event.ReasonNameTooLong)
	}
}
