package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/tributary-data/tributary/pkg/clickhouse"
	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/schemas"
	pb "github.com/tributary-data/tributary/schemas/proto/tributary/v1"
	"github.com/tributary-data/tributary/schemas/stores"
	"github.com/tributary-data/tributary/services/internal/storeconf"
)

const partitions = 3

// broker has the topics that ingest writes.
func broker(t *testing.T) (addr string, c *kafka.Client) {
	t.Helper()
	addr = harness.Broker(t)
	c, err := kafka.NewClient(kafka.Config{Brokers: addr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	err = c.EnsureTopics(context.Background(), []kafka.Topic{{Name: schemas.TopicEvents(0), Partitions: partitions, AppendTime: true},
		{Name: schemas.TopicDeadLetters, Partitions: partitions}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return addr, c
}

// start runs ingest in this process, on ports of its own.
func start(t *testing.T, c Config) (traffic, admin string) {
	t.Helper()
	c.Addr, c.AdminAddr = freePort(t), freePort(t)
	r, err := New(c, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) { // as main sees it
			t.Error("ingest ended with", err)
		}
	})
	return "http://" + c.Addr, "http://" + c.AdminAddr
}

func freePort(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	addr, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- obs.Serve(ctx, "127.0.0.1:0", http.NotFoundHandler(), func(a string) { addr <- a }) }()
	a := <-addr
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return a
}

func do(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if req.URL.User == nil {
		req.SetBasicAuth("demo-write-key", "")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// until asks again until the status comes.
func until(t *testing.T, want int, method, url, body string) string {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		code, text := do(t, method, url, body)
		if code == want {
			return text
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s %s: got %d %s, want %d", method, url, code, text, want)
		}
	}
}

// read returns the first n records of a partition.
func read(t *testing.T, c *kafka.Client, topic string, partition int32, n int) (out []*pb.Record) {
	t.Helper()
	r := kafka.NewReader(c, kafka.ReaderConfig{Topic: topic, Wait: 20 * time.Millisecond})
	source := r.Open(partition, stream.Start())
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	defer func() { stop(); <-done }()
	for len(out) < n {
		b, ok := <-source.Batches()
		if !ok {
			t.Fatal(source.Err())
		}
		for _, rec := range b.Records {
			m := &pb.Record{}
			if err := m.UnmarshalVT(rec.Value); err != nil {
				t.Fatal(err)
			}
			out = append(out, m)
		}
	}
	return out
}

const day = int64(1_790_000_000_000)

// Ensure that ingest with a driven clock is silent until the clock is set, brings the config to every partition first,
// then the ticks, and that the clock never goes back.
func TestDrivenClock(t *testing.T) {
	addr, c := broker(t)
	traffic, admin := start(t, Config{Clock: clockDriven, Kafka: kafka.Config{Brokers: addr}})
	batch := `{"batch":[{"type":"page","anonymousId":"a","messageId":"1"},{"type":"track","anonymousId":"a"}]}`
	if text := until(t, 503, "POST", traffic+"/v1/batch", batch); !strings.Contains(text, "not ready yet") {
		t.Errorf("before the clock is set: %s", text)
	}
	until(t, 503, "GET", admin+"/readyz", "")
	until(t, 204, "PUT", admin+"/clock", fmt.Sprintf(`{"unix_ms":%d}`, day))
	until(t, 200, "GET", admin+"/readyz", "")
	if text := until(t, 200, "POST", traffic+"/v1/batch", batch); text != `{"success":true}` {
		t.Errorf("got %s", text)
	}
	until(t, 204, "PUT", admin+"/clock", fmt.Sprintf(`{"unix_ms":%d}`, day+60_000))
	if code, text := do(t, "PUT", admin+"/clock", fmt.Sprintf(`{"unix_ms":%d}`, day)); code != 409 || !strings.Contains(text, "never goes back") {
		t.Errorf("back: got %d %s", code, text)
	}
	if code, _ := do(t, "PUT", admin+"/clock", `{"unix_ms":"x"}`); code != 400 {
		t.Errorf("nonsense: got %d", code)
	}
	mine := event.Partition(event.Key("demo", "a", ""), partitions)
	for p := range int32(partitions) {
		want := "KIND_CONFIG@0 KIND_TICK@0 KIND_TICK@60000"
		if int(p) == mine {
			want = "KIND_CONFIG@0 KIND_TICK@0 KIND_EVENT@0 KIND_TICK@60000"
		}
		var got []string
		for _, r := range read(t, c, schemas.TopicEvents(0), p, strings.Count(want, " ")+1) {
			got = append(got, fmt.Sprintf("%s@%d", r.Kind, r.IngestTs-day))
			if r.Flags != event.EnvelopeDriven {
				t.Errorf("partition %d: %s does not carry the driven bit", p, r.Kind)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("partition %d: got %v, want %s", p, got, want)
		}
	}
	dead := read(t, c, schemas.TopicDeadLetters, int32(event.Partition([]byte("demo"), partitions)), 1)
	if got := dead[0].GetDeadLetter().GetReason(); got != "event_name_missing" {
		t.Errorf("dead letter: got %s", got)
	}
}

// Ensure that ingest refuses a store whose changed file was not applied, and takes its events once it was; that another store
// is not touched by it; and that an interrupted one is finished.
func TestAChangedFileMustBeApplied(t *testing.T) {
	addr, c := broker(t)
	dir, demo := t.TempDir(), string(stores.Demo())
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other := strings.NewReplacer("store: demo", "store: other", "demo-write-key", "other-key").Replace(demo)
	changed := strings.Replace(demo, "session_gap: 30m", "session_gap: 20m", 1)
	// An earlier ingest has applied the demo's file, and a person was interrupted while applying another one of other's.
	ctx := context.Background()
	producer := kafka.NewProducer(c, kafka.ProducerConfig{Topic: schemas.TopicEvents(0), Partitions: partitions})
	lanes, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- producer.Run(lanes) }()
	defer func() { stop(); <-done }()
	log := storeconf.Log{Notes: c, Writer: producer, Topic: schemas.TopicEvents(0), Stamp: func() (int64, uint32) { return 0, 0 }}
	for _, f := range []string{demo, strings.Replace(other, "30m", "15m", 1)} {
		if _, err := log.Apply(ctx, []byte(f), time.Now(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Note(ctx, "tributary-config.other", schemas.TopicEvents(0), 1, `[{"id":"`+storeconf.ID([]byte(other))+`","from":77}]`); err != nil {
		t.Fatal(err)
	}
	write("demo.yaml", changed)
	write("other.yaml", other)
	traffic, _ := start(t, Config{Clock: clockWall, Kafka: kafka.Config{Brokers: addr}, Stores: []string{dir}, openEvery: 10 * time.Millisecond})
	if text := until(t, 503, "POST", traffic+"/v1/batch", `{"batch":[{"type":"page","anonymousId":"a"}]}`); !strings.Contains(text, "not ready") && !strings.Contains(text, "store apply") {
		t.Errorf("got %s", text)
	}
	req := func(key string) string {
		return `{"writeKey":"` + key + `","batch":[{"type":"page","anonymousId":"a"}]}`
	}
	until(t, 200, "POST", strings.Replace(traffic, "http://", "http://other-key@", 1)+"/v1/batch", req("other-key"))
	if all, err := log.Everywhere(ctx, "other", []byte(other)); !all || err != nil {
		t.Errorf("the interrupted file is not everywhere: %v", err)
	}
	if known, err := log.Known(ctx, "other"); err != nil || known[2][1].From != 77 {
		t.Errorf("the interrupted file has another moment: %v, %v", known, err)
	}
	if text := until(t, 503, "POST", traffic+"/v1/batch", req("demo-write-key")); !strings.Contains(text, "tributary store apply") {
		t.Errorf("got %s", text)
	}
	if _, err := log.Apply(ctx, []byte(changed), time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	until(t, 200, "POST", traffic+"/v1/batch", req("demo-write-key"))
}

// Ensure that there is a shop only where it is asked for, that a driven clock's is opened through the admin port, and that it
// takes no path from ingest and opens no gate.
func TestShop(t *testing.T) {
	addr, _ := broker(t)
	without, admin := start(t, Config{Clock: clockWall, Kafka: kafka.Config{Brokers: addr}})
	until(t, 200, "GET", admin+"/readyz", "")
	for _, path := range []string{"/shop", "/shop/", "/shop/session?visitor=x"} {
		if code, text := do(t, "GET", without+path, ""); code != 404 || !strings.Contains(text, "unknown path") {
			t.Errorf("%s without a shop: got %d %s", path, code, text)
		}
	}
	if code, _ := do(t, "PUT", admin+"/shop/open", ""); code != 404 {
		t.Errorf("a shop that is not there was opened: %d", code)
	}
	with, admin := start(t, Config{Clock: clockDriven, Kafka: kafka.Config{Brokers: addr}, Shop: true, ClickHouse: clickhouse.Config{Addr: "127.0.0.1:1"}})
	if text := until(t, 200, "GET", with+"/shop/config", ""); !strings.Contains(text, `"open":false`) || !strings.Contains(text, `"writeKey":"demo-write-key"`) {
		t.Errorf("got %s", text)
	}
	if code, text := do(t, "POST", with+"/v1/page", `{"anonymousId":"a"}`); code != 503 || !strings.Contains(text, "not ready yet") {
		t.Errorf("the gate: got %d %s", code, text)
	}
	until(t, 204, "PUT", admin+"/clock", fmt.Sprintf(`{"unix_ms":%d}`, day))
	until(t, 204, "PUT", admin+"/shop/open", "")
	if text := until(t, 200, "GET", with+"/shop/config", ""); !strings.Contains(text, `"open":true`) || !strings.Contains(text, fmt.Sprintf(`"now":%d`, day)) {
		t.Errorf("got %s", text)
	}
	until(t, 200, "POST", with+"/v1/page", `{"anonymousId":"a"}`)
	until(t, 404, "GET", with+"/shopping", "")
	until(t, 503, "GET", with+"/shop/session?visitor=0f0e0d0c-0b0a-4908-8706-050403020100", "")
}

// Ensure that on the wall clock ingest gets ready by itself and ticks each second.
func TestWallClock(t *testing.T) {
	addr, c := broker(t)
	_, admin := start(t, Config{Clock: clockWall, Kafka: kafka.Config{Brokers: addr}})
	until(t, 200, "GET", admin+"/readyz", "")
	recs := read(t, c, schemas.TopicEvents(0), 1, 3)
	if recs[0].Kind != pb.Kind_KIND_CONFIG || recs[1].Kind != pb.Kind_KIND_TICK || recs[2].IngestTs <= recs[1].IngestTs || recs[2].Flags != 0 {
		t.Errorf("got %v", recs)
	}
}

// Ensure that an ingest whose clock is a day ahead takes no events, and that what its ticks did to the log is visible as such:
// they lead their append time, so no fold lets them move W.
func TestAClockAheadIsUnready(t *testing.T) {
	addr, c := broker(t)
	traffic, admin := start(t, Config{Clock: clockWall, Kafka: kafka.Config{Brokers: addr}, ahead: 24 * time.Hour})
	deadline := time.Now().Add(20 * time.Second)
	for {
		if code, text := do(t, "GET", admin+"/readyz", ""); code == 503 && strings.Contains(text, "check NTP") {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("got %d %s", code, text)
		}
	}
	until(t, 503, "POST", traffic+"/v1/page", `{"anonymousId":"a"}`)
	r := kafka.NewReader(c, kafka.ReaderConfig{Topic: schemas.TopicEvents(0), Wait: 20 * time.Millisecond})
	source := r.Open(0, stream.Start())
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	defer func() { stop(); <-done }()
	b := <-source.Batches()
	for len(b.Records) == 0 && source.Err() == nil {
		b = <-source.Batches()
	}
	m := &pb.Record{}
	if err := m.UnmarshalVT(b.Records[0].Value); err != nil {
		t.Fatal(err)
	}
	if !event.Leads(m.IngestTs, b.Records[0].AppendTime, false) {
		t.Errorf("ingest_ts %d does not lead append time %d", m.IngestTs, b.Records[0].AppendTime)
	}
}

// Ensure that the admin port answers while Kafka does not, and that stopping then is clean.
func TestWithoutKafka(t *testing.T) {
	_, admin := start(t, Config{Clock: clockWall, Kafka: kafka.Config{Brokers: "127.0.0.1:1"}})
	until(t, 503, "GET", admin+"/readyz", "")
	until(t, 200, "GET", admin+"/livez", "")
}

func TestCompareClocks(t *testing.T) {
	a := &app{health: &obs.Health{}, log: zap.NewNop()}
	now := time.Now()
	for _, c := range []struct {
		name           string
		sent, appended time.Time
		ready          bool
	}{
		{"together", now.Add(-time.Millisecond), now, true},
		{"a slow answer", now.Add(-time.Minute), now.Add(-30 * time.Second), true},
		{"we lead", now.Add(3 * time.Second), now, false},
		{"we lag", now.Add(-time.Millisecond), now.Add(3 * time.Second), false},
		{"no append time", now, time.Time{}, false},
		{"together again", now.Add(-time.Millisecond), now, true},
	} {
		if a.compareClocks(c.sent, c.appended); a.health.IsReady() != c.ready {
			t.Errorf("%s: ready %t", c.name, !c.ready)
		}
	}
}

// Ensure that every wrong setting is refused at the start with a sentence that names it.
func TestBadSettings(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	demo := string(stores.Demo())
	good := file("good.yaml", demo)
	local := kafka.Config{Brokers: "127.0.0.1:9092"}
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Clock: "sun", Kafka: local}, "expected wall or driven"},
		{Config{Clock: clockDriven, Kafka: kafka.Config{Brokers: "kafka:9092"}}, "loopback"},
		{Config{Clock: clockWall}, "TRIBUTARY_KAFKA_BROKERS"},
		{Config{Clock: clockWall, Kafka: local, Stores: []string{filepath.Join(dir, "none.yaml")}}, "TRIBUTARY_STORES"},
		{Config{Clock: clockWall, Kafka: local, Stores: []string{t.TempDir()}}, "holds no store file"},
		{Config{Clock: clockWall, Kafka: local, Stores: []string{file("bad.yaml", "store: x")}}, "bad.yaml"},
		{Config{Clock: clockWall, Kafka: local, Stores: []string{good, file("twice.yaml", demo+"\n")}}, "is defined by"},
		{Config{Clock: clockWall, Kafka: local, Stores: []string{good, file("key.yaml", strings.Replace(demo, "store: demo", "store: other", 1))}}, "belongs to store demo"},
		{Config{Clock: clockWall, Kafka: local, Stores: []string{file("regexp.yaml", strings.Replace(demo, "brand_pattern: acme", "brand_pattern: '('", 1))}}, "brand_pattern"},
	} {
		if _, err := New(c.config, zap.NewNop()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want something with %q", err, c.want)
		}
	}
	if _, err := New(Config{Clock: clockWall, Kafka: local, Stores: []string{dir + "/good.yaml", dir + "/good.yaml"}}, zap.NewNop()); err != nil {
		t.Errorf("one file named twice: %v", err)
	}
}

// Ensure that the same file always gives the same config id: then a repeat is a no-op.
func TestConfigID(t *testing.T) {
	a, err := loadStores(nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := loadStores(nil)
	if err != nil {
		t.Fatal(err)
	}
	if id := storeconf.ID(a.files[0].file); id == "" || id != storeconf.ID(b.files[0].file) || !bytes.Equal(a.files[0].file, stores.Demo()) {
		t.Error("the config's id is not a function of the file")
	}
}

// Ensure that whoever drives the clock of an ingest whose Kafka is not there yet is told to come again, from the first answer on.
func TestDrivenClockWithoutKafka(t *testing.T) {
	_, admin := start(t, Config{Clock: clockDriven, Kafka: kafka.Config{Brokers: freePort(t)}})
	until(t, 200, "GET", admin+"/livez", "")
	if code, text := do(t, "PUT", admin+"/clock", fmt.Sprintf(`{"unix_ms":%d}`, day)); code != 503 || !strings.Contains(text, "do not answer yet") {
		t.Errorf("got %d %s", code, text)
	}
}
