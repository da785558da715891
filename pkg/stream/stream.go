// Package stream is the core loop: one partition's log folded by one goroutine.
//
// It declares the interfaces that the loop needs and knows neither Kafka nor Pebble nor ClickHouse. The order
// read → apply → write and wait for acks → commit state and next offset together is the whole contract
// (design §3, C3); stopping and crashing are the same path.
package stream

import (
	"context"
	"errors"
)

// Record is one record of a partition's log.
type Record struct {
	// Offset in the log.
	Offset int64
	// AppendTime is the broker's append time, Unix milliseconds; 0 where the topic does not stamp it.
	AppendTime int64
	// Key and Value alias the fetch buffer: a fold that keeps bytes copies them, or its loop does not recycle batches.
	Key, Value []byte
}

// Batch is what one fetch brought for one partition.
type Batch struct {
	Records []Record
	// Next is the offset to read after this batch; it moves over control records too.
	Next int64
	// HighWatermark is the end of the log as the broker knew it.
	HighWatermark int64
	// Topic and LeaderEpoch are part of the position after this batch (Position).
	Topic       [16]byte
	LeaderEpoch int32
	// Release gives the memory of the records back, to be used for later ones. Whoever may still look at them leaves it to
	// the collector. Nil where there is nothing to give.
	Release func()
}

// Source delivers the batches of one partition in order, from the position that it was opened with; the first may be empty and
// tells that the log fits to it.
// Batches closes after a fatal error, which Err then returns.
type Source interface {
	Batches() <-chan Batch
	Err() error
}

// Fold is the deterministic state machine of one partition. It is called by one goroutine only.
type Fold[O any] interface {
	// Apply folds one record in memory. ErrPoison tells that it could not, noted that for the dead letters and changed nothing
	// else. After any other error, or a panic, the fold is thrown away.
	Apply(Record) error
	// Bury passes over a record that Apply failed on twice, for a reason: it notes that for the dead letters and changes nothing else.
	Bury(r Record, why string)
	// Gap passes over the records [from, to), which are not in the log any more and which somebody decided to do without.
	Gap(from, to int64)
	// Flush returns the outputs of every key touched since the last Saved, as absolute values.
	Flush() (O, error)
	// Save puts everything that changed since the last Saved into the batch.
	Save(Batcher) error
	// Saved tells that outputs and state are durable.
	Saved()
	// Watermark that the fold has reached, Unix milliseconds; event.Unseen, the least number, before the first.
	Watermark() int64
}

// ErrPoison says that a fold passed over a record that it cannot read.
var ErrPoison = errors.New("the record cannot be read")

// Sink writes outputs and returns when all of them are acknowledged. It retries by itself until ctx ends.
type Sink[O any] interface {
	Write(ctx context.Context, out O) error
}

// Batcher takes the changes of one commit. Key and value are copied.
type Batcher interface {
	Set(key, value []byte) error
	Delete(key []byte) error
}

// StateReader reads a store by prefix, in key order. Key and value are valid during the call.
type StateReader interface {
	Each(prefix []byte, f func(key, value []byte) error) error
}

// Store keeps a fold's state. Commit writes the changes and the position in one atomic batch.
type Store interface {
	// Position to go on from; Start for an empty store.
	Position() Position
	Commit(at Position, save func(Batcher) error) error
}
