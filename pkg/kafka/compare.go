package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/tributary-data/tributary/pkg/stream"
)

// compareOne compares a partition with its log. One that fits is fetched from then on, one that does not is halted, and after
// any other error it is tried again.
func (r *Reader) compareOne(ctx context.Context, p *partition) {
	r.mu.Lock()
	pos, leader, topic := p.position, p.leader, r.topic
	r.mu.Unlock()
	have, err := r.compare(ctx, p, topic, pos, leader)
	r.mu.Lock()
	p.comparing = false
	switch {
	case stream.HaltOf(err) != nil:
		p.end(err)
	case err != nil:
		p.failed(time.Now())
	case p.leader == leader:
		p.compared, p.position.Topic = true, topic
		p.greet(have)
	}
	r.mu.Unlock()
	if stream.HaltOf(err) == nil {
		r.trouble(ctx, err)
	}
	r.look()
}

// compare tells whether a partition's log is the one that its position was taken in, and still holds what comes next. It returns
// what the log holds.
func (r *Reader) compare(ctx context.Context, p *partition, topic [16]byte, pos stream.Position, leader leadership) (Range, error) {
	name := r.name(p)
	if pos.Topic != [16]byte{} && pos.Topic != topic {
		return Range{}, stream.Haltf(stream.ReasonTopic, "topic %s was deleted and made again: it has the id %x, the state at offset %d is of %x", r.config.Topic, topic, pos.Next, pos.Topic)
	}
	have, err := r.client.Range(ctx, r.config.Topic, p.id)
	if err != nil {
		return have, err
	}
	if err := holds(name, pos.Next, have); err != nil {
		return have, err
	}
	if pos.LeaderEpoch >= 0 && have.First < have.Last {
		end, err := r.client.epochEnd(ctx, r.config.Topic, p.id, leader, pos.LeaderEpoch)
		if err != nil {
			return have, err
		}
		if end >= 0 && end < pos.Next {
			return Range{}, stream.Haltf(stream.ReasonDiverged, "%s was cut back and written anew: what its leaders of epoch %d wrote ends at offset %d, the state is at %d", name, pos.LeaderEpoch, end, pos.Next)
		}
	}
	if pos.LastOffset < have.First {
		return have, nil // nothing to compare with, or retention took it
	}
	return have, r.compareLast(ctx, p, topic, pos, leader)
}

// holds tells whether a log can be read on from an offset.
func holds(name string, next int64, have Range) error {
	switch {
	case next < have.First:
		return stream.Haltf(stream.ReasonTrimmed, "%s at offset %d, the log holds %d to %d: %d records that the state needs are gone", name, next, have.First, have.Last, have.First-next)
	case next > have.Last:
		return stream.Haltf(stream.ReasonBeyond, "%s at offset %d, the log holds %d to %d: it lost what the state already has", name, next, have.First, have.Last)
	}
	return nil
}

// compareLast fetches the last record that the state knows and compares its hash.
func (r *Reader) compareLast(ctx context.Context, p *partition, topic [16]byte, pos stream.Position, leader leadership) error {
	req := r.request(topic, leader.broker)
	req.waitMillis = 0
	req.partitions = []fetchPartition{{id: p.id, epoch: leader.epoch, offset: pos.LastOffset}}
	m, err := r.client.roundTrip(ctx, req.message())
	if err != nil {
		return fmt.Errorf("fetch the last known record of %s: %w", r.name(p), err)
	}
	found := false
	err = eachFetched(m, func(f fetched) error {
		if f.code != 0 {
			return fmt.Errorf("fetch the last known record of %s: %w", r.name(p), kafkago.Error(f.code))
		}
		d := &decoder{}
		d.begin(f.aborted)
		recs, _, err := d.decode(f.set, pos.LastOffset, nil)
		if err != nil {
			return fmt.Errorf("fetch the last known record of %s: %w", r.name(p), err)
		}
		found = len(recs) > 0 && recs[0].Offset == pos.LastOffset && stream.Hash(recs[0]) == pos.LastHash
		return nil
	})
	if errors.Is(err, errChecksum) {
		return stream.Haltf(stream.ReasonCorrupt, "%s: %v", r.name(p), err)
	}
	if err == nil && !found {
		err = stream.Haltf(stream.ReasonFingerprint, "%s holds another record at offset %d than the one that the state was made of", r.name(p), pos.LastOffset)
	}
	return err
}
