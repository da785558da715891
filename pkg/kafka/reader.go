package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/tributary-data/tributary/pkg/stream"
)

// ErrDataLoss says that the log no longer holds an offset that a fold still needs. Nothing may start over
// silently then (design §3, C4).
var ErrDataLoss = errors.New("the log does not hold the offset that the state needs")

// ReaderConfig of a reader.
type ReaderConfig struct {
	// Topic to read.
	Topic string
	// Wait is how long the broker may hold an empty answer. Default: 250ms
	Wait time.Duration
	// MaxBytes of one answer. Default: 16 MiB
	MaxBytes int
	// PartitionBytes of one partition in an answer. Default: 1 MiB
	PartitionBytes int
}

// Reader fetches many partitions of one topic, one loop per broker. A partition whose fold has not yet taken the
// last batches is left out of the request: that is the back-pressure.
type Reader struct {
	client *Client
	config ReaderConfig
	parts  map[int32]*Partition
	memory sync.Pool // of released batches
}

// Partition is the stream.Source of one partition. One goroutine at a time fetches for it.
type Partition struct {
	id      int32
	next    int64
	batches chan stream.Batch
	closed  atomic.Bool
	err     error // written before closed is set, read after batches closed
}

// Batches delivers in order; it closes after an error.
func (p *Partition) Batches() <-chan stream.Batch { return p.batches }

// Err is why Batches closed.
func (p *Partition) Err() error { return p.err }

func (p *Partition) fail(err error) {
	p.err = err
	p.closed.Store(true)
	close(p.batches)
}

// queued batches per partition: one in the fold's hands, one waiting.
const queued = 2

// NewReader prepares a reader of the partitions, each from its offset. It starts nothing.
func NewReader(client *Client, c ReaderConfig, from map[int32]int64) *Reader {
	if c.Wait <= 0 {
		c.Wait = 250 * time.Millisecond
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 16 << 20
	}
	if c.PartitionBytes <= 0 {
		c.PartitionBytes = 1 << 20
	}
	r := &Reader{client: client, config: c, parts: map[int32]*Partition{}}
	for id, next := range from {
		r.parts[id] = &Partition{id: id, next: next, batches: make(chan stream.Batch, queued)}
	}
	return r
}

// Source is the source of one of the partitions that the reader was made for.
func (r *Reader) Source(id int32) stream.Source { return r.parts[id] }

// Run fetches until ctx ends. A partition that failed for good closes its source; the others go on.
func (r *Reader) Run(ctx context.Context) error {
	defer func() {
		for _, p := range r.parts {
			if !p.closed.Load() {
				p.fail(context.Cause(ctx))
			}
		}
	}()
	backoff := 50 * time.Millisecond
	for ctx.Err() == nil {
		brokers, err := r.leaders(ctx)
		if err == nil {
			backoff = 50 * time.Millisecond
			g, gctx := errgroup.WithContext(ctx)
			for broker, parts := range brokers {
				g.Go(func() error { return r.fetchLoop(gctx, broker, parts) })
			}
			err = g.Wait() // moved leaders and broken connections come back here
		}
		if errors.Is(err, errNoneLeft) {
			return nil
		}
		if wait(ctx, backoff) == nil {
			backoff = min(2*backoff, 2*time.Second)
		}
	}
	return nil
}

var errNoneLeft = errors.New("no partition is left to read")

// leaders groups the live partitions by the broker that leads them.
func (r *Reader) leaders(ctx context.Context) (map[int32][]*Partition, error) {
	res, err := r.client.client.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{r.config.Topic}})
	if err != nil {
		return nil, fmt.Errorf("metadata of %s: %w", r.config.Topic, err)
	}
	out := map[int32][]*Partition{}
	live := 0
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			if own := r.parts[int32(p.ID)]; own != nil && !own.closed.Load() {
				live++
				out[int32(p.Leader.ID)] = append(out[int32(p.Leader.ID)], own)
			}
		}
	}
	if live == 0 && r.allFailed() {
		return nil, errNoneLeft
	}
	return out, nil
}

func (r *Reader) allFailed() bool {
	for _, p := range r.parts {
		if !p.closed.Load() {
			return false
		}
	}
	return true
}

// fetchLoop serves the partitions of one broker until one of them has to be looked up again.
func (r *Reader) fetchLoop(ctx context.Context, broker int32, parts []*Partition) error {
	d := &decoder{pool: &r.memory}
	for {
		req := &fetchRequest{topic: r.config.Topic, broker: broker, waitMillis: int32(r.config.Wait.Milliseconds()),
			maxBytes: int32(r.config.MaxBytes), partBytes: int32(r.config.PartitionBytes)}
		asked := map[int32]*Partition{}
		for _, p := range parts {
			if !p.closed.Load() && len(p.batches) < queued {
				req.partitions = append(req.partitions, fetchPartition{id: p.id, offset: p.next})
				asked[p.id] = p
			}
		}
		if len(req.partitions) == 0 {
			if err := wait(ctx, 2*time.Millisecond); err != nil {
				return err
			}
			if r.allFailed() {
				return errNoneLeft
			}
			continue
		}
		if err := r.fetchOnce(ctx, req, asked, d); err != nil {
			return err
		}
		rotate(parts)
	}
}

// rotate gives another partition the first place in the next answer, so that none starves under MaxBytes.
func rotate(parts []*Partition) {
	if len(parts) > 1 {
		first := parts[0]
		copy(parts, parts[1:])
		parts[len(parts)-1] = first
	}
}

func (r *Reader) fetchOnce(ctx context.Context, req *fetchRequest, asked map[int32]*Partition, d *decoder) error {
	limit, cancel := context.WithTimeout(ctx, r.config.Wait+r.client.config.Timeout)
	defer cancel()
	m, err := r.client.transport.RoundTrip(limit, r.client.addr, req)
	if err != nil {
		return fmt.Errorf("fetch from broker %d: %w", req.broker, err)
	}
	answer, ok := m.(*fetchResponse)
	if !ok {
		return fmt.Errorf("fetch from broker %d: answer of type %T", req.broker, m)
	}
	return answer.each(func(f fetched) error {
		p := asked[f.partition]
		if p == nil {
			return fmt.Errorf("broker %d answered for partition %d, which was not asked", req.broker, f.partition)
		}
		if f.code != 0 {
			return r.partitionError(ctx, p, kafkago.Error(f.code))
		}
		return p.deliver(f, d)
	})
}

func (p *Partition) deliver(f fetched, d *decoder) error {
	recs, next, err := d.decode(f.set, p.next, nil)
	if err != nil {
		return fmt.Errorf("partition %d: %w", p.id, err)
	}
	if next == p.next {
		return nil
	}
	p.next = next
	p.batches <- stream.Batch{Records: recs, Next: next, HighWatermark: f.high, Release: d.handOver()} // room was checked before the request
	return nil
}

// partitionError closes the partition on data loss and asks for new leaders on everything else.
func (r *Reader) partitionError(ctx context.Context, p *Partition, cause kafkago.Error) error {
	if cause != kafkago.OffsetOutOfRange {
		return fmt.Errorf("partition %d: %w", p.id, cause)
	}
	// The answer carries no log start (kafka4.md §0.7): ask before deciding.
	ranges, err := r.client.Offsets(ctx, r.config.Topic, int(p.id)+1)
	if err != nil {
		return err
	}
	have := ranges[p.id]
	if p.next >= have.First && p.next <= have.Last {
		return fmt.Errorf("partition %d: %w", p.id, cause)
	}
	p.fail(fmt.Errorf("%s/%d at offset %d, the log holds %d to %d: %w; set TRIBUTARY_STATE_DIR to an empty folder to fold the log again, if it still has its start", r.config.Topic, p.id, p.next, have.First, have.Last, ErrDataLoss))
	return nil
}
