package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tributary-data/tributary/pkg/stream"
)

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

func (c ReaderConfig) withDefaults() ReaderConfig {
	if c.Wait <= 0 {
		c.Wait = 250 * time.Millisecond
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 16 << 20
	}
	if c.PartitionBytes <= 0 {
		c.PartitionBytes = 1 << 20
	}
	return c
}

// Reader fetches partitions of one topic, one loop per broker. Partitions may be opened and closed at any time. One whose fold
// has not yet taken the last batches is left out of the request: that is the back-pressure.
type Reader struct {
	client *Client
	config ReaderConfig
	memory sync.Pool     // of released batches
	poke   chan struct{} // something has to be looked up

	mu    sync.Mutex
	topic [16]byte // as the cluster said last
	parts map[int32]*partition
	loops map[int32]bool // brokers that a loop fetches from
	told  time.Time      // when trouble was told last
	wg    sync.WaitGroup
}

// NewReader prepares a reader. It starts nothing.
func NewReader(client *Client, c ReaderConfig) *Reader {
	return &Reader{client: client, config: c.withDefaults(), poke: make(chan struct{}, 1), parts: map[int32]*partition{}, loops: map[int32]bool{}}
}

// Open reads a partition on from a position. Before the first record the log is compared with what the position knows of it: a
// log that it does not fit to closes the source with a *stream.Halt. A partition is opened once at a time.
func (r *Reader) Open(id int32, from stream.Position) stream.Source {
	p := newPartition(id, from)
	r.mu.Lock()
	if old := r.parts[id]; old != nil {
		old.end(errClosed)
	}
	r.parts[id] = p
	r.mu.Unlock()
	r.look()
	return p
}

// Close ends the source of a partition.
func (r *Reader) Close(id int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.parts[id]; p != nil {
		p.end(errClosed)
		delete(r.parts, id)
	}
}

// look asks for another look at the cluster.
func (r *Reader) look() {
	select {
	case r.poke <- struct{}{}:
	default: // it is asked for already
	}
}

const (
	// lookAgain is how soon a partition that has no leader or waits for its next try is looked at again.
	lookAgain = 100 * time.Millisecond
	// lookAnyway is how often the leaders are asked for though nothing failed: a broker that hangs does not say that it lost its.
	lookAnyway = 5 * time.Second
)

// Run fetches until ctx ends. A partition that failed for good closes its source; the others go on.
func (r *Reader) Run(ctx context.Context) error {
	defer r.endAll(ctx)
	inner, cancel := context.WithCancel(ctx)
	defer r.wg.Wait()
	defer cancel()
	for {
		err := r.arrange(inner)
		r.trouble(ctx, err)
		again := lookAnyway
		if err != nil || r.unsettled() {
			again = lookAgain
		}
		t := time.NewTimer(again)
		select {
		case <-ctx.Done():
		case <-r.poke:
		case <-t.C:
		}
		t.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// endAll closes what is open when Run ends.
func (r *Reader) endAll(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.parts {
		p.end(context.Cause(ctx))
	}
}

// trouble tells what is waited for, at most each ten seconds.
func (r *Reader) trouble(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	news := time.Since(r.told) >= tellEvery
	if news {
		r.told = time.Now()
	}
	r.mu.Unlock()
	if news {
		r.client.config.Waiting(err)
	}
}

// arrange gives every partition to the loop of the broker that leads it, once its log was compared with its position.
func (r *Reader) arrange(ctx context.Context) error {
	if r.none() {
		return nil
	}
	l, err := r.client.describe(ctx, r.config.Topic)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.topic = l.id
	now := time.Now()
	for _, p := range r.parts {
		switch p.led(l); {
		case p.ended || p.comparing || now.Before(p.notBefore):
		case !p.compared && (p.leader.broker >= 0 || p.foreign(l.id)):
			p.comparing = true
			r.wg.Go(func() { r.compareOne(ctx, p) })
		case p.fetchable() && !r.loops[p.leader.broker]:
			broker := p.leader.broker
			r.loops[broker] = true
			r.wg.Go(func() { r.fetchFrom(ctx, broker) })
		}
	}
	return nil
}

func (r *Reader) none() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.parts) == 0
}

// unsettled tells whether a partition waits for a leader, for its next try, or for a loop that fetches it.
func (r *Reader) unsettled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.parts {
		if !p.ended && !p.comparing && !(p.fetchable() && r.loops[p.leader.broker]) {
			return true
		}
	}
	return false
}

// name of a partition, for a person.
func (r *Reader) name(p *partition) string { return fmt.Sprintf("%s/%d", r.config.Topic, p.id) }
