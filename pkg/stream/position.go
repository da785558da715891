package stream

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// Position is where a fold stands in its log, with what it knows of that log: enough to notice that it is another one.
type Position struct {
	// Next is the offset to apply next; 0 before the first commit.
	Next int64
	// Topic is the cluster's id of the topic, which a topic of the same name made later does not have. Zero: not known yet.
	Topic [16]byte
	// LastOffset and LastHash are of the last record that was applied (Hash). LastOffset is −1 before the first.
	LastOffset int64
	LastHash   uint64
	// LeaderEpoch is that of the last batch that was applied; −1: not known.
	LeaderEpoch int32
}

// Start is the position before the first record of a log.
func Start() Position { return Position{LastOffset: -1, LeaderEpoch: -1} }

// From is a position that knows nothing but an offset: for readers that keep no state.
func From(next int64) Position {
	p := Start()
	p.Next = next
	return p
}

// Hash of a record's key and value: XXH64 over the key's length (8 bytes, big endian), the key and the value.
func Hash(r Record) uint64 {
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(r.Key)))
	d := xxhash.New()
	_, _ = d.Write(size[:]) // a hash takes everything
	_, _ = d.Write(r.Key)
	_, _ = d.Write(r.Value)
	return d.Sum64()
}
