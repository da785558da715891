package kafka_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tributary-data/tributary/pkg/embedded/harness"
	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/stream"
)

// wire is a network whose answers to fetch requests a test spoils.
type wire struct {
	damage atomic.Int32 // fetch answers with records to damage
	hang   atomic.Bool  // fetch answers do not come
	hung   chan struct{}
	opened atomic.Int32 // connections
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.opened.Add(1)
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &wired{Conn: c, wire: w, closed: make(chan struct{})}, nil
}

// wired is a connection; kafka-go has one request in flight per connection.
type wired struct {
	net.Conn
	wire   *wire
	mu     sync.Mutex
	key    byte // of the request in flight
	until  time.Time
	closed chan struct{}
	once   sync.Once
}

func (c *wired) Write(b []byte) (int, error) {
	if len(b) > 6 {
		c.mu.Lock()
		c.key = b[5]
		c.mu.Unlock()
	}
	return c.Conn.Write(b)
}

func (c *wired) SetDeadline(t time.Time) error {
	c.mu.Lock()
	c.until = t
	c.mu.Unlock()
	return c.Conn.SetDeadline(t)
}

func (c *wired) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *wired) Read(b []byte) (int, error) {
	c.mu.Lock()
	key, until := c.key, c.until
	c.mu.Unlock()
	const fetch = 1
	if key == fetch && c.wire.hang.Load() {
		select {
		case c.wire.hung <- struct{}{}:
		default: // the test has seen enough
		}
		limit := time.NewTimer(time.Until(until))
		defer limit.Stop()
		select { // what a broker does that is stopped: the connection stays, and nothing comes
		case <-limit.C:
		case <-c.closed:
		}
		return 0, context.DeadlineExceeded
	}
	n, err := c.Conn.Read(b)
	if key == fetch && n > 200 && c.wire.damage.Add(-1) >= 0 {
		b[n-5] ^= 0x55 // in the records
	}
	return n, err
}

// spoiled is a client on a spoiled network, with the partition x/0 holding ten records.
func spoiled(t *testing.T) (*wire, *kafka.Client) {
	addr := harness.Broker(t)
	p := producer(t, client(t, addr, kafka.Topic{Name: "x", Partitions: 1}), kafka.ProducerConfig{Topic: "x", Partitions: 1})
	for range 10 {
		write(t, p, 0, "a value of some length, so that an answer with it is long; and so on, and so on, and so on")
	}
	w := &wire{hung: make(chan struct{}, 10)}
	c, err := kafka.NewClient(kafka.Config{Brokers: addr, Timeout: 500 * time.Millisecond, Dial: w.dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return w, c
}

// Ensure that damage on the way is noticed, and that the records come by another try.
func TestDamagedAnswers(t *testing.T) {
	w, c := spoiled(t)
	w.damage.Store(2)
	r := reader(t, c, "x", map[int32]int64{0: 0})
	got := read(t, r.Source(0), 10)
	if len(got) != 10 || w.damage.Load() >= 0 {
		t.Errorf("got %d records, %d answers were left to damage", len(got), w.damage.Load())
	}
}

// Ensure that a batch whose checksum stays wrong stops its partition.
func TestDamagedLog(t *testing.T) {
	w, c := spoiled(t)
	w.damage.Store(1000)
	r := reader(t, c, "x", map[int32]int64{0: 0})
	for b := range r.Source(0).Batches() {
		if len(b.Records) > 0 {
			t.Fatalf("delivered %d records", len(b.Records))
		}
	}
	if h := stream.HaltOf(r.Source(0).Err()); h == nil || h.Reason != stream.ReasonCorrupt {
		t.Errorf("got %v", r.Source(0).Err())
	}
}

// Ensure that a broker that answers no more is given up after the time of a request, and asked again on a new connection.
func TestHungBroker(t *testing.T) {
	w, c := spoiled(t)
	w.hang.Store(true)
	r := reader(t, c, "x", map[int32]int64{0: 0})
	for range 2 { // it is tried again
		<-w.hung
	}
	before := w.opened.Load()
	w.hang.Store(false)
	if got := read(t, r.Source(0), 10); len(got) != 10 {
		t.Errorf("got %d records", len(got))
	}
	if now := w.opened.Load(); now <= before {
		t.Errorf("%d connections were opened, as many as before", now)
	}
}
