package brokers_test

import (
	"context"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/kafka/kafkatest"
	"github.com/tributary-data/tributary/pkg/stream"
)

// epochs opens partition 0, which had several leaders, at positions that its log fits to and at one that it does not fit to: more
// than the first leader wrote, as if that had gone on alone and lost an election.
func (l *load) epochs(t *testing.T) {
	t.Helper()
	log, err := kafkatest.Log(t.Context(), l.cluster.Brokers(), l.topic, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	first, end, last := log[0].LeaderEpoch, int64(0), log[len(log)-1]
	for _, b := range log {
		if b.LeaderEpoch == first {
			end = b.Base + int64(len(b.Values))
		}
	}
	ends := last.Base + int64(len(last.Values))
	if last.LeaderEpoch <= first || end >= ends {
		t.Fatalf("partition 0 had leaders of epochs %d to %d, the first to offset %d of %d", first, last.LeaderEpoch, end, ends)
	}
	for _, c := range []struct {
		name  string
		next  int64
		epoch int32
		want  stream.Reason
	}{
		{"at the end of the first epoch", end, first, ""},
		{"in the last epoch", ends, last.LeaderEpoch, ""},
		{"after the first epoch's end", end + 1, first, stream.ReasonDiverged},
		{"far after the first epoch's end", ends, first, stream.ReasonDiverged},
	} {
		at := stream.From(c.next)
		at.LeaderEpoch = c.epoch
		got := l.opened(t, at)
		if h := stream.HaltOf(got); (h == nil) != (c.want == "") || h != nil && h.Reason != c.want || h == nil && got != nil {
			t.Errorf("%s: %v, expected %q", c.name, got, c.want)
		}
	}
}

// opened opens partition 0 at a position and returns why that fails, or nil once the log fits.
func (l *load) opened(t *testing.T, at stream.Position) error {
	t.Helper()
	r := kafka.NewReader(l.client, kafka.ReaderConfig{Topic: l.topic, Wait: 20 * time.Millisecond})
	source := r.Open(0, at)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	defer func() { stop(); <-done }()
	select {
	case b, ok := <-source.Batches():
		if !ok {
			return source.Err()
		}
		if b.Next < at.Next {
			t.Errorf("it begins at %d, asked for %d", b.Next, at.Next)
		}
		return nil
	case <-time.After(within):
		t.Fatal("the partition neither opened nor stopped")
		return nil
	}
}
