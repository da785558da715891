package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/tributary-data/tributary/pkg/stream"
)

const (
	// heldBack is the longest wait of a request that leaves a partition out: its fold may take a batch at any moment.
	heldBack = 5 * time.Millisecond
	// damagedAtMost is how often in a row a wrong checksum may be damage on the way.
	damagedAtMost = 5
)

// ask is a partition's part of a request on its way.
type ask struct {
	part   *partition
	turn   int
	offset int64
}

// fetchFrom fetches what one broker leads until it leads nothing any more.
func (r *Reader) fetchFrom(ctx context.Context, broker int32) {
	d := &decoder{pool: &r.memory}
	for ctx.Err() == nil {
		req, asks, idle := r.next(broker)
		switch {
		case idle:
			r.look() // somebody may have become fetchable while this loop was still counted
			return
		case len(asks) == 0:
			_ = wait(ctx, 2*time.Millisecond) // the context's end is looked at above
			continue
		}
		if err := r.fetchOnce(ctx, req, asks, d); err != nil {
			r.unanswered(asks)
			r.trouble(ctx, err)
		}
	}
}

func (r *Reader) request(topic [16]byte, broker int32) *fetchRequest {
	return &fetchRequest{topic: topic, broker: broker, waitMillis: int32(r.config.Wait.Milliseconds()),
		maxBytes: int32(r.config.MaxBytes), partBytes: int32(r.config.PartitionBytes)}
}

// next builds the broker's next request. idle tells that it leads nothing of ours: its loop ends.
func (r *Reader) next(broker int32) (req *fetchRequest, asks map[int32]ask, idle bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	req, asks = r.request(r.topic, broker), map[int32]ask{}
	leads, now := 0, time.Now()
	for _, p := range r.parts { // in no order: so that none starves under MaxBytes
		if !p.fetchable() || p.leader.broker != broker {
			continue
		}
		leads++
		if p.asked || !p.room() || now.Before(p.notBefore) {
			continue
		}
		p.asked = true
		p.turn++
		asks[p.id] = ask{part: p, turn: p.turn, offset: p.position.Next}
		req.partitions = append(req.partitions, fetchPartition{id: p.id, epoch: p.leader.epoch, offset: p.position.Next})
	}
	if leads == 0 {
		delete(r.loops, broker)
		return nil, nil, true
	}
	if leads > len(asks) {
		req.waitMillis = min(req.waitMillis, int32(heldBack.Milliseconds()))
	}
	return req, asks, false
}

// unanswered asks for the leaders of all again.
func (r *Reader) unanswered(asks map[int32]ask) {
	r.mu.Lock()
	for _, a := range asks {
		if a.part.turn == a.turn {
			a.part.failed(time.Now())
		}
	}
	r.mu.Unlock()
	r.look()
}

func (r *Reader) fetchOnce(ctx context.Context, req *fetchRequest, asks map[int32]ask, d *decoder) error {
	// The watchdog of a broker that hangs: the connection is dropped at the deadline.
	limit, cancel := context.WithTimeout(ctx, time.Duration(req.waitMillis)*time.Millisecond+r.client.config.Timeout)
	defer cancel()
	m, err := r.client.transport.RoundTrip(limit, r.client.addr, req.message())
	if err != nil {
		return fmt.Errorf("fetch from broker %d: %w", req.broker, err)
	}
	a, ok := m.(*answer)
	if !ok {
		return fmt.Errorf("fetch from broker %d: answer of type %T", req.broker, m)
	}
	err = eachFetched(a, func(f fetched) error {
		a, ok := asks[f.partition]
		if !ok {
			return fmt.Errorf("broker %d answered for partition %d, which was not asked", req.broker, f.partition)
		}
		if f.code != 0 {
			r.refused(ctx, a, kafkago.Error(f.code))
		} else {
			r.deliver(a, f, d)
		}
		delete(asks, f.partition)
		return nil
	})
	if err == nil && len(asks) > 0 {
		err = fmt.Errorf("broker %d left %d partitions out of its answer", req.broker, len(asks))
	}
	return err
}

// deliver hands a partition's records over.
func (r *Reader) deliver(a ask, f fetched, d *decoder) {
	d.begin(f.aborted)
	recs, next, err := d.decode(f.set, a.offset, nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	p := a.part
	if p.ended || p.turn != a.turn {
		return
	}
	p.asked = false
	if err != nil {
		if p.damaged++; p.damaged >= damagedAtMost {
			p.end(stream.Haltf(stream.ReasonCorrupt, "%s cannot be read on from offset %d, after %d tries: %v", r.name(p), a.offset, p.damaged, err))
			return
		}
		p.failed(time.Now())
		r.look()
		return
	}
	p.damaged, p.failures = 0, 0
	if next == a.offset {
		return
	}
	p.position.Next, p.position.LeaderEpoch = next, max(d.epoch, p.position.LeaderEpoch)
	p.batches <- stream.Batch{Records: recs, Next: next, HighWatermark: f.high, LeaderEpoch: p.position.LeaderEpoch,
		Topic: p.position.Topic, Release: d.handOver()} // room was seen before the request
}

// refused deals with the error of one partition: its leader is asked for again, and its log is compared where it may be
// another one. An answer says neither whether an offset is too low or too high nor what the log holds (kafka4.md §0.7).
func (r *Reader) refused(ctx context.Context, a ask, cause kafkago.Error) {
	r.mu.Lock()
	if p := a.part; p.turn == a.turn {
		p.failed(time.Now())
		p.compared = p.compared && !suspicious(cause)
	}
	r.mu.Unlock()
	r.look()
	r.trouble(ctx, fmt.Errorf("%s: %w", r.name(a.part), cause))
}

// suspicious errors may mean that the log is another one now.
func suspicious(cause kafkago.Error) bool {
	const unknownTopicID, inconsistentTopicID = kafkago.Error(100), kafkago.Error(103)
	for _, e := range []kafkago.Error{kafkago.OffsetOutOfRange, kafkago.UnknownTopicOrPartition, kafkago.FencedLeaderEpoch, kafkago.UnknownLeaderEpoch, unknownTopicID, inconsistentTopicID} {
		if errors.Is(cause, e) {
			return true
		}
	}
	return false
}
