package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
)

// sessionsVariable says how many sessions are open when the sessionizer is killed; ./scripts/proof resume takes a million.
const sessionsVariable = "TRIBUTARY_RESUME_SESSIONS"

// fill writes the events of n visitors, two each and a minute apart, so that n sessions are open, and returns where the partitions end.
func (r *rounds) fill(t *testing.T, n int) []int64 {
	t.Helper()
	const chunk = 50_000
	for at := 0; at < 2*n; at += chunk {
		all := map[int][]kafka.Message{}
		for i := at; i < min(at+chunk, 2*n); i++ {
			visitor, ts := fmt.Sprintf("visitor-%07d", i%n), firstMinute+int64(i/n)*60_000
			id := event.IDFromMessage(fmt.Sprint(i))
			b, err := (&pb.Record{Kind: pb.Kind_KIND_EVENT, Store: "demo", IngestTs: ts, Flags: event.EnvelopeDriven, Body: &pb.Record_Event{Event: &pb.Event{
				EventId: id[:], Visitor: visitor, Action: "product_viewed", Interactive: true, EventTs: ts, Product: "p1",
				Entry: &pb.Entry{Channel: "Email", Source: "newsletter", Device: "mobile", LandingPath: "/sale"}}}}).MarshalVT()
			if err != nil {
				t.Fatal(err)
			}
			key := event.Key("demo", visitor, "")
			p := event.Partition(key, r.n)
			all[p] = append(all[p], kafka.Message{Key: key, Value: b})
		}
		if err := r.events.Write(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	return r.ends(t)
}

// ends of the partitions of events.
func (r *rounds) ends(t *testing.T) (out []int64) {
	t.Helper()
	ranges, err := r.client.Offsets(t.Context(), "events.g0", r.n)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range ranges {
		out = append(out, x.Last)
	}
	return out
}

// reaches waits until the instance has committed all partitions up to these offsets.
func (i *instance) reaches(t *testing.T, ends []int64) {
	t.Helper()
	within, stop := context.WithTimeout(t.Context(), 10*time.Minute)
	defer stop()
	for there := false; !there; {
		if within.Err() != nil || !i.runs() {
			t.Fatalf("%s stopped at %v of %v", i.name, i.offsets(t.Context()), ends)
		}
		there = true
		now := i.offsets(within)
		for p, end := range ends {
			there = there && now[p] >= end
		}
	}
}

// Ensure that a sessionizer that was killed with many sessions open is back soon: from its disk, and from checkpoints on an empty one.
func TestResume(t *testing.T) {
	skipIfShort(t)
	n := 20_000
	if s := os.Getenv(sessionsVariable); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	r := newRounds(t, harness.Broker(t), 12, 1, time.Minute)
	bucket := t.TempDir()
	i := sessionizer(t, "resume", "TRIBUTARY_KAFKA_BROKERS="+r.brokers, "TRIBUTARY_OWNERSHIP=all", "TRIBUTARY_CHECKPOINTS="+bucket, "TRIBUTARY_CHECKPOINT_EVERY=2s")
	i.start(t)
	ends := r.fill(t, n)
	i.reaches(t, ends)
	r.copied(t, bucket, ends)
	for _, from := range []string{"its disk", "checkpoints on an empty disk"} {
		i.kill(t)
		if from != "its disk" {
			if err := os.RemoveAll(filepath.Join(i.dir, "state")); err != nil {
				t.Fatal(err)
			}
		}
		r.toAll(t, &pb.Record{Kind: pb.Kind_KIND_TICK, IngestTs: firstMinute + 120_000, Flags: event.EnvelopeDriven, Body: &pb.Record_Tick{Tick: &pb.Tick{}}})
		ends, began := r.ends(t), time.Now()
		i.start(t)
		i.reaches(t, ends)
		t.Logf("resumed with %d open sessions from %s after %.2f s: every partition has committed something new", n, from, time.Since(began).Seconds())
	}
}

// copied waits until the bucket holds a checkpoint of each partition that is no older than its end.
func (r *rounds) copied(t *testing.T, bucket string, ends []int64) {
	t.Helper()
	for p, end := range ends {
		if err := await(t.Context(), fmt.Sprintf("a checkpoint of partition %d", p), nil, func(context.Context) (bool, error) {
			// Something has to be committed for a checkpoint to be taken.
			r.toAll(t, &pb.Record{Kind: pb.Kind_KIND_TICK, IngestTs: firstMinute + 60_000, Flags: event.EnvelopeDriven, Body: &pb.Record_Tick{Tick: &pb.Tick{}}})
			names, err := filepath.Glob(filepath.Join(bucket, "visitor", "g0.e0", strconv.Itoa(p), "manifest", "*"))
			for _, name := range names {
				if next, perr := strconv.ParseInt(filepath.Base(name)[:20], 10, 64); perr == nil && next >= end {
					return true, err
				}
			}
			return false, err
		}); err != nil {
			t.Fatal(err)
		}
	}
}
