package kafka

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrFull says that a lane's queue is full: the caller should shed load.
var ErrFull = errors.New("the produce queue is full")

// ProducerConfig of a producer.
type ProducerConfig struct {
	// Topic to write.
	Topic string
	// Partitions of the topic; each has a lane.
	Partitions int
	// QueueBytes bounds what waits in one lane. Default: 16 MiB
	QueueBytes int
	// OnAck is told of each acknowledged batch: our clock before the request and the broker's append time
	// (zero where the topic stamps none). May be nil.
	OnAck func(sent, appended time.Time)
}

// Producer has one lane per partition of a topic. What arrives while a batch is in flight is the next batch:
// the broker's round trip is the linger.
type Producer struct {
	config ProducerConfig
	lanes  []*queue
}

// queue is one lane's bounded queue.
type queue struct {
	mu      sync.Mutex
	pending []submission
	bytes   int
	wake    chan struct{}
	lane    *lane
	limit   int
}

// submission is one caller's records for one lane.
type submission struct {
	messages []Message
	bytes    int
	done     chan<- error
}

// NewProducer prepares the lanes; Run serves them.
func NewProducer(client *Client, c ProducerConfig) *Producer {
	if c.QueueBytes <= 0 {
		c.QueueBytes = 16 << 20
	}
	if c.OnAck == nil {
		c.OnAck = func(time.Time, time.Time) {}
	}
	p := &Producer{config: c}
	for i := range c.Partitions {
		p.lanes = append(p.lanes, &queue{wake: make(chan struct{}, 1), limit: c.QueueBytes,
			lane: &lane{client: client, topic: c.Topic, partition: i}})
	}
	return p
}

// Run serves all lanes until ctx ends; what is queued then is answered with ctx's error.
func (p *Producer) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, q := range p.lanes {
		wg.Go(func() { q.run(ctx, p.config.OnAck) })
	}
	wg.Wait()
	return nil
}

// Partitions is the number of lanes.
func (p *Producer) Partitions() int { return len(p.lanes) }

// Send queues messages for one partition; done gets exactly one result, and must have room for it. The bytes
// must stay unchanged until then. An error of Send itself means that nothing was queued.
func (p *Producer) Send(partition int, messages []Message, done chan<- error) error {
	q := p.lanes[partition]
	size := 0
	for _, m := range messages {
		size += len(m.Key) + len(m.Value) + 16
	}
	q.mu.Lock()
	if q.bytes > 0 && q.bytes+size > q.limit {
		q.mu.Unlock()
		return ErrFull
	}
	q.pending = append(q.pending, submission{messages: messages, bytes: size, done: done})
	q.bytes += size
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default: // the lane is awake already
	}
	return nil
}

// Write queues messages by partition and waits until all are acknowledged.
func (p *Producer) Write(ctx context.Context, byPartition map[int][]Message) error {
	done := make(chan error, len(byPartition))
	for partition, messages := range byPartition {
		if err := p.Send(partition, messages, done); err != nil {
			return err
		}
	}
	for range byPartition {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (q *queue) run(ctx context.Context, onAck func(sent, appended time.Time)) {
	for {
		select {
		case <-ctx.Done():
			q.fail(ctx.Err())
			return
		case <-q.wake:
		}
		for {
			taken := q.take()
			if len(taken) == 0 {
				break
			}
			err := q.write(ctx, taken, onAck)
			for _, s := range taken {
				s.done <- err
			}
		}
	}
}

// take removes what fits into the next round.
func (q *queue) take() []submission {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.pending
	q.pending, q.bytes = nil, 0
	return taken
}

// write sends the submissions in as few batches as their size allows, in order.
func (q *queue) write(ctx context.Context, taken []submission, onAck func(sent, appended time.Time)) error {
	var batch []Message
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		sent := time.Now()
		a, err := q.lane.write(ctx, batch, sent)
		if err != nil {
			return err
		}
		onAck(sent, a.appendTime)
		batch, size = batch[:0], 0
		return nil
	}
	for _, s := range taken {
		for _, m := range s.messages {
			n := len(m.Key) + len(m.Value) + 16
			if len(batch) > 0 && (size+n > maxBatchBytes || len(batch) >= maxBatchRecords) {
				if err := flush(); err != nil {
					return err
				}
			}
			batch = append(batch, m)
			size += n
		}
	}
	return flush()
}

func (q *queue) fail(err error) {
	for _, s := range q.take() {
		s.done <- err
	}
}
