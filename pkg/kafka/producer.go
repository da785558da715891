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

// Producer is one source's way into a topic: it has one lane per partition, which begins with the first message for it. What
// arrives while a batch is in flight is the next batch: the broker's round trip is the linger.
type Producer struct {
	client *Client
	config ProducerConfig

	mu    sync.Mutex
	lanes []*queue
	ctx   context.Context // of Run; nil before, and lanes wait for it
	wg    sync.WaitGroup
}

// queue is one lane's bounded queue.
type queue struct {
	mu      sync.Mutex
	pending []submission
	bytes   int
	ended   error // nobody serves the lane any more
	wake    chan struct{}
	room    chan struct{} // closed when the queue was emptied
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
	return &Producer{client: client, config: c, lanes: make([]*queue, c.Partitions)}
}

// Run serves the lanes until ctx ends; what is queued then, or comes later, is answered with ctx's error. A producer runs once.
func (p *Producer) Run(ctx context.Context) error {
	p.mu.Lock()
	p.ctx = ctx
	for _, q := range p.lanes {
		if q != nil {
			p.serve(q)
		}
	}
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock() // no lane begins any more
	defer p.mu.Unlock()
	p.wg.Wait()
	return nil
}

// serve starts a lane; the lock is held.
func (p *Producer) serve(q *queue) {
	p.wg.Go(func() { q.run(p.ctx, p.config.OnAck) })
}

// to is the lane of a partition.
func (p *Producer) to(partition int) *queue {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.lanes[partition]
	if q == nil {
		q = &queue{wake: make(chan struct{}, 1), room: make(chan struct{}), limit: p.config.QueueBytes,
			lane: &lane{client: p.client, topic: p.config.Topic, partition: partition}}
		p.lanes[partition] = q
		switch {
		case p.ctx == nil: // Run will serve it
		case p.ctx.Err() != nil:
			q.ended = p.ctx.Err()
		default:
			p.serve(q)
		}
	}
	return q
}

// Partitions is the number of lanes.
func (p *Producer) Partitions() int { return len(p.lanes) }

// Send queues messages for one partition; done gets exactly one result, and must have room for it. The bytes
// must stay unchanged until then. An error of Send itself means that nothing was queued: ErrFull asks to shed load.
func (p *Producer) Send(partition int, messages []Message, done chan<- error) error {
	_, err := p.to(partition).put(messages, done)
	return err
}

// Write queues messages by partition, waits for room where there is none, and until all are acknowledged.
func (p *Producer) Write(ctx context.Context, byPartition map[int][]Message) error {
	done := make(chan error, len(byPartition))
	for partition, messages := range byPartition {
		q := p.to(partition)
		for {
			room, err := q.put(messages, done)
			if err == nil {
				break
			}
			if !errors.Is(err, ErrFull) {
				return err
			}
			select {
			case <-room:
			case <-ctx.Done():
				return ctx.Err()
			}
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

// put queues messages. With ErrFull, room closes when it is worth another try.
func (q *queue) put(messages []Message, done chan<- error) (room <-chan struct{}, err error) {
	size := 0
	for _, m := range messages {
		size += len(m.Key) + len(m.Value) + 16
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.ended != nil:
		return nil, q.ended
	case q.bytes > 0 && q.bytes+size > q.limit:
		return q.room, ErrFull
	}
	q.pending = append(q.pending, submission{messages: messages, bytes: size, done: done})
	q.bytes += size
	select {
	case q.wake <- struct{}{}:
	default: // the lane is awake already
	}
	return nil, nil
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
	if len(taken) > 0 {
		close(q.room)
		q.room = make(chan struct{})
	}
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

// fail answers what is queued, and whatever comes later.
func (q *queue) fail(err error) {
	q.mu.Lock()
	q.ended = err
	q.mu.Unlock()
	for _, s := range q.take() {
		s.done <- err
	}
}
